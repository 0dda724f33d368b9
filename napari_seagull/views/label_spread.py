"""How the labels of quality are spread over the scale: ten bars with their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.palette import quality_rgb

HEIGHT, GAP, STRIP = 78, 3, 4


class LabelSpread(QWidget):
    """A bar for each tenth of the scale, in the colours of the scale; an empty tenth shows that nothing is there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: tuple[int, ...] = (0,) * 10
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(200)
        self.setToolTip("How many labels lie in each tenth of the scale, 0 bad to 100 excellent")

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(280, HEIGHT)

    def show_counts(self, counts: Sequence[int]) -> None:
        """Show so many labels in each tenth."""
        self._counts = tuple(counts)
        said = ", ".join(f"{10 * tenth} to {10 * tenth + 10}: {many}" for tenth, many in enumerate(counts) if many)
        self.setAccessibleName(f"Spread of the labels: {said or 'none'}")
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the bars from the floor up, their numbers above, the scale below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        line = self.fontMetrics().height()
        floor, top = self.height() - line - STRIP - 2.0, max(max(self._counts), 1)
        width = (self.width() - GAP * (len(self._counts) - 1)) / len(self._counts)
        for tenth, many in enumerate(self._counts):
            left = tenth * (width + GAP)
            painter.setPen(Qt.PenStyle.NoPen)
            color = QColor(*quality_rgb(10.0 * tenth + 5.0))
            tall = many / top * (floor - line)
            if many:
                painter.setBrush(color)
                painter.drawRoundedRect(QRectF(left, floor - max(tall, 2.0), width, max(tall, 2.0)), 2, 2)
            color.setAlpha(255 if many else 90)
            painter.setBrush(color)
            painter.drawRect(QRectF(left, floor + 2, width, STRIP - 2))
            if many:
                painter.setPen(ink)
                painter.drawText(
                    QRectF(left, floor - tall - line, width, line), Qt.AlignmentFlag.AlignCenter, str(many)
                )
        painter.setPen(ink)
        below = QRectF(0, self.height() - line, self.width(), line)
        for where, words in (
            (Qt.AlignmentFlag.AlignLeft, "0 bad"),
            (Qt.AlignmentFlag.AlignHCenter, "50"),
            (Qt.AlignmentFlag.AlignRight, "excellent 100"),
        ):
            painter.drawText(below, where | Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()
