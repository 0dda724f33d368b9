"""How likely each of several sets of leaves is what was meant, and which of them to answer with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import LeafSets, RegionTree

SHOWN = 3

_POOL = 18
"""Sets among which the three are looked for, the likeliest ones."""

_LIKELIEST = 40


def believed(features: Values, weights: Sequence[float]) -> Values:
    """float64 (K,), adds up to 1: a softmax of weighted features, float64 (K, F)."""
    sums = features @ np.asarray(weights)
    raw = np.exp(sums - sums.max())
    found: Values = raw / raw.sum()
    return found


def overlaps(tree: RegionTree, sets: LeafSets) -> Values:
    """IoU of each two of K sets of leaves: float64 (K, K)."""
    sizes = tree.area[: tree.count]
    common = (sets * sizes) @ sets.T.astype(np.float64)
    each = common.diagonal()
    found: Values = common / np.maximum(each[:, None] + each - common, 1e-9)
    return found


def likeliest(tree: RegionTree, sets: LeafSets, belief: Values) -> int:
    """Index of the set that is expected to have the largest IoU with what was meant."""
    order = np.argsort(-belief, kind="stable")[:_LIKELIEST]
    gains = overlaps(tree, sets[order])
    return int(order[int((belief[order] @ gains).argmax())])


def worth_showing(tree: RegionTree, sets: LeafSets, belief: Values) -> tuple[list[int], int]:
    """Indices of up to three nested sets, small to large, and which of these to rank first.

    They are the three whose best one is expected to have the largest IoU with what was meant; first is the one that
    alone is expected to have the largest.
    """
    order = np.argsort(-belief, kind="stable")[:_POOL]
    order = order[np.argsort(tree.sizes(sets[order]), kind="stable")]
    gains = overlaps(tree, sets[order])
    weights = belief[order]
    chosen = _best_nested(sets[order], weights, gains)
    return [int(order[index]) for index in chosen], int((weights @ gains)[chosen].argmax())


def _best_nested(sets: LeafSets, weights: Values, gains: Values) -> list[int]:
    """Indices of up to three sets, each inside the next, of which the best one is expected to fit best."""
    within = np.logical_not((sets[:, None] & ~sets[None]).any(axis=2))
    for number in range(min(SHOWN, len(sets)), 1, -1):
        groups = np.asarray(list(combinations(range(len(sets)), number)))
        nested = within[groups[:, :-1], groups[:, 1:]].all(axis=1)
        if nested.any():
            groups = groups[nested]
            return [int(one) for one in groups[int((weights @ gains[:, groups].max(axis=2)).argmax())]]
    return [int((weights @ gains).argmax())]
