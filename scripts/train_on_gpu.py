"""Train seagull-mini longer, on a machine with a GPU and nothing of ours installed.

    PYTHONPATH=backend OMP_NUM_THREADS=1 python3 scripts/train_on_gpu.py PHOTOS OUT --minutes 25

It needs a torch of any kind, accelerate, numpy, scipy, pillow and safetensors there; the package runs from this
checkout. Samples are made on all processors but two. An unfinished run in OUT goes on where it stopped; the weights are
OUT/weights.safetensors.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from seagull_iqa.training.loop import LoopSpec, train
from seagull_iqa.training.mini_task import MiniSpec, MiniTask


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder with photographs and manifest.csv")
    parser.add_argument("out", type=Path, help="folder for checkpoint and weights")
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--start", type=Path, help="checkpoint.pt of another run to begin with")
    given = parser.parse_args()
    spec = LoopSpec(
        out=given.out,
        steps=10**7,
        minutes=given.minutes,
        hold=0.6,
        processes=max(1, (os.cpu_count() or 2) - 2),
        device="auto",
        start=given.start,
    )
    task = MiniTask(MiniSpec(given.photos, pixels=64 * 192 * 192))
    for progress in train(task, spec):
        print(progress.done, progress.message, flush=True)


if __name__ == "__main__":
    main()
