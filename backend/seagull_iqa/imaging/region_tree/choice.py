"""Which of the nodes that hold a click was meant: a share of belief for each, and the three worth showing."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import Nodes, RegionTree

SHOWN = 3

_LONGEST = 24
"""Nodes of a chain among which the three are looked for."""


def beliefs(tree: RegionTree, chain: Nodes, click: tuple[int, int]) -> Values:
    """How likely each node of a chain is what was meant, float64, adds up to 1.

    A node is meant the more, the longer it lasts before it is merged further, and the more the click, (row, column)
    of the working image, is at its middle.
    """
    height = tree.height[chain]
    above = np.append(height[1:], height[-1] * 1.5 + 1e-9)
    lasting = np.log((above + 0.02) / (height + 0.02)) + 1e-3
    central = np.minimum(1.0, depths(tree, chain, click) / np.sqrt(tree.area[chain] / np.pi))
    raw = lasting * central**2 + 1e-12
    found: Values = raw / raw.sum()
    return found


def depths(tree: RegionTree, chain: Nodes, click: tuple[int, int]) -> Values:
    """Distance in px of the working image from a pixel to the nearest one outside, for each node of its chain."""
    rows, columns = tree.leaves.shape
    away = (np.arange(rows)[:, None] - click[0]) ** 2 + (np.arange(columns)[None] - click[1]) ** 2
    nearest = np.full(tree.count, np.iinfo(np.int64).max, np.int64)
    np.minimum.at(nearest, tree.leaves.ravel(), away.ravel())
    joins = tree.joins(chain)
    frame = min(click[0] + 1, click[1] + 1, rows - click[0], columns - click[1]) ** 2
    by_index = np.full(len(chain) + 1, frame, np.int64)
    np.minimum.at(by_index, joins, nearest)
    outside = np.minimum.accumulate(by_index[::-1])[::-1][1:]
    found: Values = np.sqrt(outside.astype(np.float64))
    return found


def overlaps(areas: Values) -> NDArray[np.float64]:
    """IoU of each two of nested masks, float64 (K, K)."""
    found: Values = np.minimum(areas[:, None], areas) / np.maximum(areas[:, None], areas)
    return found


def worth_showing(belief: Values, areas: Values) -> tuple[list[int], int]:
    """Indices of up to three nested masks, small to large, and which of them to rank first.

    They are the three whose best one is expected to have the largest IoU with what was meant; first is the one that
    alone is expected to have the largest.
    """
    likely = np.sort(np.argsort(-belief, kind="stable")[:_LONGEST])
    gains = overlaps(areas)[likely]  # what was meant x what is shown
    weights = belief[likely]
    expected = weights @ gains
    pool = [int(index) for index in likely]
    trios = list(combinations(pool, min(SHOWN, len(pool))))
    shown = gains[:, np.asarray(trios)].max(axis=2)
    chosen = list(trios[int((weights @ shown).argmax())])
    return chosen, int(expected[chosen].argmax())
