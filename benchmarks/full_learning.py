"""The full model learns, at toy size: the whole path of data, words, loss, adapters, resuming and evaluation is shown.

    python benchmarks/full_learning.py --photos DIR            # photographs; four minutes of one core
    python benchmarks/full_learning.py --photos DIR --quick    # a tenth of the steps: does it run?

A fresh, tiny model of the public layout (pictures of 64 px) is trained by the loop of `seagull train`:

trunk     its image encoder is told quality and severities of regions without words, as the public model's had seen
          pictures before it met a language model.
held out  from there, in words: pictures without end; regions of photographs it never saw, against the same regions
          asked of another picture ("shuffled"); goal: 0.2 better.
heart     from there 200 regions of 100 other pictures, again and again, first by the encoder, then in words; goal:
          SROCC of quality with what is known of them >= 0.95.
adapters  LoRA on the language model of the first run, for a shifted task (the scale turned round); goal: better than
          before on held-out regions, and no byte of the base's files changed. The adapter is then loaded as people
          load a model, and measured again.

Each picture is a crop with noise or blur of one strength (0 to 5) in its left half and another in its right; quality is
100 - 20 times the strength. A run that is interrupted goes on where it was if --out is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from full_learning_parts import Halves

from seagull_iqa.data.photographs import photographs
from seagull_iqa.domain.report import Aspect
from seagull_iqa.training.loop import LoopSpec, Run, train
from seagull_iqa.training.samples import Chunk
from seagull_iqa.training.seagull_files import ADAPTER, MODEL
from seagull_iqa.training.seagull_fresh import write_fresh
from seagull_iqa.training.seagull_learner import Learns
from seagull_iqa.training.seagull_task import SeagullSpec, SeagullTask
from seagull_iqa.training.seagull_trunk import TrunkSpec, TrunkTask
from seagull_iqa.training.stream import Order
from seagull_iqa.training.task import Task

HEART_BATCHES, HELD_OUT_BATCHES = 10, 8


@dataclass
class Found:
    """What was measured; SROCC of quality."""

    trunk: float = 0.0
    heart: float = 0.0
    heart_before: float = 0.0
    held_out: float = 0.0
    shuffled: float = 0.0
    shifted_before: float = 0.0
    shifted_after: float = 0.0
    shifted_loaded: float = 0.0
    base_untouched: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)

    @property
    def goals(self) -> dict[str, bool]:
        """Which of them were reached."""
        return {
            "heart >= 0.95": self.heart >= 0.95,
            "held out >= shuffled + 0.2": self.held_out >= self.shuffled + 0.2,
            "shifted task better with the adapter": self.shifted_after > self.shifted_before,
            "loaded as trained": abs(self.shifted_loaded - self.shifted_after) < 0.01,
            "base untouched": self.base_untouched,
        }


class Proof:
    """The runs, in one folder."""

    def __init__(self, paths: list[Path], out: Path, share: float, seed: int) -> None:
        aside = max(1, len(paths) // 6)
        self.learned, self.aside = tuple(paths[aside:]), tuple(paths[:aside])
        self.out, self.share, self.seed = out, share, seed
        self.fresh = out / "fresh"
        if not self.fresh.exists():
            write_fresh(self.fresh, seed=seed)
        self.found = Found()

    def trunk(self) -> None:
        """What the image encoder brings along."""
        pictures, others = (Halves(p, self.seed + n, count=32) for n, p in ((4, self.learned), (5, self.aside)))
        self.found.trunk = self._run(TrunkTask(TrunkSpec(self.fresh, pictures, others)), "trunk", 300, 4e-3)

    def held_out(self) -> None:
        """Pictures without end, from an encoder that sees and words that mean nothing yet."""
        pictures, others = Halves(self.learned, self.seed), Halves(self.aside, self.seed + 1)
        task = self._task(self.out / "trunk" / MODEL, pictures, others, HELD_OUT_BATCHES, Learns(vision=False))
        self._run(task, "held out", 150, 4e-3)
        task = self._task(self.out / "held out" / MODEL, pictures, others, HELD_OUT_BATCHES)
        self.found.held_out, self.found.shuffled = self._measured(task), self._measured(task, shuffled=True)

    def heart(self) -> None:
        """200 regions, from the weights of the first run: again the encoder before the words."""
        pictures = Halves(self.learned, self.seed + 3, count=10, different=HEART_BATCHES)
        base = self.out / "held out" / MODEL
        self.found.heart_before = self._measured(self._task(base, pictures, pictures, HEART_BATCHES))
        self._run(TrunkTask(TrunkSpec(base, pictures, pictures, HEART_BATCHES)), "heart, trunk", 400, 3e-3)
        base = self.out / "heart, trunk" / MODEL
        task = self._task(base, pictures, pictures, HEART_BATCHES, Learns(vision=False))
        self.found.heart = self._run(task, "heart", 150, 3e-3)

    def adapters(self) -> None:
        """The scale turned round, by adapters to the second run's model."""
        base = self.out / "held out" / MODEL
        before = _hashes(base)
        pictures, others = (Halves(p, self.seed + n, inverted=True) for n, p in ((2, self.learned), (1, self.aside)))
        task = self._task(base, pictures, others, HELD_OUT_BATCHES, Learns(rank=8))
        self.found.shifted_before = self._measured(task)
        self.found.shifted_after = self._run(task, "adapters", 80, 6e-3)
        loaded = self._task(self.out / "adapters" / ADAPTER, pictures, others, HELD_OUT_BATCHES)
        self.found.shifted_loaded = self._measured(loaded)
        self.found.base_untouched = _hashes(base) == before

    def _task(
        self, base: Path, pictures: Halves, held_out: Halves, measured: int, learns: Learns | None = None
    ) -> SeagullTask:
        spec = SeagullSpec(
            base, pictures, held_out, questions=3, judged=0.25, drawn=True, measured=measured, seed=self.seed
        )
        return SeagullTask(spec if learns is None else replace(spec, learns=learns))

    def _run(self, task: Task, name: str, steps: int, rate: float) -> float:
        """Train, saying how it goes; the score at the end."""
        steps = max(2, round(self.share * steps))
        spec = LoopSpec(
            self.out / name, steps=steps, rate=rate, decay=0.0, warmup=max(1, steps // 50), average=0.0, processes=0,
            order=Order(1, 0), seed=self.seed,
        )  # fmt: skip
        began = time.process_time()
        for progress in train(task, spec, log_every=max(1, steps // 20), save_every_s=60.0):
            print(f"{name}: {progress.done}/{progress.total} {progress.message}", flush=True)
        self.found.seconds[name] = round(time.process_time() - began, 1)
        self.found.steps[name] = steps
        return Run(task, spec).best  # the only look, that at the end

    def _measured(self, task: SeagullTask, *, shuffled: bool = False) -> float:
        chunks = [Chunk.from_arrays(task.spec.held_out(index)) for index in range(task.spec.measured)]
        with torch.no_grad():
            return task.ranked(task.model().eval(), chunks, Aspect.QUALITY, shuffled=shuffled)


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def table(found: Found) -> str:
    """For docs/training.md."""
    rows = [
        ("held-out regions: of another picture / of their own", found.shuffled, found.held_out, "+0.2"),
        ("200 regions by heart: before / after", found.heart_before, found.heart, "0.95"),
        ("the scale turned round: base / adapter", found.shifted_before, found.shifted_after, "better"),
        ("the same: base / adapter loaded as a model", found.shifted_before, found.shifted_loaded, "as above"),
    ]
    lines = ["| quality SROCC | first | second | goal |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {a:.3f} | {b:.3f} | {goal} |" for name, a, b, goal in rows)])


def main() -> None:
    """Run all of them and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder with photographs")
    parser.add_argument("--most", type=int, default=36, help="photographs to use")
    parser.add_argument("--out", type=Path, help="folder to keep the runs in; without it, none is kept")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write what was measured here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    every = [one.path for one in photographs(given.photos)]
    paths = every[:: max(1, len(every) // given.most)][: given.most]
    with tempfile.TemporaryDirectory() as folder:
        out = given.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        proof = Proof(paths, out, 0.1 if given.quick else 1.0, given.seed)
        for part in (proof.trunk, proof.held_out, proof.heart, proof.adapters):
            part()
    found = proof.found
    print(f"\n{table(found)}\n")
    for goal, reached in found.goals.items():
        print(f"{'reached' if reached else 'MISSED'}: {goal}")
    print(f"held-out regions, the encoder alone: {found.trunk:.3f}")
    print(f"CPU seconds: {found.seconds}, steps: {found.steps}, photographs: {len(paths)}")
    if given.json:
        given.json.write_text(json.dumps({**asdict(found), "goals": found.goals}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
