"""The tree of an image: which node holds which pixels, at the size of the image and at the working size."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.imaging.region_tree.leaves import Borders, Labels
from seagull_iqa.imaging.region_tree.merging import Merges, Values

Nodes = NDArray[np.int32]

LeafSet = NDArray[np.bool_]
"""bool, shape (L,): which leaves."""

LeafSets = NDArray[np.bool_]
"""bool, shape (K, L)."""


@dataclass(frozen=True, eq=False)
class Touching:
    """Pairs of leaves that touch, and how unlike each two are: float64, shape (B,)."""

    borders: Borders
    unlike: Values


@dataclass(frozen=True, eq=False)
class RegionTree:
    """A binary tree of nested regions.

    Leaves are numbered depth first, so that the leaves of any node are a range. With L leaves, nodes 0..L - 1 are the
    leaves themselves, later ones are merges in the order in which they were made, the last is the whole image.

    Attributes
    ----------
    full : int32, shape (H, W), 0..L - 1
        The leaf of each pixel of the image.
    leaves : int32, shape (h, w), 0..L - 1
        The same at the working size.
    parent : int32, shape (2 L - 1,)
        -1 for the last.
    start, stop : int32, shape (2 L - 1,)
        The node holds the leaves start..stop - 1.
    height : float64, shape (2 L - 1,)
        What the merge cost: how unlike its two parts are; 0 for leaves, never less than a child's.
    area : float64, shape (2 L - 1,)
        Px of the working image.
    boxes : int32, shape (L, 4)
        Half-open (row0, col0, row1, col1) round each leaf, in px of the working image.
    first, second : int32, shape (B,)
        Pairs of leaves that touch.
    length, strength, unlike : float64, shape (B,)
        Pairs of touching pixels; the boundary strength added up over them; how unlike the two leaves are.
    """

    full: Labels
    leaves: Labels
    parent: Nodes
    start: Nodes
    stop: Nodes
    height: Values
    area: Values
    boxes: Nodes
    first: Nodes
    second: Nodes
    length: Values
    strength: Values
    unlike: Values

    @classmethod
    def of(cls, full: Labels, leaves: Labels, merges: Merges, touching: Touching) -> RegionTree:
        """The tree of merges of leaves, with the leaves renumbered depth first.

        Parameters
        ----------
        full, leaves : int32, shape (H, W) and (h, w)
            The leaf of each pixel of the image and of the working image, as the merges number them.
        """
        borders = touching.borders
        start, stop = _ranges(merges.parent)
        count = (len(merges.parent) + 1) // 2
        place = np.arange(len(merges.parent), dtype=np.int32)
        place[:count] = start[:count]
        back = np.argsort(place)
        new = place[leaves]
        boxes = [
            (rows.start, columns.start, rows.stop, columns.stop) for rows, columns in ndimage.find_objects(new + 1)
        ]
        return cls(
            place[full], new, merges.parent[back], start[back], stop[back], merges.height[back], merges.area[back],
            np.array(boxes, np.int32), place[borders.first], place[borders.second], borders.length, borders.strength,
            touching.unlike,
        )  # fmt: skip

    @property
    def count(self) -> int:
        """How many leaves."""
        return (len(self.parent) + 1) // 2

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return int(self.full.shape[0]), int(self.full.shape[1])

    @cached_property
    def full_area(self) -> NDArray[np.intp]:
        """Px of the image in each leaf, intp, shape (L,)."""
        return np.bincount(self.full.ravel(), minlength=self.count)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(getattr(self, one.name).nbytes for one in fields(self))

    @property
    def is_sound(self) -> bool:
        """Whether the arrays belong together, so that no question leads beyond one; for those from a file."""
        nodes, leaves, pairs = self.parent.size, self.boxes.shape[0], self.first.size
        of_nodes = (self.parent, self.start, self.stop, self.height, self.area)
        of_pairs = (self.first, self.second, self.length, self.strength, self.unlike)
        whole = (self.full, self.leaves, self.parent, self.start, self.stop, self.boxes, self.first, self.second)
        shapes = (
            self.full.ndim == self.leaves.ndim == 2 and self.full.size > 0 and self.leaves.size > 0
            and nodes == 2 * leaves - 1 and self.boxes.shape == (leaves, 4)
            and all(one.shape == (nodes,) for one in of_nodes) and all(one.shape == (pairs,) for one in of_pairs)
            and all(one.dtype == np.int32 for one in whole)
        )  # fmt: skip
        if not shapes:
            return False
        labels = all(one.min() >= 0 and one.max() < leaves for one in (self.full, self.leaves))
        ends = pairs == 0 or (min(self.first.min(), self.second.min()) >= 0
                              and max(self.first.max(), self.second.max()) < leaves)  # fmt: skip
        rising = bool((self.parent[:-1] > np.arange(nodes - 1)).all()) and int(self.parent[-1]) == -1
        return labels and bool(ends) and rising and int(self.parent.max()) < nodes

    @property
    def above(self) -> Values:
        """float64, shape (2 L - 1,): the cost at which each node is merged further; for the last its own."""
        found: Values = np.where(self.parent >= 0, self.height[self.parent], self.height[-1])
        return found

    def chain(self, leaf: int) -> Nodes:
        """The nodes that hold a leaf, from the leaf to the whole image."""
        found = [leaf]
        while (above := int(self.parent[found[-1]])) >= 0:
            found.append(above)
        return np.array(found, np.int32)

    def holds(self, node: int) -> LeafSet:
        """The leaves of a node."""
        found = np.zeros(self.count, bool)
        found[self.start[node] : self.stop[node]] = True
        return found

    def sizes(self, sets: LeafSets) -> Values:
        """Px of the working image in each set of leaves, float64 (K,)."""
        found: Values = sets @ self.area[: self.count]
        return found

    def contrast(self, borders: NDArray[np.bool_]) -> float:
        """Logarithm of how unlike leaves are along some of the borders, mean by length; low along none."""
        length = self.length[borders]
        mean = (float(length @ self.unlike[borders]) + 0.05) / (float(length.sum()) + 1) if length.size else 0.0
        return float(np.log(mean + 0.02))

    def full_box(self, held: LeafSet, margin: int = 1) -> tuple[slice, slice]:
        """Rows and columns of the image round some leaves; edges move by up to one cell, hence the margin in cells."""
        if not held.any():
            return slice(0, 0), slice(0, 0)
        boxes = self.boxes[held]
        low, high = boxes[:, :2].min(axis=0) - margin, boxes[:, 2:].max(axis=0) + margin
        scale = np.array(self.full.shape) / self.leaves.shape
        starts, stops = np.maximum(0, np.floor(low * scale)), np.ceil(high * scale)
        rows, columns = (slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True))
        return rows, columns

    def working(self, at: tuple[int, int]) -> tuple[int, int]:
        """The pixel of the working image at a pixel of the image, or the nearest one of the same leaf."""
        row, column = (
            min(int((value + 0.5) * small / large), small - 1)
            for value, small, large in zip(at, self.leaves.shape, self.full.shape, strict=True)
        )
        leaf = int(self.full[at])
        if self.leaves[row, column] == leaf:
            return row, column
        r0, c0, r1, c1 = self.boxes[leaf].tolist()
        rows, columns = np.nonzero(self.leaves[r0:r1, c0:c1] == leaf)
        nearest = int(((rows + r0 - row) ** 2 + (columns + c0 - column) ** 2).argmin())
        return int(rows[nearest]) + r0, int(columns[nearest]) + c0


def _ranges(parent: Nodes) -> tuple[Nodes, Nodes]:
    """Start and stop of the leaves of each node, counted depth first."""
    nodes = len(parent)
    count = (nodes + 1) // 2
    size = [1] * count + [0] * (nodes - count)
    children: list[list[int]] = [[] for _ in range(nodes)]
    for node, above in enumerate(parent.tolist()):
        if above >= 0:
            children[above].append(node)
            size[above] += size[node]
    start = [0] * nodes
    for node in range(nodes - 1, count - 1, -1):
        one, other = children[node]
        start[one], start[other] = start[node], start[node] + size[one]
    starts = np.array(start, np.int32)
    return starts, starts + np.array(size, np.int32)
