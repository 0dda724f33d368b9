"""Line drawings on buttons, in a gray that is readable on dark and light."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

CHECKED = "QToolButton:checked { background-color: rgba(90, 130, 255, 110); border-radius: 3px; }"
"""napari's themes leave a pressed tool button as it is; a veil of blue shows on both of them."""

INK = (140, 140, 140)


def line_icon(path: QPainterPath, color: tuple[int, int, int] = INK) -> QIcon:
    """An icon of 20 x 20 px with that path."""
    pixels = QPixmap(40, 40)
    pixels.setDevicePixelRatio(2.0)
    pixels.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixels)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(*color), 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPath(path)
    painter.end()
    return QIcon(pixels)
