"""The image that is looked at: which layer, which plane, and its pixels made ready off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, debounce, role_of
from napari_seagull.layers.choice import PixelChoice, Way
from napari_seagull.layers.images import PixelRequest, displayed_plane, pixel_request
from napari_seagull.session.commands import OpenImage
from napari_seagull.session.records import Plane
from napari_seagull.tasks import Task
from napari_seagull.views.image_bar import ImageBar
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image, Layer

SETTLE_MS = 200
"""Sliders and contrast limits rest this long before the pixels are made ready again."""

LOOK_EVENTS = ("contrast_limits", "gamma", "opacity", "colormap", "blending", "visible")
"""What changes a composite."""

TRANSFORM_EVENTS = ("scale", "translate", "rotate", "shear", "affine")


class ImageWatch(QObject):
    """Keeps the session's image the one that is chosen, at the plane and with the contrast that is shown."""

    moved = Signal()  # another layer was chosen, or the chosen one was scaled, moved or turned
    lost = Signal(str)  # the chosen layer was removed: its name

    def __init__(self, desk: Desk, bar: ImageBar, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._bar = desk, bar
        self._layer: Image | None = None
        self._key: Hashable = None
        self._revision = 0
        self._choice = PixelChoice()
        self._task: Task | None = None
        self._settle = debounce(SETTLE_MS, self._prepare, self)
        self._listened: list[tuple[Any, Callable[..., None]]] = []
        bar.image_wished.connect(self._on_image_wished)
        events = desk.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.connect(self._on_layers_changed)
        for emitter in (desk.viewer.dims.events.point, desk.viewer.dims.events.ndisplay, desk.viewer.dims.events.order):
            emitter.connect(self._on_view_changed)
        self._on_layers_changed()

    @property
    def layer(self) -> Image | None:
        """The chosen Image layer."""
        return self._layer

    @property
    def plane(self) -> Plane:
        """The plane that the session holds; () where it holds none."""
        image = self._desk.session.image
        return () if image is None else image.pixels.plane

    @property
    def on_screen(self) -> Plane | None:
        """The plane of the chosen layer that is on screen now, read or not; None where there is none."""
        if self._layer is None:
            return None
        try:
            return displayed_plane(self._layer, self._desk.viewer.dims)
        except SeagullError:
            return None

    @property
    def following(self) -> Image | None:
        """The image that comes after the chosen one in the list; None after the last."""
        images = self._images()
        index = images.index(self._layer) + 1 if self._layer in images else len(images)
        return images[index] if index < len(images) else None

    @property
    def revision(self) -> int:
        """Rises whenever pixels of a layer have changed in place."""
        return self._revision

    @property
    def choice(self) -> PixelChoice:
        """What of the image is scored."""
        return self._choice

    def choose_pixels(self, choice: PixelChoice) -> None:
        """Score something else of the image from now on."""
        if choice != self._choice:
            self._choice = choice
            self._prepare()

    def request(self, layer: Image, plane: Plane) -> PixelRequest:
        """What is to be read of a plane of a layer, as it was chosen; `SeagullError` where it cannot be."""
        others = [one for one in reversed(self._images()) if one.visible] if self._is_composite else []
        return pixel_request(layer, plane=plane, choice=self._choice, others=others)

    @property
    def candidates(self) -> list[Image]:
        """The layers that can be looked at, the topmost first."""
        return self._images()

    @property
    def _is_composite(self) -> bool:
        return self._choice.way is Way.COMPOSITE

    @property
    def is_current(self) -> bool:
        """True when the pixels of the session are those of the chosen layer."""
        return self._layer is not None and self._task is None and self._desk.session.image is not None

    @property
    def is_idle(self) -> bool:
        """True when no pixels are being made ready."""
        return self._task is None and not self._settle.isActive()

    def close(self) -> None:
        """Listen no more."""
        self._settle.stop()
        events = self._desk.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.disconnect(self._on_layers_changed)
        dims = self._desk.viewer.dims.events
        for emitter in (dims.point, dims.ndisplay, dims.order):
            emitter.disconnect(self._on_view_changed)
        for layer in self._images():
            self._look_at(layer, heard=False)
        self._forget_layer()

    def choose(self, layer: Image | None) -> None:
        """Look at that layer from now on."""
        if layer is self._layer:
            return
        self._forget_layer()
        self._layer = layer
        self._key = None
        if layer is not None:
            self._listen_to(layer)
        self._show_list()
        self._prepare()
        self.moved.emit()

    def _listen_to(self, layer: Image) -> None:
        pairs: list[tuple[Any, Callable[..., None]]] = [
            (layer.events.data, self._on_data_changed),
            (layer.events.contrast_limits, self._on_view_changed),
            (layer.events.name, self._show_list),
            *((getattr(layer.events, name), self._on_transformed) for name in TRANSFORM_EVENTS),
        ]
        for emitter, slot in pairs:
            emitter.connect(slot)
        self._listened = pairs

    def _look_at(self, layer: Image, *, heard: bool) -> None:
        """Hear of what changes the looks of any image, since it may be part of a composite; harmless twice."""
        for name in LOOK_EVENTS:
            emitter = getattr(layer.events, name)
            emitter.disconnect(self._on_looks_changed)
            if heard:
                emitter.connect(self._on_looks_changed)

    def _on_looks_changed(self, _event: object = None) -> None:
        if self._is_composite:
            self._settle.start()

    def _forget_layer(self) -> None:
        for emitter, slot in self._listened:
            emitter.disconnect(slot)
        self._listened = []
        if self._task is not None:
            self._task.drop()
            self._task = None

    def _images(self) -> list[Image]:
        """The layers to choose from, the topmost first."""
        found: list[Image] = [
            layer for layer in reversed(self._desk.viewer.layers) if _is_image(layer) and not role_of(layer)
        ]
        return found

    def _on_layers_changed(self, event: Any = None) -> None:  # noqa: ANN401
        images, regions = self._images(), self._desk.session.regions
        opened = event is None or (event.type == "inserted" and event.value in images)
        for image in images:
            self._look_at(image, heard=True)
        self._on_looks_changed()
        gone = self._layer is not None and self._layer not in self._desk.viewer.layers
        if gone:
            name = "" if self._layer is None else str(self._layer.name)
            self.choose(images[0] if images and not regions else None)
            self.lost.emit(name)
        elif images and ((opened and not regions) or (self._layer is None and (not regions or len(images) == 1))):
            self.choose(images[0])  # a layer of ours that comes, or another order, changes nobody's choice
        self._show_list()

    def _on_image_wished(self, index: int) -> None:
        images = self._images()
        if 0 <= index < len(images):
            self.choose(images[index])

    def _show_list(self, _event: object = None) -> None:
        images = self._images()
        chosen = images.index(self._layer) if self._layer in images else None
        self._bar.show_images([str(image.name) for image in images], chosen)

    def _on_view_changed(self, _event: object = None) -> None:
        self._settle.start()

    def _on_data_changed(self, _event: object = None) -> None:
        self._revision += 1
        self._settle.start()

    def _on_transformed(self, _event: object = None) -> None:
        self.moved.emit()

    def _prepare(self) -> None:
        """Make the pixels ready elsewhere, unless they are what the session holds."""
        layer = self._layer
        if layer is None:
            if self._desk.session.image is not None:
                self._desk.session.do(OpenImage(None))
            return
        try:
            plane = displayed_plane(layer, self._desk.viewer.dims)
            request = self.request(layer, plane)
        except SeagullError as error:
            self._desk.tell(str(error))
            return
        key = (id(layer), self._revision, request.key)
        if key == self._key:
            return
        self._key = key
        if self._task is not None:
            self._task.drop()
        self._task = self._desk.tasks.start(
            "image",
            lambda _task: request.prepare(),
            done=lambda image: self._on_prepared(image, request.name),
            failed=self._on_failed,
        )

    def _on_prepared(self, image: PreparedImage, name: str) -> None:
        self._task = None
        self._desk.session.do(OpenImage(image, name))

    def _on_failed(self, error: SeagullError) -> None:
        self._task = None
        self._desk.session.do(OpenImage(None))
        self._desk.tell(str(error))


def _is_image(layer: Layer) -> bool:
    from napari.layers import Image

    return isinstance(layer, Image)
