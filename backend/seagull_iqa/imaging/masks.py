"""Shapes to pixels: which pixels a polygon or an ellipse holds, and the outline of a mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon as polygon_pixels

from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.errors import RegionError


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
    if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise RegionError("A polygon has three or more finite vertices (row, col).", "Draw it again.")
    rows, columns = polygon_pixels(points[:, 0], points[:, 1], shape=shape)  # type: ignore[no-untyped-call]
    return _from_indices(shape, rows, columns)


def ellipse_mask(shape: tuple[int, int], box: Sequence[float]) -> RegionMask:
    """The pixels whose centre lies in the ellipse that fits into a half-open box (row0, col0, row1, col1) in px."""
    r0, c0, r1, c1 = (float(value) for value in box)
    if not np.isfinite([r0, c0, r1, c1]).all() or r1 <= r0 or c1 <= c0:
        raise RegionError(f"The box ({r0:g}, {c0:g}, {r1:g}, {c1:g}) has no area.", "Draw the ellipse again.")
    top, left = max(0, int(np.floor(r0))), max(0, int(np.floor(c0)))
    rows = np.arange(top, min(shape[0], int(np.ceil(r1))))[:, None] + 0.5
    columns = np.arange(left, min(shape[1], int(np.ceil(c1))))[None, :] + 0.5
    away = ((rows - (r0 + r1) / 2) / ((r1 - r0) / 2)) ** 2 + ((columns - (c0 + c1) / 2) / ((c1 - c0) / 2)) ** 2
    return RegionMask.from_part(shape, (top, left), away <= 1.0)


def _from_indices(shape: tuple[int, int], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> RegionMask:
    if rows.size == 0:
        return RegionMask.from_part(shape, (0, 0), np.zeros((1, 1), dtype=bool))
    top, left = int(rows.min()), int(columns.min())
    part = np.zeros((int(rows.max()) - top + 1, int(columns.max()) - left + 1), dtype=bool)
    part[rows - top, columns - left] = True
    return RegionMask.from_part(shape, (top, left), part)


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
