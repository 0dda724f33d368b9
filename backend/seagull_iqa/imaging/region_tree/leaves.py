"""The smallest regions, and which of them touch: watershed basins of the boundary strength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

Labels = NDArray[np.int32]
"""int32, shape (H, W), 0..L - 1: the leaf of each pixel."""

APART = 9
"""Px of the working image: two basins start at least half of that apart."""

_SMOOTH = 0.7


@dataclass(frozen=True, eq=False)
class Borders:
    """Pairs of leaves that touch.

    Attributes
    ----------
    first, second : int64, shape (B,)
        Leaves, first < second.
    length, strength : float64, shape (B,)
        Pairs of touching pixels, and the boundary strength added up over them.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    length: NDArray[np.float64]
    strength: NDArray[np.float64]


def leaves_of(strength: NDArray[np.float32]) -> Labels:
    """The leaves of an image with that boundary strength, float32 (H, W); every pixel has one, each is connected."""
    smooth = ndimage.gaussian_filter(strength, _SMOOTH)
    lowest = ndimage.minimum_filter(smooth, APART) == smooth
    seeds, _ = ndimage.label(lowest, np.ones((3, 3)))
    basins: Labels = np.asarray(watershed(smooth, seeds), np.int32)  # type: ignore[no-untyped-call]
    return basins - 1


def borders_of(leaves: Labels, strength: NDArray[np.float32]) -> Borders:
    """Which leaves touch along how many pairs of pixels, and how strong the boundary is there."""
    pairs = [
        _touching(leaves[:-1], leaves[1:], strength[:-1], strength[1:]),
        _touching(leaves[:, :-1], leaves[:, 1:], strength[:, :-1], strength[:, 1:]),
    ]
    count = int(leaves.max()) + 1
    keys = np.concatenate([one[0] * count + one[1] for one in pairs])
    values = np.concatenate([one[2] for one in pairs])
    different, which = np.unique(keys, return_inverse=True)
    length = np.bincount(which, minlength=different.size).astype(np.float64)
    added = np.bincount(which, values, different.size).astype(np.float64)
    return Borders(different // count, different % count, length, added)


def _touching(
    one: Labels, other: Labels, strength: NDArray[np.float32], beyond: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    at = one != other
    a, b = one[at].astype(np.int64), other[at].astype(np.int64)
    return np.minimum(a, b), np.maximum(a, b), np.maximum(strength[at], beyond[at])
