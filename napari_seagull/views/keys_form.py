"""The keys of the rating mode: shown, changed by pressing another one, checked for clashes, set back."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFocusEvent, QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.rating_keys import DEFAULT_KEYS, RatingKeys, key_name, words_of

TAKES_KEYS = "seagull_takes_keys"
"""A widget with this property gets its keys itself, even while one rates."""

PRESS = "press a key …"
VISIBLE_ROWS = 8


class KeyTable(QTableWidget):
    """What can be done, and its key; a double click listens for another one."""

    key_pressed = Signal(str, str)  # name of the deed, name of the key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(len(DEFAULT_KEYS), 2, parent)
        self._names = list(DEFAULT_KEYS)
        self._listening = ""
        self._keys = RatingKeys()
        self.setHorizontalHeaderLabels(["What", "Key"])
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab leads on; arrows go through the rows
        self.setProperty(TAKES_KEYS, False)
        if (lines := self.verticalHeader()) is not None:
            lines.setVisible(False)
            lines.setDefaultSectionSize(self.fontMetrics().height() + 6)
            self.setFixedHeight((VISIBLE_ROWS + 1) * (self.fontMetrics().height() + 6) + 8)
        if (heads := self.horizontalHeader()) is not None:
            heads.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.itemDoubleClicked.connect(lambda item: self.listen(self._names[item.row()]))

    def show_keys(self, keys: RatingKeys) -> None:
        """Show these keys."""
        self._keys = keys
        self._listening = ""
        self.setProperty(TAKES_KEYS, False)
        for line, name in enumerate(self._names):
            self.setItem(line, 0, QTableWidgetItem(words_of(name)))
            self.setItem(line, 1, QTableWidgetItem(keys.keys[name]))

    def listen(self, name: str) -> None:
        """The next key that is pressed becomes the one of that deed."""
        self.show_keys(self._keys)
        line = self._names.index(name)
        self._listening = name
        self.setProperty(TAKES_KEYS, True)
        self.selectRow(line)
        if (cell := self.item(line, 1)) is not None:
            cell.setText(PRESS)
        self.setFocus()

    def chosen(self) -> str:
        """The deed of the selected line; "" for none."""
        return self._names[self.currentRow()] if self.currentRow() >= 0 else ""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Tell the key that was waited for."""
        if event is None or not self._listening:
            super().keyPressEvent(event)
            return
        event.accept()
        name = key_name(event)
        if name:
            self.key_pressed.emit(self._listening, name)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:  # noqa: N802
        """Whoever goes elsewhere wanted no other key."""
        if self._listening:
            self.show_keys(self._keys)
        super().focusOutEvent(event)


class KeysForm(QWidget):
    """The table, why a key cannot be taken, and the way back to the keys that the plugin came with."""

    changed = Signal(object)  # RatingKeys

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = RatingKeys()
        self.table = KeyTable(self)
        self.change_button = QPushButton("Change key", self)
        self.change_button.setToolTip("Then press the new key; a double click on a line does the same")
        self.reset_button = QPushButton("Set back", self)
        self.reset_button.setToolTip("The keys that the plugin came with")
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.problem.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        line = QHBoxLayout()
        line.addWidget(self.change_button)
        line.addWidget(self.reset_button)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.table)
        column.addWidget(self.problem)
        column.addLayout(line)
        self.table.key_pressed.connect(self._on_key_pressed)
        self.change_button.clicked.connect(lambda: self.table.listen(self.table.chosen() or next(iter(DEFAULT_KEYS))))
        self.reset_button.clicked.connect(lambda: self._take(RatingKeys()))
        self.show_keys(RatingKeys())

    def show_keys(self, keys: RatingKeys) -> None:
        """Show these keys."""
        self._keys = keys
        self.table.show_keys(keys)
        self.problem.hide()

    def _on_key_pressed(self, name: str, key: str) -> None:
        wanted = self._keys.with_key(name, key)
        if problems := wanted.clashes():
            self.table.show_keys(self._keys)
            self.problem.setText(f"{problems[0]} The key stays as it was.")
            self.problem.show()
        else:
            self._take(wanted)

    def _take(self, keys: RatingKeys) -> None:
        self.show_keys(keys)
        self.changed.emit(keys)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
