"""One image of a list after the other: read ahead, opened with its regions, and the one before put away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, file_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.opening import LayerData, read_layers
from napari_seagull.controller.safe import Safe
from napari_seagull.tasks import Task
from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from napari.layers import Image, Layer


class Opener(QObject):
    """Opens images of a list; those that it has opened itself it closes again."""

    def __init__(self, desk: Desk, images: ImageWatch, safe: Safe, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images, self._safe = desk, images, safe
        self._opened: dict[Path, list[Layer]] = {}
        self._ahead: dict[Path, list[LayerData]] = {}
        self._task: Task | None = None
        self.reading: Path | None = None

    @property
    def present(self) -> Path | None:
        """The file of the image that is looked at."""
        layer = self._images.layer
        name = "" if layer is None else file_of(layer)
        return Path(name) if name else None

    def close(self) -> None:
        """Hear no more; images stay open."""
        if self._task is not None:
            self._task.drop()

    def open(self, path: Path, then: Callable[[], None]) -> None:
        """Look at an image; its regions come with it, those of another are put away, saved. `then` once it is there."""
        there = self._layer_of(path)
        if there is not None:
            self._turn_to(there, path)
            then()
            return
        self.reading = path
        known = self._ahead.pop(path, None)
        if known is not None:
            self._show(path, known, then)
            return
        if self._task is not None:
            self._task.drop()
        self._task = self._desk.tasks.start(
            "open",
            lambda _task: read_layers(path),
            done=lambda layers: self._show(path, layers, then),
            failed=self._on_failed,
        )

    def read_ahead(self, path: Path) -> None:
        """Read an image that is likely to be wished next, so that it is there at once."""
        if path in self._ahead or self._layer_of(path) is not None:
            return

        def keep(layers: list[LayerData]) -> None:
            self._ahead = {path: layers}

        self._desk.tasks.start("ahead", lambda _task: read_layers(path), done=keep, failed=lambda _error: None)

    def _layer_of(self, path: Path) -> Image | None:
        return next((layer for layer in self._images.candidates if file_of(layer) == str(path)), None)

    def _show(self, path: Path, layers: list[LayerData], then: Callable[[], None]) -> None:
        from napari.layers import Layer

        self._task = None
        if self.reading != path:
            return  # somebody wished another one meanwhile
        self.reading = None
        made = [Layer.create(data, keywords, kind) for data, keywords, kind in layers]
        for layer in made:
            self._desk.viewer.add_layer(layer)
        self._opened[path] = made
        there = self._layer_of(path)
        if there is None:
            self._desk.tell(f"{path.name} holds no image. Choose another one.")
        else:
            self._turn_to(there, path)
        then()

    def _turn_to(self, layer: Image, path: Path) -> None:
        self._safe.turn_to(layer)
        layers = self._desk.viewer.layers
        for former, mine in list(self._opened.items()):
            if former != path:
                for one in mine:
                    if one in layers:
                        layers.remove(one)
                del self._opened[former]

    def _on_failed(self, error: SeagullError) -> None:
        self._task, self.reading = None, None
        self._desk.tell(str(error))
