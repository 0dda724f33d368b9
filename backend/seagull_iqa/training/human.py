"""Photographs that people scored, as batches: whole images or regions, at native scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.data.labelled import LabelledImage, Opener
from seagull_iqa.errors import ImageError
from seagull_iqa.training.samples import Chunk, unlabelled
from seagull_iqa.training.task import Arrays

SIDES = (320, 448)
"""Side of the crops in px, either as often as the other: a score of a whole photograph is taken to hold for them."""


@dataclass(frozen=True)
class HumanScores:
    """Images with a score 0..100 for the whole or for regions, opened only when needed; picklable."""

    images: tuple[LabelledImage, ...]

    def __post_init__(self) -> None:
        if not any(region.quality is not None for image in self.images for region in image.regions):
            raise ImageError("None of these images has a score.", "Give a list with the columns file and mos.")

    def scored(self) -> list[tuple[int, int]]:
        """Every scored region, as the numbers of its image and of itself."""
        return [
            (i, j) for i, image in enumerate(self.images) for j, region in enumerate(image.regions)
            if region.quality is not None
        ]


@dataclass(frozen=True)
class HumanSource:
    """Makes batches of them by number."""

    scores: HumanScores
    seed: int
    pixels: int

    def __call__(self, index: int) -> Arrays:
        """The batch of that number: crops of one side, one region each."""
        rng = np.random.default_rng([self.seed, 1, index])
        side = SIDES[int(rng.integers(len(SIDES)))]
        entries = self.scores.scored()
        count = min(len(entries), max(4, 2 * self.pixels // side**2))
        chosen = rng.choice(len(entries), size=count, replace=False)
        return Chunk.cat([self._sample(*entries[int(n)], side, rng) for n in chosen]).to_arrays()

    def _sample(self, number: int, region_number: int, side: int, rng: np.random.Generator) -> Chunk:
        image = self.scores.images[number]
        region = image.regions[region_number]
        rgb = _opened(image.rgb)
        mask = region.place.mask((rgb.shape[0], rgb.shape[1])).pixels
        pixels, inside = _crop(rgb, mask, side, rng)
        return unlabelled(pixels, inside, float(region.quality or 0.0))


@lru_cache(maxsize=600)
def _opened(rgb: Opener) -> NDArray[np.uint8]:
    """Kept by the process that makes batches: opening costs more than the crop."""
    return rgb()


def _crop(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], side: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A square that meets the region, continued by reflection where the image is smaller."""
    pads = [(0, max(0, side - length)) for length in rgb.shape[:2]]
    if any(after for _, after in pads):
        rgb = np.pad(rgb, (*pads, (0, 0)), mode="symmetric")
        mask = np.pad(mask, pads)
    starts = []
    for axis in (0, 1):
        inside = np.flatnonzero(mask.any(1 - axis))
        low = max(0, int(inside[0]) - side // 2)
        high = min(mask.shape[axis] - side, int(inside[-1]) + 1 - side // 2)
        low = min(low, mask.shape[axis] - side)
        starts.append(int(rng.integers(low, max(low, high) + 1)))
    row, column = starts
    pixels, there = rgb[row : row + side, column : column + side], mask[row : row + side, column : column + side]
    if rng.random() < 0.5:
        pixels, there = pixels[:, ::-1], there[:, ::-1]
    return np.ascontiguousarray(pixels), there if there.any() else np.ones_like(there)
