"""What can be done with the selected regions at once: rename by a pattern, rate, copy, write to a file, delete."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.flow_layout import FlowLayout
from napari_seagull.views.name_pattern import names_of
from napari_seagull.views.palette import quality_rgb
from seagull_iqa.domain.levels import QUALITY_WORDS, level_value

SHOWN_NAMES = 3
"""So many of the new names are shown before they are given."""


class SelectionBar(QWidget):
    """A count, and the deeds; what needs words is asked in a line that unfolds, never in a window."""

    rename_wished = Signal(list)  # new names, in the order of `show_selection`
    rating_wished = Signal(float)  # quality, 0..100
    clean_wished = Signal()
    unrate_wished = Signal()
    copy_wished = Signal()
    file_wished = Signal()
    delete_wished = Signal()
    rate_wished = Signal()  # the labelling mode is to be opened
    tune_wished = Signal()  # the panel that learns from the labels is to be opened

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self.count = QLabel(self)
        self.rename_button = self._button("Rename …", "Give all selected regions a name by a pattern")
        self.label_button = self._button("Set label", "Say how good all selected regions are")
        self.label_button.setMenu(self._rating_menu())
        self.copy_button = self._button("Copy", "Copy these regions for a spreadsheet (Ctrl+C in the table)")
        self.file_button = self._button("CSV …", "Write these regions to a CSV file: the selected ones, else all shown")
        self.delete_button = self._button("Delete", "Delete the selected regions (Delete in the table)")
        self.rate_button = self._button("Rate …", "Label regions quickly, by keys")
        self.tune_button = self._button("Fine-tune …", "Teach the model how you see: it learns from your labels")
        self.line = QWidget(self)
        self.pattern = QLineEdit(self.line)
        self.pattern.setPlaceholderText("Cell {n}")
        self.pattern.setToolTip("{n} counts 1, 2, 3; {nn} counts 01, 02; {name} is the old name")
        self.preview = QLabel(self.line)
        self.preview.setWordWrap(True)
        self.preview.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.give_button = QPushButton("Rename", self.line)
        self._lay_out()
        self._connect()
        self.show_selection([], 0, 0)

    def _lay_out(self) -> None:
        deeds = QWidget(self)
        flow = FlowLayout(deeds, gap=3)
        for button in (
            self.rate_button,
            self.rename_button,
            self.label_button,
            self.copy_button,
            self.file_button,
            self.delete_button,
            self.tune_button,
        ):
            flow.addWidget(button)
        asked = QHBoxLayout()
        asked.setSpacing(6)
        asked.addWidget(self.pattern, 1)
        asked.addWidget(self.give_button)
        inner = QVBoxLayout(self.line)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2)
        inner.addLayout(asked)
        inner.addWidget(self.preview)
        self.line.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.count)
        column.addWidget(deeds)
        column.addWidget(self.line)

    def _connect(self) -> None:
        self.rename_button.clicked.connect(self.ask_names)
        self.pattern.textChanged.connect(self._show_names)
        self.pattern.returnPressed.connect(self._on_give)
        self.give_button.clicked.connect(self._on_give)
        self.copy_button.clicked.connect(self.copy_wished)
        self.file_button.clicked.connect(self.file_wished)
        self.delete_button.clicked.connect(self.delete_wished)
        self.rate_button.clicked.connect(self.rate_wished)
        self.tune_button.clicked.connect(self.tune_wished)

    def show_selection(self, names: Sequence[str], shown: int, given: int) -> None:
        """Say how many regions are selected, by their names, how many are shown, and how many there are."""
        self._names = list(names)
        said = f"{shown} of {given} regions shown" if shown != given else _counted(given)
        self.count.setText(f"{said}, {len(names)} selected" if names else said)
        self.count.setVisible(bool(given))
        for button in (self.rename_button, self.label_button, self.delete_button):
            button.setEnabled(bool(names))
        for button in (self.copy_button, self.file_button):
            button.setEnabled(bool(shown))
        self.rate_button.setEnabled(bool(given))
        if not names:
            self.line.hide()
        self._show_names()

    def ask_names(self) -> None:
        """Unfold the line for the pattern, or fold it away."""
        self.line.setVisible(self.line.isHidden())
        if not self.line.isHidden():
            self.pattern.setFocus()
            self.pattern.selectAll()

    def _show_names(self, *_text: object) -> None:
        pattern = self.pattern.text().strip()
        names = names_of(pattern, self._names)[: SHOWN_NAMES + 1] if pattern else []
        told = ", ".join(names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")
        self.preview.setText(told or "{n} counts, {name} is the old name")
        self.give_button.setEnabled(bool(pattern) and bool(self._names))

    def _on_give(self) -> None:
        if self.pattern.text().strip() and self._names:
            self.rename_wished.emit(names_of(self.pattern.text(), self._names))
            self.line.hide()

    def _rating_menu(self) -> QMenu:
        menu = QMenu(self)
        for index in reversed(range(len(QUALITY_WORDS))):
            value = level_value(index)
            action = menu.addAction(_spot(value), f"{QUALITY_WORDS[index].capitalize()} ({value:.0f})")
            if action is not None:
                action.triggered.connect(lambda _checked=False, value=value: self.rating_wished.emit(value))
        menu.addSeparator()
        clean, none = menu.addAction("Clean: no distortion"), menu.addAction("Take back my label")
        if clean is not None and none is not None:
            clean.triggered.connect(self.clean_wished)
            none.triggered.connect(self.unrate_wished)
        return menu

    def _button(self, words: str, tip: str) -> QPushButton:
        button = QPushButton(self)
        button.setText(words)
        button.setToolTip(tip)
        return button


def _counted(number: int) -> str:
    return "1 region" if number == 1 else f"{number} regions"


def _spot(value: float) -> QIcon:
    pixels = QPixmap(12, 12)
    pixels.fill(QColor(*quality_rgb(value)))
    return QIcon(pixels)
