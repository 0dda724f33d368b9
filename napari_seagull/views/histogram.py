"""How the values of a map are spread, with a line that a mouse or the arrow keys can move."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.map_colors import QUALITY_RAMP, Stops, color_at

HEIGHT, STRIP, MARGIN = 96, 6, 6
"""Px of the whole, of the strip of colours below the bars, and on both sides."""

STEPS = 100
"""The arrow keys move the line by a hundredth of the limits."""


class Histogram(QWidget):
    """Bars in the colours of the map; the line is the threshold, what it chooses is drawn full and the rest faint."""

    threshold_wished = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares: Sequence[float] = ()
        self._limits = (0.0, 100.0)
        self._stops: Stops = QUALITY_RAMP
        self._threshold: float | None = None
        self._below = True
        self._pointed: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Histogram of the map")
        self.setToolTip("Share of the image at each value. The line is the threshold: drag it, or use the arrow keys.")
        self.setMinimumWidth(160)

    @property
    def threshold(self) -> float | None:
        """Where the line stands; None without one."""
        return self._threshold

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(280, HEIGHT + self.fontMetrics().height())

    def show_values(self, shares: Sequence[float], limits: tuple[float, float], stops: Stops) -> None:
        """Show these bars between those limits; none empties it."""
        self._shares, self._limits, self._stops = [float(share) for share in shares], limits, stops
        self.update()

    def show_threshold(self, value: float | None, *, below: bool) -> None:
        """Put the line there."""
        self._threshold, self._below = value, below
        self.update()

    def show_pointed(self, value: float | None) -> None:
        """Mark the value under the mouse on the canvas; None takes the mark away."""
        if value != self._pointed:
            self._pointed = value
            self.update()

    def place_of(self, value: float) -> float:
        """Px from the left."""
        low, high = self._limits
        return MARGIN + (value - low) / (high - low) * (self.width() - 2 * MARGIN)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Take the line along."""
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """The line follows the mouse while it is pressed."""
        if event is not None and self._shares:
            low, high = self._limits
            share = (event.position().x() - MARGIN) / max(1, self.width() - 2 * MARGIN)
            self._wish(low + min(max(share, 0.0), 1.0) * (high - low))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """The arrows move the line."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key())) if event is not None else None
        if step is None or self._threshold is None or not self._shares:
            super().keyPressEvent(event)
            return
        low, high = self._limits
        self._wish(min(max(self._threshold + step * (high - low) / STEPS, low), high))

    def _wish(self, value: float) -> None:
        step = (self._limits[1] - self._limits[0]) / STEPS
        self.threshold_wished.emit(round(round(value / step) * step, 6))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw bars, colours, numbers and lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        if self._shares:
            self._paint_bars(painter, ink)
            self._paint_lines(painter, ink)
        else:
            ink.setAlpha(150)
            painter.setPen(ink)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Show a map to see how its values are spread")
        if self.hasFocus():
            painter.setPen(QPen(self.palette().color(self.palette().ColorRole.Highlight), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.end()

    def _floor(self) -> float:
        return float(self.height() - self.fontMetrics().height() - STRIP - 3)

    def _paint_bars(self, painter: QPainter, ink: QColor) -> None:
        floor, top, count = self._floor(), max(self._shares) or 1.0, len(self._shares)
        low, high = self._limits
        width = (self.width() - 2 * MARGIN) / count
        painter.setPen(Qt.PenStyle.NoPen)
        for index, share in enumerate(self._shares):
            middle = (index + 0.5) / count
            color = QColor(*color_at(self._stops, middle))
            left = MARGIN + index * width
            painter.setBrush(color)
            painter.drawRect(QRectF(left, floor + 2, width + 0.5, STRIP))
            chosen = self._threshold is None or (low + middle * (high - low) < self._threshold) == self._below
            faint = QColor(ink)
            faint.setAlpha(170 if chosen else 60)
            painter.setBrush(faint)
            # A square root, so that a small share beside a large one is still seen.
            tall = (share / top) ** 0.5 * (floor - 6)
            painter.drawRect(QRectF(left, floor - tall, max(1.0, width - 0.8), tall))
        painter.setPen(ink)
        below = QRectF(MARGIN, floor + STRIP + 3, self.width() - 2 * MARGIN, self.fontMetrics().height())
        for value, where in ((low, Qt.AlignmentFlag.AlignLeft), (high, Qt.AlignmentFlag.AlignRight)):
            painter.drawText(below, where | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"{(low + high) / 2:g}")

    def _paint_lines(self, painter: QPainter, ink: QColor) -> None:
        floor = self._floor()
        if self._threshold is not None:
            x = self.place_of(self._threshold)
            painter.setPen(QPen(ink, 2))
            painter.drawLine(QPointF(x, 2), QPointF(x, floor + STRIP + 2))
            painter.setBrush(ink)
            painter.drawPolygon(QPolygonF([QPointF(x - 4, 1), QPointF(x + 4, 1), QPointF(x, 7)]))
        if self._pointed is not None:
            x = self.place_of(min(max(self._pointed, self._limits[0]), self._limits[1]))
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, 8), QPointF(x, floor + STRIP + 2))
