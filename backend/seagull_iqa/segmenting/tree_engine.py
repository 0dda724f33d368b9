"""The region tree as an engine: our own, without weights, always there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, EngineName, EverythingSpec, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import CheckpointError, ImageError
from seagull_iqa.imaging.region_tree.growing import grow
from seagull_iqa.imaging.region_tree.marks import Marks
from seagull_iqa.imaging.region_tree.selecting import select
from seagull_iqa.imaging.region_tree.stable import best_nodes, lasting, standing_out
from seagull_iqa.imaging.region_tree.tree import RegionTree
from seagull_iqa.segmenting.interface import Packed, RGBImage, SegmentLook

VERSION = 1
"""Of the algorithm; a kept look of another one is not used."""


@dataclass(frozen=True, eq=False)
class TreeLook:
    """An image as its tree."""

    tree: RegionTree

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return self.tree.shape

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.tree.nbytes


class TreeEngine:
    """Finds regions in the tree of nested regions of an image."""

    name = str(EngineName.TREE)
    identity = f"{EngineName.TREE}-{VERSION}"

    def look(self, image: RGBImage, *, progress: ProgressCallback = ignore_progress) -> TreeLook:
        """The tree of an image; `ImageError` where it is none."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError(
                f"An image is uint8 of shape (rows, columns, 3); this is {image.dtype} {image.shape}.",
                "Convert it to RGB first.",
            )
        return TreeLook(grow(np.ascontiguousarray(image), progress))

    def mask(self, look: SegmentLook, prompts: Prompts) -> Proposal:
        """The masks that the prompts mean; `RegionError` where they mean none."""
        tree = _tree(look)
        found, best = select(tree, Marks.of(prompts, tree.shape))
        candidates = tuple(Candidate(RegionMask.from_pixels(one.mask), min(1.0, one.belief)) for one in found)
        return Proposal(candidates, best)

    def everything(
        self, look: SegmentLook, spec: EverythingSpec, *, progress: ProgressCallback = ignore_progress
    ) -> Sequence[Candidate]:
        """The nodes that stand out and last, best first."""
        tree = _tree(look)
        share = tree.leaves.size / tree.full.size
        scores, stable = standing_out(tree), lasting(tree)
        nodes = best_nodes(scores, tree, spec.least_area * share)[: spec.most]
        found = []
        for done, node in enumerate(nodes.tolist()):
            progress(Progress(done, len(nodes), "regions"))
            inside = (tree.full >= tree.start[node]) & (tree.full < tree.stop[node])
            if inside.any():
                found.append(Candidate(RegionMask.from_pixels(inside), float(scores[node]), float(stable[node])))
        return found

    def pack(self, look: SegmentLook) -> Packed:
        """The tree's arrays, by name."""
        tree = _tree(look)
        version: NDArray[np.int64] = np.array(VERSION)
        return {"version": version, **{one.name: getattr(tree, one.name) for one in fields(RegionTree)}}

    def unpack(self, packed: Packed) -> TreeLook:
        """The inverse of `pack`; `CheckpointError` where the arrays are none of this engine's."""
        names = [one.name for one in fields(RegionTree)]
        if set(packed) == {"version", *names} and np.array_equal(packed["version"], VERSION):
            tree = RegionTree(**{name: np.asarray(packed[name]) for name in names})
            if tree.is_sound:
                return TreeLook(tree)
        raise CheckpointError("These arrays are no region tree of this version.", "Look at the image again.")


def _tree(look: SegmentLook) -> RegionTree:
    if not isinstance(look, TreeLook):
        raise CheckpointError("This look was not made by the region tree.", "Look at the image again.")
    return look.tree
