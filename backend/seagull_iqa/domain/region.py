"""Which pixels of one image are meant, and a name for them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.errors import EmptyRegionError, RegionError, ShapeMismatchError

Box = tuple[int, int, int, int]
"""Half-open (row0, col0, row1, col1) in px."""


@dataclass(frozen=True, eq=False)
class RegionMask:
    """Which pixels of one image are meant; never empty.

    Only the part inside the tight box is stored, so that hundreds of masks of a large image stay small.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the image in px.
    box : (int, int, int, int)
        Tight, half-open (row0, col0, row1, col1) in px; inside the image.
    inside : bool, shape (row1 - row0, col1 - col0)
        True where a pixel of the box belongs to the region. Read-only.
    """

    shape: tuple[int, int]
    box: Box
    inside: NDArray[np.bool_]

    @classmethod
    def from_pixels(cls, pixels: NDArray[np.generic]) -> RegionMask:
        """Make a mask from an image-sized array.

        Parameters
        ----------
        pixels : array, shape (H, W)
            Non-zero inside the region.

        Raises
        ------
        EmptyRegionError
            No pixel is inside.
        ShapeMismatchError
            The array has not two axes.
        """
        if pixels.ndim != 2:
            raise ShapeMismatchError(
                f"A mask has two axes (rows, columns); this one has {pixels.ndim}.", "Give one plane of it."
            )
        shape = (int(pixels.shape[0]), int(pixels.shape[1]))
        return cls.from_part(shape, (0, 0), pixels)

    @classmethod
    def from_part(cls, shape: tuple[int, int], origin: tuple[int, int], part: NDArray[np.generic]) -> RegionMask:
        """Make a mask from a part of the plane that may reach beyond the image; what lies outside is cut off.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the image in px.
        origin : (int, int)
            Row and column in the image of ``part[0, 0]``; may be negative.
        part : array, shape (h, w)
            Non-zero inside the region.
        """
        top, left = max(0, -origin[0]), max(0, -origin[1])
        bottom = min(part.shape[0], shape[0] - origin[0])
        right = min(part.shape[1], shape[1] - origin[1])
        kept = np.asarray(part[top : max(top, bottom), left : max(left, right)], dtype=bool)
        rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
        if rows.size == 0:
            raise EmptyRegionError(
                "The region holds no pixel of the image.", "Draw it larger, or where the image is."
            )
        r0, r1, c0, c1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        inside = np.ascontiguousarray(kept[r0:r1, c0:c1])
        inside.setflags(write=False)
        row, column = origin[0] + top, origin[1] + left
        return cls(shape, (row + r0, column + c0, row + r1, column + c1), inside)

    @classmethod
    def from_box(cls, shape: tuple[int, int], box: Sequence[int]) -> RegionMask:
        """A rectangle, half-open (row0, col0, row1, col1) in px; the part outside the image is cut off."""
        r0, c0, r1, c1 = (int(value) for value in box)
        r0, c0, r1, c1 = max(r0, 0), max(c0, 0), min(r1, shape[0]), min(c1, shape[1])
        if r1 <= r0 or c1 <= c0:
            raise EmptyRegionError(
                f"The box {tuple(int(v) for v in box)} holds no pixel of the {shape[0]} x {shape[1]} image.",
                "Give row0,col0,row1,col1 with row0 < row1 and col0 < col1 inside the image.",
            )
        return cls.from_part(shape, (r0, c0), np.ones((r1 - r0, c1 - c0), dtype=bool))

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> RegionMask:
        """Every pixel of an image of that height and width."""
        return cls.from_box(shape, (0, 0, shape[0], shape[1]))

    @classmethod
    def from_runs(cls, shape: tuple[int, int], box: Sequence[int], runs: Sequence[int]) -> RegionMask:
        """The inverse of `runs`; `RegionError` where box and runs do not fit."""
        r0, c0, r1, c1 = (int(value) for value in box)
        if not (0 <= r0 < r1 <= shape[0] and 0 <= c0 < c1 <= shape[1]):
            raise RegionError(
                f"The box {(r0, c0, r1, c1)} is not inside the {shape[0]} x {shape[1]} image.",
                "Send a half-open box inside the image.",
            )
        lengths = np.asarray(runs, dtype=np.int64)
        if lengths.size == 0 or lengths.min() < 0 or int(lengths.sum()) != (r1 - r0) * (c1 - c0):
            raise RegionError("The run lengths do not add up to the area of the box.", "Send the mask again.")
        values = np.arange(lengths.size) % 2 == 1
        part = np.repeat(values, lengths).reshape(r1 - r0, c1 - c0)
        return cls.from_part(shape, (r0, c0), part)

    @property
    def runs(self) -> list[int]:
        """Row-major run lengths inside `box`, alternating outside and inside, starting with outside (may be 0)."""
        flat = self.inside.ravel()
        edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        bounds = np.concatenate([[0], edges, [flat.size]])
        lengths: list[int] = np.diff(bounds).tolist()
        return [0, *lengths] if flat[0] else lengths

    @property
    def pixels(self) -> NDArray[np.bool_]:
        """bool, shape (H, W), True inside: the mask at the size of the image (a fresh array)."""
        full = np.zeros(self.shape, dtype=bool)
        r0, c0, r1, c1 = self.box
        full[r0:r1, c0:c1] = self.inside
        return full

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(self.inside.sum())

    @cached_property
    def digest(self) -> bytes:
        """Hash of the image's size and of the pixels: the same for masks that mean the same."""
        digest = hashlib.blake2b(repr((self.shape, self.box)).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.inside).data)
        return digest.digest()


class RegionOrigin(StrEnum):
    """Where a region came from."""

    DRAWN = "drawn"
    PAINTED = "painted"
    SEGMENTED = "segmented"
    FILE = "file"
    TILE = "tile"


def new_region_id() -> str:
    """A fresh identity: a random uuid in its usual 36 characters."""
    return str(uuid.uuid4())


@dataclass(frozen=True, eq=False)
class Region:
    """A named part of one image, the thing one asks about. Equality and hash go by `id`.

    Attributes
    ----------
    mask : RegionMask
        Which pixels.
    name : str
        What a person calls it; may be empty.
    origin : RegionOrigin
        Where it came from.
    id : str
        Its identity, stable over edits of mask and name.
    """

    mask: RegionMask
    name: str = ""
    origin: RegionOrigin = RegionOrigin.DRAWN
    id: str = field(default_factory=new_region_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Region) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)
