"""The curves of a run: error on held-out labels in points, and the loss, over the share that is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.palette import RGB
from napari_seagull.views.tune_words import BETTER
from seagull_iqa.domain.fine_tuning import CurvePoint

RIGHT, TOP = 10, 6
GRID = 4
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
LOSS: RGB = (150, 150, 160)
MOST_DOTS = 40


class CurvePlot(QWidget):
    """The error has an axis with numbers; the loss is drawn thinner, on a scale of its own: only its way counts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: list[CurvePoint] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(180)
        self.setAccessibleName("Curves of the training")
        self.setToolTip("Error on labels that were held out, in points of the scale, and what is being minimised")

    def sizeHint(self) -> QSize:  # noqa: N802
        """Three times as wide as high."""
        return QSize(360, 128)

    def show_points(self, points: Sequence[CurvePoint]) -> None:
        """Show a run as far as it has come."""
        self._points = [point for point in points if point.steps]
        self.update()

    def series(self, value: Callable[[CurvePoint], float | None]) -> list[tuple[float, float]]:
        """(share done, value) of the points that have that value."""
        found = [(point.step / point.steps, value(point)) for point in self._points]
        return [(share, said) for share, said in found if said is not None and math.isfinite(said)]

    @property
    def _left(self) -> int:
        """Px for the widest number of the axis in that font."""
        return max(30, self.fontMetrics().horizontalAdvance("12.5") + 6)

    @property
    def _frame(self) -> QRectF:
        line = self.fontMetrics().height()
        width, height = self.width() - self._left - RIGHT, self.height() - TOP - 2 * line - 6
        return QRectF(self._left, TOP + line, max(1, width), max(1, height))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw grid, legend and both lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        held_out, loss = self.series(lambda one: one.held_out), self.series(lambda one: one.loss)
        top = _round_up(max((value for _share, value in held_out), default=10.0) * 1.05)
        self._paint_grid(painter, ink, top)
        highest = max((value for _share, value in loss), default=1.0) * 1.08 or 1.0
        self._paint_line(painter, loss, highest, QColor(*LOSS), 1.3)
        self._paint_line(painter, held_out, top, QColor(*BETTER).lighter(130 if ink.lightness() > 127 else 100), 2.2)
        self._paint_legend(painter, ink, both=bool(loss))
        painter.end()

    def _place(self, share: float, height: float) -> QPointF:
        frame = self._frame
        inside = min(max(height, 0.0), 1.0)
        return QPointF(frame.left() + share * frame.width(), frame.bottom() - inside * frame.height())

    def _paint_line(
        self, painter: QPainter, series: list[tuple[float, float]], top: float, color: QColor, width: float
    ) -> None:
        places = [self._place(share, value / top) for share, value in series]
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        for one, other in pairwise(places):
            painter.drawLine(one, other)
        if len(places) <= MOST_DOTS:
            painter.setBrush(color)
            for place in places:
                painter.drawEllipse(place, width, width)

    def _paint_grid(self, painter: QPainter, ink: QColor, top: float) -> None:
        frame, line = self._frame, self.fontMetrics().height()
        faint = QColor(ink)
        faint.setAlpha(45)
        for step in range(GRID + 1):
            place = self._place(0, step / GRID)
            painter.setPen(faint)
            painter.drawLine(place, QPointF(frame.right(), place.y()))
            if step % 2 == 0:
                painter.setPen(ink)
                words = QRectF(0, place.y() - line / 2, self._left - 5, line)
                painter.drawText(
                    words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{top * step / GRID:g}"
                )
        painter.setPen(ink)
        below = QRectF(self._left, frame.bottom() + 3, frame.width(), line)
        for where, words_ in (
            (Qt.AlignmentFlag.AlignLeft, "begin"),
            (Qt.AlignmentFlag.AlignHCenter, "share of the run"),
            (Qt.AlignmentFlag.AlignRight, "end"),
        ):
            painter.drawText(below, where | Qt.AlignmentFlag.AlignVCenter, words_)

    def _paint_legend(self, painter: QPainter, ink: QColor, *, both: bool) -> None:
        line, left, middle = self.fontMetrics().height(), float(self._left), TOP + self.fontMetrics().height() / 2 - 2
        entries: list[tuple[RGB, float, str]] = [(BETTER, 2.2, "error on held-out labels, points")]
        if both:
            entries.append((LOSS, 1.3, "loss"))
        for color, width, words in entries:
            shade = QColor(*color).lighter(130 if ink.lightness() > 127 and color == BETTER else 100)
            painter.setPen(QPen(shade, width))
            painter.drawLine(QPointF(left, middle), QPointF(left + 16, middle))
            painter.setPen(ink)
            room = self.fontMetrics().horizontalAdvance(words)
            painter.drawText(QRectF(left + 21, 0, room + 2, TOP + line - 4), Qt.AlignmentFlag.AlignVCenter, words)
            left += 21 + room + 16


def _round_up(value: float) -> float:
    """The next number that reads well as the end of an axis."""
    if value <= 0 or not math.isfinite(value):
        return 10.0
    factor = 10.0 ** math.floor(math.log10(value))
    return next(step * factor for step in STEPS if step * factor >= value)
