"""What a further click means: the part that is added to a region, or taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.beliefs import believed
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.middles import centrality
from seagull_iqa.imaging.region_tree.spreading import spread
from seagull_iqa.imaging.region_tree.tree import LeafSet, LeafSets, RegionTree

CENTRAL, LOG_CENTRAL = 26.0, 7.6
SIZE, SIZE_SQUARED, RELATIVE = -5.9, -0.26, -1.7
EDGE, CONTRAST, HEIGHT = -2.7, 4.0, 8.9
SPREADING, STEEP = -2.9, 4.0
"""Weights: how near the click is to the middle of the part, and the logarithm of that; logarithm of the part's share
of the image, its square, and logarithm of its size against the region; mean boundary strength of the new edge less
that of the edge that vanishes; contrast along the part's outline; for nodes the logarithm of the cost at which they
are merged further; for what spreads a malus, and the logarithm of the fall at its edge."""

_MOST_MARKS = 4
"""Marks round which nodes are tried; each costs time."""


Origin = tuple[float, float, float]
"""Logarithm of the height above a node; 1 for what spreads; logarithm of the fall at its edge; 0 where not defined."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A click that contradicts a region.

    Attributes
    ----------
    at : (row, column)
        Of the working image.
    adds : bool
        The click is positive and lies outside; else it is negative and lies inside.
    inside, outside : sets of leaves
        Those that hold marks of each kind.
    """

    at: tuple[int, int]
    adds: bool
    inside: LeafSet
    outside: LeafSet


def meant_by_correction(tree: RegionTree, region: LeafSet, click: Correction) -> tuple[LeafSets, Values]:
    """Regions that the click may ask for, bool (K, L), and belief (K,); none where only a leaf could be split."""
    parts, features = correction_features(tree, region, click)
    if not len(parts):
        return parts, np.zeros(0)
    weights = (
        CENTRAL, LOG_CENTRAL, SIZE, SIZE_SQUARED, RELATIVE, EDGE, CONTRAST, HEIGHT, SPREADING, STEEP,
    )  # fmt: skip
    return region ^ parts, believed(features, weights)


def correction_features(tree: RegionTree, region: LeafSet, click: Correction) -> tuple[LeafSets, Values]:
    """Parts that may be added or taken, bool (K, L), and what the weights above are for, float64 (K, 10)."""
    leaf = int(tree.leaves[click.at])
    forbidden = click.outside if click.adds else click.inside
    found: dict[bytes, tuple[LeafSet, tuple[float, ...]]] = {}
    for part, origin in _parts(tree, region, click):
        key = part.tobytes()
        if part[leaf] and not (part & forbidden).any() and key not in found:
            found[key] = part, (*_features(tree, region, part, click.at), *origin)
    if not found:
        return np.zeros((0, tree.count), bool), np.zeros((0, 10))
    parts, features = zip(*found.values(), strict=True)
    return np.stack(parts), np.array(features)


def _parts(tree: RegionTree, region: LeafSet, click: Correction) -> Iterator[tuple[LeafSet, Origin]]:
    """Parts that may be meant, each with what is told of where it comes from."""
    leaf = int(tree.leaves[click.at])
    near = ~region if click.adds else region
    above = np.log(tree.above + 0.02)
    for node in tree.chain(leaf).tolist():
        yield tree.holds(node) & near, (float(above[node]), 0.0, 0.0)
    if not click.adds:
        for kept, node in _kept(tree, leaf, click.inside):
            yield region & ~kept, (float(above[node]), 0.0, 0.0)
    for held, fall in zip(*spread(tree, leaf), strict=True):
        yield held & near, (0.0, 1.0, float(np.log(fall + 0.01)))


def _kept(tree: RegionTree, leaf: int, inside: LeafSet) -> Iterator[tuple[LeafSet, int]]:
    """What may be left when all else is taken away: nodes round one positive mark, and as costly ones round others."""
    marks = np.flatnonzero(inside).tolist()
    chains = {mark: [node for node in tree.chain(mark).tolist() if not tree.start[node] <= leaf < tree.stop[node]]
              for mark in marks[:_MOST_MARKS]}  # fmt: skip
    for mark, chain in chains.items():
        for node in chain:
            kept = tree.holds(node)
            for other, up in chains.items():
                if other != mark and not kept[other]:
                    below = [one for one in up if tree.height[one] <= tree.height[node]]
                    kept = kept | tree.holds(below[-1] if below else up[0]) if up else kept
            yield kept, node


def _features(tree: RegionTree, region: LeafSet, part: LeafSet, at: tuple[int, int]) -> tuple[float, ...]:
    sizes = tree.area[: tree.count]
    area = float(sizes[part].sum())
    size = float(np.log(area / tree.leaves.size + 1e-4))
    central = centrality(tree, part, at)
    after = region ^ part
    first, second = tree.first, tree.second
    round_part = part[first] != part[second]
    new = _strength(tree, round_part & (after[first] != after[second]))
    gone = _strength(tree, round_part & (region[first] != region[second]))
    contrast = tree.contrast(round_part)
    relative = float(np.log(area / max(float(sizes[region].sum()), 1.0)))
    return central, float(np.log(central + 0.05)), size, size**2, relative, new - gone, contrast


def _strength(tree: RegionTree, borders: NDArray[np.bool_]) -> float:
    """Mean boundary strength along some of the borders between leaves; 0 along none."""
    return float(tree.strength[borders].sum() / max(float(tree.length[borders].sum()), 1.0))
