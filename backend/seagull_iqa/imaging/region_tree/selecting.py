"""From marks to masks: nodes of the tree whose union holds what is marked inside and nothing that is marked outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.choice import beliefs, worth_showing
from seagull_iqa.imaging.region_tree.marks import Marks, Pixels
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.tree import RegionTree

Mask = NDArray[np.bool_]
"""bool, shape (H, W), True inside."""


@dataclass(frozen=True, eq=False)
class Selection:
    """A mask that answers to marks.

    Attributes
    ----------
    mask : bool, shape (H, W), True inside
    belief : float, 0..1
        How likely it is what was meant.
    """

    mask: Mask
    belief: float


def select(tree: RegionTree, marks: Marks) -> tuple[list[Selection], int]:
    """One to three masks, small to large, and the index of the one to rank first."""
    found, best = _started(tree, marks)
    done = [Selection(_held(tree, one.mask, marks), one.belief) for one in found]
    return done, best


def _started(tree: RegionTree, marks: Marks) -> tuple[list[Selection], int]:
    """Masks before the further marks are held."""
    if marks.before is not None:
        return [Selection(marks.before.copy(), 1.0)], 0
    if marks.box is not None:
        return [Selection(boxed(tree, marks.box), 1.0)], 0
    first = marks.inside[0]
    chain = tree.chain(int(tree.full[first[0], first[1]]))
    allowed = _without(tree, chain, marks.outside)
    belief = beliefs(tree, chain, working(tree, first))[: len(allowed)]
    belief = belief / max(float(belief.sum()), 1e-12)
    shown, best = worth_showing(belief, tree.area[allowed])
    masks = [_node(tree, int(allowed[index])) for index in shown]
    return [Selection(mask, float(belief[index])) for mask, index in zip(masks, shown, strict=True)], best


def working(tree: RegionTree, at: NDArray[np.intp]) -> tuple[int, int]:
    """The pixel of the working image that holds a pixel of the image."""
    rows, columns = (
        min(int((int(value) + 0.5) * small / large), small - 1)
        for value, small, large in zip(at, tree.leaves.shape, tree.full.shape, strict=True)
    )
    return rows, columns


def _without(tree: RegionTree, chain: NDArray[np.int32], outside: Pixels) -> NDArray[np.int32]:
    """The nodes of a chain that hold no mark of those; at least the leaf."""
    leaves = tree.full[outside[:, 0], outside[:, 1]]
    held = ((tree.start[chain][:, None] <= leaves) & (leaves < tree.stop[chain][:, None])).any(axis=1)
    return chain[: max(1, int((~held).sum()))]


def _node(tree: RegionTree, node: int) -> Mask:
    found: Mask = (tree.full >= tree.start[node]) & (tree.full < tree.stop[node])
    return found


def boxed(tree: RegionTree, box: tuple[int, int, int, int]) -> Mask:
    """Inside a box, the leaves of the nodes that lie in it by most of their pixels."""
    r0, c0, r1, c1 = box
    part = tree.full[r0:r1, c0:c1]
    held = np.bincount(part.ravel(), minlength=tree.count)
    whole = np.bincount(tree.full.ravel(), minlength=tree.count)
    within, every = (np.concatenate([[0], np.cumsum(one)]) for one in (held, whole))
    in_box = within[tree.stop] - within[tree.start]
    iou = in_box / ((r1 - r0) * (c1 - c0) + every[tree.stop] - every[tree.start] - in_box)
    node = int(iou.argmax())
    mask = np.zeros(tree.full.shape, bool)
    mask[r0:r1, c0:c1] = (part >= tree.start[node]) & (part < tree.stop[node])
    if not mask.any():
        mask[r0:r1, c0:c1] = True
    return mask


def _held(tree: RegionTree, mask: Mask, marks: Marks) -> Mask:
    """The mask with a node added for each mark that it misses, and cut away for each that it must not hold."""
    for at in marks.inside:
        if not mask[at[0], at[1]]:
            chain = tree.chain(int(tree.full[at[0], at[1]]))
            allowed = _without(tree, chain, marks.outside)
            belief: Values = beliefs(tree, chain, working(tree, at))[: len(allowed)]
            mask |= _node(tree, int(allowed[int(belief.argmax())]))
    for at in marks.outside:
        if mask[at[0], at[1]]:
            chain = tree.chain(int(tree.full[at[0], at[1]]))
            allowed = _without(tree, chain, marks.inside)
            belief = beliefs(tree, chain, working(tree, at))[: len(allowed)]
            mask &= ~_node(tree, int(allowed[int(belief.argmax())]))
    _split(tree, mask, marks)
    if marks.box is not None:
        r0, c0, r1, c1 = marks.box
        kept = np.zeros_like(mask)
        kept[r0:r1, c0:c1] = mask[r0:r1, c0:c1]
        mask = kept
    return mask


def _split(tree: RegionTree, mask: Mask, marks: Marks) -> None:
    """Leaves with marks of both kinds: each pixel goes with the nearest mark."""
    every = np.concatenate([marks.inside, marks.outside])
    signs = np.arange(len(every)) < len(marks.inside)
    of = tree.full[every[:, 0], every[:, 1]]
    wrong = mask[every[:, 0], every[:, 1]] != signs
    for leaf in np.unique(of[wrong]):
        at = np.argwhere(tree.full == leaf)
        mine = every[of == leaf]
        away = ((at[:, None] - mine[None]) ** 2).sum(axis=2)
        mask[at[:, 0], at[:, 1]] = signs[of == leaf][away.argmin(axis=1)]
