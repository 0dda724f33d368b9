"""The list of regions: sorted by any column, filtered, selects and is selected; renames, deletes, zooms, copies."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QMenu, QTableView, QWidget

from napari_seagull.views.region_cells import Column
from napari_seagull.views.region_delegates import BarDelegate, ChipDelegate, HumanDelegate, SwatchDelegate
from napari_seagull.views.region_export import as_tsv
from napari_seagull.views.region_filter import RowFilter
from napari_seagull.views.region_model import RegionModel
from napari_seagull.views.rows import RegionRow

WIDTHS = {
    Column.NAME: 88,
    Column.QUALITY: 84,
    Column.HUMAN: 56,
    Column.STATE: 68,
    Column.IMPORTANCE: 40,
    Column.INTERVAL: 60,
}
FINDINGS_WIDTH = 116
SPARED = (Column.INTERVAL, Column.IMPORTANCE, Column.STATE)
"""These go, one after the other, where there is no room; bar and card say the same."""

NO_REGIONS = "No region yet. Draw one with a tool,\nor find some with a click."
NONE_PASS = "No region passes the filter.\n“Reset” under “Filter” shows all of them."


class RegionTable(QTableView):
    """The list of regions; tells what the user wishes and changes nothing itself."""

    selection_wished = Signal(list)  # ids
    zoom_wished = Signal(str)  # id
    delete_wished = Signal(list)  # ids
    rename_wished = Signal(str, str)  # id, new name
    pattern_wished = Signal()  # several regions are to be renamed at once

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.regions = RegionModel(self)
        self.setModel(self.regions)
        self.regions.rename_wished.connect(self.rename_wished)
        self.setItemDelegateForColumn(Column.NAME, SwatchDelegate(self))
        self.setItemDelegateForColumn(Column.QUALITY, BarDelegate(self))
        self.setItemDelegateForColumn(Column.HUMAN, HumanDelegate(self))
        self.setItemDelegateForColumn(Column.FINDINGS, ChipDelegate(self))
        self._chosen: list[str] = []
        self._set_up_rows()
        self._set_up_columns()
        self._connect()

    def _set_up_rows(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)  # Tab leads on; arrows go through the rows
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMinimumHeight(110)
        if (lines := self.verticalHeader()) is not None:
            lines.setVisible(False)
            lines.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            lines.setDefaultSectionSize(self.fontMetrics().height() + 8)

    def _set_up_columns(self) -> None:
        heads = self.horizontalHeader()
        if heads is None:
            return
        heads.setHighlightSections(False)
        heads.setStretchLastSection(False)
        heads.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        heads.setSortIndicatorClearable(True)
        self.setSortingEnabled(True)
        heads.setMinimumSectionSize(30)
        heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)

    def _connect(self) -> None:
        self.doubleClicked.connect(self._on_double_click)
        if (chosen := self.selectionModel()) is not None:
            chosen.selectionChanged.connect(self._on_selection_changed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for some six regions."""
        return QSize(420, 190)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Let the findings take what the other columns leave; columns that can be spared go where it is narrow."""
        super().resizeEvent(event)
        port = self.viewport()
        width, needed = (0 if port is None else port.width()), sum(WIDTHS.values()) + FINDINGS_WIDTH
        for column in SPARED:
            self.setColumnHidden(column, needed > width)
            needed -= WIDTHS[column] if needed > width else 0
        self.setColumnWidth(Column.FINDINGS, max(FINDINGS_WIDTH, FINDINGS_WIDTH + width - needed))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Where there is no row, say what to do."""
        super().paintEvent(event)
        shown, given = self.regions.counts
        port = self.viewport()
        if shown or port is None:
            return
        painter = QPainter(port)
        ink = self.palette().color(self.foregroundRole())
        ink.setAlpha(170)
        painter.setPen(ink)
        painter.drawText(port.rect(), Qt.AlignmentFlag.AlignCenter, NONE_PASS if given else NO_REGIONS)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Delete and Backspace delete the selected regions, Ctrl+C copies them."""
        ids = self.selected_ids()
        if event is not None and ids and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_wished.emit(ids)
            event.accept()
            return
        if event is not None and event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            event.accept()
            return
        super().keyPressEvent(event)

    def show_rows(self, rows: Sequence[RegionRow]) -> None:
        """Show these regions; what was selected stays selected."""
        self.regions.set_rows(rows)
        self._select_again()

    def show_only(self, wanted: RowFilter) -> None:
        """Show only the regions that pass that filter; what was selected is selected again when it is shown again."""
        self.regions.set_filter(wanted)
        self._select_again()

    def selected_ids(self) -> list[str]:
        """Ids of the selected regions, from top to bottom."""
        chosen = self.selectionModel()
        lines = [] if chosen is None else sorted(index.row() for index in chosen.selectedRows())
        return [self.regions.row_at(line).id for line in lines]

    def rows_to_export(self) -> list[RegionRow]:
        """The selected regions, from top to bottom; all that are shown where none is selected."""
        ids, rows = set(self.selected_ids()), self.regions.rows()
        return [row for row in rows if row.id in ids] if ids else rows

    def copy(self) -> None:
        """Put the selected regions onto the clipboard, as spreadsheets paste them."""
        if (board := QApplication.clipboard()) is not None:
            board.setText(as_tsv(self.rows_to_export()))

    def select(self, ids: Collection[str]) -> None:
        """Select these regions, without telling that the user wished it."""
        self._chosen = list(ids)
        self._select_again()

    def _select_again(self) -> None:
        chosen = self.selectionModel()
        lines = self.regions.lines_of(set(self._chosen))
        if chosen is None or lines == sorted(index.row() for index in chosen.selectedRows()):
            return
        selection = QItemSelection()
        for first, last in _runs(lines):
            selection.select(self.regions.index(first, 0), self.regions.index(last, len(Column) - 1))
        blocked = self.blockSignals(True)
        chosen.selectionChanged.disconnect(self._on_selection_changed)
        chosen.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if lines:
            chosen.setCurrentIndex(self.regions.index(lines[0], 0), QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(self.regions.index(lines[0], 0))
        chosen.selectionChanged.connect(self._on_selection_changed)
        self.blockSignals(blocked)

    def rename(self, region: str) -> None:
        """Open the editor on the name of that region."""
        for line in self.regions.lines_of({region}):
            self.edit(self.regions.index(line, Column.NAME))

    def _on_selection_changed(self) -> None:
        self._chosen = self.selected_ids()
        self.selection_wished.emit(list(self._chosen))

    def _on_double_click(self, index: QModelIndex) -> None:
        self.zoom_wished.emit(self.regions.row_at(index.row()).id)

    def _on_menu_requested(self, place: QPoint) -> None:
        ids, port = self.selected_ids(), self.viewport()
        if not ids or port is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        deeds = {
            "Zoom to region": lambda: self.zoom_wished.emit(ids[0]),
            "Rename": lambda: self.rename(ids[0]) if len(ids) == 1 else self.pattern_wished.emit(),
            "Copy": self.copy,
            "Delete": lambda: self.delete_wished.emit(ids),
        }
        for words, deed in deeds.items():
            if (action := menu.addAction(words)) is not None:
                action.triggered.connect(deed)
        menu.popup(port.mapToGlobal(place))


def _runs(lines: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours in ascending lines."""
    found: list[tuple[int, int]] = []
    for line in lines:
        if found and found[-1][1] == line - 1:
            found[-1] = (found[-1][0], line)
        else:
            found.append((line, line))
    return found
