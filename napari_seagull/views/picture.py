"""A picture as large as its place allows, in its own proportions; or a sentence where there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

FRAME: tuple[int, int, int] = (90, 130, 255)
"""Of a picture that was chosen."""

MINIMUM_SIDE = 96


class PictureView(QWidget):
    """Shows pixels; never asks for more room than it is given."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._height = height
        self._image: QImage | None = None
        self._words = ""
        self._framed = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(min(height, 64))

    @property
    def side(self) -> int:
        """The longer side, in px of the screen, of a picture that is sharp here."""
        return max(MINIMUM_SIDE, round(max(self.width(), self.height()) * self.devicePixelRatioF()))

    @property
    def is_empty(self) -> bool:
        """True where no picture is shown."""
        return self._image is None

    def show_pixels(self, rgb: NDArray[np.uint8] | None, words: str = "") -> None:
        """Show a picture.

        Parameters
        ----------
        rgb : uint8, shape (h, w, 3), or None
            The pixels; None shows the words alone.
        words : str
            Said where there is no picture.
        """
        self._words = words
        if rgb is None:
            self._image = None
        else:
            height, width = rgb.shape[:2]
            kept = np.ascontiguousarray(rgb)
            self._image = QImage(kept.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def show_frame(self, *, framed: bool) -> None:
        """Draw a frame around it, to say that it is the chosen one."""
        self._framed = framed
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as was asked for."""
        return QSize(self._height, self._height)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the picture in the middle, or the words."""
        painter = QPainter(self)
        if self._image is None:
            ink = QColor(self.palette().color(self.foregroundRole()))
            ink.setAlpha(170)
            painter.setPen(ink)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        else:
            place = self._place(self._image)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)
            if self._framed:
                painter.setPen(QPen(QColor(*FRAME), 3))
                painter.drawRect(place.adjusted(1, 1, -1, -1))
        painter.end()

    def _place(self, image: QImage) -> QRectF:
        scale = min(self.width() / image.width(), self.height() / image.height())
        width, height = image.width() * scale, image.height() * scale
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)
