"""What a box means: nodes, or regions that spread from places in it, that fill it and do not reach beyond."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import Box
from seagull_iqa.imaging.region_tree.beliefs import believed
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.spreading import spread
from seagull_iqa.imaging.region_tree.tree import LeafSet, LeafSets, RegionTree

TIGHT, LEAK, CONTRAST = 12.0, -12.0, 7.0
"""Weights: IoU of the box with the one round the region; share of the region that lies beyond the box; contrast."""

_PLACES = ((0.5, 0.5), (0.3, 0.3), (0.3, 0.7), (0.7, 0.3), (0.7, 0.7))
"""Where in the box regions begin to spread."""

_TRIED = 60


def meant_by_box(tree: RegionTree, box: Box) -> tuple[LeafSets, Values]:
    """What a box may mean, as sets of leaves that lie in it by more than half, and belief."""
    r0, c0, r1, c1 = box
    held = np.bincount(tree.full[r0:r1, c0:c1].ravel(), minlength=tree.count)
    share = held / np.maximum(tree.full_area, 1)
    near = share > 0.5
    if not near.any():
        return (np.arange(tree.count) == int(held.argmax()))[None], np.ones(1)
    sets = _proposed(tree, box, held)
    inside, every = sets @ held, sets @ tree.full_area
    leak = 1 - inside / np.maximum(every, 1)
    filling = inside / ((r1 - r0) * (c1 - c0) + every - inside)
    order = np.argsort(-filling, kind="stable")[:_TRIED]
    _, first = np.unique(sets[order] & near, axis=0, return_index=True)
    order = order[np.sort(first)]
    order = order[(sets[order] & near).any(axis=1)]
    cut = sets[order] & near
    tight = [_tightness(tree, one, box) for one in cut]
    contrast = [tree.contrast(one[tree.first] != one[tree.second]) for one in cut]
    return cut, believed(np.stack([tight, leak[order], contrast], axis=1), (TIGHT, LEAK, CONTRAST))


def _proposed(tree: RegionTree, box: Box, held: NDArray[np.intp]) -> LeafSets:
    """The nodes that share most with a box, the leaves in it, and what spreads from five places, bool (K, L)."""
    r0, c0, r1, c1 = box
    within, sizes = (np.concatenate([[0], np.cumsum(one)]) for one in (held, tree.full_area))
    in_box, size = (sums[tree.stop] - sums[tree.start] for sums in (within, sizes))
    best = np.argsort(-in_box / ((r1 - r0) * (c1 - c0) + size - in_box), kind="stable")[:_TRIED]
    sets = [np.stack([tree.holds(int(node)) for node in best]), (2 * held > tree.full_area)[None]]
    places = {int(tree.full[int(r0 + down * (r1 - r0)), int(c0 + across * (c1 - c0))]) for down, across in _PLACES}
    sets += [spread(tree, leaf)[0] for leaf in sorted(places)]
    return np.concatenate(sets)


def _tightness(tree: RegionTree, held: LeafSet, box: Box) -> float:
    """IoU of a box with the one round a set of leaves, as far as it lies inside."""
    rows, columns = tree.full_box(held, margin=0)
    r0, c0, r1, c1 = box
    height = max(0, min(r1, rows.stop) - max(r0, rows.start))
    width = max(0, min(c1, columns.stop) - max(c0, columns.start))
    return float(height * width) / ((r1 - r0) * (c1 - c0))


def all_of_box(box: Box) -> NDArray[np.bool_]:
    """bool, shape of the box: what is left to say where no leaf lies in it by most of its pixels."""
    return np.ones((box[2] - box[0], box[3] - box[1]), bool)
