"""A painted label as the pixels of an image: each pixel has the label that lies at its centre."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_seagull.layers.geometry import FloatArray, matrix_between
from napari_seagull.layers.images import plane_shape
from napari_seagull.layers.shapes import DrawnRegion
from napari_seagull.session.records import LabelSource, Plane
from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError

if TYPE_CHECKING:
    from napari.layers import Image, Labels

_MOST_VALUES = 1_000_000
"""Labels up to here are looked for without sorting every pixel, which is slow."""

_TILT = 1e-9
"""Mixing of leading and displayed axes, in px per px, that counts as none."""


def label_regions(
    labels: Labels, image: Image, *, plane: Plane = (), values: Iterable[int] | None = None
) -> dict[int, DrawnRegion]:
    """The pixels of an image under each label.

    Parameters
    ----------
    labels : napari Labels layer
        May have another scale, translation and affine than the image.
    image : napari Image layer
    plane : tuple of int
        The plane of the image that is meant.
    values : iterable of int or None
        Which labels; None = all on this plane. 0 is the background and never a region.

    Returns
    -------
    dict of int to DrawnRegion
        Without the labels that cover no pixel centre of this plane.

    Raises
    ------
    RegionError
        The Labels layer is turned out of the plane of the image, or lies elsewhere along the leading axes.
    """
    grid, to_grid, to_image = _grids(labels, image, plane)
    boxes = _boxes(grid, values)
    found: dict[int, DrawnRegion] = {}
    for value, box in boxes.items():
        try:
            mask = _mask(grid, value, _through(to_image, box), to_grid, plane_shape(image))
        except EmptyRegionError:
            continue
        found[value] = DrawnRegion(mask, tuple(plane), LabelSource(labels.name, value))
    return found


def touched_values(
    labels: Labels, image: Image, *, plane: Plane, patch: Box, known: Mapping[int, RegionMask]
) -> set[int]:
    """The labels an edit may have changed: those in the patch now, and known ones that reach into it.

    Parameters
    ----------
    labels : napari Labels layer
    image : napari Image layer
    plane : tuple of int
        The plane on screen.
    patch : (int, int, int, int)
        Half-open box in px of the Labels layer: the offset and the shape of `events.labels_update`.
    known : mapping of int to RegionMask
        What each label covered before the edit; without it a label that was painted over would go unnoticed.
    """
    grid, _to_grid, to_image = _grids(labels, image, plane)
    r0, c0, r1, c1 = patch
    now = {int(value) for value in np.unique(grid[r0:r1, c0:c1]) if value != 0}
    low_row, low_column, high_row, high_column = _through(to_image, patch)
    before = {
        value
        for value, mask in known.items()
        if mask.box[0] < high_row and low_row < mask.box[2] and mask.box[1] < high_column and low_column < mask.box[3]
    }
    return now | before


def _grids(labels: Labels, image: Image, plane: Plane) -> tuple[NDArray[np.integer[Any]], FloatArray, FloatArray]:
    """The plane of the labels under a plane of the image, and the 3 x 3 maps image -> labels and back."""
    matrix = matrix_between(image, labels)
    ndim = matrix.shape[0] - 1
    if np.abs(matrix[: ndim - 2, ndim - 2 : ndim]).max(initial=0.0) > _TILT:
        raise RegionError("The Labels layer is turned out of the plane of the image.", "Give both the same transform.")
    here = np.zeros(ndim + 1)
    here[ndim - image.ndim : ndim - 2] = plane
    here[ndim] = 1.0
    there = matrix @ here
    flat = np.eye(3)
    flat[:2, :2] = matrix[ndim - 2 : ndim, ndim - 2 : ndim]
    flat[:2, 2] = there[ndim - 2 : ndim]
    lead = tuple(int(value) for value in np.floor(there[ndim - labels.ndim : ndim - 2] + 0.5))
    return _plane_of(labels, lead), flat, np.asarray(np.linalg.inv(flat), dtype=np.float64)


def _plane_of(labels: Labels, lead: Plane) -> NDArray[np.integer[Any]]:
    data = labels.data[0] if labels.multiscale else labels.data
    if any(not 0 <= index < length for index, length in zip(lead, data.shape, strict=False)):
        raise RegionError(
            f"The layer {labels.name!r} has nothing on this plane of the image.", "Paint where both have a plane."
        )
    return np.asarray(data[lead])


def _boxes(grid: NDArray[np.integer[Any]], values: Iterable[int] | None) -> dict[int, Box]:
    """Half-open box of each label in px of the grid; without labels that are not there."""
    if values is not None:
        wanted = sorted({int(value) for value in values} - {0})
        boxes = {value: _box(grid == value) for value in wanted}
        return {value: box for value, box in boxes.items() if box is not None}
    from scipy.ndimage import find_objects  # scipy takes a while to load and is needed for whole layers only

    names, ranks = _ranked(grid)
    found = enumerate(find_objects(ranks), start=1)
    return {
        names[rank] if names else rank: (box[0].start, box[1].start, box[0].stop, box[1].stop)
        for rank, box in found
        if box is not None and (not names or names[rank] != 0)
    }


def _ranked(grid: NDArray[np.integer[Any]]) -> tuple[dict[int, int], NDArray[np.integer[Any]]]:
    """The grid with small positive numbers, and what they stand for; as it is, and {}, where it has such numbers."""
    if grid.size == 0 or (grid.min() >= 0 and grid.max() <= _MOST_VALUES):
        return {}, grid.astype(np.int32, copy=False)
    values, ranks = np.unique(grid, return_inverse=True)
    return {rank: int(value) for rank, value in enumerate(values, start=1)}, ranks.reshape(grid.shape) + 1


def _box(inside: NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if rows.size == 0:
        return None
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _through(matrix: FloatArray, box: Box) -> Box:
    """A half-open pixel box through a 3 x 3 map, grown to whole pixels and by one for rounding."""
    r0, c0, r1, c1 = box
    corners = np.array([[r, c, 1.0] for r in (r0 - 0.5, r1 - 0.5) for c in (c0 - 0.5, c1 - 0.5)])
    points = (corners @ matrix.T)[:, :2]
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0)) + 1
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _mask(
    grid: NDArray[np.integer[Any]], value: int, box: Box, to_grid: FloatArray, shape: tuple[int, int]
) -> RegionMask:
    """The pixels of a box of the image whose centre lies on a cell of that label."""
    r0, c0 = max(0, box[0]), max(0, box[1])
    r1, c1 = max(r0, min(shape[0], box[2])), max(c0, min(shape[1], box[3]))
    rows, columns = np.arange(r0, r1)[:, None], np.arange(c0, c1)[None, :]
    # Half a cell up goes to the next one, always; numpy's rint would go to the even one.
    i = np.floor(np.round(to_grid[0, 0] * rows + to_grid[0, 1] * columns + to_grid[0, 2], 6) + 0.5).astype(np.int64)
    j = np.floor(np.round(to_grid[1, 0] * rows + to_grid[1, 1] * columns + to_grid[1, 2], 6) + 0.5).astype(np.int64)
    on_grid = (i >= 0) & (i < grid.shape[0]) & (j >= 0) & (j < grid.shape[1])
    under = grid[np.clip(i, 0, grid.shape[0] - 1), np.clip(j, 0, grid.shape[1] - 1)]
    return RegionMask.from_part(shape, (r0, c0), on_grid & (under == value))
