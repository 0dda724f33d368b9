"""How near a pixel is to the middle of a set of leaves: people click in the middle of what they mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.imaging.region_tree.tree import LeafSet, RegionTree

_GRID = 48
"""Cells along the long side of the box of a set, in which depth is measured."""


def centrality(tree: RegionTree, held: LeafSet, at: tuple[int, int]) -> float:
    """Depth of a pixel of the working image in a set of leaves that holds it / the largest depth there, 0..1.

    Depth is the distance to the nearest pixel that is not of the set; beyond the frame nothing is.
    """
    boxes = tree.boxes[held]
    (r0, c0), (r1, c1) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    step = max(1, -(-int(max(r1 - r0, c1 - c0)) // _GRID))
    row, column = divmod(at[0] - int(r0), step), divmod(at[1] - int(c0), step)
    part = tree.leaves[r0 + row[1] : r1 : step, c0 + column[1] : c1 : step]
    padded = np.zeros((part.shape[0] + 2, part.shape[1] + 2), bool)
    padded[1:-1, 1:-1] = held[part]
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(padded)
    return float(depth[row[0] + 1, column[0] + 1] / depth.max())
