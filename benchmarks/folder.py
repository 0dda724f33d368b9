"""What a folder costs beyond the model: 1,000 images into one table against a bare loop over the same files.

    python benchmarks/folder.py [--images 1000] [--side 512]

The images are crops of the shipped samples, as PNG. The bare loop reads an image, looks, asks about the whole image,
and keeps the number; it and the folder take turns by fifths, each in a process of its own, so that memory is the
folder's.
Goals: at most 10 % more time; memory flat (image 1,000 against image 100). Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from timing import machine

from seagull_iqa.samples import samples

PARTS = 5
GOAL_PERCENT, GOAL_MB = 10.0, 50.0

PROGRAM = """
import json, os, sys, time
from pathlib import Path
from seagull_iqa.cli.score_folder import _reports
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.folder.scoring import score_folder
from seagull_iqa.imaging.files import read_image
from seagull_iqa.registry import load_model

way, folder, table = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
paths = sorted(folder.glob("*.png"))
model = load_model()
page = os.sysconf("SC_PAGE_SIZE")
seen = []

def memory():
    seen.append(int(Path("/proc/self/statm").read_text().split()[1]) * page / 1e6)

def score(image, regions):
    memory()
    return _reports(model, image, regions)

warm = read_image(paths[0])
model.assess(model.look(warm.rgb), [Region(RegionMask.whole(warm.shape))])
begun = time.perf_counter()
if way == "folder":
    score_folder(paths, table, score, settings={"model": model.card.id})
else:
    found = []
    for path in paths:
        image = read_image(path)
        memory()
        found += model.assess(model.look(image.rgb), [Region(RegionMask.whole(image.shape))])
took = time.perf_counter() - begun
print(json.dumps({"s": took, "images": len(paths), "first_mb": seen[min(20, len(seen) - 1)], "last_mb": seen[-1]}))
"""


def make(folder: Path, count: int, side: int) -> None:
    """Crops of the samples, each another one."""
    pictures = [sample.read().rgb for sample in samples()]
    random = np.random.default_rng(0)
    for number in range(count):
        rgb = pictures[number % len(pictures)]
        row, column = (int(random.integers(0, max(1, length - side))) for length in rgb.shape[:2])
        Image.fromarray(rgb[row : row + side, column : column + side]).save(folder / f"{number:05d}.png")


def run(way: str, folder: Path) -> dict[str, float]:
    """One way over one folder, in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, way, str(folder), str(folder / "table.csv")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    values: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return values


def main() -> None:
    """Make the images, let both ways take turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=512)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # both ways alike; the folder's reader has the other core
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "all"
        whole.mkdir()
        make(whole, given.images, given.side)
        paths, took = sorted(whole.glob("*.png")), {"bare": 0.0, "folder": 0.0}
        for part in range(PARTS):
            folder = Path(place) / f"part{part}"
            folder.mkdir()
            for path in paths[part::PARTS]:
                os.link(path, folder / path.name)
            for way in ("bare", "folder") if part % 2 else ("folder", "bare"):
                took[way] += run(way, folder)["s"]
        grown = run("folder", whole)
    more = 100 * (took["folder"] / took["bare"] - 1)
    growth = grown["last_mb"] - grown["first_mb"]
    print(f"{given.images} images of {given.side} x {given.side} px; {machine()}\n")
    print("| figure | measured | goal |\n|---|---|---|")
    print(f"| bare loop: read, look, ask | {1000 * took['bare'] / given.images:.1f} ms an image | |")
    print(f"| the folder over it | {more:+.1f} % | {GOAL_PERCENT:+.0f} % |")
    print(f"| memory at the last image over that at the 20th | {growth:+.0f} MB | {GOAL_MB:+.0f} MB |")


if __name__ == "__main__":
    main()
