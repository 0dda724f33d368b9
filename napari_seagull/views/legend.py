"""What the colours of the regions mean: a strip from bad to excellent."""

from __future__ import annotations

from itertools import pairwise

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_seagull.views.palette import QUALITY_STOPS
from seagull_iqa.domain.levels import QUALITY_WORDS, level_value

WORD_GAP = 6
"""Px between two words at least."""


class ColorLegend(QWidget):
    """The fixed scale of the quality colours, 0 to 100, with its five words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Colours of regions and of the quality map; the same in every image. Gray: not scored.")

    def sizeHint(self) -> QSize:  # noqa: N802
        """A thin strip and a line of words."""
        return QSize(260, 10 + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the strip and the words under it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gradient = QLinearGradient(0.0, 0.0, float(self.width()), 0.0)
        for value, color in QUALITY_STOPS:
            gradient.setColorAt(value / 100.0, QColor(*color))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(0, 0, self.width(), 7), 3.0, 3.0)
        painter.setPen(self.palette().color(self.foregroundRole()))
        for word, box in self._places().items():
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
        painter.end()

    def _places(self) -> dict[str, QRectF]:
        """Where each word stands; every other one where not all of them have room."""
        boxes = {word: self._box(word, level_value(index) / 100.0) for index, word in enumerate(QUALITY_WORDS)}
        fits = all(box.right() + WORD_GAP <= after.left() for box, after in pairwise(boxes.values()))
        return boxes if fits else {word: boxes[word] for word in QUALITY_WORDS[::2]}

    def _box(self, word: str, share: float) -> QRectF:
        width = self.fontMetrics().horizontalAdvance(word) + 2
        left = min(max(share * self.width() - width / 2, 0.0), float(self.width() - width))
        return QRectF(left, 8.0, float(width), float(self.height() - 8))
