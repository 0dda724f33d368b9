"""A score before and after beside what a person said, on one line from 0 to 100."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.palette import quality_rgb

HEIGHT, MARGIN, DOT = 22, 6, 4.5


class ScoreChange(QWidget):
    """A ring where the score was, a dot where it is, a triangle where the person sees it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = self._before = self._after = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(70)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A line of text high."""
        return QSize(110, HEIGHT)

    def show_scores(self, label: float, before: float, after: float) -> None:
        """Show these, 0..100 each."""
        self._label, self._before, self._after = label, before, after
        self.setToolTip(f"You said {label:.0f}; the model said {before:.0f} before and says {after:.0f} now")
        self.setAccessibleName(self.toolTip())
        self.update()

    def _place(self, value: float) -> QPointF:
        share = min(max(value, 0.0), 100.0) / 100.0
        return QPointF(MARGIN + share * (self.width() - 2 * MARGIN), self.height() - 8.0)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the track, the way from ring to dot, and the triangle above it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        faint = QColor(ink)
        faint.setAlpha(60)
        middle = self.height() - 8.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faint)
        painter.drawRoundedRect(QRectF(MARGIN, middle - 1.5, self.width() - 2 * MARGIN, 3), 1.5, 1.5)
        before, after, label = self._place(self._before), self._place(self._after), self._place(self._label)
        painter.setPen(QPen(ink, 1.4))
        painter.drawLine(before, after)
        painter.setBrush(self.palette().color(self.backgroundRole()))
        painter.drawEllipse(before, DOT - 0.5, DOT - 0.5)
        painter.setPen(QPen(ink, 1.0))
        painter.setBrush(QColor(*quality_rgb(self._after)))
        painter.drawEllipse(after, DOT, DOT)
        painter.setBrush(ink)
        painter.setPen(Qt.PenStyle.NoPen)
        tip = QPointF(label.x(), middle - 6)
        painter.drawPolygon(QPolygonF([tip, QPointF(tip.x() - 4, tip.y() - 6), QPointF(tip.x() + 4, tip.y() - 6)]))
        painter.end()
