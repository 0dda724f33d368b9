"""The full model as a task of the training loop: questions about regions of spoiled pictures, answered in words."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from seagull_iqa.domain.levels import level_value
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.questions import SCALES
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.full.checkpoint import config_in
from seagull_iqa.models.full.engine import LanguageEngine
from seagull_iqa.models.full.identity import card_of
from seagull_iqa.models.full.layout import read_layout
from seagull_iqa.models.full.model import Seagull
from seagull_iqa.models.full.prompts import SYSTEM_HUMAN
from seagull_iqa.models.full.tokens import Tokenizer
from seagull_iqa.training.loop import CHECKPOINT
from seagull_iqa.training.samples import Chunk
from seagull_iqa.training.seagull_files import write_adapter, write_model
from seagull_iqa.training.seagull_learner import Learns, SeagullLearner, learner
from seagull_iqa.training.seagull_pack import Packed, Packer
from seagull_iqa.training.seagull_source import SeagullSource, lessons
from seagull_iqa.training.task import Arrays, Measured, Source


@dataclass(frozen=True)
class SeagullSpec:
    """From what the full model learns, and what of it.

    Attributes
    ----------
    base : Path
        Folder with the model to begin with, of any size; its files are only read.
    pictures : Source
        Labelled pictures, as the fields of a `Chunk`.
    held_out : Source
        The same of others, for the measure.
    learns : Learns
    kept : Precision
        In what numbers the weights that do not learn are kept.
    checkpointing : bool
        Less memory for more time, which the 7B needs.
    regions, questions : int
        Regions of each picture, questions about each region.
    judged : float, 0..1
        Share of the questions that ask whether something is so.
    drawn : bool
        Draw level words so that they mean the score; else the nearest, as in the paper.
    measured : int
        Batches that the measure looks at.
    seed : int
    """

    base: Path
    pictures: Source
    held_out: Source
    learns: Learns = field(default_factory=Learns)
    kept: Precision = Precision.FP32
    checkpointing: bool = False
    regions: int = 8
    questions: int = 2
    judged: float = 0.5
    drawn: bool = False
    measured: int = 8
    seed: int = 1


class SeagullTask:
    """See `task.Task`.

    Raises
    ------
    CheckpointError
        The base is no such model.
    """

    def __init__(self, spec: SeagullSpec) -> None:
        self.spec = spec
        self.layout = read_layout(spec.base)
        self.tokenizer = Tokenizer(self.layout)
        config = config_in(self.layout)
        self.packer = Packer(self.tokenizer, SYSTEM_HUMAN, config.image_size, config.image_tokens)

    def model(self) -> SeagullLearner:
        """As it begins."""
        spec = self.spec
        return learner(self.layout, spec.learns, spec.kept, checkpointing=spec.checkpointing, seed=spec.seed)

    @property
    def source(self) -> Source:
        """Batches by number."""
        spec = self.spec
        return SeagullSource(spec.pictures, spec.seed, spec.regions, spec.questions, spec.judged, spec.drawn)

    def batch(self, arrays: Arrays, device: str, *, again: bool) -> Packed:
        """On the device; mirrored where it was seen before."""
        found = lessons(arrays)
        return self.packer.packed([one.mirrored() for one in found] if again else found).to(device)

    def loss(self, model: nn.Module, batch: Packed) -> Mapping[str, Tensor]:
        """Cross-entropy of the answers' tokens."""
        terms: Mapping[str, Tensor] = model(batch)
        return terms

    @cached_property
    def _held_out(self) -> list[Chunk]:
        return [Chunk.from_arrays(self.spec.held_out(index)) for index in range(self.spec.measured)]

    def measure(self, model: nn.Module) -> Measured:
        """SROCC of quality and importance with what is known of regions held out, asked as people ask."""
        quality = self.ranked(model, self._held_out, Aspect.QUALITY)
        figures = {"SROCC": quality}
        if not all(chunk.is_human for chunk in self._held_out):
            figures["SROCC importance"] = self.ranked(model, self._held_out, Aspect.IMPORTANCE)
        return Measured(quality, figures)

    def ranked(self, model: nn.Module, chunks: list[Chunk], aspect: Aspect, *, shuffled: bool = False) -> float:
        """SROCC of an aspect; `shuffled` asks every region of another picture, whose pixels tell nothing of it."""
        asked = self.asker(model)
        said, known = [], []
        with mixed(model):
            for chunk in chunks:
                pictures = chunk.image.permute(0, 2, 3, 1).numpy()
                seen = np.roll(pictures, 1, axis=0) if shuffled else pictures
                masks = chunk.unpacked_masks().numpy() > 0
                labels = (chunk.quality if aspect is Aspect.QUALITY else chunk.importance).numpy()
                for picture, own, label in zip(seen, masks, labels, strict=True):
                    said.append(_scores(asked, picture, own, aspect))
                    known.append(label)
        found, true = np.concatenate(said), np.concatenate(known)
        there = ~np.isnan(true)
        return float(spearmanr(found[there], true[there]).statistic)

    def asker(self, model: nn.Module) -> Seagull:
        """The model as people use it, with the weights as they are now."""
        network = _unwrapped(model).network
        engine = LanguageEngine(network.language, network.config.language, self.tokenizer.end, recorded=False)
        return Seagull(network, self.tokenizer, engine, card_of(self.layout, 0), self.spec.kept)

    def write(self, model: nn.Module, folder: Path, *, finished: bool) -> Path:
        """Adapters, on the way too; or at the end the whole model, of which the checkpoint is enough on the way."""
        network = _unwrapped(model).network
        if self.spec.learns.rank:
            return write_adapter(network, self.layout, self.spec.learns, folder)
        return write_model(network, self.layout, folder) if finished else folder / CHECKPOINT


def _scores(
    model: Seagull, picture: NDArray[np.uint8], masks: NDArray[np.bool_], aspect: Aspect
) -> NDArray[np.float64]:
    """The expectation over the five levels, (R,), of regions (R, H, W)."""
    if aspect not in SCALES:
        raise KeyError(aspect)
    regions = [Region(RegionMask.from_pixels(mask)) for mask in masks]
    shares = model.level_probabilities(model.look(np.ascontiguousarray(picture)), regions, aspect)
    values = np.array([level_value(index) for index in range(shares.shape[1])])
    found: NDArray[np.float64] = shares @ values / np.maximum(shares.sum(1), 1e-12)
    return found


def mixed(model: nn.Module) -> AbstractContextManager[object]:
    """Where weights are kept in half precision, those that learn are not: torch reconciles the two."""
    kinds = {value.dtype for value in model.parameters()}
    device = next(model.parameters()).device.type
    return torch.autocast(device, torch.bfloat16) if len(kinds) > 1 else nullcontext()


def _unwrapped(model: nn.Module) -> SeagullLearner:
    inner = getattr(model, "module", model)
    if not isinstance(inner, SeagullLearner):
        raise TypeError(type(inner).__name__)
    return inner
