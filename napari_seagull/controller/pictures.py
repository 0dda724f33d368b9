"""Small pictures of regions for the panels: made from the image on the table, elsewhere where that takes long."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.layers.images import PixelRequest
from napari_seagull.layers.large import seen
from napari_seagull.layers.thumbnails import is_quick, region_picture
from napari_seagull.session.records import RegionRecord
from napari_seagull.tasks import Task
from napari_seagull.views.picture import PictureView
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.prepared import PreparedImage

ELSEWHERE = "The region lies on another image."
NO_REGION = "Select a region to see it."
MAKING = "…"

Key = tuple[Hashable, ...]
"""`RegionRecord.geometry`, what pixels it is cut from, and the longer side in px."""


class Pictures(QObject):
    """Shows a region in a view, and remembers what each view shows."""

    def __init__(self, desk: Desk, images: ImageWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images = desk, images
        self._shown: dict[PictureView, Key] = {}
        self._making: dict[PictureView, Task] = {}

    def forget(self, view: PictureView) -> None:
        """The view is about to go."""
        self._shown.pop(view, None)
        if (task := self._making.pop(view, None)) is not None:
            task.drop()

    def show(self, record: RegionRecord | None, view: PictureView) -> None:
        """Show a region, also one of another plane; where it cannot be seen now, say why."""
        image = self._desk.session.image
        if record is None or image is None or not _lies_in(record, image):
            self.forget(view)
            view.show_pixels(None, NO_REGION if record is None else ELSEWHERE)
        elif record.plane == image.pixels.plane:
            self._show_here(record, image, view)
        else:
            self._show_from_elsewhere(record, view)

    def _show_here(self, record: RegionRecord, image: PreparedImage, view: PictureView) -> None:
        side = view.side
        key = (record.geometry, image.sha256, side)
        if self._shown.get(view) == key:
            return
        self.forget(view)
        self._shown[view] = key
        rgb, mask = seen(image, record.region.mask)
        if is_quick(mask):
            view.show_pixels(region_picture(rgb, mask, side))
        else:
            self._make(view, key, lambda: region_picture(rgb, mask, side))

    def _show_from_elsewhere(self, record: RegionRecord, view: PictureView) -> None:
        """Read the region's own plane, on a thread of its own."""
        layer, side, mask = self._images.layer, view.side, record.region.mask
        if layer is None:
            return
        try:
            request = self._images.request(layer, record.plane)
        except SeagullError as error:
            self.forget(view)
            view.show_pixels(None, str(error))
            return
        key = (record.geometry, id(layer), request.key, side)
        if self._shown.get(view) != key:
            self.forget(view)
            self._shown[view] = key
            self._make(view, key, lambda: _read(request, mask, side))

    def _make(self, view: PictureView, key: Key, make: Callable[[], NDArray[np.uint8]]) -> None:
        view.show_pixels(None, MAKING)
        self._making[view] = self._desk.tasks.start(
            "picture",
            lambda _task: make(),
            done=lambda made: self._on_made(view, key, made),
            failed=lambda error: view.show_pixels(None, str(error)),
        )

    def _on_made(self, view: PictureView, key: Key, made: NDArray[np.uint8]) -> None:
        self._making.pop(view, None)
        if self._shown.get(view) == key:
            view.show_pixels(made)


def _lies_in(record: RegionRecord, image: PreparedImage) -> bool:
    """Whether it is a region of that image, on whichever plane."""
    return len(record.plane) == len(image.pixels.plane) and record.region.mask.shape == image.shape


def _read(request: PixelRequest, mask: RegionMask, side: int) -> NDArray[np.uint8]:
    rgb, there = seen(request.prepare(), mask)
    return region_picture(rgb, there, side)
