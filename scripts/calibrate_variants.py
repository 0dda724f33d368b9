"""Find the parameters at which a variant is about as bad as its type's in the protocol, and print them.

    python scripts/calibrate_variants.py PHOTOS

At each strength 1 to 5 the parameter is sought at which the median `analytic-1` quality of the whole image, over some
photographs, equals that of the protocol's variant (data/recipes.py holds the result). Beside each ladder stands the
largest difference of the two medians, in points of 100, at whole and half strengths.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from seagull_iqa.data.codecs import installed
from seagull_iqa.data.labels import LabelMaps
from seagull_iqa.data.photographs import load, photographs
from seagull_iqa.data.recipes import FURTHER, STRENGTHS, VARIANTS, Ingredient, Recipe, rungs
from seagull_iqa.data.render import render, render_value
from seagull_iqa.domain.distortion import Distortion

SIDE = 320
STEPS = 11

RANGES: dict[tuple[Distortion, str, int], tuple[float, float]] = {
    (Distortion.BLUR, "defocus", 0): (0.3, 20.0),
    (Distortion.BLUR, "motion", 0): (0.5, 60.0),
    (Distortion.NOISE, "sensor", 0): (1e-5, 0.5),
    (Distortion.COMPRESSION, "webp", 0): (100.0, 0.0),
    (Distortion.COMPRESSION, "avif", 0): (100.0, 0.0),
    (Distortion.COMPRESSION, "heic", 0): (100.0, 0.0),
    (Distortion.CONTRAST, "scene", -1): (1.0, 0.02),
    (Distortion.CONTRAST, "scene", 1): (1.0, 8.0),
    (Distortion.COLORFULNESS, "linear", -1): (1.0, 0.0),
    (Distortion.COLORFULNESS, "linear", 1): (1.0, 8.0),
    (Distortion.SHARPNESS, "halo", 0): (0.01, 12.0),
}
"""Mildest and worst parameter that is tried."""

Key = tuple[Distortion, str, int]


def crops(folder: Path, count: int) -> list[Tensor]:
    """The middles of some photographs: float32 (3, SIDE, SIDE), 0..1."""
    found = photographs(folder)
    some = found[:: max(1, len(found) // count)][:count]
    pixels = [torch.from_numpy(load(one.path).copy()).permute(2, 0, 1).float() / 255 for one in some]
    return [
        image[:, (image.shape[1] - SIDE) // 2 :, (image.shape[2] - SIDE) // 2 :][:, :SIDE, :SIDE].contiguous()
        for image in pixels
    ]


def quality(image: Tensor, spoiled: Tensor, *, contrast_up: bool) -> float:
    """`analytic-1` of the whole."""
    everything = torch.ones(1, *image.shape[-2:])
    return float(LabelMaps.of(image, spoiled).quality(everything, contrast_up=contrast_up))


def median_at(images: list[Tensor], key: Key, render_one: Callable[[Tensor], Tensor]) -> float:
    """Median quality over the photographs."""
    up = key[0] is Distortion.CONTRAST and key[2] > 0
    return median(quality(image, render_one(image), contrast_up=up) for image in images)


def at_strength(images: list[Tensor], key: Key, variant: str, strength: float) -> float:
    """Median quality of a variant at a strength."""
    recipe = Recipe((Ingredient(key[0], variant, strength, key[2], 30.0),), "all", 1)
    return median_at(images, key, lambda image: render(image, recipe))


def at_value(images: list[Tensor], key: Key, value: float) -> float:
    """Median quality of a variant at a parameter."""
    one = Ingredient(key[0], key[1], 0.0, key[2], 30.0)
    return median_at(images, key, lambda image: render_value(image, one, value, seed=1))


def sought(images: list[Tensor], key: Key, target: float) -> float:
    """The parameter, by halving; between parameters far apart in the geometric middle."""
    mild, bad = RANGES[key]
    for _ in range(STEPS):
        far = min(mild, bad) > 0 and max(mild, bad) > 20 * min(mild, bad)
        middle = (mild * bad) ** 0.5 if far else (mild + bad) / 2
        if at_value(images, key, middle) > target:
            mild = middle
        else:
            bad = middle
    return round(mild) if key[0] is Distortion.COMPRESSION else float(f"{(mild + bad) / 2:.3g}")


def main() -> None:
    """Print the ladders, and how far they are off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=8, help="photographs")
    parser.add_argument("--only", help="one variant by name")
    parser.add_argument("--check", action="store_true", help="only say how far the ladders that stand are off")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with torch.inference_mode():
        report(crops(given.photos, given.count), given.only, check=given.check)


def report(images: list[Tensor], only: str | None, *, check: bool) -> None:
    """One line a ladder."""
    for key in FURTHER:
        distortion, variant, way = key
        if only not in (None, variant):
            continue
        if distortion is Distortion.COMPRESSION and variant not in installed():
            continue
        goals = {s: at_strength(images, key, VARIANTS[distortion][0], s) for s in STRENGTHS if s % 0.5 == 0 and s >= 1}
        ladder = rungs(*key)
        if not check:
            ladder = (ladder[0], *(sought(images, key, goals[float(s)]) for s in range(1, 6)))
            FURTHER[key] = ladder
        off = max(abs(at_strength(images, key, variant, s) - goal) for s, goal in goals.items())
        name = f"(Distortion.{distortion.name}, {variant!r}, {way})"
        print(f"    {name}: {ladder},  # off by at most {off:.1f}", flush=True)


if __name__ == "__main__":
    main()
