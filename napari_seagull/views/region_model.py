"""The regions as rows of a table: which of them are shown, in which order, and how they are renamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from napari_seagull.views.region_cells import HEADS, Column, cell_tip, cell_words, sort_key
from napari_seagull.views.region_filter import RowFilter
from napari_seagull.views.rows import RegionRow

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = int(Qt.ItemDataRole.UserRole)


class RegionModel(QAbstractTableModel):
    """The regions as rows of a table, sorted by any column, and only those that pass a filter."""

    rename_wished = Signal(str, str)  # id of the region, new name
    counted = Signal(int, int)  # regions that are shown, of so many

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._given: list[RegionRow] = []
        self._rows: list[RegionRow] = []
        self._order: tuple[Column, bool] | None = None
        self._filter = RowFilter()

    def set_rows(self, rows: Sequence[RegionRow]) -> None:
        """Show these regions; only what differs is told to the view."""
        self._given = list(rows)
        self._show()

    def set_filter(self, wanted: RowFilter) -> None:
        """Show only the regions that pass."""
        self._filter = wanted
        self._show()

    @property
    def counts(self) -> tuple[int, int]:
        """How many regions are shown, and how many there are."""
        return len(self._rows), len(self._given)

    def rows(self) -> list[RegionRow]:
        """The regions that are shown, from top to bottom."""
        return list(self._rows)

    def _show(self) -> None:
        self._replace(self._wanted())
        self.counted.emit(*self.counts)

    def _wanted(self) -> list[RegionRow]:
        return self._sorted([row for row in self._given if self._filter.passes(row)])

    def _replace(self, wanted: list[RegionRow]) -> None:
        if {row.id for row in wanted} != {row.id for row in self._rows}:
            self.beginResetModel()
            self._rows = wanted
            self.endResetModel()
            return
        if [row.id for row in wanted] != [row.id for row in self._rows]:
            self._move(wanted)
        pairs = enumerate(zip(self._rows, wanted, strict=True))
        changed = [line for line, (old, new) in pairs if old is not new and old != new]
        self._rows = wanted
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(Column) - 1))

    def row_at(self, line: int) -> RegionRow:
        """The region in that line."""
        return self._rows[line]

    def lines_of(self, ids: set[str]) -> list[int]:
        """The lines in which those regions stand."""
        return [line for line, row in enumerate(self._rows) if row.id in ids]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many regions."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: ANN401, N802
        """Heads of the columns, and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        word, tip = HEADS[Column(section)]
        return {Qt.ItemDataRole.DisplayRole: word, Qt.ItemDataRole.ToolTipRole: tip}.get(Qt.ItemDataRole(role))

    def data(self, index: Index, role: int = 0) -> Any:  # noqa: ANN401
        """What a cell says."""
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.EditRole:
            return row.name
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_words(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell_tip(row, column)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every cell is selected with its line; the name can be edited."""
        found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return found | Qt.ItemFlag.ItemIsEditable if index.column() == Column.NAME else found

    def setData(self, index: Index, value: Any, role: int = 2) -> bool:  # noqa: ANN401, N802
        """Ask for a new name; the row changes when the owner of the regions says so."""
        name = str(value).strip()
        row = self._rows[index.row()]
        if not name or name == row.name:
            return False
        self.rename_wished.emit(row.id, name)
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by that column; -1 is the order in which the regions were made."""
        self._order = None if column < 0 else (Column(column), order == Qt.SortOrder.DescendingOrder)
        self._move(self._wanted())

    def _move(self, wanted: list[RegionRow]) -> None:
        """Put the same regions into another order; selection and open editors go along."""
        old = {row.id: row for row in self._rows}
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        ids = [self._rows[index.row()].id for index in held]
        self._rows = [old[row.id] for row in wanted]
        lines = {row.id: line for line, row in enumerate(self._rows)}
        moved = [self.index(lines[key], index.column()) for key, index in zip(ids, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _sorted(self, rows: list[RegionRow]) -> list[RegionRow]:
        if self._order is None:
            return list(rows)
        column, descending = self._order
        known = [row for row in rows if sort_key(row, column) is not None]
        unknown = [row for row in rows if sort_key(row, column) is None]
        return [*sorted(known, key=lambda row: sort_key(row, column), reverse=descending), *unknown]
