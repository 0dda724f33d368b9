"""What of a large plane is read and sent: a native window around what was pointed at, and masks put back in place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from napari_seagull.layers.choice import PixelChoice, limits_for
from napari_seagull.layers.images import LazyArray, full_data, plane_shape
from napari_seagull.session.records import Plane
from seagull_iqa.domain.prompts import FloatBox, Point, Prompts
from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.errors import LimitError
from seagull_iqa.imaging.normalise import prepare
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

MOST_WHOLE = 16_000_000
"""Planes of at most so many px are sent whole; of larger ones a window."""

SIDE, MOST_SIDE, GRID = 2048, 4096, 512
"""A window is SIDE px wide, wider only where the prompts are, and begins on a multiple of GRID, so that it serves the
next click near by, too."""

MARGIN = 128
"""A window is left for another once a prompt comes so near to its edge."""


def is_large(image: Image) -> bool:
    """Whether a plane of this layer is sent in windows."""
    height, width = plane_shape(image)
    return height * width > MOST_WHOLE


def window_round(shape: tuple[int, int], prompts: Prompts, *, last: Box | None = None) -> Box:
    """The window for some prompts: the last one while they lie well inside it.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the plane in px.
    prompts : Prompts
        Not empty; in px of the plane.
    last : Box or None
        The window of the prompts before.

    Raises
    ------
    LimitError
        They lie farther apart than a window may be wide.
    """
    hull = _hull(prompts)
    if last is not None and _lies_in(hull, last, shape):
        return last
    ends = [_stretch(low, high, length) for low, high, length in zip(hull[:2], hull[2:], shape, strict=True)]
    return (ends[0][0], ends[1][0], ends[0][1], ends[1][1])


def _hull(prompts: Prompts) -> FloatBox:
    points: list[Point] = [*prompts.positive, *prompts.negative]
    points += [point for stroke in prompts.strokes for point in stroke]
    for box in (prompts.box, None if prompts.mask is None else prompts.mask.box):
        if box is not None:
            points += [(box[0], box[1]), (box[2] - 1, box[3] - 1)]
    (row0, column0), (row1, column1) = np.min(points, axis=0), np.max(points, axis=0)
    return (float(row0), float(column0), float(row1), float(column1))


def _lies_in(hull: FloatBox, window: Box, shape: tuple[int, int]) -> bool:
    """Well inside, or where the window ends with the plane."""
    for axis in (0, 1):
        low, high = window[axis], window[axis + 2]
        inner = (low + MARGIN if low > 0 else -np.inf, high - MARGIN if high < shape[axis] else np.inf)
        if not (inner[0] <= hull[axis] and hull[axis + 2] < inner[1]):
            return False
    return True


def _stretch(low: float, high: float, length: int) -> tuple[int, int]:
    """Where a window begins and ends along one axis."""
    low, high = min(max(low, 0.0), length - 1.0), min(max(high, 0.0), length - 1.0)
    side = SIDE
    while side < MOST_SIDE and high - low > side - GRID - 2 * MARGIN:
        side += GRID
    if high - low > side - GRID:
        raise LimitError(
            f"What you marked is {high - low:,.0f} px wide; on images this large at most {MOST_SIDE - GRID:,} px "
            "are looked at together.",
            "Mark a smaller region, or open a coarser level of the image as a layer of its own.",
        )
    start = round(((low + high - side) / 2) / GRID) * GRID
    start = max(0, min(start, -(-(length - side) // GRID) * GRID))
    return start, min(length, start + side)


@dataclass(frozen=True, eq=False)
class WindowRequest:
    """A window of a plane, taken off its layer, so that another thread can read it; nothing else is ever read."""

    data: LazyArray
    rgb: bool
    plane: Plane
    channel: int | None
    contrast_limits: tuple[float, float] | None
    name: str
    shape: tuple[int, int]
    box: Box

    def elsewhere(self, plane: Plane, box: Box) -> WindowRequest:
        """The same for another window of another plane."""
        return replace(self, plane=plane, box=box)

    def prepare(self) -> Ground:
        """Read the window; on any thread. `ImageError` where its pixels cannot be looked at."""
        r0, c0, r1, c1 = self.box
        part = cast("Any", self.data)[(*self.plane, slice(r0, r1), slice(c0, c1))]
        pixels = prepare(
            cast("ArrayLike", np.asarray(part)),
            rgb=self.rgb,
            channel=self.channel,
            contrast_limits=self.contrast_limits,
            name=self.name,
        )
        return Ground(pixels, self.shape, self.plane, (r0, c0))


def window_request(image: Image, plane: Plane, box: Box, choice: PixelChoice | None = None) -> WindowRequest:
    """Take off a layer what is needed to read a window of one plane; of a pyramid, the finest level."""
    wanted = choice or PixelChoice()
    channel, limits = wanted.channel if image.rgb else None, limits_for(image, wanted)
    data, name = full_data(image), str(image.name)
    return WindowRequest(data, bool(image.rgb), plane, channel, limits, name, plane_shape(image), box)


@dataclass(frozen=True, eq=False)
class Ground:
    """The pixels that are pointed at: a whole plane, or a window of it.

    Attributes
    ----------
    image : PreparedImage
        As it is sent.
    shape : (int, int)
        Height and width of the whole plane in px.
    plane : tuple of int
        Which plane.
    origin : (int, int)
        Row and column of the plane at which `image` begins.
    """

    image: PreparedImage
    shape: tuple[int, int]
    plane: Plane
    origin: tuple[int, int] = (0, 0)

    @property
    def box(self) -> Box:
        """Half-open, in px of the plane."""
        height, width = self.image.shape
        return (self.origin[0], self.origin[1], self.origin[0] + height, self.origin[1] + width)

    def inwards(self, prompts: Prompts) -> Prompts:
        """Prompts of the plane as prompts of `image`; of a mask only what lies in the window."""
        if self.origin == (0, 0) and self.image.shape == self.shape:
            return prompts
        box = prompts.box
        if box is not None:
            (row0, column0), (row1, column1) = self._in(box[:2]), self._in(box[2:])
            box = (row0, column0, row1, column1)
        return Prompts(
            tuple(self._in(point) for point in prompts.positive),
            tuple(self._in(point) for point in prompts.negative),
            box,
            tuple(tuple(self._in(point) for point in stroke) for stroke in prompts.strokes),
            None if prompts.mask is None else self.mask_inwards(prompts.mask),
        )

    def mask_inwards(self, mask: RegionMask) -> RegionMask:
        """A mask of the plane as one of `image`; `EmptyRegionError` where it lies outside."""
        origin = (mask.box[0] - self.origin[0], mask.box[1] - self.origin[1])
        return RegionMask.from_part(self.image.shape, origin, mask.inside)

    def outwards(self, mask: RegionMask) -> RegionMask:
        """A mask of `image` as one of the whole plane, pixel by pixel where it was found."""
        row0, column0, row1, column1 = mask.box
        top, left = self.origin
        return replace(
            mask, shape=self.shape, box=(row0 + top, column0 + left, row1 + top, column1 + left)
        )

    def cuts(self, mask: RegionMask) -> bool:
        """Whether a mask of the plane reaches an edge of the window that is none of the plane."""
        window = self.box
        return any(
            (window[axis] > 0 and mask.box[axis] <= window[axis])
            or (window[axis + 2] < self.shape[axis] and mask.box[axis + 2] >= window[axis + 2])
            for axis in (0, 1)
        )

    def _in(self, point: tuple[float, float]) -> Point:
        return (point[0] - self.origin[0], point[1] - self.origin[1])
