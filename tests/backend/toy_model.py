"""Models of a few lines of numpy for tests of the service, and a shop of them: quality is the mean brightness."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
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
from seagull_iqa.errors import CheckpointError, ModelError, OutOfMemoryError, UnknownModelError
from seagull_iqa.service.source import Choice, ModelSource, Room

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
    name: str = "toy-1"
    coarse: bool = False
    coarse_s: float = 0.0

    def __post_init__(self) -> None:
        self.go.set()
        self.map_go.set()

    @property
    def card(self) -> ModelCard:
        return ModelCard(self.name, base="toy", metrics={"srocc": 0.5})

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
            if self.coarse and step == 0:
                partial(self._maps(look, 4 * STRIDE))
                time.sleep(self.coarse_s)
        return self._maps(look, STRIDE)

    def _maps(self, look: ToyLook, stride: int) -> dict[str, ScoreMap]:
        values = (look.gray[::stride, ::stride] / 2.55).astype(np.float32)
        return {name: ScoreMap(name, values, look.shape, stride, stride, self.card.id) for name in self.map_names}


@dataclass
class ToyTalker(ToyModel):
    """Answers in as many words as it may; may be held before each, and counts the words it has made."""

    name: str = "toy-talker"
    coarse: bool = True
    words: list[str] = field(default_factory=list)
    word_go: Event = field(default_factory=Event)
    word_busy: Event = field(default_factory=Event)
    stopped: Event = field(default_factory=Event)
    filler: str = "very "

    map_names = ("quality",)
    precision = Precision.BF16

    def __post_init__(self) -> None:
        super().__post_init__()
        self.word_go.set()

    def answer(self, look: ToyLook, region: Region, question: str, *, max_tokens: int = 256) -> Iterator[str]:
        try:
            yield f"{question} It is "
            for _ in range(max_tokens - 2):
                self.word_busy.set()
                self.word_go.wait(0.2 if not self.word_go.is_set() else 0)
                self.words.append(self.filler)
                yield self.filler
            yield "dark." if look.gray[region.mask.pixels].mean() < 128 else "bright."
        finally:
            self.stopped.set()


@dataclass
class ToyShop:
    """Two models by name: toy-1 is there, toy-talker wants 1,000 bytes to be downloaded first.

    Loading and downloading take steps and may be held before each. `still_there` says at each load which of the models
    made so far something still refers to.
    """

    seconds: float = 0.0
    load_go: Event = field(default_factory=Event)
    fetch_go: Event = field(default_factory=Event)
    fetch_busy: Event = field(default_factory=Event)
    fails: set[str] = field(default_factory=set)
    here: set[str] = field(default_factory=lambda: {"toy-1"})
    fetched_bytes: int = 0
    fetches: int = 0
    loads: list[str] = field(default_factory=list)
    released: int = 0
    still_there: list[int] = field(default_factory=list)
    made: list[weakref.ref[ToyModel]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.load_go.set()
        self.fetch_go.set()

    def source(self) -> ModelSource:
        return ModelSource(
            first=Choice("toy-1"),
            load=self.load,
            check=self.check,
            why=lambda choice: f"a toy in {choice.precision}",
            release=self.release,
            offers=self.offers,
            download=self.download,
            remove=self.remove,
            room=lambda held: Room("cpu", 5000 if held else 4000),
            offline=lambda: False,
        )

    @property
    def model(self) -> Any:
        """The one made last; whoever keeps it keeps it alive."""
        return self.made[-1]()

    def load(self, choice: Choice, progress: ProgressCallback) -> ToyModel:
        self.still_there.append(sum(ref() is not None for ref in self.made))
        self.loads.append(choice.name)
        for step in range(10):
            self.load_go.wait(0.05 if not self.load_go.is_set() else 0)
            progress(Progress(step, 10, "Reading"))
        time.sleep(self.seconds)
        while not self.load_go.is_set():
            self.load_go.wait(0.05)
            progress(Progress(9, 10, "Reading"))
        if choice.name in self.fails:
            raise CheckpointError("The weights do not fit.", "Take others.")
        model = ToyTalker() if choice.name == "toy-talker" else ToyModel()
        self.made.append(weakref.ref(model))
        return model

    def check(self, choice: Choice, held: Choice | None) -> str:
        if choice.name not in {offer.name for offer in self.offers()}:
            raise UnknownModelError(f"There is no model '{choice.name[:100]}'.", "Take a toy.")
        if choice.name not in self.here:
            raise ModelError(f"{choice.name} is not on this machine.", "Download it first.")
        if choice.precision is Precision.FP32 and choice.name == "toy-talker":
            raise OutOfMemoryError("It needs 9 kB, and 5 kB are free.", "What fits: bf16.")
        return f"{choice.name} is a toy."

    def release(self) -> None:
        self.released += 1
        gc.collect()

    def offers(self) -> list[ModelOffer]:
        there = OfferState.READY if "toy-talker" in self.here else OfferState.ABSENT
        state = OfferState.PARTIAL if there is OfferState.ABSENT and self.fetched_bytes else there
        needs = (MemoryNeed(Precision.FP32, 9000), MemoryNeed(Precision.BF16, 4500))
        return [
            ModelOffer("toy-1", "A toy", "Do what you like.", OfferState.SHIPPED),
            ModelOffer(
                "toy-talker", "A toy that talks", "Ask its mother.", state, "https://toys.example", "abc", "", 1000,
                self.fetched_bytes, needs,
            ),
        ]  # fmt: skip

    def download(self, name: str, progress: ProgressCallback) -> None:
        self.fetches += 1
        while self.fetched_bytes < 1000:
            self.fetch_busy.set()
            self.fetch_go.wait(0.05 if not self.fetch_go.is_set() else 0)
            progress(Progress(self.fetched_bytes, 1000, f"Fetching {name}"))
            if self.fetch_go.is_set() or self.fetched_bytes < 300:
                self.fetched_bytes += 100
        if name in self.fails:
            raise CheckpointError("The hash is wrong.", "Fetch it again.")
        self.here.add(name)

    def remove(self, name: str) -> int:
        freed, self.fetched_bytes = self.fetched_bytes, 0
        self.here.discard(name)
        return freed
