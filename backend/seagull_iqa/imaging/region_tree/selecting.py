"""From marks to masks: nodes of the tree whose union holds what is marked inside and nothing that is marked outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.beliefs import likeliest, worth_showing
from seagull_iqa.imaging.region_tree.boxes import all_of_box, meant_by_box
from seagull_iqa.imaging.region_tree.first_click import meant_by_click
from seagull_iqa.imaging.region_tree.further_click import Correction, meant_by_correction
from seagull_iqa.imaging.region_tree.marks import Marks, Pixels
from seagull_iqa.imaging.region_tree.merging import Values
from seagull_iqa.imaging.region_tree.splitting import Mask, split_leaves
from seagull_iqa.imaging.region_tree.tree import LeafSet, LeafSets, RegionTree

_KEPT = 2
"""Of a leaf: neither outside (0) nor inside (1), but as in the earlier mask."""


@dataclass(frozen=True, eq=False)
class Selection:
    """A mask that answers to marks.

    Attributes
    ----------
    mask : bool, shape (H, W), True inside
    belief : float, 0..1
        How likely it is what was meant, among all that it was chosen from.
    """

    mask: Mask
    belief: float


def select(tree: RegionTree, marks: Marks) -> tuple[list[Selection], int]:
    """One to three masks, small to large, and the index of the one to rank first.

    The region begins with the earlier mask, else the box, else the first mark inside; each further mark that it does
    not hold yet corrects it. The choice of three is what the last of these steps left open.
    """
    sets, belief = _begun(tree, marks)
    begun = sets[likeliest(tree, sets, belief)]
    region, inside, outside = begun, _leaves_at(tree, marks.inside), _leaves_at(tree, marks.outside)
    done: set[tuple[int, int, bool]] = set()
    while (click := _contradiction(tree, region, marks, done)) is not None:
        done.add((*click.at, click.adds))
        new, belief_new = meant_by_correction(tree, region, Correction(click.at, click.adds, inside, outside))
        if len(new):
            sets, belief = new, belief_new
            region = sets[likeliest(tree, sets, belief)]
    held = _answering(tree, sets, region, marks)
    sets, belief = sets[held], belief[held]
    shown, best = worth_showing(tree, sets, belief)
    found = [Selection(_mask(tree, sets[one], begun, marks), float(belief[one])) for one in shown]
    return _different(found, best)


def _begun(tree: RegionTree, marks: Marks) -> tuple[LeafSets, Values]:
    """Sets of leaves to begin with, bool (K, L), and belief."""
    if marks.before is not None:
        return leaves_mostly_in(tree, marks.before)[None], np.ones(1)
    if marks.box is not None:
        return meant_by_box(tree, marks.box)
    return meant_by_click(tree, tree.working(_pair(marks.inside[0])))


def leaves_mostly_in(tree: RegionTree, mask: Mask) -> LeafSet:
    """Leaves with half or more of their pixels in a mask of the image."""
    held = np.bincount(tree.full[mask], minlength=tree.count)
    found: LeafSet = 2 * held >= np.maximum(tree.full_area, 1)
    return found


def _leaves_at(tree: RegionTree, pixels: Pixels) -> LeafSet:
    found = np.zeros(tree.count, bool)
    found[tree.full[pixels[:, 0], pixels[:, 1]]] = True
    return found


def _pair(at: NDArray[np.intp]) -> tuple[int, int]:
    return int(at[0]), int(at[1])


@dataclass(frozen=True)
class _Click:
    at: tuple[int, int]
    adds: bool


def _contradiction(
    tree: RegionTree, region: LeafSet, marks: Marks, done: set[tuple[int, int, bool]]
) -> _Click | None:
    """The first mark that a set of leaves does not answer to, those tried before left out."""
    for pixels, adds in ((marks.inside, True), (marks.outside, False)):
        wrong = pixels[region[tree.full[pixels[:, 0], pixels[:, 1]]] != adds]
        for pixel in wrong:
            at = tree.working(_pair(pixel))
            if (*at, adds) not in done:
                return _Click(at, adds)
    return None


def _answering(tree: RegionTree, sets: LeafSets, region: LeafSet, marks: Marks) -> NDArray[np.bool_]:
    """bool, shape (K,): which sets answer to every mark that a region answers to; the region itself does."""
    kept = np.ones(len(sets), bool)
    for pixels, inside in ((marks.inside, True), (marks.outside, False)):
        leaves = tree.full[pixels[:, 0], pixels[:, 1]]
        kept &= (sets[:, leaves[region[leaves] == inside]] == inside).all(axis=1)
    return kept


def _mask(tree: RegionTree, region: LeafSet, begun: LeafSet, marks: Marks) -> Mask:
    """A set of leaves at the size of the image; where leaves did not change, the earlier mask is kept to the pixel."""
    if marks.before is None:
        mask: Mask = region[tree.full]
    else:
        mask = marks.before.copy()
        part = tree.full_box(region != begun)
        answer = np.where(region == begun, _KEPT, region).astype(np.uint8)[tree.full[part]]
        mask[part] = (answer == 1) | (mask[part] & (answer == _KEPT))
    split_leaves(tree.full, mask, marks)
    if marks.box is not None:
        r0, c0, r1, c1 = marks.box
        kept = np.zeros_like(mask)
        kept[r0:r1, c0:c1] = mask[r0:r1, c0:c1]
        if not kept.any():
            kept[r0:r1, c0:c1] = all_of_box(marks.box)
            split_leaves(tree.full, kept, marks)
        mask = kept
    return mask


def _different(found: list[Selection], best: int) -> tuple[list[Selection], int]:
    """Each mask once, small to large."""
    first = found[best]
    kept: list[Selection] = []
    for one in [first, *found[:best], *found[best + 1 :]]:
        if one.mask.any() and not any(np.array_equal(one.mask, other.mask) for other in kept):
            kept.append(one)
    kept.sort(key=lambda one: int(one.mask.sum()))
    return kept, next((index for index, one in enumerate(kept) if one is first), 0)
