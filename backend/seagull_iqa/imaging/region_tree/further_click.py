"""What a further click means: the part that is added to a region, or taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.beliefs import believed
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.middles import centrality
from seagull_iqa.imaging.region_tree.tree import LeafSet, LeafSets, RegionTree

CENTRAL, LOG_CENTRAL = 29.84, 11.66
SIZE, SIZE_SQUARED, RELATIVE = -5.41, -0.16, -1.05
EDGE = -2.35
HEIGHT = 8.85
"""Weights: how near the click is to the middle of the part; logarithm of the part's share of the image, its square,
and logarithm of its size against the region; boundary strength of the new edge less that of the edge that vanishes;
logarithm of the cost at which the node is merged further."""


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
    parts, nodes = [], []
    seen: set[bytes] = set()
    leaf = int(tree.leaves[click.at])
    forbidden = click.outside if click.adds else click.inside
    for part, node in _parts(tree, region, click):
        key = part.tobytes()
        if part[leaf] and not (part & forbidden).any() and key not in seen:
            seen.add(key)
            parts.append(part)
            nodes.append(node)
    if not parts:
        return np.zeros((0, tree.count), bool), np.zeros(0)
    changes = np.stack(parts)
    features = np.array([_features(tree, region, part, click.at) for part in parts])
    height = np.log(tree.above[np.array(nodes)] + 0.02)
    weights = (CENTRAL, LOG_CENTRAL, SIZE, SIZE_SQUARED, RELATIVE, EDGE, HEIGHT)
    return region ^ changes, believed(np.column_stack([features, height]), weights)


def _parts(tree: RegionTree, region: LeafSet, click: Correction) -> Iterator[tuple[LeafSet, int]]:
    """Parts that may be meant, each with the node that it comes from."""
    leaf = int(tree.leaves[click.at])
    for node in tree.chain(leaf).tolist():
        held = tree.holds(node)
        yield (held & ~region if click.adds else held & region), node
    if click.adds:
        return
    for kept, node in _kept(tree, leaf, click.inside):
        yield region & ~kept, node


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


_MOST_MARKS = 4


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
    relative = float(np.log(area / max(float(sizes[region].sum()), 1.0)))
    return central, float(np.log(central + 0.05)), size, size**2, relative, new - gone


def _strength(tree: RegionTree, borders: NDArray[np.bool_]) -> float:
    """Mean boundary strength along some of the borders between leaves; 0 along none."""
    return float(tree.strength[borders].sum() / max(float(tree.length[borders].sum()), 1.0))
