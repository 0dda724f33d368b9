"""The pixels that are pointed at: the plane that the session holds, or a window of a large one, read elsewhere."""

from __future__ import annotations

from collections.abc import Hashable

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.layers.images import plane_shape
from napari_seagull.layers.windows import Ground, is_large, window_request, window_round
from napari_seagull.session.records import Plane
from napari_seagull.tasks import Task
from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.errors import SeagullError


class Grounds(QObject):
    """Has the pixels for some prompts at hand, or fetches them; of a large plane one window is kept."""

    arrived = Signal()  # ask again
    failed = Signal(object)  # SeagullError: the pixels cannot be had

    def __init__(self, desk: Desk, images: ImageWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images = desk, images
        self._kept: Ground | None = None
        self._key: Hashable = None
        self._task: Task | None = None
        desk.session.image_changed.connect(self.arrived)

    @property
    def is_idle(self) -> bool:
        """True when no window is read."""
        return self._task is None

    def close(self) -> None:
        """Listen no more."""
        self._desk.session.image_changed.disconnect(self.arrived)

    def at(self, plane: Plane, prompts: Prompts) -> Ground | None:
        """The pixels for prompts on that plane; None while they are read, then `arrived` or `failed` tells.

        Raises
        ------
        LimitError
            The prompts lie too far apart for a window.
        """
        layer = self._images.layer
        if layer is None or self._task is not None:
            return None
        if not is_large(layer):
            image = self._desk.session.image
            there = self._images.is_current and image is not None and image.pixels.plane == plane
            return Ground(image, image.shape, plane) if there and image is not None else None
        choice = self._images.choice
        key = (id(layer), self._images.revision, plane, tuple(layer.contrast_limits or ()), choice)
        last = self._kept.box if self._kept is not None and self._key == key else None
        box = window_round(plane_shape(layer), prompts, last=last)
        if box == last:
            return self._kept
        wanted = window_request(layer, plane, box, choice)
        self._key, self._kept = key, None
        self._task = self._desk.tasks.start(
            "window", lambda _task: wanted.prepare(), done=self._on_read, failed=self._on_unread
        )
        return None

    def _on_read(self, ground: Ground) -> None:
        self._task, self._kept = None, ground
        self.arrived.emit()

    def _on_unread(self, error: SeagullError) -> None:
        self._task = None
        self.failed.emit(error)
