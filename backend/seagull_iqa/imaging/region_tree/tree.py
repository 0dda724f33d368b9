"""The tree of an image: which node holds which pixels, at the size of the image and at the working size."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.leaves import Labels
from seagull_iqa.imaging.region_tree.merging import Merges, Values

Nodes = NDArray[np.int32]


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
    """

    full: Labels
    leaves: Labels
    parent: Nodes
    start: Nodes
    stop: Nodes
    height: Values
    area: Values

    @property
    def count(self) -> int:
        """How many leaves."""
        return (len(self.parent) + 1) // 2

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return int(self.full.shape[0]), int(self.full.shape[1])

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(getattr(self, one.name).nbytes for one in fields(self))

    def chain(self, leaf: int) -> Nodes:
        """The nodes that hold a leaf, from the leaf to the whole image."""
        found = [leaf]
        while (above := int(self.parent[found[-1]])) >= 0:
            found.append(above)
        return np.array(found, np.int32)

    def joins(self, chain: Nodes) -> NDArray[np.intp]:
        """For each leaf, the index in a chain of the first node that holds it: intp, shape (L,)."""
        found = np.zeros(self.count, np.intp)
        for index in range(len(chain) - 1, -1, -1):
            found[self.start[chain[index]] : self.stop[chain[index]]] = index
        return found


def numbered(merges: Merges, leaves: Labels) -> tuple[Merges, Nodes, Nodes, Labels]:
    """The same tree with its leaves numbered depth first: merges, start and stop of each node, labels."""
    nodes = len(merges.parent)
    count = (nodes + 1) // 2
    size = np.ones(nodes, np.int32)
    children: list[list[int]] = [[] for _ in range(nodes)]
    for node, above in enumerate(merges.parent.tolist()):
        if above >= 0:
            children[above].append(node)
            size[above] = size[node] + (size[above] if len(children[above]) == 2 else 0)
    start = np.zeros(nodes, np.int32)
    for node in range(nodes - 1, count - 1, -1):
        one, other = children[node]
        start[one], start[other] = start[node], start[node] + size[one]
    stop = start + size
    place = np.arange(nodes)
    place[:count] = start[:count]
    back = np.argsort(place)
    moved = Merges(merges.parent[back], merges.height[back], merges.area[back])
    return moved, start[back], stop[back], place[:count][leaves].astype(np.int32)
