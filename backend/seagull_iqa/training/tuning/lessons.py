"""The full model's task of a person's labels: lessons by number, and what it then says of regions held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seagull_iqa.models.full.layout import Layout
from seagull_iqa.models.full.network import SeagullNetwork
from seagull_iqa.training.seagull_files import write_adapter
from seagull_iqa.training.seagull_learner import Learns, SeagullLearner
from seagull_iqa.training.seagull_pack import Packed
from seagull_iqa.training.seagull_source import Lesson
from seagull_iqa.training.seagull_task import SeagullSpec, SeagullTask, mixed
from seagull_iqa.training.seagull_words import Asked, Known, judged, plain
from seagull_iqa.training.task import Arrays, Measured, Source
from seagull_iqa.training.tuning.taught import Picture, Said, pixels_of, read_said, write_said

OWN, REPLAYED = 3, 1
"""Pictures of a batch: the person's, and ones whose answers shall stay."""

REGIONS, KEPT_IMAGES = 8, 12
"""Regions of a picture in one lesson; decoded images that are kept."""

JUDGED = 0.5

Share = tuple[int, int]
"""Which of how many processes this is."""

read = lru_cache(maxsize=KEPT_IMAGES)(pixels_of)


class Numbers:
    """The source of batches that are made where they are wanted: their number is all that travels."""

    def __call__(self, index: int) -> Arrays:
        """That number."""
        return [np.array([index])]


@dataclass(frozen=True, eq=False)
class Schoolbook:
    """What one training is about.

    Attributes
    ----------
    own, replay : tuple of Picture
        With what is known of their regions.
    asked : mapping of str to Picture
        Name -> regions that are asked about in the end.
    seed : int
    """

    own: tuple[Picture, ...]
    replay: tuple[Picture, ...]
    asked: Mapping[str, Picture]
    seed: int

    def lessons(self, number: int) -> list[Lesson]:
        """The batch of that number: always the same."""
        rng = np.random.default_rng([self.seed, 3, number])
        weight = np.array([min(len(one.regions), REGIONS) for one in self.own], dtype=float)
        several = len(self.own) >= OWN
        mine = rng.choice(len(self.own), OWN, replace=not several, p=weight / weight.sum())
        others = rng.integers(len(self.replay), size=REPLAYED)
        chosen = [*(self.own[k] for k in mine), *(self.replay[k] for k in others)]
        return [_lesson(picture, rng) for picture in chosen]


def _lesson(picture: Picture, rng: np.random.Generator) -> Lesson:
    """Some of its regions, and two questions about each: one of them of the quality."""
    order = [int(k) for k in rng.permutation(len(picture.regions))[:REGIONS]]
    texts = [_asked(picture.known[k], rng, first=first) for k in order for first in (True, False)]
    about = tuple(place for place in range(len(order)) for _ in range(2))
    masks = tuple(picture.regions[k].mask for k in order)
    made = Lesson(read(picture.path), masks, about, tuple(texts))
    return made.mirrored() if rng.random() < 0.5 else made


def _asked(known: Known, rng: np.random.Generator, *, first: bool) -> Asked:
    aspects = known.aspects
    if first or rng.random() >= JUDGED:
        aspect = aspects[0] if first else aspects[int(rng.integers(len(aspects)))]
        return plain(known, aspect, rng, drawn=True)  # over many lessons the words mean the very score
    return judged(known, aspects[int(rng.integers(len(aspects)))], rng, true=bool(rng.random() < 0.5))


class EyeTask(SeagullTask):
    """See `task.Task`: adapters on a network that is loaded once for all trainings of a run."""

    def __init__(self, spec: SeagullSpec, network: SeagullNetwork, book: Schoolbook, share: Share) -> None:
        super().__init__(spec)
        self._network, self._book, self._share = network, book, share
        self.loss_now = float("nan")

    @property
    def source(self) -> Source:
        """Numbers."""
        return Numbers()

    def model(self) -> SeagullLearner:
        """The adapters as they begin, which change nothing."""
        begin_anew(self._network, self.spec.seed)
        return self.as_it_is()

    def as_it_is(self) -> SeagullLearner:
        """The adapters as they are now."""
        return SeagullLearner(self._network)

    def batch(self, arrays: Arrays, device: str, *, again: bool) -> Packed:
        """On the device; never the same twice."""
        del again
        return self.packer.packed(self._book.lessons(int(arrays[0][0]))).to(device)

    def loss(self, model: nn.Module, batch: Packed) -> Mapping[str, Tensor]:
        """Cross-entropy of the answers' tokens."""
        terms = super().loss(model, batch)
        self.loss_now = float(terms["total"].detach())
        return terms

    def measure(self, model: nn.Module) -> Measured:
        """Nothing: what is held out is asked about by `answer`."""
        del model
        return Measured(0.0, {})

    def answer(self, model: nn.Module, folder: Path, each: Callable[[], None]) -> None:
        """Ask about this process' share of the pictures; a file each, those that are there are left."""
        index, count = self._share
        folder.mkdir(parents=True, exist_ok=True)
        asked = self.asker(model.eval())
        for number, (name, picture) in enumerate(sorted(self._book.asked.items())):
            if number % count != index:
                continue
            each()
            path = folder / f"{name}.json"
            if read_said(path) is not None:
                continue
            with torch.no_grad(), mixed(model):
                reports = asked.assess(asked.look(read(picture.path)), list(picture.regions))
            write_said(path, {report.region: Said.of(report) for report in reports})

    def write(self, model: nn.Module, folder: Path, *, finished: bool) -> Path:
        """The adapters, once they have learned."""
        return write_adapter(self._network, self.layout, self.spec.learns, folder) if finished else folder


def begin_anew(network: SeagullNetwork, seed: int) -> None:
    """Give adapters the weights that they begin with; they change nothing until they have learned."""
    torch.manual_seed(seed)
    for module in network.language.modules():
        for name in getattr(module, "active_adapters", ()) if hasattr(module, "lora_A") else ():
            module.reset_lora_parameters(name, init_lora_weights=True)  # type: ignore[operator]


def spec_of(base: Layout, learns: Learns, *, checkpointing: bool, seed: int) -> SeagullSpec:
    """What the task of a folder is told; pictures come from the book."""
    numbers = Numbers()
    return SeagullSpec(base.folder, numbers, numbers, learns, checkpointing=checkpointing, seed=seed)


def first_wrong(answers: Sequence[Said]) -> str:
    """A sentence where what a model says is no number; "" where all is well."""
    values = [value for one in answers for value in (one.quality, one.importance)]
    return "" if np.isfinite(values).all() else "The model's answers are no numbers any more."
