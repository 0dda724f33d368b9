"""What a first click means: one of the nodes that hold it."""

from __future__ import annotations

import numpy as np

from seagull_iqa.imaging.region_tree.beliefs import believed
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.middles import centrality
from seagull_iqa.imaging.region_tree.tree import LeafSets, RegionTree

CENTRAL, LOG_CENTRAL = 11.23, 10.14
SIZE, SIZE_SQUARED = -8.33, -0.91
WHOLE = -10.0
HEIGHT = 7.67
"""Weights: how near the click is to the middle; logarithm of the share of the image, and its square (the two make a
bell); the whole image is seldom meant; logarithm of the cost at which the node is merged further: what differs from
its surroundings is meant more often."""


def meant_by_click(tree: RegionTree, at: tuple[int, int]) -> tuple[LeafSets, Values]:
    """The nodes that hold a pixel of the working image, small to large, as sets of leaves (K, L), and belief (K,)."""
    chain = tree.chain(int(tree.leaves[at]))
    sets = np.stack([tree.holds(int(node)) for node in chain])
    central = np.array([centrality(tree, held, at) for held in sets])
    share = tree.area[chain] / tree.leaves.size
    size = np.log(share + 1e-4)
    features = np.stack(
        [central, np.log(central + 0.05), size, size**2, share > 0.999, np.log(tree.above[chain] + 0.02)], axis=1
    )
    return sets, believed(features, (CENTRAL, LOG_CENTRAL, SIZE, SIZE_SQUARED, WHOLE, HEIGHT))
