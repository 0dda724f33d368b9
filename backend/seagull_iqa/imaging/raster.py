"""Which pixels a drawn outline means: exactly those whose centre lies inside.

Centres have integer coordinates. An edge that passes through a centre counts to the region below and to the right of
it (half-open, like every box here), so that regions that share an edge share no pixel. Nothing larger than the part of
the bounding box inside the image is ever allocated.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError

FloatArray = NDArray[np.float64]

DECIMALS = 3
"""Vertices are rounded to this many decimals of a px: napari stores them in 32-bit floats, which hold no more."""


def polygon_mask(shape: tuple[int, int], vertices: FloatArray) -> RegionMask:
    """The pixels inside a closed polygon; where it crosses itself the even-odd rule decides.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    vertices : float64, shape (N, 2)
        (row, column) in px; the last is joined to the first.

    Raises
    ------
    EmptyRegionError
        No pixel centre of the image is inside.
    RegionError
        A vertex is not a number.
    """
    points = _checked(vertices)
    r0, c0, r1, c1 = box = _box_in_image(shape, points.min(axis=0), points.max(axis=0))
    toggles = np.zeros((r1 - r0, c1 - c0 + 1), dtype=np.uint8)
    rows, columns = _crossings(points, box)
    np.bitwise_xor.at(toggles, (rows - r0, columns - c0), 1)
    inside = np.bitwise_xor.accumulate(toggles[:, :-1], axis=1)
    return RegionMask.from_part(shape, (r0, c0), inside)


def _crossings(points: FloatArray, box: Box) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row, and first column at or right of the outline, wherever a line of pixel centres crosses the outline."""
    r0, c0, r1, c1 = box
    starts, ends = points, np.roll(points, -1, axis=0)
    downwards = (starts[:, 0] <= ends[:, 0])[:, None]
    top, bottom = np.where(downwards, starts, ends), np.where(downwards, ends, starts)
    first = np.clip(np.ceil(top[:, 0]), r0, r1).astype(np.int64)
    last = np.clip(np.ceil(bottom[:, 0]), r0, r1).astype(np.int64)
    counts = last - first
    edge = np.repeat(np.arange(len(points)), counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    share = (rows - top[edge, 0]) / (bottom[edge, 0] - top[edge, 0])
    at = top[edge, 1] + share * (bottom[edge, 1] - top[edge, 1])
    # Rounded again: the share is only exact to the last bit, and an edge through centres must not waver.
    columns = np.clip(np.ceil(np.round(at, DECIMALS + 3)), c0, c1).astype(np.int64)
    return rows, columns


def ellipse_mask(shape: tuple[int, int], corners: FloatArray) -> RegionMask:
    """The pixels inside the ellipse that touches the sides of a parallelogram in their middles.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    corners : float64, shape (4, 2)
        (row, column) in px, in order round the parallelogram.

    Raises
    ------
    EmptyRegionError
        No pixel centre of the image is inside.
    RegionError
        A corner is not a number.
    """
    points = _checked(corners)
    centre = points.mean(axis=0)
    axes = np.stack([points[1] - points[0], points[3] - points[0]], axis=1) / 2.0
    if abs(np.linalg.det(axes)) < 10.0 ** (-2 * DECIMALS):
        raise _empty()
    reach = np.sqrt((axes**2).sum(axis=1))
    r0, c0, r1, c1 = _box_in_image(shape, centre - reach, centre + reach)
    inverse = np.linalg.inv(axes)
    rows = np.arange(r0, r1, dtype=np.float64)[:, None] - centre[0]
    columns = np.arange(c0, c1, dtype=np.float64)[None, :] - centre[1]
    along = inverse[0, 0] * rows + inverse[0, 1] * columns
    across = inverse[1, 0] * rows + inverse[1, 1] * columns
    return RegionMask.from_part(shape, (r0, c0), along**2 + across**2 < 1.0)


def stroke_mask(shape: tuple[int, int], vertices: FloatArray, width: float) -> RegionMask:
    """The pixels under a line drawn with a pen: centres at most half its width from the line.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    vertices : float64, shape (N, 2)
        (row, column) in px; an open line.
    width : float
        In px; under 1 counts as 1, so that even the finest line has pixels.

    Raises
    ------
    EmptyRegionError
        The line does not come near a pixel of the image.
    RegionError
        A vertex is not a number.
    """
    points = _checked(vertices)
    half = max(1.0, width) / 2.0
    r0, c0, r1, c1 = _box_in_image(shape, points.min(axis=0) - half, points.max(axis=0) + half)
    inside = np.zeros((r1 - r0, c1 - c0), dtype=bool)
    for start, end in pairwise(points):
        low, high = np.minimum(start, end) - half, np.maximum(start, end) + half
        top, left = np.maximum(np.ceil(low).astype(np.int64), (r0, c0))
        bottom, right = np.minimum(np.floor(high).astype(np.int64) + 1, (r1, c1))
        if top < bottom and left < right:
            near = _near_segment((top, left, bottom, right), start, end, half)
            inside[top - r0 : bottom - r0, left - c0 : right - c0] |= near
    return RegionMask.from_part(shape, (r0, c0), inside)


def _near_segment(box: Box, start: FloatArray, end: FloatArray, half: float) -> NDArray[np.bool_]:
    rows = np.arange(box[0], box[2], dtype=np.float64)[:, None] - start[0]
    columns = np.arange(box[1], box[3], dtype=np.float64)[None, :] - start[1]
    step = end - start
    length = float(step @ step)
    along = np.clip((rows * step[0] + columns * step[1]) / length, 0.0, 1.0) if length else 0.0
    distance = (rows - along * step[0]) ** 2 + (columns - along * step[1]) ** 2
    near: NDArray[np.bool_] = distance <= half**2
    return near


def _checked(vertices: FloatArray) -> FloatArray:
    points: FloatArray = np.asarray(vertices, dtype=np.float64).round(DECIMALS)
    if points.size == 0 or not np.isfinite(points).all():
        raise RegionError("The outline of the region has corners that are not numbers.", "Draw the region again.")
    return points


def _box_in_image(shape: tuple[int, int], low: FloatArray, high: FloatArray) -> Box:
    """Half-open box of the pixel centres between two corners, cut off at the image."""
    r0, c0 = (int(value) for value in np.clip(np.ceil(low), 0, shape))
    r1, c1 = (int(value) for value in np.clip(np.floor(high) + 1, 0, shape))
    if r1 <= r0 or c1 <= c0:
        raise _empty()
    return (r0, c0, r1, c1)


def _empty() -> EmptyRegionError:
    return EmptyRegionError("The region holds no pixel of the image.", "Draw it larger, or where the image is.")
