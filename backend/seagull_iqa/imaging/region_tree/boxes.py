"""What a box means: the nodes that it holds, and those that fill it best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import Box
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import LeafSet, LeafSets, RegionTree

_INSIDE = 0.8
"""A node lies in a box with that share of its pixels or more."""


def meant_by_box(tree: RegionTree, box: Box) -> tuple[LeafSets, Values]:
    """What a box may mean, as sets of leaves, and belief: the node that fits it best, and all nodes inside."""
    held, every = _counts(tree, box)
    within, sizes = (np.concatenate([[0], np.cumsum(one)]) for one in (held, every))
    in_box, size = (sums[tree.stop] - sums[tree.start] for sums in (within, sizes))
    iou = in_box / ((box[2] - box[0]) * (box[3] - box[1]) + size - in_box)
    single = tree.holds(int(iou.argmax()))
    together: LeafSet = (held >= _INSIDE * np.maximum(every, 1)) & (held > 0)
    sets = [single] if not together.any() or np.array_equal(together, single) else [single, together]
    belief = np.array([float(iou.max()), 0.5])[: len(sets)]
    return np.stack(sets), belief / belief.sum()


def leaves_in_box(tree: RegionTree, box: Box) -> NDArray[np.bool_]:
    """All of a box: what is left to say where no leaf lies in it by most of its pixels."""
    return np.ones((box[2] - box[0], box[3] - box[1]), bool)


def _counts(tree: RegionTree, box: Box) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pixels of each leaf in the box, and in all."""
    r0, c0, r1, c1 = box
    held = np.bincount(tree.full[r0:r1, c0:c1].ravel(), minlength=tree.count)
    return held, tree.full_area
