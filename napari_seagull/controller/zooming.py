"""Regions in the middle of the canvas, on their plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch

ZOOM_SHARE = 0.5
"""What is zoomed to fills this share of the canvas."""


class Zoom:
    """Moves the camera, and the sliders, to regions."""

    def __init__(self, desk: Desk, images: ImageWatch) -> None:
        self._desk, self._images = desk, images

    def to(self, ids: Sequence[str]) -> None:
        """Bring these regions to the middle of the canvas; those of another plane than the first are left out."""
        regions, image = self._desk.session.regions, self._images.layer
        records = [regions[key] for key in ids if key in regions]
        if not records or image is None or image.ndim != len(records[0].plane) + 2:
            return
        plane = records[0].plane
        boxes = np.array([record.region.mask.box for record in records if record.plane == plane])
        (row0, column0), (row1, column1) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        ends = [[*plane, row0 - 0.5, column0 - 0.5], [*plane, row1 - 0.5, column1 - 0.5]]
        low, high = (np.asarray(image.data_to_world(end), dtype=float) for end in ends)
        viewer = self._desk.viewer
        lead = len(viewer.dims.point) - len(low)
        for axis in range(len(plane)):
            viewer.dims.set_point(lead + axis, float(low[axis]))
        viewer.scene.camera.center = (0.0, *((low + high) / 2)[-2:])
        extent = np.maximum(np.abs(high - low)[-2:], 1e-9)
        viewer.scene.camera.zoom = float(ZOOM_SHARE * np.min(np.asarray(viewer.canvas.size) / extent))
