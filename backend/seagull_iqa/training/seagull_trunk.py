"""The image encoder of a full model learns to see, before words are learned: what a real one brings from elsewhere.

The encoder of the public model knew pictures before SEAGULL was made of it; that of a fresh one knows nothing, and what
words teach it comes through a language model that knows nothing either. Here it is told quality and severities of
regions directly, through one linear layer a level on what the region extractor reads of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from torch import Tensor, nn

from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ignore_progress
from seagull_iqa.models.full.checkpoint import filled_network
from seagull_iqa.models.full.extractor import mask_pooled
from seagull_iqa.models.full.layout import read_layout
from seagull_iqa.models.full.network import SeagullNetwork
from seagull_iqa.models.full.preprocess import DEVIATION, MEAN
from seagull_iqa.training.loop import CHECKPOINT
from seagull_iqa.training.samples import IGNORED, Chunk
from seagull_iqa.training.seagull_files import write_model
from seagull_iqa.training.task import Arrays, Measured, Source

QUALITY_STEP, SEVERITY_STEP = 20.0, 1.5
"""Points of quality and levels of severity that count as much as one another."""


class TrunkLearner(nn.Module):
    """The network, of which the encoder moves, and the heads that it is taught through."""

    def __init__(self, network: SeagullNetwork) -> None:
        super().__init__()
        self.network = network.requires_grad_(requires_grad=False)
        self.network.vision.requires_grad_(requires_grad=True)
        heads = [nn.Linear(width, 1 + len(Distortion)) for width in network.config.widths]
        for value in (value for head in heads for value in head.parameters()):
            nn.init.zeros_(value)
        self.heads = nn.ModuleList(heads)

    def forward(self, chunk: Chunk) -> tuple[Tensor, Tensor]:
        """Quality (B, R), 0..100, and severities (B, R, 7), 0..5, of crops as large as the model's square."""
        mean, deviation = (chunk.image.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (MEAN, DEVIATION))
        levels = self.network.vision((chunk.image.float() / 255 - mean) / deviation)
        own = ([level[number : number + 1] for level in levels] for number in range(len(chunk.image)))
        found = torch.stack([self._told(*pair) for pair in zip(own, chunk.unpacked_masks(), strict=True)])
        return 50 + QUALITY_STEP * found[..., 0], SEVERITY_STEP * found[..., 1:]

    def _told(self, levels: list[Tensor], masks: Tensor) -> Tensor:
        """Of the regions (R, S, S) of one picture: (R, 8)."""
        each = [head(mask_pooled(level, masks)) for head, level in zip(self.heads, levels, strict=True)]
        return torch.stack(each).sum(0)


@dataclass(frozen=True)
class TrunkSpec:
    """From what the encoder learns.

    Attributes
    ----------
    base : Path
        Folder with the model whose encoder shall learn; its files are only read.
    pictures, held_out : Source
        Labelled crops, as large as the square that the model sees, as the fields of a `Chunk`.
    measured : int
        Batches that the measure looks at.
    """

    base: Path
    pictures: Source
    held_out: Source
    measured: int = 8


class TrunkTask:
    """See `task.Task`.

    Raises
    ------
    CheckpointError
        The base is no such model.
    """

    def __init__(self, spec: TrunkSpec) -> None:
        self.spec = spec
        self.layout = read_layout(spec.base)

    def model(self) -> TrunkLearner:
        """As it begins."""
        with torch.no_grad():
            network = filled_network(self.layout, torch.device("cpu"), Precision.FP32, ignore_progress)
        return TrunkLearner(network)

    @property
    def source(self) -> Source:
        """Batches by number."""
        return self.spec.pictures

    def batch(self, arrays: Arrays, device: str, *, again: bool) -> Chunk:
        """On the device; mirrored where it was seen before."""
        chunk = Chunk.from_arrays(arrays).to(device)
        return chunk.mirrored() if again else chunk

    def loss(self, model: nn.Module, batch: Chunk) -> Mapping[str, Tensor]:
        """How far quality and severities are off; what is not known counts nothing."""
        quality, severity = model(batch)
        terms = {
            "quality": _off((quality - batch.quality) / QUALITY_STEP, ~batch.quality.isnan()),
            "severity": _off((severity - batch.severity) / SEVERITY_STEP, batch.severity != IGNORED),
        }
        return {**terms, "total": terms["quality"] + terms["severity"]}

    @cached_property
    def _held_out(self) -> list[Chunk]:
        return [Chunk.from_arrays(self.spec.held_out(index)) for index in range(self.spec.measured)]

    def measure(self, model: nn.Module) -> Measured:
        """SROCC of quality over regions held out."""
        device = str(next(model.parameters()).device)
        said = torch.cat([model(chunk.to(device))[0].flatten().cpu() for chunk in self._held_out])
        true = torch.cat([chunk.quality.flatten() for chunk in self._held_out])
        there = ~true.isnan()
        score = float(spearmanr(said[there], true[there]).statistic)
        return Measured(score, {"SROCC": score})

    def write(self, model: nn.Module, folder: Path, *, finished: bool) -> Path:
        """At the end the whole model with the encoder as it is now; on the way the checkpoint is enough."""
        return write_model(_unwrapped(model).network, self.layout, folder) if finished else folder / CHECKPOINT


def _off(difference: Tensor, known: Tensor) -> Tensor:
    """Mean over what is known: any shape -> scalar."""
    known = known.expand_as(difference)
    difference = difference.where(known, torch.zeros(()))
    return F.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="sum") / known.sum().clamp(min=1)


def _unwrapped(model: nn.Module) -> TrunkLearner:
    inner = getattr(model, "module", model)
    if not isinstance(inner, TrunkLearner):
        raise TypeError(type(inner).__name__)
    return inner
