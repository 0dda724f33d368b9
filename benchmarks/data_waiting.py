"""How long a training step of seagull-mini waits for its batches, which another process spoils and labels.

    python benchmarks/data_waiting.py --photos DIR [--steps 150] [--processes 1]

The goal: less than a tenth of the time. Steps before the queue has filled are not counted. A busy machine says little:
the learner and the maker then fight for the same cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from timing import Goal, machine

from seagull_iqa.training.loop import LoopSpec, Run
from seagull_iqa.training.mini_task import MiniSpec, MiniTask
from seagull_iqa.training.stream import Order, batches

WARM_UP = 20


def shares(photos: Path, out: Path, steps: int, processes: int) -> tuple[float, float]:
    """Share of the time spent waiting, and seconds of a step, waiting included."""
    run = Run(MiniTask(MiniSpec(photos=photos)), LoopSpec(out=out, steps=steps + WARM_UP, processes=processes))
    made = batches(run.task.source, Order(), 0, processes=processes, until=steps + WARM_UP)
    waited = worked = 0.0
    for step in range(steps + WARM_UP):
        start = time.perf_counter()
        arrays, again = next(made)
        ready = time.perf_counter()
        run.learn(run.task.batch(arrays, "cpu", again=again))
        if step >= WARM_UP:
            waited += ready - start
            worked += time.perf_counter() - ready
    return waited / (waited + worked), (waited + worked) / steps


def main() -> None:
    """Measure, print, and write the goals where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the goals into this file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        share, seconds = shares(given.photos, Path(place), given.steps, given.processes)
    goals = [
        Goal("share of a training step spent waiting for its batch", share, 0.1),
        Goal("a training step", seconds, unit="s"),
    ]
    for goal in goals:
        print(f"{goal}; {machine()}")
    if given.json:
        given.json.write_text(json.dumps([goal.to_json() for goal in goals]), encoding="utf-8")


if __name__ == "__main__":
    main()
