"""The tools of the panel and the modes of our layers, kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.our_layers import OurLayers
from napari_seagull.views.draw_bar import DrawBar, Tool

if TYPE_CHECKING:
    from napari.layers import Image

MODES = {
    Tool.RECTANGLE: "add_rectangle",
    Tool.ELLIPSE: "add_ellipse",
    Tool.POLYGON: "add_polygon",
    Tool.FREEHAND: "add_polygon_lasso",
    Tool.SELECT: "select",
}
"""Tool -> mode of the Shapes layer."""

LOOK_MS = 200


class Tools(QObject):
    """Makes our layers on demand, and puts them into the mode of the tool that was chosen."""

    def __init__(
        self, desk: Desk, images: ImageWatch, layers: OurLayers, bar: DrawBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._desk, self._images, self._bar = desk, images, bar
        self._shapes, self._labels, self._segments = layers.shapes, layers.labels, layers.segments
        self._follow = debounce(LOOK_MS, self._show_tool, self)
        self._follow.setSingleShot(False)
        self._follow.start()  # a mode has no event that covers a change of the active layer, too
        bar.tool_wished.connect(self._on_tool_wished)

    def close(self) -> None:
        """Listen no more."""
        self._follow.stop()

    def restore(self) -> None:
        """Bring back the layers whose regions the session still holds."""
        image = self._ready_image()
        if image is None:
            return
        if self._shapes.has_lost_regions():
            self._shapes.ensure(image)
        if self._labels.has_lost_regions():
            self._labels.ensure(image)
        if self._segments.has_lost_regions():
            self._segments.restore()

    def _on_tool_wished(self, tool: Tool) -> None:
        image = self._ready_image()
        if image is None:
            self._bar.show_tool(None)
            return
        if tool is Tool.PAINT:
            labels = self._labels.ensure(image)
            self._labels.start_new()
            labels.visible = True
            self._desk.viewer.layers.selection.active = labels
            labels.mode = "paint"
        else:
            shapes = self._shapes.ensure(image)
            shapes.visible = True
            self._desk.viewer.layers.selection.active = shapes
            shapes.mode = MODES[tool]
        self._show_tool()

    def _ready_image(self) -> Image | None:
        image = self._images.layer
        if image is None:
            self._desk.tell("There is no image to draw on. Open one, or a sample under File > Open Sample.")
        elif self._desk.viewer.dims.ndisplay != 2:
            self._desk.tell("Regions are drawn in 2D. Switch the viewer from 3D to 2D first.")
        else:
            return image
        return None

    def _show_tool(self) -> None:
        """Press the button of the tool that the canvas has now."""
        active, shapes, labels = self._desk.viewer.layers.selection.active, self._shapes.layer, self._labels.layer
        tool: Tool | None = None
        if shapes is not None and active is shapes:
            tool = next((tool for tool, mode in MODES.items() if str(shapes.mode) == mode), None)
        elif labels is not None and active is labels and str(labels.mode) == "paint":
            tool = Tool.PAINT
        self._bar.show_tool(tool)
