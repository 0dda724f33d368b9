"""A mask as polygons along the edges of its pixels, with holes, and back: exact, and valid for geometry libraries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, LimitError
from seagull_iqa.imaging import raster
from seagull_iqa.imaging.masks import union

Ring = NDArray[np.int64]
"""int64, shape (N, 2): (row, column) where the outline turns; whole numbers are *corners* of pixels. Not closed."""

Node = tuple[int, int]

MAX_CROSSINGS = 200_000_000
"""Most times that the outlines of one region may cross a line of pixels: each takes some memory."""


@dataclass(frozen=True, eq=False)
class PixelPolygon:
    """One connected part of a mask.

    Attributes
    ----------
    shell : Ring
        Its outline, with positive area when read as (x, y) = (column, row).
    holes : tuple of Ring
        The outlines of its holes, the other way round.
    """

    shell: Ring
    holes: tuple[Ring, ...] = ()


def pixel_polygons(mask: RegionMask) -> list[PixelPolygon]:
    """The parts of a mask that hang together by edges; no ring touches itself, so that each polygon is a valid one."""
    found = [ring for walk in _walks(mask.inside) for ring in _simple(walk)]
    if len(found) == 1:
        return [PixelPolygon(_moved(found[0], mask))]
    parts, _count = ndimage.label(mask.inside)
    shells: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for ring in found:
        part = int(parts[_pixel_inside(ring)])
        if signed_area(ring) > 0:
            shells[part] = _moved(ring, mask)
        else:
            holes.setdefault(part, []).append(_moved(ring, mask))
    return [PixelPolygon(shells[part], tuple(holes.get(part, ()))) for part in sorted(shells)]


def filled(shape: tuple[int, int], polygons: Iterable[Sequence[NDArray[np.float64]]]) -> RegionMask:
    """The pixels whose centre lies in any of the polygons.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    polygons : iterable of sequences of float64, shape (N, 2)
        The rings of each: (row, column), whole numbers are corners of pixels; the even-odd rule makes later rings
        holes.

    Raises
    ------
    RegionError
        A corner is not a number.
    EmptyRegionError
        No centre of a pixel of the image is inside.
    LimitError
        The outlines are too long to be filled.
    """
    masks = []
    for rings in polygons:
        try:
            masks.append(_filled(shape, rings))
        except EmptyRegionError:
            continue
    if not masks:
        raise EmptyRegionError("The region holds no pixel of the image.", "Draw it larger, or where the image is.")
    return union(shape, masks)


def _filled(shape: tuple[int, int], rings: Sequence[NDArray[np.float64]]) -> RegionMask:
    _check_length(shape, rings)
    mask = raster.polygon_mask(shape, np.asarray(rings[0], dtype=np.float64) - 0.5)
    if len(rings) == 1:
        return mask
    r0, c0, _, _ = mask.box
    part = mask.inside.copy()
    for ring in rings[1:]:
        try:
            hole = raster.polygon_mask(shape, np.asarray(ring, dtype=np.float64) - 0.5)
        except EmptyRegionError:
            continue
        # Only what lies within the shell's box can be a hole in it.
        top, left = max(hole.box[0], r0), max(hole.box[1], c0)
        bottom, right = min(hole.box[2], mask.box[2]), min(hole.box[3], mask.box[3])
        if top < bottom and left < right:
            inside = hole.inside[
                top - hole.box[0] : bottom - hole.box[0], left - hole.box[1] : right - hole.box[1]
            ]
            part[top - r0 : bottom - r0, left - c0 : right - c0] &= ~inside
    return RegionMask.from_part(shape, (r0, c0), part)


def _check_length(shape: tuple[int, int], rings: Sequence[NDArray[np.float64]]) -> None:
    crossings = 0.0
    for ring in rings:
        rows = np.clip(np.asarray(ring, dtype=np.float64)[:, 0], 0, shape[0])
        crossings += float(np.abs(np.diff(rows, append=rows[:1])).sum()) if np.isfinite(rows).all() else 0.0
    if crossings > MAX_CROSSINGS:
        raise LimitError("The outline of a region is too long.", "Simplify it, or give the region as a mask.")


def signed_area(ring: Sequence[Node]) -> float:
    """The area within a ring of (row, column), positive where it goes round as its shell does."""
    rows, columns = np.asarray(ring, dtype=np.float64).T
    return float((columns * np.roll(rows, -1) - np.roll(columns, -1) * rows).sum() / 2)


def _moved(ring: list[Node], mask: RegionMask) -> Ring:
    moved: Ring = np.asarray(ring, dtype=np.int64) + np.asarray(mask.box[:2])
    return moved


def _walks(inside: NDArray[np.bool_]) -> list[list[Node]]:
    """The closed outlines, from turn to turn, with the inside on the right hand; a corner may be passed twice."""
    padded = np.pad(inside, 1).astype(np.int8)
    turns = padded[:-1, :-1] + padded[1:, 1:] - padded[:-1, 1:] - padded[1:, :-1]
    rows, columns = np.nonzero(turns)
    # Where two pixels meet at a corner only, two outlines turn: the corner counts twice.
    twice = np.abs(turns[rows, columns]) == 2
    rows, columns = np.repeat(rows, 1 + twice), np.repeat(columns, 1 + twice)
    follow: dict[tuple[int, int, int], Node] = {}
    for (r0, c0, r1, c1), right in _level(padded, rows, columns):
        follow[(r0, c0, 0) if right else (r1, c1, 2)] = (r1, c1) if right else (r0, c0)
    for (r0, c0, r1, c1), down in _upright(padded, rows, columns):
        follow[(r0, c0, 1) if down else (r1, c1, 3)] = (r1, c1) if down else (r0, c0)
    return _followed(follow)


Edge = tuple[tuple[int, int, int, int], bool]


def _level(padded: NDArray[np.int8], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> list[Edge]:
    """Level stretches of outline, from left to right, and whether the inside lies below them."""
    order = np.lexsort((columns, rows))
    ends = np.stack([rows[order], columns[order]], axis=1).reshape(-1, 4)
    below = padded[ends[:, 0] + 1, ends[:, 1] + 1] > 0
    return [((a, b, c, d), inside) for (a, b, c, d), inside in zip(ends.tolist(), below.tolist(), strict=True)]


def _upright(padded: NDArray[np.int8], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> list[Edge]:
    """Upright stretches of outline, downwards, and whether the inside lies on their left (on the right hand)."""
    order = np.lexsort((rows, columns))
    ends = np.stack([rows[order], columns[order]], axis=1).reshape(-1, 4)
    left = padded[ends[:, 0] + 1, ends[:, 1]] > 0
    return [((a, b, c, d), inside) for (a, b, c, d), inside in zip(ends.tolist(), left.tolist(), strict=True)]


def _followed(follow: dict[tuple[int, int, int], Node]) -> list[list[Node]]:
    """Walk every stretch once. Directions: 0 east, 1 south, 2 west, 3 north."""
    walks = []
    while follow:
        (row, column, heading), (to_row, to_column) = follow.popitem()
        start, walk = (row, column, heading), []
        while True:
            walk.append((row, column))
            row, column = to_row, to_column
            # Turning right, where one can, keeps the outline with the pixel it came along.
            right, left = (row, column, (heading + 1) % 4), (row, column, (heading + 3) % 4)
            step = right if right in follow or right == start else left
            if step == start:
                break
            to_row, to_column = follow.pop(step)
            heading = step[2]
        walks.append(walk)
    return walks


def _simple(walk: list[Node]) -> list[list[Node]]:
    """Cut a walk where it passes a corner again, so that no ring touches itself."""
    if len(set(walk)) == len(walk):
        return [walk]
    rings: list[list[Node]] = []
    path: list[Node] = []
    place: dict[Node, int] = {}
    for node in walk:
        if node in place:
            at = place[node]
            rings.append(path[at:])
            for passed in path[at:]:
                del place[passed]
            del path[at:]
        place[node] = len(path)
        path.append(node)
    rings.append(path)
    return rings


def _pixel_inside(ring: list[Node]) -> Node:
    """The pixel at the right hand of the first stretch of a ring."""
    (row, column), (to_row, to_column) = ring[0], ring[1]
    if row == to_row:
        return (row, column) if to_column > column else (row - 1, column - 1)
    return (row, column - 1) if to_row > row else (row - 1, column)
