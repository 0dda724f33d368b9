"""Regions that spread from a leaf over the borders that are weakest: nested as those of a chain, but of any outline.

Something is put into one leaf and flows to its neighbours, the less the more unlike they are, and seeps away evenly.
What holds more of it than a bound is a region; bounds are taken where the amount falls most steeply.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import LeafSets, RegionTree

STEEPNESS = 5.0
"""Flow over a border falls by e to that power for each time the median unlikeness."""

SEEPING = 0.03
"""How much a leaf of mean size loses, against the flow over the median border."""

RATIO = 1.5
"""One region for each step of that ratio in area."""


def spread(tree: RegionTree, leaf: int) -> tuple[LeafSets, Values]:
    """Nested sets of leaves round a leaf, small to large, bool (K, L), and how steep the fall at their edge is (K,)."""
    count = tree.count
    if count < 3:
        return np.zeros((0, count), bool), np.zeros(0)
    amount = np.log(np.maximum(_amounts(tree, leaf), 1e-300))
    order = np.argsort(-amount, kind="stable")
    falls = amount[order][:-1] - amount[order][1:]
    steps = np.floor(np.log(np.cumsum(tree.area[order])[:-1]) / np.log(RATIO)).astype(np.intp)
    sets, steep = [], []
    for step in np.unique(steps):
        within = np.flatnonzero(steps == step)
        last = within[int(falls[within].argmax())]
        held = np.zeros(count, bool)
        held[order[: last + 1]] = True
        sets.append(held)
        steep.append(float(falls[last]))
    return np.stack(sets), np.array(steep)


def _amounts(tree: RegionTree, leaf: int) -> Values:
    """What each leaf holds in the end, float64 (L,): one sparse linear system."""
    count, first, second = tree.count, tree.first, tree.second
    flow = np.exp(-STEEPNESS * tree.unlike / max(float(np.median(tree.unlike)), 1e-9)) * tree.length
    area = tree.area[:count]
    losses = np.bincount(first, flow, count) + np.bincount(second, flow, count)
    losses += area / area.mean() * SEEPING * float(np.median(flow))
    own = np.arange(count)
    rows, columns = np.concatenate([first, second, own]), np.concatenate([second, first, own])
    system = coo_array((np.concatenate([-flow, -flow, losses]), (rows, columns)), shape=(count, count)).tocsc()
    put = np.zeros(count)
    put[leaf] = 1.0
    found: Values = np.asarray(spsolve(system, put))
    return found
