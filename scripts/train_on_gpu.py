"""Train seagull-mini longer, on a machine with a GPU and nothing of ours installed.

    PYTHONPATH=backend OMP_NUM_THREADS=1 python3 scripts/train_on_gpu.py PHOTOS OUT --minutes 25

It needs a torch of any kind, numpy, scipy, pillow and safetensors there; the package runs from this checkout. Samples
are made on all processors but two. An unfinished run in OUT goes on where it stopped; the weights are
OUT/weights.safetensors.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from seagull_iqa.training.loop import TrainSpec, train


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder with photographs and manifest.csv")
    parser.add_argument("out", type=Path, help="folder for checkpoint and weights")
    parser.add_argument("--minutes", type=float, default=25.0)
    given = parser.parse_args()
    spec = TrainSpec(
        photos=given.photos,
        out=given.out,
        steps=10**9,
        minutes=given.minutes,
        pixels=64 * 192 * 192,
        processes=max(1, (os.cpu_count() or 2) - 2),
        device="cuda" if torch.cuda.is_available() else "cpu",
    )
    for progress in train(spec):
        print(progress.done, progress.message, flush=True)


if __name__ == "__main__":
    main()
