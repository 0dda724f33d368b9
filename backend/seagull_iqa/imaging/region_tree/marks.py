"""What was pointed at, as pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.prompts import FloatBox, Point, Prompts
from seagull_iqa.domain.region import Box
from seagull_iqa.errors import EmptyRegionError, RegionError, ShapeMismatchError

Pixels = NDArray[np.intp]
"""intp, shape (N, 2): (row, column) of pixels of the image."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Prompts for one image, every mark on a pixel of it.

    Attributes
    ----------
    inside, outside : intp, shape (N, 2)
        Pixels that the region holds, and that it does not hold; points before strokes, in the order given.
    box : (row0, col0, row1, col1) or None
        Half-open, in px, inside the image.
    before : bool, shape (H, W), or None
        An earlier mask.
    """

    inside: Pixels
    outside: Pixels
    box: Box | None = None
    before: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, prompts: Prompts, shape: tuple[int, int]) -> Marks:
        """The prompts for an image of that height and width.

        Raises
        ------
        EmptyRegionError
            Nothing says where the region is, or the box lies beside the image.
        RegionError
            A pixel is marked both inside and outside, or lies outside the box though it is inside.
        ShapeMismatchError
            The earlier mask belongs to another image.
        """
        if prompts.is_empty:
            raise EmptyRegionError("Nothing says where the region is.", "Click on it, or draw a box round it.")
        inside = _pixels([*prompts.positive, *(at for line in prompts.strokes for at in _line(line))], shape)
        outside = _pixels(prompts.negative, shape)
        if set(map(tuple, inside.tolist())) & set(map(tuple, outside.tolist())):
            raise RegionError("The same pixel is marked both inside and outside.", "Remove one of the two marks.")
        before = None
        if prompts.mask is not None:
            if prompts.mask.shape != shape:
                raise ShapeMismatchError(
                    f"The earlier mask is of a {prompts.mask.shape[0]} x {prompts.mask.shape[1]} image, "
                    f"this one is {shape[0]} x {shape[1]}.",
                    "Give a mask of this image.",
                )
            before = prompts.mask.pixels
        box = None if prompts.box is None else _whole(prompts.box, shape)
        if box is not None and any(not _holds(box, at) for at in inside.tolist()):
            raise RegionError("A mark of the region lies outside its box.", "Move the mark, or draw the box larger.")
        return cls(inside, outside, box, before)


def _holds(box: Box, at: list[int]) -> bool:
    return box[0] <= at[0] < box[2] and box[1] <= at[1] < box[3]


def _pixels(points: list[Point] | tuple[Point, ...], shape: tuple[int, int]) -> Pixels:
    """The nearest pixels of the image, each once, in order."""
    values = np.asarray(points, np.float64).reshape(-1, 2)
    if not np.isfinite(values).all():
        raise RegionError("A mark has no place: its row or column is not a number.", "Click again.")
    rounded = np.floor(np.clip(values, -1, max(shape) + 1.0) + 0.5).astype(np.intp)
    places = np.clip(rounded, 0, np.array(shape) - 1)
    _, first = np.unique(places, axis=0, return_index=True)
    found: Pixels = places[np.sort(first)]
    return found


def _line(line: tuple[Point, ...]) -> list[Point]:
    """Points at most one pixel apart along a polyline."""
    found: list[Point] = list(line[:1])
    for (r0, c0), (r1, c1) in pairwise(line):
        length = max(abs(r1 - r0), abs(c1 - c0))
        if not np.isfinite(length):
            raise RegionError("A stroke leads to a place that is not a number.", "Draw it again.")
        steps = min(100_000, max(1, int(np.ceil(length))))
        shares = np.arange(1, steps + 1) / steps
        found.extend(zip((r0 + shares * (r1 - r0)).tolist(), (c0 + shares * (c1 - c0)).tolist(), strict=True))
    return found


def _whole(box: FloatBox, shape: tuple[int, int]) -> Box:
    """The pixels that a box covers by half or more, at least one; `EmptyRegionError` beside the image."""
    if not np.isfinite(box).all():
        raise RegionError("A corner of the box is not a number.", "Draw it again.")
    r0, c0, r1, c1 = (round(max(-1.0, min(value, max(shape) + 1.0))) for value in box)
    r0, c0, r1, c1 = max(0, r0), max(0, c0), min(shape[0], r1), min(shape[1], c1)
    if box[2] <= 0 or box[3] <= 0 or box[0] >= shape[0] or box[1] >= shape[1] or box[2] < box[0] or box[3] < box[1]:
        raise EmptyRegionError("The box holds no pixel of the image.", "Draw it where the image is.")
    r0, c0 = min(r0, shape[0] - 1), min(c0, shape[1] - 1)
    return r0, c0, max(r1, r0 + 1), max(c1, c0 + 1)
