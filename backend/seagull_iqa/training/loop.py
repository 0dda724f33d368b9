"""The training loop: set the rate, draw, step, average, log, save, stop - in that order, nothing hidden."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seagull_iqa.data.photographs import Photograph, photographs
from seagull_iqa.domain.progress import Progress
from seagull_iqa.models.mini.checkpoint import save_weights
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.training.calibrate import calibrate
from seagull_iqa.training.losses import total_loss
from seagull_iqa.training.producers import Producers
from seagull_iqa.training.samples import Chunk


@dataclass(frozen=True)
class TrainSpec:
    """Everything a training run is decided by."""

    photos: Path
    """Folder with photographs (and a manifest.csv with their split)."""
    out: Path
    """Folder for checkpoint, log and weights; an unfinished run there is continued."""
    steps: int = 20_000
    """Optimizer steps."""
    minutes: float = 0.0
    """Stop (and finish the rate's schedule) after that many minutes of training; 0 = by `steps` alone."""
    pixels: int = 20 * 192 * 192
    """Pixels in a batch."""
    rate: float = 2e-3
    """Peak learning rate of AdamW."""
    decay: float = 0.05
    """Weight decay of AdamW."""
    hold: float = 0.0
    """Share of the schedule at the full rate, before the cosine; with 1 the rate never falls, and a run of any length
    can be ended by another that starts from it."""
    start: Path | None = None
    """A checkpoint.pt of another run to start from: its weights and the optimizer's state, not its clock."""
    average: float = 0.998
    """Decay of the running average of the weights, which is what is shipped."""
    processes: int = 1
    """Processes that make samples."""
    threads: int = 1
    """Threads of the learner; with the producers no more than there are cores."""
    seed: int = 1
    device: str = "cpu"
    first_samples: int = 256
    """Samples to wait for before the first step."""
    dev_photos: int = 14
    """Training photographs set aside for calibration."""


class Run:
    """One training run: network, average, optimizer and clock, with their checkpoint."""

    def __init__(self, spec: TrainSpec) -> None:
        torch.manual_seed(spec.seed)
        self.spec = spec
        self.network = MiniNetwork(MiniConfig()).to(spec.device)
        self.average = copy.deepcopy(self.network)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": spec.decay}, {"params": plain, "weight_decay": 0.0}], lr=spec.rate
        )
        self.step = 0
        self.seconds = 0.0
        self._path = spec.out / "checkpoint.pt"
        if self._path.is_file():
            self._load(self._path)
        elif spec.start is not None:
            self._load(spec.start)
            self.step, self.seconds = 0, 0.0

    @property
    def fraction(self) -> float:
        """How much of the schedule is over, 0..1."""
        by_time = self.seconds / (60 * self.spec.minutes) if self.spec.minutes else 0.0
        return min(1.0, max(self.step / self.spec.steps, by_time))

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds,
        }
        part = self._path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._path)

    def _load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.spec.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])

    def learn(self, chunk: Chunk) -> dict[str, float]:
        """One step on one batch; the loss terms."""
        falling = max(0.0, self.fraction - self.spec.hold) / max(1e-9, 1 - self.spec.hold)
        cosine = 0.5 * (1 + math.cos(math.pi * falling))
        rate = self.spec.rate * min(1.0, self.step / 200) * (0.01 + 0.99 * cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        image, masks = _augment(chunk, self.spec.device)
        dense, output = self.network.train()(image, masks)
        terms = total_loss(dense, output, chunk)
        self.optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._move_average()
        self.step += 1
        return {name: float(term.detach()) for name, term in terms.items()}

    @torch.no_grad()
    def _move_average(self) -> None:
        keep = min(self.spec.average, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def _augment(chunk: Chunk, device: str) -> tuple[Tensor, Tensor]:
    """The images as floats and the masks unpacked, on the device; the chunk's labels move along."""
    image, masks = chunk.image.to(device).float() / 255, chunk.unpacked_masks().to(device)
    for name in ("quality", "importance", "severity", "severity_map", "weight_map", "quality_map"):
        setattr(chunk, name, getattr(chunk, name).to(device))
    return image, masks


def split_for_calibration(spec: TrainSpec) -> tuple[list[Photograph], list[Photograph]]:
    """Training photographs to learn from, and some set aside to calibrate on (every n-th by name)."""
    found = photographs(spec.photos)
    every = max(2, len(found) // max(1, spec.dev_photos))
    dev = found[::every][: spec.dev_photos]
    return [p for p in found if p not in dev], dev


def train(
    spec: TrainSpec, *, log_every: int = 50, save_every_s: float = 300.0, calibration_samples: int = 250
) -> Iterator[Progress]:
    """Train until the schedule is over; then calibrate and write `weights.safetensors` into `spec.out`.

    Yields progress every `log_every` steps; stopping the iteration leaves a checkpoint to go on from.
    """
    torch.set_num_threads(spec.threads)
    spec.out.mkdir(parents=True, exist_ok=True)
    run = Run(spec)
    learn_from, dev = split_for_calibration(spec)
    rng = np.random.default_rng([spec.seed, run.step])
    yield Progress(run.step, spec.steps, f"{len(learn_from)} photographs, {len(dev)} set aside; making samples")
    with Producers([p.path for p in learn_from], spec.seed + run.step, spec.processes) as producers:
        means: dict[str, float] = {}
        last_save = time.monotonic()
        while run.fraction < 1:
            began = time.monotonic()
            terms = run.learn(producers.draw(spec.pixels, rng, at_least=spec.first_samples))
            run.seconds += time.monotonic() - began
            means = {name: 0.98 * means.get(name, value) + 0.02 * value for name, value in terms.items()}
            if run.step % log_every == 0:
                line = " ".join(f"{name} {value:.3f}" for name, value in means.items())
                yield Progress(run.step, spec.steps, f"{run.fraction:.1%} made {producers.made} {line}")
            if time.monotonic() - last_save > save_every_s:
                run.save()
                save_weights(run.average, spec.out / "snapshot.safetensors")
                last_save = time.monotonic()
    run.save()
    yield Progress(run.step, run.step, "calibrating")
    calibration = calibrate(run.average.eval(), [p.path for p in dev], seed=spec.seed + 7, samples=calibration_samples)
    save_weights(run.average, spec.out / "weights.safetensors", calibration=calibration)
    yield Progress(run.step, run.step, f"wrote {spec.out / 'weights.safetensors'}")
