"""What the map of a photograph costs, and whether it is right.

    python benchmarks/map.py

Goals: the map of a 1024 x 1024 photograph is at least 5x faster than one batched request over the same windows; in
photographs with one blurred or noisy region (strength 3 to 5) its mean is lower inside than outside in 90 % of cases;
its mean in a region follows the region's reported quality (SROCC at least 0.9).

The windows are boxes of the map's own window, on a grid `--every` times as wide as the map's stride: with 2, which is
what the table has, the request asks for a quarter of the map's values, and the ratio held against the goal is to that
request as it is, not scaled up; with 1 it asks for all of them. Both sides begin with the image not yet looked at.

The photographs of the second part are the protocol's held-out ones, with the protocol's regions, where SEAGULL_DATA
names the data folder; else the photographs that ship with the package.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from timing import Goal, machine, minima, photograph

from seagull_iqa.data.distort import Applied, distort
from seagull_iqa.data.protocol import Protocol, to_rgb
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import QUALITY_MAP, Aspect, ScoreMap
from seagull_iqa.models.interface import QualityModel
from seagull_iqa.registry import load_model
from seagull_iqa.samples import samples
from seagull_iqa.training.metrics import srocc

SIDE = 1024
STRENGTHS = (3.0, 4.0, 5.0)
RUNS = 3
"""The request for the windows takes many seconds, so fewer runs than elsewhere; of either the fastest counts."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A photograph with its regions."""

    name: str
    pixels: torch.Tensor
    masks: list[NDArray[np.bool_]]


def windows(found: ScoreMap, every: int) -> list[Region]:
    """The boxes that every `every`-th value of a map, in both directions, is about; cut at the image's border."""
    half = found.window / 2
    centres = ((np.arange(size)[every // 2 :: every] + 0.5) * found.stride for size in found.values.shape)
    rows, columns = centres
    boxes = [(r - half, c - half, r + half, c + half) for r in rows for c in columns]
    masks = [RegionMask.from_box(found.shape, [round(float(edge)) for edge in box]) for box in boxes]
    return [Region(mask, origin=RegionOrigin.TILE) for mask in masks]


def speed(model: QualityModel, every: int, runs: int) -> list[Goal]:
    """How much faster the map is than a request over its windows."""
    rgb = photograph(SIDE, SIDE)
    found = model.maps(model.look(rgb))[QUALITY_MAP]
    some = windows(found, every)
    seconds = minima({
        "map": lambda: model.maps(model.look(rgb)),
        "windows": lambda: model.assess(model.look(rgb), some, frozenset({Aspect.QUALITY})),
    }, runs)  # fmt: skip
    print(
        f"  map of {found.values.size} values {1000 * seconds['map']:.0f} ms; one request over {len(some)} windows of "
        f"{found.window:g} px every {found.stride * every:g} px {1000 * seconds['windows']:.0f} ms"
    )
    what = f"map of {SIDE} x {SIDE} px over one request for {len(some)} of its {found.values.size} windows"
    return [Goal(what, seconds["windows"] / seconds["map"], 5.0, "x faster", at_least=True)]


def inside_mean(found: ScoreMap, mask: NDArray[np.bool_]) -> float:
    """Mean of a map over a region: every value weighs as many px of the region as its own cell holds."""
    stride = round(found.stride)
    rows, columns = found.values.shape
    padded = np.zeros((rows * stride, columns * stride), dtype=np.float64)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    weight = padded.reshape(rows, stride, columns, stride).sum(axis=(1, 3))
    return float((weight * found.values).sum() / weight.sum())


def pictures() -> list[Picture]:
    """The held-out photographs, or those that ship with the package."""
    data = os.environ.get("SEAGULL_DATA")
    if data:
        protocol = Protocol.load(Path(data))
        scenes = (protocol.scene(name) for name in protocol.photographs)
        return [Picture(scene.name, scene.pixels, list(scene.masks.values())) for scene in scenes]
    found = []
    for sample in samples():
        pixels = torch.from_numpy(sample.read().rgb.copy()).permute(2, 0, 1).float() / 255
        found.append(Picture(sample.name, pixels, [region.mask.pixels for region in sample.regions()]))
    return found


def spoiled(some: list[Picture], each: int) -> Iterator[tuple[Picture, int, torch.Tensor]]:
    """Every picture with one region blurred or noisy, `each` times: picture, index of the region, the rendering."""
    for index, picture in enumerate(some):
        for turn in range(each):
            number = index * each + turn
            kind = (Distortion.BLUR, Distortion.NOISE)[turn % 2]
            applied = Applied(kind, STRENGTHS[number // 2 % len(STRENGTHS)])
            at = (index + turn) % len(picture.masks)
            where = torch.from_numpy(picture.masks[at])
            yield picture, at, distort(picture.pixels, [applied], seed=number, where=where)


def truth(model: QualityModel, each: int) -> list[Goal]:
    """Whether the map falls inside a spoiled region, and follows what is reported of regions."""
    lower, means, reported = [], [], []
    some = pictures()
    for picture, at, rendering in spoiled(some, each):
        look = model.look(to_rgb(rendering))
        found = model.maps(look)[QUALITY_MAP]
        lower.append(inside_mean(found, picture.masks[at]) < inside_mean(found, ~picture.masks[at]))
        regions = [Region(RegionMask.from_pixels(mask)) for mask in picture.masks]
        reported += [report.quality for report in model.assess(look, regions, frozenset({Aspect.QUALITY}))]
        means += [inside_mean(found, mask) for mask in picture.masks]
    print(f"  {len(some)} photographs, {len(lower)} spoiled regions, {len(means)} regions scored")
    return [
        Goal("map lower inside the spoiled region than outside", 100 * float(np.mean(lower)), 90.0, "%", at_least=True),
        Goal("map's mean in a region against its quality", srocc(np.array(means), np.array(reported, dtype=np.float64)),
             0.9, "SROCC", at_least=True),
    ]  # fmt: skip


def main() -> None:
    """Measure, print, and write the goals where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="seagull-mini")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--every", type=int, default=2, help="ask for every n-th window in both directions")
    parser.add_argument("--each", type=int, default=4, help="spoiled regions a photograph")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--json", type=Path, help="write the goals into this file")
    given = parser.parse_args()
    model = load_model(given.model, given.device)
    source = "held-out photographs" if os.environ.get("SEAGULL_DATA") else "shipped photographs"
    print(f"{model.card.id} on {model.device}, {source}; {machine()}")
    found = speed(model, given.every, given.runs) + truth(model, given.each)
    for goal in found:
        print(f"{goal}; {machine()}")
    if given.json:
        given.json.write_text(json.dumps([goal.to_json() for goal in found]), encoding="utf-8")


if __name__ == "__main__":
    main()
