"""The tools: which shape to draw next, or the brush."""

from __future__ import annotations

from enum import StrEnum

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QPainterPath, QPolygonF, QResizeEvent
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from napari_seagull.views.icons import CHECKED, line_icon


class Tool(StrEnum):
    """What the mouse does on the canvas; the word stands under the button."""

    RECTANGLE = "Rectangle"
    ELLIPSE = "Ellipse"
    POLYGON = "Polygon"
    FREEHAND = "Free-hand"
    PAINT = "Paint"
    SELECT = "Select"


TIPS = {
    Tool.RECTANGLE: "Drag a rectangle on the image",
    Tool.ELLIPSE: "Drag an ellipse on the image",
    Tool.POLYGON: "Click the corners; a double click or Esc closes the polygon",
    Tool.FREEHAND: "Drag round the region",
    Tool.PAINT: "Paint a region with the brush; each label number is one region",
    Tool.SELECT: "Select, move and resize regions",
}


MINIMUM_WIDTH = 34
"""Of a button, in px: room for its drawing."""

WORD_MARGIN = 12
"""Px around the word of a button."""


class DrawBar(QWidget):
    """One button a tool; the one in use stays pressed. Where there is no room for words, the drawings stand alone."""

    tool_wished = Signal(Tool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {tool: self._button(tool) for tool in Tool}
        self._group = QButtonGroup(self)
        self.setStyleSheet(CHECKED)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        for button in self.buttons.values():
            self._group.addButton(button)
            line.addWidget(button)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Words under the drawings only where all of them fit."""
        super().resizeEvent(event)
        words = [self.fontMetrics().horizontalAdvance(tool.value) + WORD_MARGIN for tool in Tool]
        both, alone = Qt.ToolButtonStyle.ToolButtonTextUnderIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        style = both if self.width() >= sum(words) else alone
        for button in self.buttons.values():
            button.setToolButtonStyle(style)

    def show_tool(self, tool: Tool | None) -> None:
        """Press that button; None releases all."""
        self._group.setExclusive(False)
        for each, button in self.buttons.items():
            button.setChecked(each is tool)
        self._group.setExclusive(True)

    def _button(self, tool: Tool) -> QToolButton:
        button = QToolButton(self)
        button.setText(tool.value)
        button.setToolTip(TIPS[tool])
        button.setCheckable(True)
        button.setMinimumWidth(MINIMUM_WIDTH)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIcon(tool_icon(tool))
        button.setIconSize(QSize(20, 20))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.tool_wished.emit(tool))
        return button


def tool_icon(tool: Tool) -> QIcon:
    """The drawing on a button."""
    return line_icon(_outline(tool))


def _outline(tool: Tool) -> QPainterPath:
    path = QPainterPath()
    if tool is Tool.RECTANGLE:
        path.addRect(QRectF(2.5, 4.5, 15, 11))
    elif tool is Tool.ELLIPSE:
        path.addEllipse(QRectF(2, 4, 16, 12))
    elif tool is Tool.POLYGON:
        path.addPolygon(QPolygonF([QPointF(*at) for at in ((3, 8), (11, 2.5), (17.5, 8), (14, 17), (5, 16), (3, 8))]))
    elif tool is Tool.FREEHAND:
        path.moveTo(4, 12)
        path.cubicTo(0, 1, 12, 3, 14, 5)
        path.cubicTo(22, 9, 14, 19, 9, 17)
        path.cubicTo(6, 16, 5, 15, 4, 12)
    elif tool is Tool.PAINT:
        path.moveTo(17, 3)
        path.lineTo(9, 11)
        path.addEllipse(QRectF(3.5, 10.5, 6, 6))
    else:
        path.addPolygon(QPolygonF([QPointF(*at) for at in ((5, 2.5), (5, 15), (8.5, 12), (13.5, 12), (5, 2.5))]))
        path.moveTo(9, 12)
        path.lineTo(11.5, 17)
    return path
