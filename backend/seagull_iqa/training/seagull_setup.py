"""From photographs and a folder with the full model to its task: what `seagull train --full` learns."""

from __future__ import annotations

from pathlib import Path

from seagull_iqa.domain.precision import Precision
from seagull_iqa.models.full.checkpoint import config_in
from seagull_iqa.models.full.layout import read_layout
from seagull_iqa.training.human import HumanSource
from seagull_iqa.training.mini_task import MiniSpec, MixedSource, split_for_calibration
from seagull_iqa.training.samples import SyntheticSource
from seagull_iqa.training.seagull_learner import Learns
from seagull_iqa.training.seagull_task import SeagullSpec, SeagullTask

PICTURES = 4
"""Of a batch."""

DEEP = 8
"""Layers of the language model above which its activations are computed twice rather than kept."""

RATE = 1e-4
"""Peak learning rate where none is given; Osprey's, of which SEAGULL is made, are 2e-5 and 1e-5 without adapters."""


def full_task(base: Path, given: MiniSpec, learns: Learns, *, half: bool) -> SeagullTask:
    """The task of a model's folder.

    Parameters
    ----------
    base : Path
    given : MiniSpec
        Photographs, human scores, share and seed; a crop is as large as the square that the model sees.
    learns : Learns
    half : bool
        Keep what does not learn in bf16, for a run in mixed precision.
    """
    sizes = config_in(read_layout(base))
    side, area = sizes.image_size, sizes.image_size**2
    learned_from, dev = split_for_calibration(given)
    one_size = ((side, 1.0),)
    synthetic = SyntheticSource(tuple(p.path for p in learned_from), given.seed, PICTURES * area, one_size)
    human = None if given.human is None else HumanSource(given.human, given.seed, PICTURES * area // 2)
    spec = SeagullSpec(
        base,
        pictures=MixedSource(synthetic, human, given.human_every),
        held_out=SyntheticSource(tuple(p.path for p in dev), given.seed + 77, PICTURES * area, one_size),
        learns=learns,
        kept=Precision.BF16 if half else Precision.FP32,
        checkpointing=sizes.language.layers > DEEP,
        seed=given.seed,
    )
    return SeagullTask(spec)
