"""Seagull-mini as a task of the training loop: photographs spoiled on the fly, and photographs that people scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from seagull_iqa.data.photographs import Photograph, load_all, photographs
from seagull_iqa.errors import ImageError
from seagull_iqa.models.mini.checkpoint import load_weights, save_weights
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.training.batch_samples import BatchMaker, Numbers
from seagull_iqa.training.calibrate import calibrate
from seagull_iqa.training.human import HumanScores, HumanSource, whole_views
from seagull_iqa.training.losses import human_loss, order_loss, total_loss
from seagull_iqa.training.samples import VERSIONS, Chunk, SyntheticSource, make_sample
from seagull_iqa.training.task import Arrays, Measured, Source
from seagull_iqa.training.teacher import Taught, TaughtSource, teacher

MEASURED_SIDE = 320
"""Side in px of the crops that the measure looks at."""

TAUGHT = 2.0
"""Weight of the distance to the teacher, which is of order 0.2."""


@dataclass(frozen=True)
class MiniSpec:
    """From what seagull-mini learns.

    Attributes
    ----------
    photos : Path
        Folder with near-pristine photographs, and a manifest.csv with their split.
    human : HumanScores or None
        Photographs with human scores; one batch in `human_every` is of them.
    checked : HumanScores or None
        Others of them, which are not learned from: how well they are told counts for early stopping.
    human_every : int
        The others keep what was known known.
    base : Path or None
        Weights to begin with; None = random.
    teacher : Path or None
        Weights of a MobileNetV2 that the encoder learns to imitate, besides.
    frozen : bool
        The encoder stays as it is: only map head, tokens and score heads learn.
    config : MiniConfig
        Sizes of a network that begins with random weights.
    on_device : bool
        Spoiled photographs are made and labelled where the network learns, not by processes.
    pixels : int
        Of a batch.
    share : float, 0..1
        Of the photographs that are used.
    dev_photos : int
        Photographs set aside for the measure and for calibration.
    seed : int
    """

    photos: Path
    human: HumanScores | None = None
    checked: HumanScores | None = None
    human_every: int = 3
    base: Path | None = None
    teacher: Path | None = None
    frozen: bool = False
    config: MiniConfig = field(default_factory=MiniConfig)
    on_device: bool = False
    pixels: int = 30 * 192 * 192
    share: float = 1.0
    dev_photos: int = 14
    seed: int = 1
    measured: int = 120
    calibrated: int = 250


@dataclass(frozen=True)
class MixedSource:
    """Synthetic batches, and one in some of human scores."""

    synthetic: Source
    human: HumanSource | None
    every: int

    def __call__(self, index: int) -> Arrays:
        """The batch of that number."""
        if self.human is not None and index % self.every == self.every - 1:
            return self.human(index)
        return self.synthetic(index)


@dataclass(frozen=True)
class Lesson:
    """A batch on its device."""

    chunk: Chunk
    seen: Tensor | None = None
    """What the teacher sees in it."""
    only_order: bool = False
    """Of its qualities only the order counts."""


class MiniTask:
    """See `task.Task`.

    Raises
    ------
    ImageError
        There are too few photographs.
    CheckpointError
        The teacher is none.
    """

    def __init__(self, spec: MiniSpec) -> None:
        self.spec = spec
        if spec.teacher is not None:
            teacher(spec.teacher)  # said here in a sentence, and not by a process that makes batches
        self.learned_from, self.dev = split_for_calibration(spec)
        self._made_on: BatchMaker | None = None

    def model(self) -> nn.Module:
        """As it begins."""
        torch.manual_seed(self.spec.seed)
        network = MiniNetwork(self.spec.config) if self.spec.base is None else load_weights(self.spec.base)[0]
        if self.spec.frozen:
            network.encoder.requires_grad_(False)
        for part in (network.encoder, network.dense):  # convolutions are an eighth faster on a CPU this way
            part.to(memory_format=torch.channels_last)
        return network if self.spec.teacher is None else Taught(network)

    @property
    def source(self) -> Source:
        """Batches by number."""
        spec = self.spec
        synthetic = Numbers() if spec.on_device else SyntheticSource(self._paths, spec.seed, spec.pixels)
        human = None if spec.human is None else HumanSource(spec.human, spec.seed, spec.pixels)
        mixed = MixedSource(synthetic, human, spec.human_every)
        return mixed if spec.teacher is None or spec.on_device else TaughtSource(mixed, spec.teacher)

    @property
    def _paths(self) -> tuple[Path, ...]:
        return tuple(p.path for p in self.learned_from)

    def _maker(self, device: str) -> BatchMaker:
        if self._made_on is None or self._made_on.device != device:
            self._made_on = BatchMaker(self._paths, self.spec.seed, self.spec.pixels, device)
        return self._made_on

    def batch(self, arrays: Arrays, device: str, *, again: bool) -> Lesson:
        """On the device; mirrored where it was seen before."""
        if len(arrays) == 1:
            chunk, only_order = self._maker(device)(int(arrays[0]))
            chunk = chunk.mirrored() if again else chunk
            taught = None if self.spec.teacher is None else teacher(self.spec.teacher)
            return Lesson(chunk, None if taught is None else taught(chunk.image[::VERSIONS]).float(), only_order)
        labelled = len(fields(Chunk))
        chunk = Chunk.from_arrays(arrays[:labelled]).to(device)
        seen = torch.from_numpy(np.asarray(arrays[-1])).to(device).float() if len(arrays) > labelled else None
        if again:
            return Lesson(chunk.mirrored(), None if seen is None else seen.flip(-1))
        return Lesson(chunk, seen)

    def loss(self, model: nn.Module, batch: Lesson) -> Mapping[str, Tensor]:
        """Of whichever kind the batch is."""
        if self.spec.frozen:
            _unwrapped(model).encoder.eval()  # nor may its running statistics move
        chunk = batch.chunk
        image, masks = chunk.image.float() / 255, chunk.unpacked_masks()
        seen = () if batch.seen is None else (batch.seen,)
        dense, output, *distance = model(image, masks, *seen)
        if batch.only_order:
            terms = order_loss(output, chunk)
        else:
            terms = human_loss(output, chunk) if chunk.is_human else total_loss(dense, output, chunk)
        if distance:
            terms["teacher"] = TAUGHT * distance[0]
            terms["total"] = terms["total"] + terms["teacher"]
        return terms

    @cached_property
    def _held_out(self) -> list[Chunk]:
        rng = np.random.default_rng([self.spec.seed, 77])
        images = load_all([p.path for p in self.dev])
        return [make_sample(images, MEASURED_SIDE, rng) for _ in range(self.spec.measured)]

    def measure(self, model: nn.Module) -> Measured:
        """SROCC of quality and importance over regions of photographs set aside, spoiled in always the same ways.

        With scores of people that are only looked at, the score is the mean of theirs and the synthetic.
        """
        model = _unwrapped(model)
        device = next(model.parameters()).device
        rows = []
        for chunk in self._held_out:
            _, output = model(chunk.image.to(device).float() / 255, chunk.unpacked_masks().to(device))
            found = (output.quality, chunk.quality, output.importance, chunk.importance)
            rows.append(np.stack([values.cpu().numpy().ravel() for values in found]))
        quality, label, importance, its_label = np.concatenate(rows, axis=1)
        figures = {
            "SROCC": float(spearmanr(quality, label).statistic),
            "SROCC importance": float(spearmanr(importance, its_label).statistic),
            "error": float(np.abs(quality - label).mean()),
        }
        if self.spec.checked is None:
            return Measured(figures["SROCC"], figures)
        figures["SROCC people"] = _agreement(model, self.spec.checked)
        return Measured((figures["SROCC"] + figures["SROCC people"]) / 2, figures)

    def write(self, model: nn.Module, folder: Path, *, finished: bool) -> Path:
        """`snapshot.safetensors` on the way, and at the end `weights.safetensors` with its calibration."""
        network = _unwrapped(model)
        if not finished:
            path = folder / "snapshot.safetensors"
            save_weights(network, path)
            return path
        fitted = calibrate(
            network, [p.path for p in self.dev], seed=self.spec.seed + 7, samples=self.spec.calibrated
        )
        path = folder / "weights.safetensors"
        save_weights(network, path, calibration=fitted)
        return path


def _agreement(model: MiniNetwork, scores: HumanScores) -> float:
    """SROCC of quality with people's scores."""
    device = next(model.parameters()).device
    said, true = [], []
    for image, masks, quality in whole_views(scores):
        said.append(model(image.to(device), masks.to(device))[1].quality.cpu().flatten())
        true.append(quality.flatten())
    return float(spearmanr(torch.cat(said), torch.cat(true)).statistic)


def _unwrapped(model: nn.Module) -> MiniNetwork:
    inner = getattr(model, "module", model)
    if isinstance(inner, Taught):
        return inner.network
    if not isinstance(inner, MiniNetwork):
        raise TypeError(type(inner).__name__)
    return inner


def split_for_calibration(spec: MiniSpec) -> tuple[list[Photograph], list[Photograph]]:
    """Training photographs to learn from, and some set aside to calibrate on (every n-th by name)."""
    found = photographs(spec.photos)
    every = max(2, len(found) // max(1, spec.dev_photos))
    dev = found[::every][: spec.dev_photos]
    rest = [p for p in found if p not in dev]
    kept = rest[: max(1, round(spec.share * len(rest)))] if spec.share < 1 else rest
    if not kept:
        raise ImageError(f"Too few photographs in {spec.photos}.", "Give a folder with at least three.")
    return kept, dev
