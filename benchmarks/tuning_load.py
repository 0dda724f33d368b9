"""How long a score is waited for while a model is being fine-tuned beside it.

    python benchmarks/tuning_load.py [--seconds 8]

A server of its own, the model that ships; a region of a known image is asked for again and again, first alone, then
while run after run learns from labels of the sample images. Goal: never more than 2 s. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from timing import machine

from napari_seagull.connection.backend import Backend
from napari_seagull.connection.process import LocalServer
from seagull_iqa import wire
from seagull_iqa.client import Client
from seagull_iqa.domain.fine_tuning import FineTuneSpec
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.samples import samples

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from kill_finetune import labels

GOAL_S = 2.0


def waits(client: Client, image: object, until: Callable[[], bool]) -> list[float]:
    """Seconds of each request, of a new region each, until that holds."""
    random, found = np.random.default_rng(0), []
    while not until():
        row, column = (int(value) for value in random.integers(0, 300, 2))
        region = Region(RegionMask.from_box(image.shape, (row, column, row + 200, column + 200)))
        begun = time.perf_counter()
        client.assess(image, [region], priority=wire.LIVE_PRIORITY)
        found.append(time.perf_counter() - begun)
        time.sleep(0.02)
    return found


def main() -> None:
    """Ask alone, ask beside, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args()
    exports, image = labels(), samples()[0].read()
    with tempfile.TemporaryDirectory() as place:
        os.environ["SEAGULL_MODELS"] = os.environ["SEAGULL_CACHE"] = place
        backend = Backend(LocalServer())
        client = backend.start()
        client.capabilities()
        waits(client, image, lambda: True)
        end = time.monotonic() + given.seconds
        alone = waits(client, image, lambda: time.monotonic() > end)
        beside: list[float] = []
        for seed in range(3):
            run = client.tuning.start(exports, FineTuneSpec("eye", seed=seed))
            beside += waits(client, image, lambda run=run: client.tuning.runs()[0].state.ended)
            client.tuning.keep(run.id, keep=False)
        backend.stop()
    print(f"{machine()}\n\n| a region of a known image | median | longest | of |\n|---|---|---|---|")
    for what, found in (("alone", alone), ("while a model is fine-tuned", beside)):
        print(f"| {what} | {1000 * np.median(found):.0f} ms | {1000 * max(found):.0f} ms | {len(found)} |")
    print(f"\nlongest: {max(beside):.2f} s (at most {GOAL_S:g}) {'met' if max(beside) <= GOAL_S else 'NOT met'}")


if __name__ == "__main__":
    main()
