"""A score drawn as a bar: its length and colour are the value, the line over it is the 80 % interval."""

from __future__ import annotations

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.palette import RGB
from seagull_iqa.domain.report import Interval

BAR_HEIGHT = 14


def paint_bar(
    painter: QPainter, rect: QRectF, value: float | None, interval: Interval | None, fill: RGB, ink: QColor
) -> None:
    """Draw one bar.

    Parameters
    ----------
    painter, rect
        Where, in px.
    value : float or None
        0..100; None draws the empty track.
    interval : (float, float) or None
        0..100, drawn as a line with two ends.
    fill : (int, int, int)
        Colour of the value.
    ink : QColor
        Colour of the text around: track and interval are made from it, so that both themes work.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    track = QColor(ink)
    track.setAlpha(38)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(track)
    painter.drawRoundedRect(rect, 3.0, 3.0)
    if value is not None:
        painter.setBrush(QColor(*fill))
        width = max(3.0, rect.width() * min(max(value, 0.0), 100.0) / 100.0)
        painter.drawRoundedRect(QRectF(rect.left(), rect.top(), width, rect.height()), 3.0, 3.0)
    if interval is not None:
        _paint_interval(painter, rect, interval, ink)
    painter.restore()


def _paint_interval(painter: QPainter, rect: QRectF, interval: Interval, ink: QColor) -> None:
    left, right = (rect.left() + 1.0 + (rect.width() - 2.0) * min(max(end, 0.0), 100.0) / 100.0 for end in interval)
    middle, half = rect.center().y(), rect.height() * 0.3
    halo = QColor(0, 0, 0) if ink.lightness() > 127 else QColor(255, 255, 255)
    halo.setAlpha(150)
    for color, width in ((halo, 3.5), (ink, 1.5)):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(QRectF(left, middle, right - left, 0).topLeft(), QRectF(right, middle, 0, 0).topLeft())
        for end in (left, right):
            painter.drawLine(QRectF(end, middle - half, 0, 0).topLeft(), QRectF(end, middle + half, 0, 0).topLeft())


class ScoreBar(QWidget):
    """One score of 0..100 with its interval."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value: float | None = None
        self._interval: Interval | None = None
        self._fill: RGB = (128, 128, 128)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(40)

    def show_score(self, value: float | None, interval: Interval | None, fill: RGB) -> None:
        """Draw that value in that colour; None empties the bar."""
        self._value, self._interval, self._fill = value, interval, fill
        self.setToolTip(_told(value, interval))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room, one line high."""
        return QSize(140, BAR_HEIGHT)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the track, the value and the interval."""
        painter = QPainter(self)
        ink = self.palette().color(self.foregroundRole())
        paint_bar(painter, QRectF(self.rect()), self._value, self._interval, self._fill, ink)
        painter.end()


def _told(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return ""
    if interval is None:
        return f"{value:.0f} of 100"
    return f"{value:.0f} of 100; with a probability of 80 % between {interval[0]:.0f} and {interval[1]:.0f}"
