"""What spoils the region: one chip a finding, its colour and word the severity."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_seagull.views.flow_layout import FlowLayout
from napari_seagull.views.palette import CLEAN, RGB, SEVERITY_COLORS, hex_code, ink_on
from seagull_iqa.domain.distortion import Finding


class FindingChips(QWidget):
    """The findings of one report, worst first; "clean" where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = FlowLayout(self)
        self._flow.setContentsMargins(5, 0, 0, 0)  # as far in as the words above and below
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_findings(self, findings: tuple[Finding, ...] | None) -> None:
        """Draw one chip a finding; () draws "clean", None draws nothing."""
        self._clear()
        if findings is None:
            return
        for finding in findings:
            tip = f"{finding.distortion.value}: {finding.severity.word}, {int(finding.severity)} of 5"
            self._add(str(finding), SEVERITY_COLORS[finding.severity], tip)
        if not findings:
            self._add("clean", CLEAN, "No distortion was found.")
        self.updateGeometry()

    def words(self) -> list[str]:
        """What the chips say, in order."""
        return [chip.text() for chip in self.findChildren(QLabel) if chip.isVisibleTo(self)]

    def _add(self, words: str, color: RGB, tip: str) -> None:
        chip = QLabel(words, self)
        chip.setToolTip(tip)
        chip.setStyleSheet(
            f"background-color: {hex_code(color)}; color: {hex_code(ink_on(color))};"
            "border-radius: 8px; padding: 1px 8px 2px 8px;"
        )
        self._flow.addWidget(chip)
        chip.show()

    def _clear(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (chip := item.widget()) is not None:
                chip.hide()
                chip.setParent(None)
                chip.deleteLater()
