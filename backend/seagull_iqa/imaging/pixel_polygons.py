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
    found = _rings(mask.inside)
    corner = np.asarray(mask.box[:2])
    outer = [ring for ring in found if signed_area(ring) > 0]
    if len(outer) == 1:
        return [PixelPolygon(outer[0] + corner, tuple(ring + corner for ring in found if ring is not outer[0]))]
    parts, _count = ndimage.label(mask.inside)
    shells: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for ring in found:
        part = int(parts[_pixel_inside(ring)])
        if signed_area(ring) > 0:
            shells[part] = ring + corner
        else:
            holes.setdefault(part, []).append(ring + corner)
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


def signed_area(ring: Ring) -> float:
    """The area within a ring of (row, column), positive where it goes round as its shell does."""
    rows, columns = ring.T
    crossed = columns[:-1] * rows[1:] - columns[1:] * rows[:-1]
    return (float(crossed.sum()) + float(columns[-1] * rows[0] - columns[0] * rows[-1])) / 2


def _rings(inside: NDArray[np.bool_]) -> list[Ring]:
    """The closed outlines, from turn to turn, with the inside on the right hand; none touches itself."""
    padded = np.pad(inside, 1).astype(np.int8)
    turns = padded[:-1, :-1] + padded[1:, 1:] - padded[:-1, 1:] - padded[1:, :-1]
    rows, columns = np.nonzero(turns)
    # Where two pixels meet at a corner only, two outlines turn: the corner is there twice.
    twice = np.abs(turns[rows, columns]) == 2
    rows, columns = np.repeat(rows, 1 + twice), np.repeat(columns, 1 + twice)
    nodes = np.stack([rows, columns], axis=1)
    # Row by row, an outline runs from each odd corner to the next one, and so it does column by column.
    across = np.arange(len(nodes)) ^ 1
    below = padded[rows + 1, columns + 1] > 0
    walks = _walks(across.tolist(), _downwards(padded, nodes).tolist(), below.tolist())
    if twice.any():
        where = (rows * (padded.shape[1] + 1) + columns).tolist()
        walks = [part for walk in walks for part in _simple(walk, where)]
    return [nodes[walk] for walk in walks]


def _downwards(padded: NDArray[np.int8], nodes: Ring) -> NDArray[np.int64]:
    """The other end of the upright stretch of outline at each corner."""
    rows, columns = nodes.T
    # Of a corner that is there twice, the first one has its level stretch on the left. Its upright one goes up where
    # the pixel between them is inside (so that the outline stays with that pixel), else down.
    second = np.zeros(len(nodes), dtype=bool)
    second[1:] = (rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1])
    first = np.append(second[1:], False)
    rising = padded[rows, columns] > 0
    rank = np.where(first, ~rising, np.where(second, rising, False))
    order = np.lexsort((rank, rows, columns))
    partner = np.empty(len(nodes), dtype=np.int64)
    partner[order] = order[np.arange(len(nodes)) ^ 1]
    return partner


def _walks(across: list[int], down: list[int], below: list[bool]) -> list[list[int]]:
    """Follow level and upright stretches in turn until each was walked once."""
    waiting = bytearray(b"\1") * len(across)
    walks = []
    for left in range(0, len(across), 2):
        if waiting[left]:
            start = at = left if below[left] else left + 1
            walk = []
            while True:
                walk.append(at)
                waiting[at] = 0
                at = across[at]
                walk.append(at)
                waiting[at] = 0
                at = down[at]
                if at == start:
                    break
            walks.append(walk)
    return walks


def _simple(walk: list[int], where: list[int]) -> list[list[int]]:
    """Cut a walk where it passes a corner again (`where` is equal), so that no ring touches itself."""
    rings: list[list[int]] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for node in walk:
        corner = where[node]
        if corner in place:
            at = place[corner]
            rings.append(path[at:])
            for passed in path[at:]:
                del place[where[passed]]
            del path[at:]
        place[corner] = len(path)
        path.append(node)
    rings.append(path)
    return rings


def _pixel_inside(ring: Ring) -> tuple[int, int]:
    """The pixel at the right hand of the first stretch of a ring."""
    (row, column), (to_row, to_column) = ring[0].tolist(), ring[1].tolist()
    if row == to_row:
        return (row, column) if to_column > column else (row - 1, column - 1)
    return (row, column - 1) if to_row > row else (row - 1, column)
