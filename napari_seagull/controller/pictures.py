"""Small pictures of regions for the panels: made from the image on the table, elsewhere where that takes long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk
from napari_seagull.layers.large import seen
from napari_seagull.layers.thumbnails import is_quick, region_picture
from napari_seagull.session.records import RegionRecord
from napari_seagull.tasks import Task
from napari_seagull.views.picture import PictureView

ELSEWHERE = "The region lies on another plane or image."
NO_REGION = "Select a region to see it."
MAKING = "…"

Key = tuple[str, str, int]
"""`RegionRecord.geometry`, the hash of the image, and the longer side in px."""


class Pictures(QObject):
    """Shows a region in a view, and remembers what each view shows."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._shown: dict[PictureView, Key] = {}
        self._making: dict[PictureView, Task] = {}

    def forget(self, view: PictureView) -> None:
        """The view is about to go."""
        self._shown.pop(view, None)
        if (task := self._making.pop(view, None)) is not None:
            task.drop()

    def show(self, record: RegionRecord | None, view: PictureView) -> None:
        """Show a region; where it cannot be seen now, say why."""
        image = self._desk.session.image
        if record is None or image is None or record.plane != image.pixels.plane or (
            record.region.mask.shape != image.shape
        ):
            self.forget(view)
            view.show_pixels(None, NO_REGION if record is None else ELSEWHERE)
            return
        side = view.side
        key = (record.geometry, image.sha256, side)
        if self._shown.get(view) == key:
            return
        self.forget(view)
        self._shown[view] = key
        rgb, mask = seen(image, record.region.mask)
        if is_quick(mask):
            view.show_pixels(region_picture(rgb, mask, side))
            return
        view.show_pixels(None, MAKING)
        self._making[view] = self._desk.tasks.start(
            "picture",
            lambda _task: region_picture(rgb, mask, side),
            done=lambda made: self._on_made(view, key, made),
            failed=lambda error: view.show_pixels(None, str(error)),
        )

    def _on_made(self, view: PictureView, key: Key, made: NDArray[np.uint8]) -> None:
        self._making.pop(view, None)
        if self._shown.get(view) == key:
            view.show_pixels(made)
