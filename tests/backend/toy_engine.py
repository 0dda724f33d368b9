"""A small real engine: scikit-image's flood fill at three tolerances. Its looks may be held, and are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from scipy import ndimage

from seagull_iqa.domain.model_offer import ModelOffer, OfferState
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, EngineState, EverythingSpec, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import CheckpointError, ModelError, RegionError, UnknownModelError
from seagull_iqa.service.segment_source import Pick, SegmentSource

TOLERANCES = (5.0, 20.0, 60.0)


@dataclass(frozen=True)
class FloodLook:
    gray: np.ndarray  # float32, shape (H, W), 0..255

    @property
    def shape(self) -> tuple[int, int]:
        return self.gray.shape

    @property
    def nbytes(self) -> int:
        return self.gray.nbytes


@dataclass
class FloodEngine:
    """Waits before each of ten steps of a look, and of each region of everything, while its event is not set."""

    name: str = "region-tree"
    version: str = "1"
    looks: list[tuple[int, int]] = field(default_factory=list)
    asked: list[Prompts] = field(default_factory=list)
    look_busy: Event = field(default_factory=Event)
    look_go: Event = field(default_factory=Event)
    every_busy: Event = field(default_factory=Event)
    every_go: Event = field(default_factory=Event)
    fails: Exception | None = None

    def __post_init__(self) -> None:
        self.look_go.set()
        self.every_go.set()

    @property
    def identity(self) -> str:
        return f"flood {self.name} {self.version}"

    def look(self, image: np.ndarray, *, progress: ProgressCallback = ignore_progress) -> FloodLook:
        self.looks.append(image.shape[:2])
        for step in range(10):
            self.look_busy.set()
            progress(Progress(step, 10, "Filling"))
            while not self.look_go.wait(0.02):
                progress(Progress(step, 10, "Filling"))
        if self.fails is not None:
            raise self.fails
        return FloodLook(image.mean(axis=2, dtype=np.float32))

    def mask(self, look: FloodLook, prompts: Prompts) -> Proposal:
        self.asked.append(prompts)
        found: list[np.ndarray] = []
        for tolerance in TOLERANCES:
            mask = self._filled(look, prompts, tolerance)
            if mask.any() and not any(np.array_equal(mask, other) for other in found):
                found.append(mask)
        if not found:
            raise RegionError("The prompts contradict each other.", "Take one away.")
        candidates = [Candidate(RegionMask.from_pixels(mask), 0.9) for mask in found]
        return Proposal(tuple(sorted(candidates, key=lambda one: one.mask.area)), 0)

    def everything(
        self, look: FloodLook, spec: EverythingSpec, *, progress: ProgressCallback = ignore_progress
    ) -> Sequence[Candidate]:
        found = []
        levels = np.unique(look.gray // 32)
        for index, level in enumerate(levels):
            self.every_busy.set()
            progress(Progress(index, len(levels), "Filling"))
            while not self.every_go.wait(0.02):
                progress(Progress(index, len(levels), "Filling"))
            labels, count = ndimage.label(look.gray // 32 == level)
            found += [RegionMask.from_pixels(labels == label) for label in range(1, count + 1)]
        found = sorted((mask for mask in found if mask.area >= spec.least_area), key=lambda mask: -mask.area)
        return [Candidate(mask, 0.8) for mask in found[: spec.most]]

    def pack(self, look: FloodLook) -> Mapping[str, np.ndarray]:
        return {"gray": look.gray}

    def unpack(self, packed: Mapping[str, Any]) -> FloodLook:
        if set(packed) != {"gray"}:
            raise CheckpointError("These arrays are none of this engine's.", "Look again.")
        return FloodLook(packed["gray"])

    def _filled(self, look: FloodLook, prompts: Prompts, tolerance: float) -> np.ndarray:
        from skimage.segmentation import flood  # here, so that servers that are asked for none start at once

        seeds = [*prompts.positive, *(point for stroke in prompts.strokes for point in stroke)]
        if prompts.mask is not None:
            centre = ndimage.center_of_mass(prompts.mask.pixels)
            seeds.append((float(centre[0]), float(centre[1])))
        inside = np.zeros(look.shape, bool)
        if prompts.box is not None:
            r0, c0, r1, c1 = (round(edge) for edge in prompts.box)
            window = np.zeros(look.shape, bool)
            window[r0:r1, c0:c1] = True
            seeds = seeds or [((r0 + r1) / 2 - 0.5, (c0 + c1) / 2 - 0.5)]
        for point in seeds:
            inside |= flood(look.gray, self._pixel(look, point), tolerance=tolerance)
        for point in prompts.negative:
            inside &= ~flood(look.gray, self._pixel(look, point), tolerance=tolerance)
        return inside & window if prompts.box is not None else inside

    def _pixel(self, look: FloodLook, point: tuple[float, float]) -> tuple[int, int]:
        row, col = (int(np.clip(round(value), 0, size - 1)) for value, size in zip(point, look.shape, strict=True))
        return (row, col)


@dataclass
class EngineShop:
    """Two engines that work, one that is not ready, and one that cannot be loaded; all made are kept.

    Those of a blind shop cannot look, so they answer only from looks that were kept.
    """

    blind: bool = False
    made: list[FloodEngine] = field(default_factory=list)
    load_go: Event = field(default_factory=Event)
    released: int = 0

    def __post_init__(self) -> None:
        self.load_go.set()

    def source(self, **options: Any) -> SegmentSource:
        return SegmentSource(make=self.make, states=self.states, offers=self.offers, release=self.release, **options)

    def offers(self) -> list[ModelOffer]:
        return [ModelOffer("absent", "Far away", "Do what you like.", OfferState.ABSENT, download_bytes=1000)]

    def make(self, pick: Pick) -> FloodEngine:
        self.load_go.wait(20)
        if pick.name == "broken":
            raise CheckpointError("The weights do not fit.", "Take others.")
        if pick.name not in {"region-tree", "other"}:
            raise UnknownModelError("There is no such engine.", "Take another.")
        fails = ModelError("It is blind.", "Open its eyes.") if self.blind else None
        self.made.append(FloodEngine(pick.name, fails=fails))
        return self.made[-1]

    def states(self) -> list[EngineState]:
        return [
            EngineState("region-tree", "Fills", hover=True),
            EngineState("other", "Fills too"),
            EngineState("broken", "Does not fit"),
            EngineState("absent", "Far away", ready=False, why_not="It is not downloaded."),
        ]  # fmt: skip

    def release(self) -> None:
        self.released += 1
