"""An engine of a few lines: the connected pixels of one colour; may be held and made to fail, and counts."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import Candidate, Carried, EngineState, EverythingSpec, Point, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import RegionError, SeagullError
from seagull_iqa.imaging.masks import iou
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.prompt_messages import EngineStateMessage, LooksKept, SegmenterList

TREE = EngineState("region-tree", "Region tree: no weights", hover=True)
SAM = EngineState("sam-vit-b", "SAM ViT-B", ready=False, why_not="Its weights are not here. Download them first.")
SLOW = EngineState("slow", "A slow engine")


class ToySegmenting:
    """Candidates: the colour under the first mark, and the same grown by 3 and by 6 px; minus the negative colours."""

    def __init__(self) -> None:
        self.in_use = TREE.name
        self.prepared: list[tuple[PreparedImage, Point | None]] = []
        self.asked: list[tuple[PreparedImage, Prompts, int]] = []
        self.look_go, self.propose_go, self.everything_go = (threading.Event() for _gate in range(3))
        for gate in (self.look_go, self.propose_go, self.everything_go):
            gate.set()
        self.fails: list[SeagullError] = []
        self.lost_at: int | None = None
        self.kept = 2

    def list(self) -> SegmenterList:
        engines = [EngineStateMessage.of(engine) for engine in (TREE, SAM, SLOW)]
        kept = LooksKept(looks=self.kept, held_bytes=self.kept * 1_500_000)
        return SegmenterList(in_use=self.in_use, engines=engines, memory=kept)

    def choose(self, name: str, device: str = "auto") -> SegmenterList:
        self.in_use = name
        return self.list()

    def prepare(
        self, image: PreparedImage, *, near: Point | None = None, progress: Callable[[Progress], None]
    ) -> None:
        self.prepared.append((image, near))
        progress(Progress(3, 10, "Looking"))
        while not self.look_go.wait(0.02):
            progress(Progress(3, 10, "Looking"))

    def propose(self, image: PreparedImage, prompts: Prompts, *, priority: int = 10, ticket: int = 0) -> Proposal:
        self.asked.append((image, prompts, priority))
        self.propose_go.wait(30)
        if self.fails:
            raise self.fails.pop(0)
        if prompts.box is not None and not prompts.positive:
            r0, c0, r1, c1 = (round(value) for value in prompts.box)
            inside = np.zeros(image.shape, dtype=bool)
            inside[r0:r1, c0:c1] = True
        else:
            inside = self._colour(image, (prompts.positive or prompts.strokes[0])[0])
        for point in prompts.negative:
            inside &= ~self._colour(image, point)
        if not inside.any():
            raise RegionError("The marks contradict each other.", "Take one back.")
        masks = [inside, *(ndimage.binary_dilation(inside, iterations=steps) for steps in (3, 6))]
        scored = zip(masks, (0.9, 0.7, 0.5), strict=True)
        return Proposal(tuple(Candidate(RegionMask.from_pixels(one), score) for one, score in scored), 0)

    def everything(
        self, image: PreparedImage, spec: EverythingSpec, *, progress: Callable[[Progress], None]
    ) -> list[Candidate]:
        for step in range(3):
            progress(Progress(step, 3, "Searching"))
        while not self.everything_go.wait(0.02):
            progress(Progress(2, 3, "Searching"))
        found = []
        for value in np.unique(image.rgb[..., 0]):
            parts, count = ndimage.label(image.rgb[..., 0] == value)
            found += [RegionMask.from_pixels(parts == number) for number in range(1, count + 1)]
        return [Candidate(mask, 0.9 - 0.01 * index, 1.0) for index, mask in enumerate(found)]

    def carry(self, image: PreparedImage, mask: RegionMask, *, before: PreparedImage | None = None) -> Carried:
        row, column = (int(values[len(values) // 2]) for values in np.nonzero(mask.pixels))
        found = RegionMask.from_pixels(self._colour(image, (row, column)))
        share = iou(mask, found)
        return Carried(found if share > 0.3 else None, share, "Nothing there looks like it.")

    def clear(self) -> int:
        freed, self.kept = self.kept * 1_500_000, 0
        return freed

    @staticmethod
    def _colour(image: PreparedImage, point: Point) -> np.ndarray:
        row, column = np.clip(np.round(point).astype(int), 0, np.array(image.shape) - 1)
        values = image.rgb[..., 0]
        parts, _count = ndimage.label(values == values[row, column])
        return parts == parts[row, column]
