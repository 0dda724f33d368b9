"""Who rates, in which order, and with which habits."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_seagull.views.flow_layout import FlowLayout
from napari_seagull.views.rate_settings import Order, RateSettings
from seagull_iqa.domain.annotation import MAX_AUTHOR

TIPS = {
    Order.UNCERTAIN: "The region with the widest interval comes next: there your label teaches the model most",
    Order.LISTED: "The regions come in the order in which they were made",
}


class RateSetup(QWidget):
    """Name and order in one line, habits in the next."""

    changed = Signal(object)  # RateSettings
    pairs_wished = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = RateSettings()
        self.author = QLineEdit(self)
        self.author.setPlaceholderText("Your name")
        self.author.setMaxLength(MAX_AUTHOR)
        self.author.setToolTip("Stands beside every label of yours; may be empty")
        self.mode = QComboBox(self)
        self.mode.addItems(["One by one", "In pairs"])
        self.mode.setToolTip("Rate one region after the other, or say which of two is better")
        self.order = QComboBox(self)
        for order, tip in TIPS.items():
            self.order.addItem(order.value, order.value)
            self.order.setItemData(self.order.count() - 1, tip, 3)
        self.order.setToolTip("Which region comes next")
        self.quick = QCheckBox("Go on after quality", self)
        self.quick.setToolTip("A quality given by key keeps the label and shows the next region; say all else first")
        self.again = QCheckBox("Rated ones again", self)
        self.again.setToolTip("Regions that you have rated come again")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.author, 3)
        line.addWidget(self.mode, 2)
        line.addWidget(self.order, 3)
        habits = QWidget(self)
        flow = FlowLayout(habits, gap=8)
        flow.addWidget(self.quick)
        flow.addWidget(self.again)
        for box in (self.mode, self.order):
            box.setMinimumContentsLength(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(habits)

    def _connect(self) -> None:
        self.author.textEdited.connect(self._tell)
        self.author.returnPressed.connect(self.author.clearFocus)
        self.mode.activated.connect(lambda index: self.pairs_wished.emit(index == 1))
        self.order.activated.connect(self._tell)
        self.quick.toggled.connect(self._tell)
        self.again.toggled.connect(self._tell)

    def show_settings(self, settings: RateSettings) -> None:
        """Show these."""
        self._settings = settings
        if self.author.text() != settings.author:
            self.author.setText(settings.author)
        self.order.setCurrentIndex(list(Order).index(settings.order))
        for box, checked in ((self.quick, settings.quick), (self.again, settings.again)):
            blocked = box.blockSignals(True)
            box.setChecked(checked)
            box.blockSignals(blocked)

    def show_pairs(self, *, pairs: bool) -> None:
        """Show whether one region is rated or two are compared."""
        self.mode.setCurrentIndex(1 if pairs else 0)
        self.quick.setVisible(not pairs)
        self.again.setVisible(not pairs)

    def _tell(self, *_value: object) -> None:
        order = list(Order)[self.order.currentIndex()]
        made = replace(self._settings, author=self.author.text().strip(), order=order)
        self._settings = replace(made, again=self.again.isChecked(), quick=self.quick.isChecked())
        self.changed.emit(self._settings)
