"""Shapes to pixels: which pixels a polygon or an ellipse holds, and the outline of a mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.errors import RegionError
from seagull_iqa.imaging import raster


def polygon_mask(shape: tuple[int, int], vertices: Sequence[Sequence[float]]) -> RegionMask:
    """The pixels whose centre lies inside a polygon; what lies outside the image is cut off.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    vertices : sequence of (row, col)
        In px, three or more; whole numbers are centres of pixels, as in napari.

    Raises
    ------
    RegionError
        Fewer than three vertices, or not finite.
    EmptyRegionError
        No centre of a pixel of the image is inside.
    """
    points = np.asarray(vertices, dtype=np.float64)
    if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] != 2:
        raise RegionError("A polygon has three or more vertices (row, col).", "Draw it again.")
    return raster.polygon_mask(shape, points)


def ellipse_mask(shape: tuple[int, int], box: Sequence[float]) -> RegionMask:
    """The pixels whose centre lies in the ellipse that fits into a half-open box (row0, col0, row1, col1) in px."""
    r0, c0, r1, c1 = (float(value) - 0.5 for value in box)
    return raster.ellipse_mask(shape, np.array([(r0, c0), (r0, c1), (r1, c1), (r1, c0)]))


def outline(mask: RegionMask, width: int = 2) -> tuple[Box, NDArray[np.bool_]]:
    """The pixels of a mask that lie within `width` px of its edge, as a box and the part inside it.

    Returns
    -------
    box : (row0, col0, row1, col1)
        The box of the mask.
    edge : bool, shape (row1 - row0, col1 - col0)
        True on the outline, which lies inside the mask.
    """
    padded = np.pad(mask.inside, 1)
    kept = ndimage.binary_erosion(padded, iterations=max(1, width))[1:-1, 1:-1]
    return mask.box, mask.inside & ~kept


def union(shape: tuple[int, int], masks: Sequence[RegionMask]) -> RegionMask:
    """The pixels of any of the masks; `EmptyRegionError` where there is none."""
    if len(masks) == 1:
        return masks[0]
    r0, c0 = (min((mask.box[axis] for mask in masks), default=0) for axis in (0, 1))
    r1, c1 = (max((mask.box[axis] for mask in masks), default=1) for axis in (2, 3))
    part = np.zeros((r1 - r0, c1 - c0), dtype=bool)
    for mask in masks:
        top, left, bottom, right = mask.box
        part[top - r0 : bottom - r0, left - c0 : right - c0] |= mask.inside
    return RegionMask.from_part(shape, (r0, c0), part)


def iou(first: RegionMask, second: RegionMask) -> float:
    """The share of the pixels of either that are pixels of both, 0..1; both belong to one image."""
    common = shared_area(first, second)
    return common / (first.area + second.area - common)


def shared_area(first: RegionMask, second: RegionMask) -> int:
    """How many pixels two masks of one image share; only where their boxes meet is looked at."""
    r0, c0 = max(first.box[0], second.box[0]), max(first.box[1], second.box[1])
    r1, c1 = min(first.box[2], second.box[2]), min(first.box[3], second.box[3])
    if r0 >= r1 or c0 >= c1:
        return 0
    parts = [
        mask.inside[r0 - mask.box[0] : r1 - mask.box[0], c0 - mask.box[1] : c1 - mask.box[1]]
        for mask in (first, second)
    ]
    return int(np.count_nonzero(parts[0] & parts[1]))
