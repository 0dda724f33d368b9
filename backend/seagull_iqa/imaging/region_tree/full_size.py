"""Leaves at the size of the image: enlarged, then each pixel near a border goes to the neighbour it looks like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.leaves import Labels

_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))

_OWN = 0.8
"""A pixel changes its leaf only for one whose colour is nearer than that share of the distance to its own."""


def places(size: int, working: int) -> NDArray[np.intp]:
    """For each row (or column) of the image the one of the working image that holds its centre."""
    found: NDArray[np.intp] = np.minimum(((np.arange(size) + 0.5) * working / size).astype(np.intp), working - 1)
    return found


def at_full_size(rgb: NDArray[np.uint8], small: NDArray[np.uint8], leaves: Labels) -> Labels:
    """The leaf of each pixel of an image, int32 (H, W).

    Parameters
    ----------
    rgb, small : uint8, shape (H, W, 3) and (h, w, 3)
        The image, and the same at the working size.
    leaves : int32, shape (h, w)
        The leaf of each pixel at the working size.
    """
    height, width = rgb.shape[:2]
    rows, columns = places(height, leaves.shape[0]), places(width, leaves.shape[1])
    full = leaves[rows][:, columns]
    _sharpened(full, rgb, small, leaves, (rows, columns))
    return full


def _sharpened(
    full: Labels,
    rgb: NDArray[np.uint8],
    small: NDArray[np.uint8],
    leaves: Labels,
    at: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> None:
    """Change the leaves of pixels in cells at a border, in place: each takes the likest of its cell's and of those
    of the four cells round it, by the colour that the image has there on that leaf's side."""
    colours = small.astype(np.int32)
    inner = _inner_colours(colours, leaves)
    border = np.zeros(leaves.shape, bool)
    for axis in (0, 1):
        here = np.moveaxis(leaves, axis, 0)
        changed = here[1:] != here[:-1]
        seen = np.moveaxis(border, axis, 0)
        seen[1:] |= changed
        seen[:-1] |= changed
    pixel_rows, pixel_columns = np.nonzero(border[at[0]][:, at[1]])
    cell_rows, cell_columns = at[0][pixel_rows], at[1][pixel_columns]
    own = leaves[cell_rows, cell_columns]
    mine = rgb[pixel_rows, pixel_columns].astype(np.int32)
    nearest = _OWN * np.abs(mine - inner[cell_rows, cell_columns]).sum(axis=1)
    answer = own.copy()
    for down, across in _NEIGHBOURS:
        rows = np.clip(cell_rows + down, 0, leaves.shape[0] - 1)
        columns = np.clip(cell_columns + across, 0, leaves.shape[1] - 1)
        other = leaves[rows, columns]
        away = np.abs(mine - inner[rows, columns]).sum(axis=1)
        better = (other != own) & (away < nearest)
        answer[better], nearest = other[better], np.where(better, away, nearest)
    full[pixel_rows, pixel_columns] = answer


def _inner_colours(colours: NDArray[np.int32], leaves: Labels) -> NDArray[np.int32]:
    """int32 (h, w, 3): mean colour of the three by three cells round each that are of its own leaf."""
    height, width = leaves.shape
    sums, counts = colours.copy(), np.ones(leaves.shape, np.int32)
    padded = np.pad(leaves, 1, constant_values=-1)
    around = np.pad(colours, ((1, 1), (1, 1), (0, 0)))
    for down in range(3):
        for across in range(3):
            if (down, across) != (1, 1):
                same = padded[down : down + height, across : across + width] == leaves
                sums += around[down : down + height, across : across + width] * same[..., None]
                counts += same
    found: NDArray[np.int32] = sums // counts[..., None]
    return found
