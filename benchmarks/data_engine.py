"""How fast the data engine labels regions, where its time goes, and whether its memory stays flat.

    python benchmarks/data_engine.py [--photos DIR] [--images 60]

One process on one core, as each of a build's processes works. Without photographs the shipped samples are spoiled.
Memory is that of the process after a third of the images and after all of them. Seconds are of the CPU, so that other
programs do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import torch
from PIL import Image
from timing import Goal, machine

from seagull_iqa.data.codecs import installed
from seagull_iqa.data.making import make, recipe_of
from seagull_iqa.data.pristine import find_sources, lossless
from seagull_iqa.data.references import Reference, make_reference
from seagull_iqa.data.render import render
from seagull_iqa.data.segments import superpixel_proposals
from seagull_iqa.samples import samples

VIEWS = 4
Result = TypeVar("Result")


class Steps:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    def __call__(self, name: str, work: Callable[[], Result]) -> Result:
        """Do something and add what it took."""
        start = time.process_time()
        found = work()
        self.spent[name] += time.process_time() - start
        return found


def write_samples(folder: Path) -> Path:
    """The shipped samples as photographs."""
    for sample in samples():
        Image.fromarray(sample.read().rgb).save(folder / f"{sample.name}.png")
    return folder


def resident() -> float:
    """Memory of this process, MB."""
    return psutil.Process().memory_info().rss / 1e6


def work_through(photos: Path, folder: Path, images: int, steps: Steps) -> tuple[int, list[float]]:
    """Make images as a build does: regions made, and the memory after each image."""
    sources = find_sources(photos)[: max(1, images // VIEWS)]
    regions, memory = 0, []
    for number, source in enumerate(sources):
        steps("finding regions", lambda n=number, s=source: make_reference(
            folder, n, photos, s, 1024, superpixel_proposals
        ))  # fmt: skip
    for index in range(images):
        if index % VIEWS == 0:
            reference = steps("reading", lambda at=index // VIEWS: Reference.load(folder, at % len(sources), "cpu"))
        recipe = recipe_of(reference, 1, index, installed())
        with torch.inference_mode():
            steps("rendering (again, alone)", lambda r=reference, x=recipe: render(r.image, x))
        made = steps("rendering and labelling", lambda r=reference, x=recipe: make(r, x, "one"))
        steps("packing", lambda m=made: lossless(m.rgb))
        regions += len(made.rows)
        memory.append(resident())
    return regions, memory


def main() -> None:
    """Measure, print, and write the goals where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write the goals into this file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    steps = Steps()
    with tempfile.TemporaryDirectory() as place:
        own = Path(place) / "photographs"
        own.mkdir()
        photos = given.photos or write_samples(own)
        regions, memory = work_through(photos, Path(place) / "set", given.images, steps)
    again = steps.spent.pop("rendering (again, alone)")
    steps.spent["labelling"] = steps.spent.pop("rendering and labelling") - again
    steps.spent["rendering"] = again
    total = sum(steps.spent.values())
    for name, spent in sorted(steps.spent.items(), key=lambda one: -one[1]):
        print(f"  {name}: {spent:.1f} s of the CPU, {100 * spent / total:.0f} %")
    goals = [
        Goal("labelled regions per second of one core", regions / total, unit="1/s"),
        Goal("memory after all images over that after a third", memory[-1] / memory[len(memory) // 3], 1.15),
        Goal("memory at the end", memory[-1], unit="MB"),
    ]
    for goal in goals:
        print(f"{goal}; {machine()}")
    if given.json:
        given.json.write_text(json.dumps([goal.to_json() for goal in goals]), encoding="utf-8")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
