"""Our Points layer on which one points: it takes mouse and keys while it is the active layer, and shows the marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import PROMPTS, ROLE_KEY, Desk, debounce, left_over
from napari_seagull.controller.marks import DISC, Marks, marks_of
from napari_seagull.layers.geometry import magnification, pointed_at
from napari_seagull.layers.pictures import Frame, placed
from napari_seagull.session.prompting import Sketch, Step
from napari_seagull.session.records import Plane
from napari_seagull.views.segment_bar import PointTool
from seagull_iqa.domain.prompts import FloatBox, Point

if TYPE_CHECKING:
    from napari.layers import Image, Points

PROMPTS_NAME = "SEAGULL prompts"

CLICK_REACH = 4.0
"""A press that moves by less than this many px of the screen is a click."""

NOT_THIS = ("Control", "Alt")
"""Either of these held, or the right button, says: this is not the region."""

KEYS: dict[str, tuple[str, ...]] = {
    "accepted": ("Enter",),
    "rejected": ("Escape",),
    "cycled": ("N",),
    "undone": ("Control-Z",),
    "redone": ("Control-Shift-Z",),
    "carried": ("K",),
}
"""Signal -> the keys on our layer that emit it."""


class PromptLayer(QObject):
    """Turns gestures over an image into places of its plane; changes nothing but its own layer."""

    hovered = Signal(object)  # Point under the pointer
    clicked = Signal(object, bool)  # Point; inside?
    boxed = Signal(object)  # FloatBox
    scribbled = Signal(object, bool)  # tuple of Point; inside?
    accepted = Signal()
    rejected = Signal()
    cycled = Signal()
    undone = Signal()
    redone = Signal()
    carried = Signal()
    left = Signal()  # another layer or mode was chosen: no tool of ours is in use

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._layer: Points | None = None
        self._image: Image | None = None
        self._plane: Plane = ()
        self._step = Step()
        self.tool: PointTool | None = None
        self.minus = False
        self.busy = False
        # A layer that is added is active for a moment, until whoever adds it sets that right.
        self._look = debounce(0, self._leave_if_left, self)
        desk.viewer.layers.selection.events.active.connect(self._on_active)
        desk.viewer.layers.events.removed.connect(self._on_removed)
        desk.viewer.scene.camera.events.zoom.connect(self._on_zoom)

    @property
    def layer(self) -> Points | None:
        """Our layer, if there is one."""
        return self._layer

    def close(self) -> None:
        """Listen no more; the layer is emptied and let go, since napari can crash where one is taken away."""
        self.tool = None
        self._look.stop()
        self._desk.viewer.layers.selection.events.active.disconnect(self._on_active)
        self._desk.viewer.layers.events.removed.disconnect(self._on_removed)
        self._desk.viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        layer, self._layer = self._layer, None
        if layer is not None:
            layer.mouse_drag_callbacks.remove(self._on_press)
            layer.mouse_move_callbacks.remove(self._on_move)
            layer.events.mode.disconnect(self._on_mode)
            layer.data = np.zeros((0, 2))
            layer.visible = layer.locked = False

    def take(self, tool: PointTool, image: Image, plane: Plane) -> None:
        """Let the mouse point at that plane of that image from now on."""
        self._image, self._plane = image, plane
        layer = self._ensured()
        for name, value in placed(Frame((0, 0, 1, 1)), image, plane).items():
            setattr(layer, name, value)
        layer.visible = True
        layers = self._desk.viewer.layers
        if layers[-1] is not layer:
            layers.move(layers.index(layer), len(layers))
        self.tool = tool
        layers.selection.active = layer
        layer.mode = "add"
        self._own_mouse()
        self._draw()

    def leave(self) -> None:
        """Take no gestures any more, and show no marks."""
        if self.tool is None:
            return
        self.tool = None
        self.show(Step())
        layer = self._layer
        if layer is not None:
            layer.visible = False
            if self._desk.viewer.layers.selection.active is layer and self._image in self._desk.viewer.layers:
                self._desk.viewer.layers.selection.active = self._image
        self.left.emit()

    def show(self, step: Step) -> None:
        """Draw these marks and no others."""
        self._step = step
        self._draw()

    def _ensured(self) -> Points:
        if self._layer is not None:
            return self._layer
        from napari.layers import Points

        layer: Points | None = left_over(self._desk.viewer, PROMPTS)
        if layer is None:
            mark = {ROLE_KEY: {"role": PROMPTS}}
            layer = Points(np.zeros((0, 2)), ndim=2, name=PROMPTS_NAME, symbol=DISC, metadata=mark)
            self._desk.viewer.add_layer(layer)
        # napari can crash on redrawing after a layer was deleted over an image (napari#6472).
        layer.locked = True
        layer.mouse_drag_callbacks.append(self._on_press)
        layer.mouse_move_callbacks.append(self._on_move)
        layer.events.mode.connect(self._on_mode)
        for name, keys in KEYS.items():
            for key in keys:
                layer.bind_key(key, self._teller(name), overwrite=True)
        self._layer = layer
        return layer

    def _teller(self, name: str) -> Callable[[Points], None]:
        def tell(_layer: Points) -> None:
            getattr(self, name).emit()

        return tell

    def _own_mouse(self) -> None:
        """In the mode that adds points napari does not zoom at a double click; its adding and panning are taken out."""
        layer = self._layer
        if layer is not None:
            layer.mouse_pan = False
            for callbacks, ours in (
                (layer.mouse_drag_callbacks, self._on_press),
                (layer.mouse_move_callbacks, self._on_move),
            ):
                for callback in list(callbacks):
                    if callback != ours:
                        callbacks.remove(callback)

    def _on_mode(self, _event: object = None) -> None:
        """napari switches to moving the camera while the space bar is held, and back."""
        layer = self._layer
        if layer is not None and str(layer.mode) == "add":
            self._own_mouse()

    def _on_active(self, _event: object = None) -> None:
        self._look.start()

    def _leave_if_left(self) -> None:
        if self.tool is not None and self._desk.viewer.layers.selection.active is not self._layer:
            self.leave()

    def _on_removed(self, event: Any) -> None:  # noqa: ANN401
        if event.value is self._layer:
            self._layer = None
            self.leave()

    def _on_zoom(self, _event: object = None) -> None:
        """Marks stay as large on the screen as they were."""
        if self.tool is not None and self._step != Step():
            self._draw()

    def _screen_px(self) -> float:
        """Px of the image in one px of the screen."""
        image = self._image
        if image is None:
            return 1.0
        return 1.0 / max(1e-9, float(self._desk.viewer.scene.camera.zoom) * magnification(image, self._plane))

    def _draw(self, extra: Step | None = None) -> None:
        layer = self._layer
        if layer is None:
            return
        marks = marks_of(extra or self._step, self._screen_px())
        _write(layer, marks)

    def _place(self, event: Any) -> Point | None:  # noqa: ANN401
        image = self._image
        if image is None or self.tool is None or str(self._layer and self._layer.mode) != "add":
            return None
        return pointed_at(image, self._plane, event.position)

    def _on_move(self, _layer: Points, event: Any) -> None:  # noqa: ANN401
        place = self._place(event)
        if place is not None and not self.busy:
            self.hovered.emit(place)

    def _on_press(self, _layer: Points, event: Any) -> Iterator[None]:  # noqa: ANN401
        """A press until its release: a click, a box or a stroke."""
        start = self._place(event)
        if start is None or event.button not in (1, 2):
            return
        inside = not (self.minus or event.button == 2 or any(key in event.modifiers for key in NOT_THIS))
        trail, pressed, dragged = [start], np.asarray(event.pos, dtype=float), False
        self.busy = True
        yield
        while event.type == "mouse_move":
            place = self._place(event)
            dragged |= bool(np.abs(np.asarray(event.pos, dtype=float) - pressed).max() >= CLICK_REACH)
            if place is not None:
                trail.append(place)
            if dragged:
                self._draw(self._under_way(trail, inside=inside))
            yield
        self.busy = False
        self._finish(trail, inside=inside, dragged=dragged)

    def _under_way(self, trail: list[Point], *, inside: bool) -> Step:
        sketch = Sketch(steps=(self._step,))
        if self.tool is PointTool.SCRIBBLE:
            return sketch.scribbled(tuple(trail), inside=inside).now
        return sketch.boxed(box_between(trail[0], trail[-1])).now

    def _finish(self, trail: list[Point], *, inside: bool, dragged: bool) -> None:
        if not dragged:
            self.clicked.emit(trail[0], inside)
        elif self.tool is PointTool.SCRIBBLE:
            self.scribbled.emit(tuple(trail), inside)
        else:
            self.boxed.emit(box_between(trail[0], trail[-1]))


def box_between(first: Point, second: Point) -> FloatBox:
    """The half-open box between two corners that were pointed at; at least one px wide."""
    rows, columns = sorted((first[0], second[0])), sorted((first[1], second[1]))
    row0, column0 = rows[0] + 0.5, columns[0] + 0.5
    return (row0, column0, max(rows[1] + 0.5, row0 + 1), max(columns[1] + 0.5, column0 + 1))


def _write(layer: Points, marks: Marks) -> None:
    """Show marks; order matters, since each property belongs to as many points as there are."""
    layer.data = marks.places
    if len(marks.places):
        layer.symbol = marks.symbols
        layer.size = marks.sizes
        layer.face_color = marks.colours
        layer.border_color = marks.borders
        layer.border_width = marks.widths
    layer.selected_data = set()
