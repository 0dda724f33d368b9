"""Which regions a person looks at just now: the selected ones, then those in the part of the image on the screen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from seagull_iqa.domain.region import Box, Region


class ViewOrder:
    """Puts regions into the order in which they are waited for."""

    def __init__(self, desk: Desk, images: ImageWatch) -> None:
        self._desk, self._images = desk, images

    def sorted(self, regions: Sequence[Region]) -> list[Region]:
        """Selected ones first, then those on the screen, then the others; each in the order given."""
        selected, shown = set(self._desk.session.selection), self.shown()

        def turn(region: Region) -> int:
            if region.id in selected:
                return 0
            return 1 if shown is None or _meet(region.mask.box, shown) else 2

        return sorted(regions, key=turn)

    def shown(self) -> NDArray[np.float64] | None:
        """The part of the plane on the screen: row0, column0, row1, column1 in px of the image; None where unknown."""
        layer, viewer = self._images.layer, self._desk.viewer
        if layer is None or viewer.dims.ndisplay != 2:
            return None
        size, camera = np.asarray(viewer.canvas.size, dtype=float), viewer.scene.camera
        if not size.all() or camera.zoom <= 0:
            return None
        half, middle = size / camera.zoom / 2, np.asarray(camera.center[-2:], dtype=float)
        corners = [middle + half * sign for sign in ((-1, -1), (-1, 1), (1, -1), (1, 1))]
        lead = np.asarray(viewer.dims.point, dtype=float)[-layer.ndim :][:-2]
        places = np.array([np.asarray(layer.world_to_data([*lead, *corner]), dtype=float)[-2:] for corner in corners])
        return np.concatenate([places.min(axis=0), places.max(axis=0)])


def _meet(box: Box, shown: NDArray[np.float64]) -> bool:
    return bool(box[0] < shown[2] and box[1] < shown[3] and box[2] > shown[0] and box[3] > shown[1])
