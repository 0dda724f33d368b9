"""Train seagull-mini longer, on a machine with a GPU and nothing of ours installed.

    PYTHONPATH=backend OMP_NUM_THREADS=1 python3 scripts/train_on_gpu.py PHOTOS OUT --minutes 18
    PYTHONPATH=backend OMP_NUM_THREADS=1 python3 scripts/train_on_gpu.py PHOTOS OUT --minutes 18 \\
        --human live-itw/mos.csv --folds 5        # then the second stage, once without each fold and once with all

It needs a torch of any kind, accelerate, numpy, scipy, pillow and safetensors there, and transformers with --teacher;
the package runs from this checkout. Photographs are spoiled and labelled on the GPU too, unless `--processes N` says by
how many processes. An unfinished run in OUT goes on where it stopped; what is finished is not done again. The weights
are OUT/weights.safetensors of the first stage (OUT/snapshot.safetensors, not calibrated, with --snapshot),
OUT/people/weights.safetensors of the second, OUT/fold0 ... fold4/weights.safetensors for `benchmarks/people.py`.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from seagull_iqa.data.readers import ReadSpec, read_dataset
from seagull_iqa.models.mini.config import WIDE
from seagull_iqa.training.human import HumanScores
from seagull_iqa.training.loop import LoopSpec, train
from seagull_iqa.training.mini_task import MiniSpec, MiniTask
from seagull_iqa.training.stream import Order


def scores(path: Path, folds: set[int]) -> HumanScores:
    """The rows of a list whose column `use` names one of those folds."""
    return HumanScores(tuple(read_dataset(path, ReadSpec(where={"use": {f"fold{n}" for n in folds}}))))


def run(task: MiniTask, spec: LoopSpec, *, snapshot: bool = False) -> None:
    """Train, saying how it goes; nothing where that was done before. Calibrating, on the CPU, may be left for later."""
    if (spec.out / "weights.safetensors").is_file():
        return
    began = time.monotonic()
    for progress in train(task, spec):
        print(f"{time.monotonic() - began:.0f} s", spec.out.name, progress.done, progress.message, flush=True)
        if snapshot and "calibrating" in progress.message:
            return


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder with photographs and manifest.csv")
    parser.add_argument("out", type=Path, help="folder for checkpoint and weights")
    parser.add_argument("--minutes", type=float, default=25.0, help="of the first stage")
    parser.add_argument("--base", type=Path, help="weights to begin with")
    parser.add_argument("--teacher", type=Path, help="weights of a MobileNetV2 that the encoder learns to imitate")
    parser.add_argument("--processes", type=int, default=0, help="that make samples; 0 = the GPU makes them")
    parser.add_argument("--crops", type=int, default=128, help="of 320 px in a batch, or as many pixels in others")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--snapshot", action="store_true", help="do not calibrate: that is the CPU's work")
    parser.add_argument("--start", type=Path, help="checkpoint.pt of another run to begin with")
    parser.add_argument("--human", type=Path, help="second stage: mos.csv with the columns file, mos, use")
    parser.add_argument("--folds", type=int, default=0, help="cross-validate over so many folds")
    parser.add_argument("--human-steps", type=int, default=1000)
    parser.add_argument("--human-rate", type=float, default=1e-3)
    given = parser.parse_args()
    task = MiniSpec(
        given.photos, base=given.base, teacher=given.teacher, config=WIDE, on_device=not given.processes,
        pixels=given.crops * 320 * 320,
    )  # fmt: skip
    spec = LoopSpec(
        out=given.out, steps=10**7, minutes=given.minutes, rate=given.rate, hold=0.55, processes=given.processes,
        device="auto", start=given.start, measure_every=2000, order=Order(lag=60 if given.processes else 8),
    )  # fmt: skip
    run(MiniTask(task), spec, snapshot=given.snapshot)
    if given.human is None:
        return
    task = replace(task, teacher=None, on_device=False)
    every = set(range(max(5, given.folds)))
    second = replace(spec, steps=given.human_steps, minutes=0.0, rate=given.human_rate, hold=0.0, start=None)
    task = replace(task, base=given.out / "weights.safetensors")
    for name, learned in [("people", every), *((f"fold{n}", every - {n}) for n in range(given.folds))]:
        run(MiniTask(replace(task, human=scores(given.human, learned))), replace(second, out=given.out / name))


if __name__ == "__main__":
    main()
