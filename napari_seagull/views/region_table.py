"""The list of regions: sorted by any column, selects and is selected; renames, deletes, zooms."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QPainter, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_seagull.views.bars import paint_bar
from napari_seagull.views.palette import hex_code, quality_rgb
from napari_seagull.views.region_model import ROW_ROLE, Column, Index, RegionModel
from napari_seagull.views.rows import RegionRow

WIDTHS = {Column.NAME: 88, Column.QUALITY: 88, Column.INTERVAL: 60, Column.IMPORTANCE: 40, Column.STATE: 70}
FINDINGS_WIDTH = 110


class RegionTable(QTableView):
    """The list of regions; tells what the user wishes and changes nothing itself."""

    selection_wished = Signal(list)  # ids
    zoom_wished = Signal(str)  # id
    delete_wished = Signal(list)  # ids
    rename_wished = Signal(str, str)  # id, new name

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.regions = RegionModel(self)
        self.setModel(self.regions)
        self.regions.rename_wished.connect(self.rename_wished)
        self.setItemDelegateForColumn(Column.NAME, SwatchDelegate(self))
        self.setItemDelegateForColumn(Column.QUALITY, BarDelegate(self))
        self._set_up_rows()
        self._set_up_columns()
        self._connect()

    def _set_up_rows(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
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
        """Let the findings take what the other columns leave; below a width that can be read, scroll."""
        super().resizeEvent(event)
        port = self.viewport()
        left = (0 if port is None else port.width()) - sum(self.columnWidth(column) for column in WIDTHS)
        self.setColumnWidth(Column.FINDINGS, max(FINDINGS_WIDTH, left))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Delete and Backspace delete the selected regions."""
        ids = self.selected_ids()
        if event is not None and ids and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_wished.emit(ids)
            event.accept()
            return
        super().keyPressEvent(event)

    def show_rows(self, rows: Sequence[RegionRow]) -> None:
        """Show these regions; what was selected stays selected."""
        ids = self.selected_ids()
        self.regions.set_rows(rows)
        if self.selected_ids() != ids:
            self.select(ids)

    def selected_ids(self) -> list[str]:
        """Ids of the selected regions, from top to bottom."""
        chosen = self.selectionModel()
        lines = [] if chosen is None else sorted(index.row() for index in chosen.selectedRows())
        return [self.regions.row_at(line).id for line in lines]

    def select(self, ids: Collection[str]) -> None:
        """Select these regions, without telling that the user wished it."""
        chosen = self.selectionModel()
        if chosen is None or set(ids) == set(self.selected_ids()):
            return
        lines = self.regions.lines_of(set(ids))
        selection = QItemSelection()
        for line in lines:
            selection.select(self.regions.index(line, 0), self.regions.index(line, len(Column) - 1))
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
        self.selection_wished.emit(self.selected_ids())

    def _on_double_click(self, index: QModelIndex) -> None:
        self.zoom_wished.emit(self.regions.row_at(index.row()).id)

    def _on_menu_requested(self, place: QPoint) -> None:
        ids, port = self.selected_ids(), self.viewport()
        if not ids or port is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        zoom, rename, delete = (menu.addAction(word) for word in ("Zoom to region", "Rename", "Delete"))
        if zoom is not None and rename is not None and delete is not None:
            zoom.triggered.connect(lambda: self.zoom_wished.emit(ids[0]))
            rename.triggered.connect(lambda: self.rename(ids[0]))
            delete.triggered.connect(lambda: self.delete_wished.emit(ids))
        menu.popup(port.mapToGlobal(place))


class BarDelegate(QStyledItemDelegate):
    """A cell with the number of the score, and the score as a bar."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, RegionRow):
            return
        _paint_background(painter, option)
        if row.report is None or row.report.quality is None:
            return
        ink = _ink(option)
        rect = QRectF(option.rect).adjusted(4, 0, -6, 0)
        painter.save()
        painter.setPen(ink)
        box = QRectF(rect.left(), rect.top(), 24.0, rect.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, index.data())
        painter.restore()
        height = min(12.0, rect.height() - 8)
        bar = QRectF(rect.left() + 30, rect.center().y() - height / 2, rect.width() - 30, height)
        quality = row.report.quality
        paint_bar(painter, bar, quality, row.report.quality_interval, quality_rgb(quality), ink)


class SwatchDelegate(QStyledItemDelegate):
    """A cell with the name, after a spot in the colour that the region has on the canvas."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, RegionRow):
            return
        _paint_background(painter, option)
        quality = None if row.report is None else row.report.quality
        rect = QRectF(option.rect).adjusted(5, 0, -4, 0)
        spot = QRectF(rect.left(), rect.center().y() - 5, 10, 10)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(hex_code(quality_rgb(quality))))
        painter.drawRoundedRect(spot, 2.0, 2.0)
        painter.setPen(_ink(option))
        name = rect.adjusted(16, 0, 0, 0)
        told = option.fontMetrics.elidedText(row.name, Qt.TextElideMode.ElideRight, int(name.width()))
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, told)
        painter.restore()


def _paint_background(painter: QPainter, option: QStyleOptionViewItem) -> None:
    table = option.widget
    marked = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
    style = None if table is None or not option.state & marked else table.style()  # the sheet is slow, and rows many
    if style is not None:
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, table)


def _ink(option: QStyleOptionViewItem) -> QColor:
    table = option.widget
    return option.palette.text().color() if table is None else table.palette().color(table.foregroundRole())
