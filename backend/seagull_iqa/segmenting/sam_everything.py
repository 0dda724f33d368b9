"""All regions of an image by a SAM: a grid of clicks in batches, of which the confident, stable and distinct are kept.

The ideas are those of SAM's own automatic mask generator (Kirillov et al. 2023): 32 x 32 clicks with three masks each,
filtered by predicted IoU and stability, and of near duplicates the best. Differences: a CPU gets 16 x 16 clicks, there
are no further looks at crops, stability is measured on the network's small masks, and the filters are laxer, since the
panel's sliders filter again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.domain.prompts import Candidate, EverythingSpec, Point
from seagull_iqa.segmenting.sam_frame import SamFrame
from seagull_iqa.segmenting.sam_masks import boxes_of, candidates_of, distinct, stability_of, to_image, used_part
from seagull_iqa.segmenting.sam_network import Embedding, SamNetwork, SamPrompt, labels_of

_FULL_AT_ONCE = 8
"""Masks made as large as the image at the same time."""


@dataclass(frozen=True)
class Grid:
    """How everything is looked for.

    Attributes
    ----------
    side : int
        Clicks along each axis.
    together : int
        Clicks answered at once; between two batches the work can be cancelled.
    least_score, least_stability : float, 0..1
        Of a mask that is kept.
    most_overlap : float, 0..1
        IoU of two boxes beyond which only the better mask is kept.
    """

    side: int = 32
    together: int = 64
    least_score: float = 0.7
    least_stability: float = 0.8
    most_overlap: float = 0.9

    @classmethod
    def for_device(cls, device: torch.device) -> Grid:
        """A quarter of the clicks on a CPU, in smaller batches."""
        return cls(side=16, together=32) if device.type == "cpu" else cls()

    def clicks(self, shape: tuple[int, int]) -> list[Point]:
        """(row, col) in px, in the middles of `side` x `side` equal parts of the image."""
        middle = (np.arange(self.side) + 0.5) / self.side
        return [(float(row * shape[0] - 0.5), float(col * shape[1] - 0.5)) for row in middle for col in middle]


@dataclass(frozen=True)
class _Found:
    """Masks as the network wrote them: float16 (N, low, low) on the host, with scores and stabilities, float64 (N,)."""

    low: Tensor
    scores: NDArray[np.float64]
    stabilities: NDArray[np.float64]

    def __getitem__(self, chosen: slice | NDArray[np.int64]) -> _Found:
        rows = chosen if isinstance(chosen, slice) else torch.from_numpy(chosen)
        return _Found(self.low[rows], self.scores[chosen], self.stabilities[chosen])

    def __add__(self, other: _Found) -> _Found:
        return _Found(
            torch.cat([self.low, other.low]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.stabilities, other.stabilities]),
        )


@dataclass(frozen=True)
class Everything:
    """One search over one image."""

    network: SamNetwork
    embedding: Embedding
    frame: SamFrame
    spec: EverythingSpec
    grid: Grid

    def run(self, progress: ProgressCallback) -> list[Candidate]:
        """The masks, best first; `progress` may cancel between batches."""
        clicks = self.grid.clicks(self.frame.shape)
        batches = -(-len(clicks) // self.grid.together)
        drawings = -(-self.spec.most // _FULL_AT_ONCE)
        kept: _Found | None = None
        for batch in range(batches):
            done = batch * self.grid.together
            progress(Progress(batch, batches + drawings, f"clicking everywhere, {done} of {len(clicks)}"))
            found = self._good(self._answers(clicks[done : done + self.grid.together]))
            kept = self._distinct(found if kept is None else kept + found)
        made: list[Candidate] = []
        for drawing in range(drawings if kept is not None else 0):
            progress(Progress(batches + drawing, batches + drawings, "drawing the masks"))
            some = slice(drawing * _FULL_AT_ONCE, (drawing + 1) * _FULL_AT_ONCE)
            made += self._drawn(kept[some]) if kept is not None else []
        progress(Progress(batches + drawings, batches + drawings, "complete"))
        return [one for one in made if one.mask.area >= self.spec.least_area]

    def _answers(self, clicks: Sequence[Point]) -> _Found:
        points = torch.from_numpy(self.frame.points(clicks))[:, None].to(self.network.device)
        labels = torch.from_numpy(labels_of(len(clicks), 0))[:, None].to(self.network.device)
        low, scores = self.network.decode(self.embedding, SamPrompt(points, labels), multimask=True)
        flat = low.flatten(0, 1).float()
        stabilities = stability_of(used_part(flat, self.frame))
        return _Found(flat.half().cpu(), scores.flatten().double().cpu().numpy(), stabilities.double().cpu().numpy())

    def _good(self, found: _Found) -> _Found:
        height, width = self.frame.low_used
        pixel = self.frame.shape[0] * self.frame.shape[1] / (height * width)
        areas = (used_part(found.low, self.frame) > 0).sum(dim=(-2, -1)).numpy() * pixel
        sure = (found.scores >= self.grid.least_score) & (found.stabilities >= self.grid.least_stability)
        # Small masks are measured again at the size of the image.
        return found[np.flatnonzero(sure & (areas > 0) & (areas >= self.spec.least_area / 2))]

    def _distinct(self, found: _Found) -> _Found:
        boxes = boxes_of(used_part(found.low, self.frame) > 0)
        return found[np.asarray(distinct(boxes, found.scores, self.grid.most_overlap)[: self.spec.most], np.int64)]

    def _drawn(self, found: _Found) -> list[Candidate]:
        if not len(found.scores):
            return []
        logits = to_image(found.low.to(self.network.device), self.frame)
        return candidates_of(logits, torch.from_numpy(found.scores), torch.from_numpy(found.stabilities))
