"""Whether the scores of a photograph's regions keep their order when the photograph is scaled.

    python benchmarks/scales.py --data FOLDER               # 40 photographs, 80 images; two minutes of one core
    python benchmarks/scales.py --data FOLDER --photos 4    # a quick look

Each held-out photograph is asked about its eight regions in two renderings: *patchwork*, every second region spoiled
in another way (by the distortions of the protocol's cases of that photograph, in their order), and one of the
protocol's own cases. Both are then scaled, with their regions, by 0.5, 0.71, 1.41 and 2 (Lanczos), and asked again.

in photo   SROCC of an image's regions at that scale against 1x, mean over images. Goal: 0.9 on the patchwork, at every
           scale and (first line) on average over them.
pooled     one SROCC over all regions of all images.
shift      median of score at that scale less score at 1x, in points: shrinking hides blur and noise, so this is no
           error in itself.

Intervals are of 95 %, bootstrap over photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from held_out import Figure, followed, mean, opened, options, tell
from numpy.typing import NDArray
from PIL import Image

from seagull_iqa.data.distort import distort
from seagull_iqa.data.protocol import Case, Protocol, Scene, to_rgb
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.training.metrics import Estimate, Values, estimate, photograph_draws, srocc

GOAL = 0.9
SCALES = (0.5, 0.71, 1.41, 2.0)
PATCHWORK, CASE = "patchwork", "the protocol's case"
SAID = frozenset({Aspect.QUALITY, Aspect.IMPORTANCE})


@dataclass(frozen=True, eq=False)
class Asked:
    """One rendering's regions at every scale.

    Attributes
    ----------
    photo, rendering : str
    quality, importance : float64, shape (1 + 4, R), 0..100
        At 1x, then at `SCALES`.
    """

    photo: str
    rendering: str
    quality: Values
    importance: Values


def patchwork(scene: Scene, cases: Sequence[Case]) -> torch.Tensor:
    """The photograph with every second region spoiled as one of its cases: float32, shape (3, H, W), 0..1."""
    spoiled = scene.pixels
    recipes = (case for case in cases if case.distortions)
    for mask, case in zip(list(scene.masks.values())[::2], recipes, strict=False):
        spoiled = distort(spoiled, case.distortions, seed=case.seed, where=torch.from_numpy(mask))
    return spoiled


def scaled(rgb: RGBImage, masks: Sequence[NDArray[np.bool_]], factor: float) -> tuple[RGBImage, list[Region]]:
    """An image and its regions, scaled: uint8 (h, w, 3), and regions that have a pixel each."""
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    image = np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
    smaller = [np.array(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)) for mask in masks]
    return image, [Region(RegionMask.from_pixels(mask)) for mask in smaller]


def ask(model: QualityModel, rgb: RGBImage, masks: Sequence[NDArray[np.bool_]]) -> tuple[Values, Values]:
    """Quality and importance of the regions at 1x and at every scale: float64, shape (1 + 4, R) each."""
    rows = []
    for factor in (1.0, *SCALES):
        image, regions = scaled(rgb, masks, factor)
        reports = model.assess(model.look(image), regions, SAID)
        rows.append([(report.quality, report.importance) for report in reports])
    said = np.array(rows, dtype=np.float64)
    return said[..., 0], said[..., 1]


def measure(protocol: Protocol, model: QualityModel, photos: int | None) -> Iterator[Asked]:
    """Two renderings of every photograph."""
    by_photo = protocol.spread()
    for index, name in enumerate(followed(list(by_photo)[:photos], "photographs")):
        scene, cases = protocol.scene(name), by_photo[name]
        own = cases[index % len(cases)]
        masks = list(scene.masks.values())
        for rendering, spoiled in ((PATCHWORK, patchwork(scene, cases)), (CASE, scene.render(own))):
            yield Asked(name, rendering, *ask(model, to_rgb(spoiled), masks))


def pooled(found: Sequence[Asked], at: int, draws: int) -> Estimate:
    """One SROCC over all regions."""
    here, there = (np.concatenate([one.quality[row] for one in found]) for row in (0, at))
    photos = np.concatenate([np.full(one.quality.shape[1], one.photo) for one in found])
    return estimate(lambda some: srocc(there[some], here[some]), here.size, photograph_draws(photos, draws, seed=1))


def shift(found: Sequence[Asked], at: int) -> Estimate:
    """Median of the change, in points."""
    changes = np.concatenate([one.quality[at] - one.quality[0] for one in found])
    return Estimate(float(np.median(changes)), cases=changes.size)


def figures(found: Sequence[Asked], draws: int) -> list[Figure]:
    """Every line."""
    patches = [one for one in found if one.rendering == PATCHWORK]
    kept = (np.mean([srocc(row, one.quality[0]) for row in one.quality[1:]]) for one in patches)
    all_scales = mean((float(one) for one in kept), [one.photo for one in patches], draws)
    lines = [Figure(f"{PATCHWORK}, all scales: quality SROCC, in photo", all_scales, GOAL)]
    for rendering in (PATCHWORK, CASE):
        some = [one for one in found if one.rendering == rendering]
        photos = [one.photo for one in some]
        for at, factor in enumerate(SCALES, 1):
            name, goal = f"{rendering}, {factor:g}x", GOAL if rendering == PATCHWORK else None
            of_quality = mean((srocc(one.quality[at], one.quality[0]) for one in some), photos, draws)
            of_importance = mean((srocc(one.importance[at], one.importance[0]) for one in some), photos, draws)
            lines += [
                Figure(f"{name}: quality SROCC, in photo", of_quality, goal),
                Figure(f"{name}: quality SROCC, pooled", pooled(some, at, draws), None, "regions"),
                Figure(f"{name}: shift of quality", shift(some, at), None, "regions"),
                Figure(f"{name}: importance SROCC, in photo", of_importance),
            ]
    return lines


def main() -> None:
    """Measure, print, and write where asked."""
    parser = options(__doc__)
    parser.add_argument("--photos", type=int, help="only the first so many")
    given = parser.parse_args()
    protocol, model = opened(given)
    found = list(measure(protocol, model, given.photos))
    about = {"protocol": 1, "photographs": len({one.photo for one in found}), "images": len(found)}
    tell(model, about, figures(found, given.bootstrap), given.json)


if __name__ == "__main__":
    main()
