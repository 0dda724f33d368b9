"""The regions as rows of a table: what each cell says, in which order, and how it is renamed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from napari_seagull.views.rows import RegionRow, RowState
from seagull_iqa.domain.levels import importance_word, quality_word
from seagull_iqa.domain.report import Interval

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = int(Qt.ItemDataRole.UserRole)


class Column(IntEnum):
    """The columns, from left to right."""

    NAME = 0
    QUALITY = 1
    INTERVAL = 2
    IMPORTANCE = 3
    STATE = 4
    FINDINGS = 5


HEADS = {
    Column.NAME: ("Region", "Name; F2 renames"),
    Column.QUALITY: ("Quality", "0 bad … 100 excellent"),
    Column.INTERVAL: ("80 %", "The true quality lies in here with a probability of 80 %"),
    Column.IMPORTANCE: ("Imp.", "Importance to the quality of the whole image: 0 … 100"),
    Column.STATE: ("State", "How far the region is"),
    Column.FINDINGS: ("Findings", "Distortions, worst first"),
}


class RegionModel(QAbstractTableModel):
    """The regions as rows of a table, sorted by any column."""

    rename_wished = Signal(str, str)  # id of the region, new name

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._given: list[RegionRow] = []
        self._rows: list[RegionRow] = []
        self._order: tuple[Column, bool] | None = None

    def set_rows(self, rows: Sequence[RegionRow]) -> None:
        """Show these regions; only what differs is told to the view."""
        self._given = list(rows)
        wanted = self._sorted(self._given)
        if {row.id for row in wanted} != {row.id for row in self._rows}:
            self.beginResetModel()
            self._rows = wanted
            self.endResetModel()
            return
        if [row.id for row in wanted] != [row.id for row in self._rows]:
            self._move(wanted)
        changed = [i for i, (old, new) in enumerate(zip(self._rows, wanted, strict=True)) if old != new]
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
            return row.problem or _tip(row, column)
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
        self._move(self._sorted(self._given))

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
        known = [row for row in rows if _sort_key(row, column) is not None]
        unknown = [row for row in rows if _sort_key(row, column) is None]
        return [*sorted(known, key=lambda row: _sort_key(row, column), reverse=descending), *unknown]


def cell_words(row: RegionRow, column: Column) -> str:
    """What that cell of the row says."""
    report = row.report
    if column == Column.NAME:
        return row.name
    if column == Column.STATE:
        return row.state.value
    if report is None:
        return ""
    if column == Column.QUALITY:
        return _number(report.quality)
    if column == Column.INTERVAL:
        return _interval(report.quality_interval)
    if column == Column.IMPORTANCE:
        return _number(report.importance)
    if report.findings is None:
        return ""
    return ", ".join(str(finding) for finding in report.findings) or "clean"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.0f} \N{EN DASH} {interval[1]:.0f}"


def _tip(row: RegionRow, column: Column) -> str:
    report = row.report
    if report is None:
        return ""
    if column == Column.QUALITY and report.quality is not None:
        return f"Quality {report.quality:.1f}: {quality_word(report.quality)}"
    if column == Column.IMPORTANCE and report.importance is not None:
        return f"Importance {report.importance:.1f}: {importance_word(report.importance)}"
    return report.text


def _sort_key(row: RegionRow, column: Column) -> Any:  # noqa: ANN401
    """What a column is sorted by; None (always last) where nothing is known."""
    report = row.report
    if column == Column.NAME:
        return _natural(row.name)
    if column == Column.STATE:
        return list(RowState).index(row.state)
    if report is None:
        return None
    if column == Column.INTERVAL:
        return None if report.quality_interval is None else report.quality_interval[1] - report.quality_interval[0]
    if column == Column.FINDINGS:
        return None if report.findings is None else tuple(int(f.severity) for f in report.findings)
    return report.quality if column == Column.QUALITY else report.importance


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """"Region 2" before "Region 10"."""
    words: list[str] = []
    for letter in name.casefold():
        if words and words[-1][-1].isdigit() == letter.isdigit():
            words[-1] += letter
        else:
            words.append(letter)
    return tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words)
