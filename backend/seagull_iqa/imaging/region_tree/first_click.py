"""What a first click means: one of the nodes that hold it, or a region that spreads from it."""

from __future__ import annotations

import numpy as np

from seagull_iqa.imaging.region_tree.beliefs import believed
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.middles import centrality
from seagull_iqa.imaging.region_tree.spreading import spread
from seagull_iqa.imaging.region_tree.tree import LeafSets, RegionTree

CENTRAL, LOG_CENTRAL = 9.0, 10.0
SIZE, SIZE_SQUARED, WHOLE = -8.0, -1.3, -2.5
CONTRAST, HEIGHT = 6.5, 4.4
SPREADING, STEEP = -1.4, 1.9
"""Weights: how near the click is to the middle, and the logarithm of that; logarithm of the share of the image and
its square, which make a bell, and a malus for all of it; contrast along the outline; for nodes the logarithm of the
cost at which they are merged further; for what spreads a malus, and the logarithm of the fall at its edge."""


def meant_by_click(tree: RegionTree, at: tuple[int, int]) -> tuple[LeafSets, Values]:
    """Sets of leaves that a click on a pixel of the working image may mean, and belief, float64 (K,)."""
    sets, features = click_features(tree, at)
    weights = (CENTRAL, LOG_CENTRAL, SIZE, SIZE_SQUARED, WHOLE, CONTRAST, HEIGHT, SPREADING, STEEP)
    return sets, believed(features, weights)


def click_features(tree: RegionTree, at: tuple[int, int]) -> tuple[LeafSets, Values]:
    """The sets, and what the weights above are for, float64 (K, 9)."""
    leaf = int(tree.leaves[at])
    chain = tree.chain(leaf)
    nodes = np.stack([tree.holds(int(node)) for node in chain])
    spreading, falls = spread(tree, leaf)
    sets = np.concatenate([nodes, spreading])
    central = np.array([centrality(tree, held, at) for held in sets])
    share = tree.sizes(sets) / tree.leaves.size
    size = np.log(share + 1e-4)
    contrast = [tree.contrast(held[tree.first] != held[tree.second]) for held in sets]
    none, zeros = np.zeros(len(nodes)), np.zeros(len(falls))
    features = (
        central, np.log(central + 0.05), size, size**2, share > 0.999, contrast,
        np.append(np.log(tree.above[chain] + 0.02), zeros), np.append(none, zeros + 1),
        np.append(none, np.log(falls + 0.01)),
    )  # fmt: skip
    return sets, np.stack(features, axis=1)
