"""All regions of an image: the nodes of its tree that stand out and last."""

from __future__ import annotations

import numpy as np

from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import Nodes, RegionTree

LASTING, SIZE = 0.5, 0.4
"""Powers at which lasting and the share of the image count, beside the contrast of the outline; tuned as clicks are."""


def lasting(tree: RegionTree) -> Values:
    """How long each node lasts before it is merged further, 0..1: 1 - its cost / the cost of the node above.

    Costs below that at which half of the leaves are merged count as that, so that no leaf lasts merely by being one.
    """
    floor = max(float(np.median(tree.above[: tree.count])), 1e-6)
    found: Values = 1 - np.maximum(tree.height, floor) / np.maximum(tree.above, floor)
    return np.clip(found, 1e-3, 1.0)


def standing_out(tree: RegionTree) -> Values:
    """How much each node is worth showing, 0..1: it lasts, differs from what is round it, and is not small."""
    contrast = np.zeros(len(tree.parent))
    for node in range(len(tree.parent)):
        held = tree.holds(node)
        contrast[node] = np.exp(tree.contrast(held[tree.first] != held[tree.second]))
    share = tree.area / tree.leaves.size
    found: Values = lasting(tree) ** LASTING * contrast * share**SIZE
    return np.clip(found, 0.0, 1.0)


def best_nodes(scores: Values, tree: RegionTree, least_area: float) -> Nodes:
    """Nodes of at least that many px of the working image, best score first; the whole image is none of them."""
    nodes = np.flatnonzero((tree.area >= least_area) & (tree.parent >= 0))
    found: Nodes = nodes[np.argsort(-scores[nodes], kind="stable")].astype(np.int32)
    return found
