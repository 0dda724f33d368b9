"""How often each distortion is named: a chip each, faint where it never is."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_seagull.views.flow_layout import FlowLayout
from napari_seagull.views.palette import CLEAN, SEVERITY_COLORS, hex_code, ink_on
from seagull_iqa.domain.distortion import Distortion, Severity

CLEAN_NAME = "clean"
EMPTY = "background-color: transparent; border: 1px dashed rgba(128, 128, 128, 160);"


class CountChips(QWidget):
    """All distortions and "clean", in a fixed order, each with its number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        flow = FlowLayout(self, gap=4)
        self.chips: dict[str, QLabel] = {}
        for name in (*(each.value for each in Distortion), CLEAN_NAME):
            self.chips[name] = QLabel(self)
            flow.addWidget(self.chips[name])
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_counts({})

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show how many labels name each."""
        for name, chip in self.chips.items():
            many = counts.get(name, 0)
            chip.setText(f"{name} {many}")
            chip.setToolTip(f"{many} labels say {name}" if many else f"No label says {name} yet")
            color = CLEAN if name == CLEAN_NAME else SEVERITY_COLORS[Severity.MODERATE]
            ground = f"background-color: {hex_code(color)}; color: {hex_code(ink_on(color))};"
            look = f"{ground} border: 1px solid transparent;" if many else EMPTY
            chip.setStyleSheet(f"{look} border-radius: 8px; padding: 0px 7px 1px 7px;")
        self.updateGeometry()

    def words(self) -> list[str]:
        """What the chips say, in order."""
        return [chip.text() for chip in self.chips.values()]
