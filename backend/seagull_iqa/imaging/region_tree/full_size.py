"""Leaves at the size of the image: enlarged, then every pixel near a border goes to the leaf that it looks like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.leaves import Labels


def places(size: int, working: int) -> NDArray[np.intp]:
    """For each row (or column) of the image the one of the working image that holds its centre."""
    found: NDArray[np.intp] = np.minimum(((np.arange(size) + 0.5) * working / size).astype(np.intp), working - 1)
    return found


def at_full_size(rgb: NDArray[np.uint8], leaves: Labels) -> Labels:
    """int32 (H, W): the leaf of each pixel of an image whose leaves at the working size are given."""
    height, width = rgb.shape[:2]
    if leaves.shape == (height, width):
        return leaves
    return leaves[places(height, leaves.shape[0])][:, places(width, leaves.shape[1])]
