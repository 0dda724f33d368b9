"""All regions of an image: the nodes of its tree that last the longest."""

from __future__ import annotations

import numpy as np

from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import Nodes, RegionTree


def lasting(tree: RegionTree) -> Values:
    """How long each node lasts before it is merged further, 0..1: 1 - its cost / the cost of the node above."""
    above = np.where(tree.parent >= 0, tree.height[tree.parent], tree.height.max() * 1.25)
    found: Values = 1 - (tree.height + 1e-3) / (above + 1e-3)
    return np.clip(found, 0.0, 1.0)


def stable_nodes(tree: RegionTree, least_area: float) -> Nodes:
    """Nodes of at least that many px of the working image, most lasting first; the whole image is none of them."""
    scores = lasting(tree)
    nodes = np.flatnonzero((tree.area >= least_area) & (tree.parent >= 0) & (scores > 0))
    found: Nodes = nodes[np.argsort(-scores[nodes], kind="stable")].astype(np.int32)
    return found
