"""Where the labels come from: this window, and session files of other images."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.tune_rows import SourceRow

MOST_LINES = 6
"""So many are shown before the list scrolls."""


class SourceList(QWidget):
    """One line a source; tells which files are to be added, and which not to be read any more."""

    files_wished = Signal()
    folder_wished = Signal()
    removal_wished = Signal(list)  # keys

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[SourceRow, ...] = ()
        self.list = QListWidget(self)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.files_button = QPushButton("Add files …", self)
        self.files_button.setToolTip("Session files (NAME.seagull.json) of other images")
        self.folder_button = QPushButton("Add folder …", self)
        self.folder_button.setToolTip("All session files in a folder and below it")
        self.remove_button = QPushButton("Leave out", self)
        self.remove_button.setToolTip("Do not learn from the selected files; the files stay as they are")
        line = QHBoxLayout()
        line.setSpacing(4)
        for button in (self.files_button, self.folder_button, self.remove_button):
            line.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.list)
        column.addLayout(line)
        self.files_button.clicked.connect(self.files_wished)
        self.folder_button.clicked.connect(self.folder_wished)
        self.remove_button.clicked.connect(lambda: self.removal_wished.emit(self.chosen()))
        self.list.itemSelectionChanged.connect(self._show_button)
        self.show_rows(())

    def chosen(self) -> list[str]:
        """Keys of the selected files."""
        lines = sorted(self.list.row(item) for item in self.list.selectedItems())
        return [self._rows[line].key for line in lines if self._rows[line].key]

    def show_rows(self, rows: Sequence[SourceRow]) -> None:
        """Show these sources."""
        if tuple(rows) != self._rows:
            self._rows = tuple(rows)
            self.list.clear()
            for row in rows:
                item = QListWidgetItem(f"{row.name}: {row.words}" if row.readable else f"\N{WARNING SIGN} {row.words}")
                item.setToolTip(f"{row.words}\n{row.key}".strip())
                self.list.addItem(item)
        height = max(1, min(len(rows), MOST_LINES)) * (self.fontMetrics().height() + 6) + 6
        self.list.setFixedHeight(height)
        self.list.setVisible(bool(rows))
        self._show_button()

    def _show_button(self) -> None:
        self.remove_button.setVisible(any(row.key for row in self._rows))
        self.remove_button.setEnabled(bool(self.chosen()))
