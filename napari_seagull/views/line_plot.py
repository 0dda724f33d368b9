"""A value over an index as a line, with its interval as a band; a click tells which index was meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.palette import quality_rgb
from seagull_iqa.domain.report import Interval

RIGHT, TOP = 10, 8
MOST_DOTS = 150
"""More points than this are drawn as a line only."""


@dataclass(frozen=True)
class PlotPoint:
    """The quality at one index, and its interval."""

    index: int
    value: float
    interval: Interval | None = None


class LinePlot(QWidget):
    """Quality 0..100 upwards, the index to the right; a vertical line marks the present one."""

    index_wished = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: list[PlotPoint] = []
        self._length = 1
        self._present: int | None = None
        self._axis = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 120)
        self.setToolTip("The band is the 80 % interval. Click to go to a plane.")
        self.setAccessibleName("Quality over planes")

    def sizeHint(self) -> QSize:  # noqa: N802
        """Twice as wide as high."""
        return QSize(360, 200)

    def show_points(self, points: Sequence[PlotPoint], length: int, axis: str) -> None:
        """Show these points of so many indices along an axis of that name."""
        self._points, self._length, self._axis = sorted(points, key=lambda one: one.index), max(1, length), axis
        self.update()

    def show_present(self, index: int | None) -> None:
        """Mark where the slider stands."""
        self._present = index
        self.update()

    @property
    def _left(self) -> int:
        """Px for the widest number of the axis in that font."""
        return max(30, self.fontMetrics().horizontalAdvance("100") + 6)

    @property
    def _frame(self) -> QRectF:
        line = self.fontMetrics().height()
        width, height = self.width() - self._left - RIGHT, self.height() - TOP - line - 4
        return QRectF(self._left, TOP, max(1, width), max(1, height))

    def place_of(self, index: float, value: float) -> QPointF:
        """Where a point lies, in px."""
        frame, span = self._frame, max(1, self._length - 1)
        return QPointF(frame.left() + index / span * frame.width(), frame.bottom() - value / 100.0 * frame.height())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Go to the plane that was clicked."""
        if event is not None and self._points:
            frame = self._frame
            share = (event.position().x() - frame.left()) / frame.width()
            self.index_wished.emit(round(min(max(share, 0.0), 1.0) * (self._length - 1)))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw grid, band, line, points and the present index."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        self._paint_grid(painter, ink)
        for run in self._runs():
            self._paint_band(painter, run, ink)
            painter.setPen(QPen(ink, 1.6))
            for one, other in pairwise(run):
                painter.drawLine(self.place_of(one.index, one.value), self.place_of(other.index, other.value))
        if len(self._points) <= MOST_DOTS:
            for point in self._points:
                painter.setPen(QPen(ink, 0.8))
                painter.setBrush(QColor(*quality_rgb(point.value)))
                painter.drawEllipse(self.place_of(point.index, point.value), 3.5, 3.5)
        if self._present is not None and self._points:
            painter.setPen(QPen(ink, 1.2, Qt.PenStyle.DashLine))
            painter.drawLine(self.place_of(self._present, 0), self.place_of(self._present, 100))
        painter.end()

    def _runs(self) -> list[list[PlotPoint]]:
        """Points that follow each other without a gap: planes without a score break the line."""
        runs: list[list[PlotPoint]] = []
        for point in self._points:
            if runs and runs[-1][-1].index == point.index - 1:
                runs[-1].append(point)
            else:
                runs.append([point])
        return runs

    def _paint_grid(self, painter: QPainter, ink: QColor) -> None:
        frame, line = self._frame, self.fontMetrics().height()
        faint = QColor(ink)
        faint.setAlpha(50)
        for value in (0, 25, 50, 75, 100):
            place = self.place_of(0, value)
            painter.setPen(faint)
            painter.drawLine(place, QPointF(frame.right(), place.y()))
            painter.setPen(ink)
            words = QRectF(0, place.y() - line / 2, self._left - 5, line)
            painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(value))
        below = QRectF(self._left, frame.bottom() + 3, frame.width(), line)
        last = self._length - 1
        for where, words_ in (
            (Qt.AlignmentFlag.AlignLeft, "0"),
            (Qt.AlignmentFlag.AlignRight, str(last)),
            (Qt.AlignmentFlag.AlignHCenter, self._axis),
        ):
            painter.drawText(below, where | Qt.AlignmentFlag.AlignVCenter, words_)

    def _paint_band(self, painter: QPainter, run: list[PlotPoint], ink: QColor) -> None:
        ends = [(point.index, *point.interval) for point in run if point.interval is not None]
        if len(ends) < 2 or not all(math.isfinite(low + high) for _index, low, high in ends):
            return
        outline = [self.place_of(index, high) for index, _low, high in ends]
        outline += [self.place_of(index, low) for index, low, _high in reversed(ends)]
        band = QColor(ink)
        band.setAlpha(45)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        painter.drawPolygon(QPolygonF(outline))
