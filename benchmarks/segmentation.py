"""Regions that are pointed at, through a server on the loopback: how long until the mask is there.

    python benchmarks/segmentation.py [--side 1024] [--images 5] [--clicks 40] [--engine NAME]... [--device cpu]

For each engine whose weights are here: the first mask of an image that was just opened (it is sent, looked at and
asked), a click after that (median and 95th percentile), the first click after the server was started anew (its look
lies on disk), all regions, and memory. Beside it, in the same run, what a program does that looks at the image for
each click, as demonstrations of SAM without a cache do: the ratio says what keeping the look buys.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from server import spawned_server
from timing import Goal, machine, photograph

from seagull_iqa.client import Client
from seagull_iqa.domain.prompts import Point, Prompts
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.segmenting.crops import WHOLE_UP_TO
from seagull_iqa.settings import CACHE_VARIABLE

NEW_LOOKS = 5
"""Clicks that are each given a new look: they are slow."""

ABOUT_ONE = 128
"""An image that is seen in parts is clicked within that many px, as one thing in it would be."""


@dataclass(frozen=True)
class Figures:
    """Of one engine; times in s, one a sample.

    Attributes
    ----------
    first : sequence of float
        Opening an image to its first mask.
    click : sequence of float
        Click to mask, on an image that was looked at.
    anew : sequence of float
        The same clicks with a new look for each.
    everything : float
    found : int
        Regions of everything, before any filter.
    look_bytes : int
        Of one look.
    """

    first: Sequence[float]
    click: Sequence[float]
    anew: Sequence[float]
    everything: float
    found: int
    look_bytes: int

    @property
    def ratio(self) -> float:
        """How many times longer a click takes that looks anew."""
        return float(np.median(self.anew) / np.median(self.click))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pictures(side: int, count: int) -> list[PreparedImage]:
    """Different pictures of that size: a shipped photograph, moved on."""
    rgb = photograph(side, side)
    return [PreparedImage(np.ascontiguousarray(np.roll(rgb, 7 * index, axis=1))) for index in range(count)]


def places(image: PreparedImage, count: int) -> list[Point]:
    """Where it is clicked, the same for every engine: anywhere, in a large image within `ABOUT_ONE` px."""
    generator = np.random.default_rng(0)
    spans = [(0, size) for size in image.shape]
    if max(image.shape) > WHOLE_UP_TO:
        spans = [(size // 3, min(size, size // 3 + ABOUT_ONE)) for size in image.shape]
    rows, cols = (generator.integers(low, high, count) for low, high in spans)
    return [(float(row), float(col)) for row, col in zip(rows, cols, strict=True)]


def measure(client: Client, images: Sequence[PreparedImage], clicks: int) -> Figures:
    """The figures of the engine in use; it should be loaded, so that its loading is not measured."""
    segmenting, last = client.segmenting, images[-1]

    def click(image: PreparedImage, point: Point) -> float:
        return seconds(lambda: segmenting.propose(image, Prompts(positive=(point,))))

    segmenting.clear()
    first = [click(image, places(image, 1)[0]) for image in images]
    look_bytes = segmenting.list().memory.held_bytes // len(images)
    points = places(last, clicks)
    later = [click(last, point) for point in points]
    found: list[int] = []
    all_s = seconds(lambda: found.append(len(segmenting.everything(last))))
    anew = []
    for point in points[:NEW_LOOKS]:
        segmenting.clear()
        anew.append(click(last, point))
    return Figures(first, later, anew, all_s, found[0], look_bytes)


def memory_bytes(pid: int) -> int:
    """Resident memory of a process."""
    import psutil

    return int(psutil.Process(pid).memory_info().rss)


def measured(engine: str, device: str, images: Sequence[PreparedImage], clicks: int) -> tuple[Figures, float, int]:
    """Figures of one engine, seconds of the first click after a restart, and bytes that the server grew by."""
    with tempfile.TemporaryDirectory() as cache:
        environ = {CACHE_VARIABLE: cache}
        with spawned_server("seagull-mini", device, environ) as (client, process):
            before = memory_bytes(process.pid)
            client.segmenting.choose(engine)
            client.segmenting.prepare(pictures(64, 1)[0])
            figures = measure(client, images, clicks)
            grew = memory_bytes(process.pid) - before
            point = places(images[-1], 1)[0]
            client.segmenting.propose(images[-1], Prompts(positive=(point,)))
            # Comes after what that click has left to be put on the disk.
            client.segmenting.prepare(images[-1], near=point)
        with spawned_server("seagull-mini", device, environ) as (client, _):
            client.segmenting.choose(engine)
            client.segmenting.prepare(pictures(64, 1)[0])
            restarted = seconds(lambda: client.segmenting.propose(images[-1], Prompts(positive=(point,))))
    return figures, restarted, grew


def row(engine: str, figures: Figures, restarted: float, grew: int) -> str:
    """One line of the table, in ms and MB."""
    cells = [
        engine,
        f"{1000 * np.median(figures.first):.0f}",
        f"{1000 * np.median(figures.click):.1f}",
        f"{1000 * np.percentile(figures.click, 95):.1f}",
        f"{1000 * np.median(figures.anew):.0f}",
        f"{figures.ratio:.0f} x",
        f"{1000 * restarted:.0f}",
        f"{1000 * figures.everything:.0f} ({figures.found})",
        f"{figures.look_bytes / 1e6:.1f}",
        f"{grew / 1e6:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


COLUMNS = (
    "engine",
    "first mask, ms",
    "click, ms",
    "click, 95 %",
    "new look for each click, ms",
    "ratio",
    "first click after a restart, ms",
    "everything, ms (regions)",
    "a look, MB",
    "server grows by, MB",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def present(device: str) -> list[str]:
    """The engines that can be used here."""
    with spawned_server("seagull-mini", device) as (client, _):
        return [engine.name for engine in client.segmenting.list().engines if engine.ready]


def main() -> None:
    """Measure every engine that is there, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024, help="height and width of the images in px")
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument("--engine", action="append", help="only that one; repeatable")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the goals into this file")
    given = parser.parse_args()
    images, rows, goals = pictures(given.side, given.images), [], []
    for engine in given.engine or present(given.device):
        figures, restarted, grew = measured(engine, given.device, images, given.clicks)
        rows.append(row(engine, figures, restarted, grew))
        goals.append(Goal(f"{engine}: new look for each click over a click", figures.ratio, unit="x", at_least=True))
    print(f"Images of {given.side} x {given.side} px on {given.device}; {machine()}\n\n{HEAD}")
    print("\n".join(rows))
    if given.json:
        given.json.write_text(json.dumps([goal.to_json() for goal in goals]), encoding="utf-8")


if __name__ == "__main__":
    main()
