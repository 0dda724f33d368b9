"""Leaves merged two by two, the most alike first, until one region is left."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.channels import GROUPS, Channels
from seagull_iqa.imaging.region_tree.leaves import Borders, Labels

Values = NDArray[np.float64]
Edge = tuple[float, float]
"""Length of a border, and the boundary strength added up over it."""

BOUNDARY, LIGHTNESS, COLOUR, TEXTURE = 0.42, 0.6, 1.0, 2.0
"""What a merge costs: mean boundary strength, chi-square of lightness, of each colour, of textons, weighted so."""

SIZE, SHARED = 0.3, 0.2
"""The cost is multiplied by the smaller one's share of the image to the power of SIZE, so that specks go first, and
divided by the share of the shorter outline that is common to the power of SHARED, so that bays are filled."""

CHANCE = 20.0
"""Px: chi-square of textons less that / area of either is what chance does not explain."""

_WEIGHTS = np.array([LIGHTNESS, COLOUR, COLOUR, TEXTURE])


@dataclass(frozen=True, eq=False)
class Merges:
    """A binary tree over L leaves: nodes 0..L - 1 are leaves, L..2 L - 2 merges in order, the last is the image.

    Attributes
    ----------
    parent : int32, shape (2 L - 1,)
        The node that swallows this one; -1 for the last.
    height : float64, shape (2 L - 1,)
        Cost at which it came to be, never below its children's; 0 for leaves.
    area : float64, shape (2 L - 1,)
        Px of the working image.
    """

    parent: NDArray[np.int32]
    height: Values
    area: Values


class Merging:
    """The merging under way: what is known of each node, and a queue of pairs by cost."""

    def __init__(self, leaves: Labels, channels: Channels, borders: Borders) -> None:
        flat = leaves.ravel()
        self.count = count = int(flat.max()) + 1
        nodes = 2 * count - 1
        self.pixels = float(flat.size)
        self.area = np.zeros(nodes)
        self.area[:count] = np.bincount(flat, minlength=count)
        self.sums = np.zeros((nodes, len(channels.soft)))
        for number, one in enumerate(channels.soft):
            self.sums[:count, number] = np.bincount(flat, one.ravel(), count)
        self.outline = np.zeros(nodes)
        for ends in (borders.first, borders.second):
            np.add.at(self.outline, ends, borders.length)
        self.near: list[dict[int, Edge]] = [{} for _ in range(nodes)]
        rows = zip(*(part.tolist() for part in (borders.first, borders.second, borders.length, borders.strength)),
                   strict=True)  # fmt: skip
        for a, b, length, strength in rows:
            self.near[a][b] = self.near[b][a] = (length, strength)
        self.parent = np.full(nodes, -1, np.int32)
        self.height = np.zeros(nodes)
        self.queue: list[tuple[float, int, int]] = []

    def unlike(self, borders: Borders) -> Values:
        """How unlike leaves that touch are, float64 (B,), sizes and outlines left aside."""
        mean = borders.strength / borders.length
        return BOUNDARY * mean + self._chi(borders.first, borders.second)

    def run(self) -> Merges:
        """Merge until one region is left."""
        for node in range(self.count):
            self._queue(node, [other for other in self.near[node] if other > node], heapify=False)
        heapq.heapify(self.queue)
        made = self.count
        while self.queue:
            cost, a, b = heapq.heappop(self.queue)
            if self.parent[a] < 0 and self.parent[b] < 0:
                self._merge(a, b, made, cost)
                self._queue(made, list(self.near[made]), heapify=True)
                made += 1
        return Merges(self.parent, self.height, self.area)

    def _merge(self, a: int, b: int, made: int, cost: float) -> None:
        self.parent[a] = self.parent[b] = made
        self.area[made] = self.area[a] + self.area[b]
        self.sums[made] = self.sums[a] + self.sums[b]
        self.height[made] = max(cost, self.height[a], self.height[b])
        self.outline[made] = self.outline[a] + self.outline[b] - 2 * self.near[a][b][0]
        near = self.near[made]
        for old in (a, b):
            for other, (length, strength) in self.near[old].items():
                if other in (a, b):
                    continue
                before = near.get(other, (0.0, 0.0))
                near[other] = (before[0] + length, before[1] + strength)
                self.near[other].pop(old)
            self.near[old] = {}
        for other, edge in near.items():
            self.near[other][made] = edge

    def _queue(self, node: int, others: list[int], *, heapify: bool) -> None:
        if not others:
            return
        for cost, other in zip(self._costs(node, others).tolist(), others, strict=True):
            entry = (cost, min(node, other), max(node, other))
            if heapify:
                heapq.heappush(self.queue, entry)
            else:
                self.queue.append(entry)

    def _costs(self, node: int, others: list[int]) -> Values:
        at = np.asarray(others)
        edges = np.array([self.near[node][other] for other in others])
        unlike = BOUNDARY * edges[:, 1] / edges[:, 0] + self._chi(np.array([node]), at)
        smaller = np.minimum(self.area[node], self.area[at]) / self.pixels
        shared = edges[:, 0] / np.minimum(self.outline[node], self.outline[at])
        costs: Values = unlike * smaller**SIZE / shared**SHARED
        return costs

    def _chi(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Values:
        """Weighted chi-square between the channels of nodes, pair by pair."""
        one, other = (self.sums[at] / self.area[at, None] for at in (first, second))
        differences = (one - other) ** 2 / (one + other + 1e-9)
        chi = 0.5 * np.add.reduceat(differences, GROUPS, axis=1)
        chi[:, 3] = np.maximum(0, chi[:, 3] - CHANCE * (1 / self.area[first] + 1 / self.area[second]))
        found: Values = chi @ _WEIGHTS
        return found
