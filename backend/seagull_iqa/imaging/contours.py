"""A mask as a polygon: the edges between its pixels and others, simplified by no more than a stated tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError
from seagull_iqa.imaging.masks import iou
from seagull_iqa.imaging.raster import polygon_mask

FloatArray = NDArray[np.float64]
Corner = tuple[int, int]

EAST, SOUTH, WEST, NORTH = (0, 1), (1, 0), (0, -1), (-1, 0)


@dataclass(frozen=True, eq=False)
class SnappedPolygon:
    """A mask as one closed path, which the even-odd rule fills.

    Attributes
    ----------
    vertices : float64, shape (N, 2)
        (row, column) in px, whole numbers are centres of pixels. Holes and further parts hang on the path by bridges
        that it goes there and back.
    mask : RegionMask
        The pixels that the path holds.
    iou : float, 0..1
        Of these pixels and the mask that it was made of: 1 - iou is what snapping has cost.
    """

    vertices: FloatArray
    mask: RegionMask
    iou: float


def rings(mask: RegionMask) -> list[FloatArray]:
    """The closed outlines of a mask, holes and parts each by itself, the longest first.

    Returns
    -------
    list of float64, shape (N, 2)
        (row, column) of the corners of pixels at which the outline turns; halves of px. Not closed by repetition.
    """
    leaving = _leaving(mask.inside)
    found = []
    while leaving:
        found.append(_ring(leaving))
    offset = np.array(mask.box[:2]) - 0.5
    return sorted((ring + offset for ring in found), key=len, reverse=True)


def simplified(ring: FloatArray, tolerance: float) -> FloatArray:
    """A closed outline with fewer corners, none of those left out farther than the tolerance (px) from it.

    Douglas and Peucker 1973, on the two halves between the first corner and the one farthest from it.
    """
    if tolerance <= 0 or len(ring) < 4:
        return ring
    far = int(((ring - ring[0]) ** 2).sum(axis=1).argmax())
    closed = np.vstack([ring, ring[:1]])
    kept = np.zeros(len(closed), dtype=bool)
    kept[[0, far, -1]] = True
    waiting = [(0, far), (far, len(closed) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        away = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(away.argmax())
        if away[worst] > tolerance:
            middle = first + 1 + worst
            kept[middle] = True
            waiting += [(first, middle), (middle, last)]
    return closed[:-1][kept[:-1]]


def snapped(mask: RegionMask, tolerance: float) -> SnappedPolygon:
    """A mask as a polygon whose outline is off by at most `tolerance` px; exact at 0.

    Raises
    ------
    EmptyRegionError
        Nothing is left of the mask at this tolerance.
    """
    outlines = [simple for ring in rings(mask) if len(simple := simplified(ring, tolerance)) >= 3]
    if not outlines:
        raise EmptyRegionError("The polygon holds nothing at this tolerance.", "Lower the tolerance, or keep the mask.")
    vertices = _joined(outlines)
    drawn = polygon_mask(mask.shape, vertices)
    return SnappedPolygon(vertices, drawn, iou(mask, drawn))


def _leaving(inside: NDArray[np.bool_]) -> dict[Corner, list[Corner]]:
    """Corner -> the steps that leave it along the outline, with the inside on the right hand."""
    padded = np.pad(inside, 1)
    here, above, left = padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1]
    leaving: dict[Corner, list[Corner]] = {}
    tops, bottoms = np.argwhere(here & ~above), np.argwhere(above & ~here)
    lefts, rights = np.argwhere(here & ~left), np.argwhere(left & ~here)
    for starts, shift, step in (
        (tops, (0, 0), EAST),
        (bottoms, (0, 1), WEST),
        (lefts, (1, 0), NORTH),
        (rights, (0, 0), SOUTH),
    ):
        for row, column in (starts + shift).tolist():
            leaving.setdefault((row, column), []).append(step)
    return leaving


def _ring(leaving: dict[Corner, list[Corner]]) -> FloatArray:
    """Take one outline out: walk until the start is reached again, and note where it turns."""
    start = next(iter(leaving))
    at, heading, turns = start, (0, 0), []
    while at in leaving:
        steps = leaving[at]
        # Where two pixels meet at a corner only, turning right keeps the outline with the pixel it came along.
        right = (heading[1], -heading[0])
        step = right if right in steps else steps[0]
        steps.remove(step)
        if not steps:
            del leaving[at]
        if step != heading:
            turns.append(at)
        at, heading = (at[0] + step[0], at[1] + step[1]), step
        if at == start:
            break
    return np.array(turns, dtype=np.float64)


def _distances(points: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """How far points, shape (N, 2), are from a stretch of line."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0.0, 1.0) if length else np.zeros(len(points))
    result: FloatArray = np.linalg.norm(points - start - share[:, None] * along, axis=1)
    return result


def _joined(outlines: list[FloatArray]) -> FloatArray:
    """One path over all outlines: from the nearest corner of the first to each of the others, and back."""
    first = outlines[0]
    bridges: dict[int, list[FloatArray]] = {}
    for other in outlines[1:]:
        gaps = ((first[:, None, :] - other[None, :, :]) ** 2).sum(axis=2)
        here, there = np.unravel_index(int(gaps.argmin()), gaps.shape)
        turned = np.roll(other, -int(there), axis=0)
        bridges.setdefault(int(here), []).append(np.vstack([turned, turned[:1], first[here : here + 1]]))
    parts = []
    for index in range(len(first)):
        parts.append(first[index : index + 1])
        parts += bridges.get(index, [])
    return np.vstack(parts)
