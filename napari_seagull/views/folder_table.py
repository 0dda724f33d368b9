"""The list of images: small pictures that come as they are seen, quality as a bar; sorted by any column, searched."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QIcon, QImage, QKeyEvent, QPainter, QPaintEvent, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_seagull.views.bars import paint_bar
from napari_seagull.views.folder_rows import ImageRow, Review
from napari_seagull.views.palette import quality_rgb
from napari_seagull.views.region_delegates import ink_of, paint_background

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE, SORT_ROLE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
ICON = 40
"""Side of a small picture, in px."""

NO_FOLDER = "No folder yet. Choose one,\nor drop it here."
NONE_PASS = "No image has these words in its name."


class Column(IntEnum):
    """From left to right."""

    NAME = 0
    QUALITY = 1
    REGIONS = 2
    LABELS = 3
    REVIEW = 4


HEADS = ("Image", "Quality", "Regions", "Labels", "State")
WIDTHS = (170, 96, 58, 52, 70)


class ImageModel(QAbstractTableModel):
    """The rows; asks for the picture of a row when it is first shown."""

    picture_wished = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ImageRow] = []
        self._places: dict[Path, int] = {}
        self._icons: dict[Path, QIcon | None] = {}

    def show_rows(self, rows: Sequence[ImageRow]) -> None:
        """Show these images."""
        self.beginResetModel()
        self.rows, self._places = list(rows), {row.path: line for line, row in enumerate(rows)}
        self.endResetModel()

    def show_row(self, row: ImageRow) -> None:
        """Show what has become of one image."""
        line = self._places.get(row.path)
        if line is not None and self.rows[line] != row:
            self.rows[line] = row
            self.dataChanged.emit(self.index(line, 0), self.index(line, len(Column) - 1))

    def show_picture(self, path: Path, image: QImage) -> None:
        """Show the small picture of an image."""
        line = self._places.get(path)
        self._icons[path] = QIcon(QPixmap.fromImage(image))
        if line is not None:
            self.dataChanged.emit(self.index(line, 0), self.index(line, 0))

    def rowCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """How many images."""
        return len(self.rows)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """How many columns."""
        return len(Column)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401
        """The words above."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        """What stands in a cell."""
        row, column = self.rows[index.row()], Column(index.column())
        if role == ROW_ROLE:
            return row
        if role == SORT_ROLE:
            return _sorted_by(row, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return _words(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.problem or str(row.path)
        if role == Qt.ItemDataRole.DecorationRole and column is Column.NAME:
            return self._icon(row.path)
        return None

    def _icon(self, path: Path) -> QIcon | None:
        if path not in self._icons:
            self._icons[path] = None
            self.picture_wished.emit(path)
        return self._icons[path]


def _words(row: ImageRow, column: Column) -> str:
    quality = "" if row.quality is None else f"{row.quality:.0f}"
    counts = (f"{row.regions}" if row.regions else "", f"{row.labels}" if row.labels else "")
    return (row.name, quality, *counts, "unreadable" if row.problem else str(row.review))[column]


def _sorted_by(row: ImageRow, column: Column) -> object:
    nothing = -1.0 if row.quality is None else row.quality
    return (row.name.casefold(), nothing, row.regions, row.labels, list(Review).index(row.review))[column]


class QualityDelegate(QStyledItemDelegate):
    """A number, and the score as a bar."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, ImageRow):
            return
        paint_background(painter, option)
        if row.quality is None:
            return
        rect, ink = QRectF(option.rect), ink_of(option)
        painter.save()
        painter.setPen(ink)
        box = QRectF(rect.left() + 4, rect.top(), 24.0, rect.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{row.quality:.0f}")
        painter.restore()
        bar = QRectF(rect.left() + 34, rect.center().y() - 6, rect.width() - 42, 12)
        paint_bar(painter, bar, row.quality, None, quality_rgb(row.quality), ink)


class FolderTable(QTableView):
    """Tells which image is wished."""

    open_wished = Signal(object)  # Path
    review_wished = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageModel(self)
        self.order = QSortFilterProxyModel(self)
        self.order.setSourceModel(self.images)
        self.order.setSortRole(SORT_ROLE)
        self.order.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self.order)
        self.setSortingEnabled(True)
        self.sortByColumn(Column.NAME, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)  # Tab leads on; arrows go through the rows
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setIconSize(QSize(ICON, ICON))
        self.setItemDelegateForColumn(Column.QUALITY, QualityDelegate(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self._lay_out()
        self.doubleClicked.connect(lambda index: self._emit(self.open_wished, index))

    def _lay_out(self) -> None:
        below, across = self.verticalHeader(), self.horizontalHeader()
        if below is not None:
            below.hide()
            below.setDefaultSectionSize(ICON + 6)
        if across is not None:
            for column, width in zip(Column, WIDTHS, strict=True):
                across.resizeSection(column, width)
            across.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
            across.setMinimumSectionSize(44)

    @property
    def chosen(self) -> Path | None:
        """The image of the selected row."""
        row = self.currentIndex().data(ROW_ROLE)
        return row.path if isinstance(row, ImageRow) else None

    def paths(self) -> list[Path]:
        """The images as they are sorted and searched now."""
        return [self.order.index(line, 0).data(ROW_ROLE).path for line in range(self.order.rowCount())]

    def choose(self, path: Path) -> None:
        """Select the row of an image, and bring it in sight."""
        paths = self.paths()
        if path in paths:
            self.selectRow(paths.index(path))

    def search(self, words: str) -> None:
        """Show the images with these letters in their names."""
        self.order.setFilterFixedString(words)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Enter opens, the space bar says that it was reviewed."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._emit(self.open_wished, self.currentIndex())
        elif event is not None and event.key() == Qt.Key.Key_Space:
            self._emit(self.review_wished, self.currentIndex())
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """The rows, or what to do where there is none."""
        super().paintEvent(event)
        if self.order.rowCount() == 0 and (viewport := self.viewport()) is not None:
            painter = QPainter(viewport)
            ink = self.palette().color(self.foregroundRole())
            ink.setAlpha(150)
            painter.setPen(ink)
            words = NONE_PASS if self.images.rows else NO_FOLDER
            painter.drawText(viewport.rect(), Qt.AlignmentFlag.AlignCenter, words)
            painter.end()

    def _emit(self, signal: Any, index: QModelIndex) -> None:  # noqa: ANN401
        row = index.data(ROW_ROLE)
        if isinstance(row, ImageRow):
            signal.emit(row.path)
