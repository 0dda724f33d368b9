"""How the cells of the table are drawn: scores as bars, findings as chips, names after a spot of their colour."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_seagull.views.bars import paint_bar
from napari_seagull.views.palette import CLEAN, RGB, SEVERITY_COLORS, hex_code, ink_on, quality_rgb
from napari_seagull.views.region_model import ROW_ROLE
from napari_seagull.views.rows import RegionRow
from seagull_iqa.domain.distortion import Finding

Index = QModelIndex | QPersistentModelIndex
CHIP_GAP, CHIP_PAD = 4.0, 6.0
"""Px between two chips, and on each side of the word in one."""


class BarDelegate(QStyledItemDelegate):
    """A cell with the number of the score, and the score as a bar."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, RegionRow):
            return
        paint_background(painter, option)
        if row.report is None or row.report.quality is None:
            return
        quality, ink = row.report.quality, ink_of(option)
        _paint_number(painter, option, index.data(), ink)
        paint_bar(painter, _bar_in(option), quality, row.report.quality_interval, quality_rgb(quality), ink)


class HumanDelegate(QStyledItemDelegate):
    """A cell with the number that a person gave, before a spot of its colour; a tick where there are only words."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, RegionRow):
            return
        paint_background(painter, option)
        human = row.human
        if human is None:
            return
        if human.quality is None:
            _paint_number(painter, option, "\N{CHECK MARK}", ink_of(option))
            return
        _paint_number(painter, option, index.data(), ink_of(option))
        _paint_spot(painter, option.rect.left() + 34.0, option.rect.center().y(), quality_rgb(human.quality))


class ChipDelegate(QStyledItemDelegate):
    """A cell with one chip a finding, as many as fit; its number is the severity of 1 to 5."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, RegionRow):
            return
        paint_background(painter, option)
        if row.report is None or row.report.findings is None:
            return
        chips = [(f"{f.distortion.value} {int(f.severity)}", _color(f)) for f in row.report.findings]
        self._paint_chips(painter, option, chips or [("clean", CLEAN)])

    @staticmethod
    def _paint_chips(painter: QPainter, option: QStyleOptionViewItem, chips: list[tuple[str, RGB]]) -> None:
        rect = QRectF(option.rect).adjusted(4, 3, -2, -3)
        left, metrics = rect.left(), option.fontMetrics
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (words, color) in enumerate(chips):
            rest = f"+{len(chips) - place}"
            width = metrics.horizontalAdvance(words) + 2 * CHIP_PAD
            last = place == len(chips) - 1
            room = rect.right() - left - (0 if last else metrics.horizontalAdvance(rest) + CHIP_GAP)
            if width > room and place:
                painter.setPen(ink_of(option))
                box = QRectF(left, rect.top(), rect.right() - left, rect.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, rest)
                break
            chip = QRectF(left, rect.top(), min(width, max(room, 0.0)), rect.height())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*color))
            painter.drawRoundedRect(chip, 6.0, 6.0)
            painter.setPen(QColor(*ink_on(color)))
            told = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(chip.width() - 2 * CHIP_PAD) + 1)
            painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, told)
            left = chip.right() + CHIP_GAP
        painter.restore()


class SwatchDelegate(QStyledItemDelegate):
    """A cell with the name, after a spot in the colour that the region has on the canvas."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell."""
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, RegionRow):
            return
        paint_background(painter, option)
        quality = None if row.report is None else row.report.quality
        rect = QRectF(option.rect).adjusted(5, 0, -4, 0)
        _paint_spot(painter, rect.left(), rect.center().y(), quality_rgb(quality))
        painter.save()
        painter.setPen(ink_of(option))
        name = rect.adjusted(16, 0, 0, 0)
        told = option.fontMetrics.elidedText(row.name, Qt.TextElideMode.ElideRight, int(name.width()))
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, told)
        painter.restore()


def paint_background(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """The ground of a cell that is selected or under the pointer."""
    table = option.widget
    marked = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
    style = None if table is None or not option.state & marked else table.style()  # the sheet is slow, and rows many
    if style is not None:
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, table)


def ink_of(option: QStyleOptionViewItem) -> QColor:
    """The colour of text in that table."""
    table = option.widget
    return option.palette.text().color() if table is None else table.palette().color(table.foregroundRole())


def _color(finding: Finding) -> RGB:
    return SEVERITY_COLORS[finding.severity]


def _bar_in(option: QStyleOptionViewItem) -> QRectF:
    rect = QRectF(option.rect).adjusted(4, 0, -6, 0)
    height = min(12.0, rect.height() - 8)
    left = _number_width(option) + 6
    return QRectF(rect.left() + left, rect.center().y() - height / 2, rect.width() - left, height)


def _number_width(option: QStyleOptionViewItem) -> float:
    """Room for a score in that font."""
    return max(24.0, float(option.fontMetrics.horizontalAdvance("100")))


def _paint_number(painter: QPainter, option: QStyleOptionViewItem, words: str, ink: QColor) -> None:
    rect = QRectF(option.rect)
    painter.save()
    painter.setPen(ink)
    box = QRectF(rect.left() + 4, rect.top(), _number_width(option), rect.height())
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)
    painter.restore()


def _paint_spot(painter: QPainter, left: float, middle: float, color: RGB) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(hex_code(color)))
    painter.drawRoundedRect(QRectF(left, middle - 5, 10, 10), 2.0, 2.0)
    painter.restore()
