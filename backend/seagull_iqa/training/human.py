"""Photographs that people scored, as batches: whole images or regions, at native scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.data.labelled import LabelledImage, Opener
from seagull_iqa.errors import ImageError
from seagull_iqa.models.mini.config import STRIDES
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

    def with_best(self, best: float) -> HumanScores:
        """The same on a scale on which `best` is 100, and all above it too.

        People hardly ever give full marks: on a scale of theirs a flawless photograph has some 80 of 100.

        Raises
        ------
        ImageError
            `best` is not above 0.
        """
        if not best > 0:
            raise ImageError(f"The best score cannot be {best:g}.", "Give what people say of flawless photographs.")
        return HumanScores(tuple(
            replace(image, regions=tuple(
                region if region.quality is None else replace(region, quality=min(100.0, 100 * region.quality / best))
                for region in image.regions
            )) for image in self.images
        ))  # fmt: skip


def whole_views(scores: HumanScores) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Each image as it is, continued by reflection to whole cells, with its scored regions.

    Yields
    ------
    image : float32, shape (1, 3, H, W), 0..1
        H and W are multiples of 32.
    masks : float32, shape (1, R, H, W), 0 or 1
    quality : float32, shape (1, R), 0..100
    """
    for image in scores.images:
        regions = [region for region in image.regions if region.quality is not None]
        if regions:
            rgb = _opened(image.rgb)
            masks = np.stack([region.place.mask((rgb.shape[0], rgb.shape[1])).pixels for region in regions])
            rows, columns = ((0, -length % STRIDES[-1]) for length in rgb.shape[:2])
            pixels = np.pad(rgb, (rows, columns, (0, 0)), mode="symmetric").transpose(2, 0, 1)
            quality = torch.tensor([[float(region.quality or 0.0) for region in regions]])
            inside = torch.from_numpy(np.pad(masks, ((0, 0), rows, columns))).float()
            yield torch.from_numpy(pixels.copy())[None].float() / 255, inside[None], quality


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
