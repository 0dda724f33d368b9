"""Regions out of a map: below or above which value, how large at least, how many that gives, and make them."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.flow_layout import FlowLayout
from seagull_iqa.imaging.map_regions import Threshold

LEAST_AREA_SHARE = 0.0005
"""Of the image: regions smaller than this are left out at first."""

BUTTONS = 56
"""Px that napari's style gives to the two buttons of a spin box, and to the air in it."""

MOST_AREA = 2_000_000_000


class ThresholdForm(QWidget):
    """One line that reads like a sentence, the count, and the button that makes the regions."""

    changed = Signal()
    make_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side = QComboBox(self)
        self.side.addItem("below", True)
        self.side.addItem("above", False)
        self.value = QDoubleSpinBox(self)
        self.value.setToolTip("The threshold, in the unit of the map")
        self.area = QSpinBox(self)
        self.area.setRange(1, MOST_AREA)
        self.area.setSuffix(" px")
        self.area.setGroupSeparatorShown(True)
        self.area.setToolTip("Smaller regions are left out")
        for spin, digits in ((self.value, "00.00"), (self.area, "000,000 px")):
            # As wide as its number and its two buttons, so that the sentence fits onto one line of a usual panel.
            spin.setFixedWidth(self.fontMetrics().horizontalAdvance(digits) + BUTTONS)
        self.preview = QCheckBox("Preview", self)
        self.preview.setToolTip("Outline on the canvas what would become regions")
        self.preview.setChecked(True)
        self.count = QLabel(self)
        self.count.setWordWrap(True)
        self.make_button = QPushButton("Make regions", self)
        self.make_button.setToolTip("Each connected part becomes a region and is scored; one undo takes all back")
        self._quiet = False
        self._lay_out()
        self._connect()
        self.show_limits((0.0, 100.0))
        self.show_count(None, 0.0)

    def _lay_out(self) -> None:
        sentence = QWidget(self)
        line = FlowLayout(sentence, gap=4)
        for part in (QLabel("Everything", self), self.side, self.value, QLabel("at least", self), self.area):
            part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            line.addWidget(part)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        foot.addWidget(self.count, 1)
        foot.addWidget(self.preview)
        foot.addWidget(self.make_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(sentence)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.side.currentIndexChanged.connect(self._on_changed)
        self.value.valueChanged.connect(self._on_changed)
        self.area.valueChanged.connect(self._on_changed)
        self.preview.toggled.connect(self._on_changed)
        self.make_button.clicked.connect(self.make_wished)

    def _on_changed(self, *_value: object) -> None:
        if not self._quiet:
            self.changed.emit()

    def wanted(self) -> Threshold:
        """What is filled in."""
        return Threshold(self.value.value(), bool(self.side.currentData()), self.area.value())

    def show_limits(self, limits: tuple[float, float], *, low_is_bad: bool = True) -> None:
        """Take over the unit of another map: what is bad is chosen."""
        low, high = limits
        self._quiet = True
        self.value.setDecimals(0 if high - low > 20 else 2)
        self.value.setSingleStep((high - low) / 100.0)
        self.value.setRange(low, high)
        self.value.setValue(low + (0.4 if low_is_bad else 0.5) * (high - low))
        self.side.setCurrentIndex(0 if low_is_bad else 1)
        self._quiet = False

    def show_image(self, shape: tuple[int, int]) -> None:
        """Suggest the least area for an image of that height and width."""
        self._quiet = True
        self.area.setValue(max(1, round(shape[0] * shape[1] * LEAST_AREA_SHARE)))
        self._quiet = False

    def show_value(self, value: float) -> None:
        """Fill in another threshold, as if the person had."""
        self.value.setValue(value)

    def show_count(self, count: int | None, share: float) -> None:
        """Say how many regions that gives and how much of the image they cover; None while nothing is known."""
        self.make_button.setEnabled(bool(count))
        if not count:
            self.count.setText("" if count is None else "No part of the image.")
            self.make_button.setText("Make regions")
            return
        words = f"{count:,} {'region' if count == 1 else 'regions'}"
        self.count.setText(f"{words}, {share:.1%} of the image")
        self.make_button.setText(f"Make {words}")
