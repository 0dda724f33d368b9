"""A model of a few lines of numpy for tests of the service: quality is the region's mean brightness."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from threading import Event

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import (
    ALL_ASPECTS,
    MAP_NAMES,
    Aspect,
    MapsCallback,
    QualityReport,
    ScoreMap,
    ignore_maps,
)

STRIDE = 4


@dataclass(frozen=True)
class ToyLook:
    gray: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        return (self.gray.shape[0], self.gray.shape[1])

    @property
    def nbytes(self) -> int:
        return self.gray.nbytes


@dataclass
class ToyModel:
    """Counts what it is asked; may be held before work and between the steps of a map, and made to fail."""

    steps: int = 4
    looks: int = 0
    batches: list[list[str]] = field(default_factory=list)
    go: Event = field(default_factory=Event)
    map_go: Event = field(default_factory=Event)
    busy: Event = field(default_factory=Event)
    map_busy: Event = field(default_factory=Event)
    fails_on: str = ""
    says_nan: bool = False

    def __post_init__(self) -> None:
        self.go.set()
        self.map_go.set()

    @property
    def card(self) -> ModelCard:
        return ModelCard("toy-1", base="toy", metrics={"srocc": 0.5})

    @property
    def device(self) -> str:
        return "cpu"

    def look(self, image: NDArray[np.uint8]) -> ToyLook:
        self.looks += 1
        return ToyLook(image.mean(axis=2))

    def assess(
        self, look: ToyLook, regions: Sequence[Region], aspects: Collection[Aspect] = ALL_ASPECTS
    ) -> list[QualityReport]:
        self.busy.set()
        self.go.wait(30)
        self.batches.append([region.id for region in regions])
        if any(region.name == self.fails_on != "" for region in regions):
            raise ZeroDivisionError("a bug in the model\nwith two lines")
        return [self._report(look, region, aspects) for region in regions]

    def _report(self, look: ToyLook, region: Region, aspects: Collection[Aspect]) -> QualityReport:
        r0, c0, r1, c1 = region.mask.box
        quality = float("nan") if self.says_nan else look.gray[r0:r1, c0:c1][region.mask.inside].mean() / 2.55
        asked = Aspect.QUALITY in aspects
        important = Aspect.IMPORTANCE in aspects
        share = 100.0 * region.mask.area / look.gray.size
        findings = (Finding(Distortion.EXPOSURE, Severity.MODERATE),) if quality < 20 else ()
        return QualityReport(
            region=region.id,
            quality=quality if asked else None,
            quality_interval=(max(0.0, quality - 5), min(100.0, quality + 5)) if asked else None,
            importance=share if important else None,
            importance_interval=(share, share) if important else None,
            findings=findings if Aspect.DISTORTION in aspects else None,
            text="dark" if findings else "bright",
            model=self.card.id,
        )

    map_names = MAP_NAMES
    precision = Precision.FP32

    def maps(
        self, look: ToyLook, *, progress: ProgressCallback = ignore_progress, partial: MapsCallback = ignore_maps
    ) -> dict[str, ScoreMap]:
        for step in range(self.steps):
            self.map_busy.set()
            self.map_go.wait(0.2 if not self.map_go.is_set() else 0)
            progress(Progress(step, self.steps, "Mapping"))
        values = (look.gray[::STRIDE, ::STRIDE] / 2.55).astype(np.float32)
        return {name: ScoreMap(name, values, look.shape, STRIDE, STRIDE, self.card.id) for name in MAP_NAMES}
