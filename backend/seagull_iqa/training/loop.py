"""The training loop, on Accelerate: the same on a laptop, on one GPU, and under `accelerate launch` on many.

Set the rate, take the batch of this step, learn, average, log, measure, save - in that order, nothing hidden. A step is
decided by its number alone, so a run that was killed goes on to the same curve.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from torch import nn

from seagull_iqa.domain.progress import Progress
from seagull_iqa.errors import CheckpointError, JobError
from seagull_iqa.training.stream import Order, batches
from seagull_iqa.training.task import Measured, Task

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"
LOGS = "tensorboard"


@dataclass(frozen=True)
class LoopSpec:
    """How long, how fast and where to learn; what is learned is the task's."""

    out: Path
    """Folder for checkpoint, curve and weights; an unfinished run there is continued."""
    steps: int = 20_000
    """Optimizer steps."""
    minutes: float = 0.0
    """Stop (and finish the rate's schedule) after that many minutes of training; 0 = by `steps` alone, which is what a
    run needs that is to be repeated exactly."""
    rate: float = 2e-3
    """Peak learning rate of AdamW."""
    decay: float = 0.05
    """Weight decay of AdamW."""
    hold: float = 0.0
    """Share of the schedule at the full rate, before the cosine; with 1 the rate never falls, and a run of any length
    can be ended by another that starts from it."""
    warmup: int = 200
    """Steps until the rate is reached."""
    average: float = 0.998
    """Decay of the running average of the weights, which is what is shipped; 0 = the weights as they are."""
    order: Order = field(default_factory=Order)
    """Which batch comes when."""
    processes: int = 1
    """Processes that make batches; 0 = the learner itself."""
    threads: int = 1
    """Threads of the learner; with the processes no more than there are cores."""
    seed: int = 1
    device: str = "cpu"
    """"cpu", or "auto" for the fastest there is."""
    precision: str = "no"
    """Mixed precision: "no", "bf16" or "fp16"."""
    start: Path | None = None
    """A checkpoint.pt of another run to start from: its weights and the optimizer's state, not its clock."""
    measure_every: int = 0
    """Steps between looks at what was held out; 0 = only at the end."""
    patience: int = 0
    """Stop where that many looks in a row brought no better score; 0 = never."""


class Run:
    """One training run: model, average, optimizer and clock, with their checkpoint."""

    def __init__(self, task: Task, spec: LoopSpec) -> None:
        torch.manual_seed(spec.seed)
        self.task, self.spec = task, spec
        # A batch of people's scores teaches some heads nothing; on many GPUs that has to be allowed.
        idle = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(
            cpu=spec.device == "cpu", mixed_precision=spec.precision, kwargs_handlers=[idle]
        )
        bare = task.model()
        self.average = copy.deepcopy(bare).to(self.accelerator.device) if spec.average else None
        learned = [p for p in bare.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learned if p.ndim > 1], "weight_decay": spec.decay},
            {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=spec.rate)
        self.model, self.optimizer = self.accelerator.prepare(bare, optimizer)
        self.step, self.seconds = 0, 0.0
        self.best, self.misses = -math.inf, 0
        self._path = spec.out / CHECKPOINT
        if self._path.is_file():
            self._load(self._path)
        elif spec.start is not None:
            self._load(spec.start)
            self.step, self.seconds, self.best, self.misses = 0, 0.0, -math.inf, 0

    @property
    def bare(self) -> nn.Module:
        """The model without what Accelerate wraps around it."""
        return cast(nn.Module, self.accelerator.unwrap_model(self.model))

    @property
    def result(self) -> nn.Module:
        """What is measured and shipped: the average, where there is one."""
        return self.bare if self.average is None else self.average

    @property
    def fraction(self) -> float:
        """How much of the schedule is over, 0..1."""
        by_time = self.seconds / (60 * self.spec.minutes) if self.spec.minutes else 0.0
        return min(1.0, max(self.step / self.spec.steps, by_time))

    @property
    def is_over(self) -> bool:
        """The schedule is through, or nothing has become better for long."""
        return self.fraction >= 1 or bool(self.spec.patience and self.misses >= self.spec.patience)

    def learn(self, batch: Any) -> dict[str, float]:  # noqa: ANN401 - the task's own
        """One step on one batch; the terms of the loss.

        Raises
        ------
        JobError
            The loss is no number; the last checkpoint is left as it was.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        with self.accelerator.autocast():
            terms = self.task.loss(self.model.train(), batch)
        found = {name: float(term.detach()) for name, term in terms.items()}
        if not math.isfinite(found["total"]):
            raise JobError(
                f"The loss became {found['total']} at step {self.step}.",
                "Take a lower rate and start again; the last checkpoint is whole.",
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(terms["total"])
        self.accelerator.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self._move_average()
        self.step += 1
        return found

    def measure(self) -> Measured:
        """Look at what was held out, and remember whether that was the best yet."""
        with torch.no_grad():
            found = self.task.measure(self.result.eval())
        self.misses = 0 if found.score > self.best else self.misses + 1
        self.best = max(self.best, found.score)
        return found

    def save(self) -> None:
        """Write the checkpoint whole or not at all; of many processes one does."""
        if not self.accelerator.is_main_process:
            return
        state: dict[str, Any] = {
            "network": _learned(self.bare), "optimizer": self.optimizer.state_dict(), "step": self.step,
            "seconds": self.seconds, "best": self.best, "misses": self.misses,
        }
        if self.average is not None:
            state["average"] = _learned(self.average)
        part = self._path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._path)

    def _load(self, path: Path) -> None:
        try:
            state = torch.load(path, map_location=self.accelerator.device, weights_only=True)
            _restore(self.bare, state["network"])
            if self.average is not None:
                _restore(self.average, state.get("average", state["network"]))
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.best, self.misses = float(state.get("best", -math.inf)), int(state.get("misses", 0))
        except (OSError, KeyError, ValueError, RuntimeError, UnpicklingError) as error:
            raise CheckpointError(
                f"{path} is no checkpoint of such a run.", "Choose another folder, or remove it and begin anew."
            ) from error

    def _rate(self) -> float:
        spec = self.spec
        falling = max(0.0, self.fraction - spec.hold) / max(1e-9, 1 - spec.hold)
        cosine = 0.5 * (1 + math.cos(math.pi * falling))
        return spec.rate * min(1.0, self.step / max(1, spec.warmup)) * (0.01 + 0.99 * cosine)

    @torch.no_grad()
    def _move_average(self) -> None:
        if self.average is None:
            return
        keep = min(self.spec.average, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.state_dict().values(), self.bare.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def _learned(model: nn.Module) -> dict[str, Any]:
    """What a run changes: all of a model that learns wholly, the adapters of one that does not."""
    fixed = {name for name, value in model.named_parameters() if not value.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in fixed}


def _restore(model: nn.Module, state: Mapping[str, Any]) -> None:
    wanted = _learned(model).keys()
    if wanted != state.keys():
        raise ValueError
    model.load_state_dict(state, strict=False)


def train(
    task: Task, spec: LoopSpec, *, log_every: int = 50, save_every_s: float = 300.0
) -> Generator[Progress, None, None]:
    """Train until the schedule is over, then measure and write what people use into `spec.out`.

    Yields progress every `log_every` steps; stopping the iteration leaves a checkpoint to go on from.
    """
    torch.set_num_threads(spec.threads)
    spec.out.mkdir(parents=True, exist_ok=True)
    run = Run(task, spec)
    curve = Curve(spec.out, run.step) if run.accelerator.is_main_process else None
    with contextlib.ExitStack() as stack:
        if curve is not None:
            stack.callback(curve.close)
        try:
            yield from _steps(run, curve, log_every, save_every_s)
        except (GeneratorExit, KeyboardInterrupt):
            run.save()
            raise
    found = run.measure()
    run.save()
    if run.accelerator.is_main_process:
        yield Progress(run.step, run.step, f"{_words(found.figures)}; calibrating and writing")
        written = task.write(run.result.eval(), spec.out, finished=True)
        yield Progress(run.step, run.step, f"wrote {written}")


def _steps(run: Run, curve: Curve | None, log_every: int, save_every_s: float) -> Iterator[Progress]:
    spec = run.spec
    yield Progress(run.step, spec.steps, "making the first batches")
    made = batches(run.task.source, _shared(run), run.step, processes=spec.processes, until=spec.steps)
    means: dict[str, float] = {}
    last_save = began = time.monotonic()
    device = str(run.accelerator.device)
    while not run.is_over:
        arrays, again = next(made)
        terms = run.learn(run.task.batch(arrays, device, again=again))
        now = time.monotonic()
        run.seconds, began = run.seconds + now - began, now
        means = {name: 0.98 * means.get(name, value) + 0.02 * value for name, value in terms.items()}
        if curve is not None:
            curve.add(run.step, terms)
        if run.step % log_every == 0:
            yield Progress(run.step, spec.steps, f"{run.fraction:.1%} {_words(means)}")
        if spec.measure_every and run.step % spec.measure_every == 0:
            found = run.measure()
            if curve is not None:
                curve.add(run.step, {f"held out: {name}": value for name, value in found.figures.items()})
            yield Progress(run.step, spec.steps, f"held out: {_words(found.figures)}")
        if time.monotonic() - last_save > save_every_s:
            run.save()
            if run.accelerator.is_main_process:
                run.task.write(run.result, spec.out, finished=False)
            last_save = time.monotonic()
    run.save()
    if run.accelerator.is_main_process:
        run.task.write(run.result, spec.out, finished=False)


def _shared(run: Run) -> Order:
    order, processes = run.spec.order, run.accelerator
    return Order(order.visits, order.lag, processes.process_index, processes.num_processes)


def _words(figures: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in figures.items())


class Curve:
    """The loss at every step: lines of JSON, and TensorBoard's files where that is installed.

    Lines behind the step that a run goes on from are dropped, so that one curve remains.
    """

    def __init__(self, folder: Path, step: int) -> None:
        path = folder / CURVE
        kept: list[str] = []
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        part = path.with_suffix(".part")
        part.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        part.replace(path)
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._board = _board(folder / LOGS, step)

    def add(self, step: int, terms: Mapping[str, float]) -> None:
        """One line."""
        self._file.write(json.dumps({"step": step, **terms}) + "\n")
        if self._board is not None:
            for name, value in terms.items():
                self._board.add_scalar(name.replace(": ", "/"), value, step)

    def close(self) -> None:
        """End both files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _board(folder: Path, step: int) -> Any:  # noqa: ANN401 - no types come with TensorBoard
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step or None)
