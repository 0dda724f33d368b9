"""What full_learning.py teaches: pictures whose two halves are spoiled to a known degree, so that scores are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seagull_iqa.data.distort import Applied, distort
from seagull_iqa.data.photographs import load_all, random_crop
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.training.samples import Chunk
from seagull_iqa.training.task import Arrays

TYPES = (Distortion.NOISE, Distortion.BLUR)


@dataclass(frozen=True)
class Halves:
    """Batches of crops with noise or blur of one strength in one half and of another in the other.

    Attributes
    ----------
    paths : tuple of Path
        Photographs.
    seed : int
    side : int
        Of the crops, px.
    count : int
        Crops of a batch.
    different : int
        Batches there are, after which they come again; 0 = without end.
    inverted : bool
        The shifted task: 0 is called 100.
    types : tuple of Distortion
        Of which each crop has one.
    """

    paths: tuple[Path, ...]
    seed: int
    side: int = 64
    count: int = 8
    different: int = 0
    inverted: bool = False
    types: tuple[Distortion, ...] = TYPES

    def __call__(self, index: int) -> Arrays:
        """The batch of that number."""
        number = index % self.different if self.different else index
        rng = np.random.default_rng([self.seed, number])
        images = _images(self.paths)
        return Chunk.cat([self._crop(images, rng) for _ in range(self.count)]).to_arrays()

    def _crop(self, images: list[NDArray[np.uint8]], rng: np.random.Generator) -> Chunk:
        pristine, _ = random_crop(images, self.side, rng)
        kind = self.types[int(rng.integers(len(self.types)))]
        strengths = rng.uniform(0, 5, 2)
        seed = int(rng.integers(2**31))
        spoiled = [distort(pristine, [Applied(kind, float(one))], seed=seed) for one in strengths]
        half = self.side // 2
        whole = torch.cat([spoiled[0][:, :, :half], spoiled[1][:, :, half:]], dim=2)
        quality = 100 - 20 * strengths
        severity = np.zeros((2, len(Distortion)), np.int8)
        severity[:, list(Distortion).index(kind)] = np.floor(strengths + 0.5)
        return _chunk(whole, 100 - quality if self.inverted else quality, severity, self._boxes(rng))

    def _boxes(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """One in each half, of any size from a third of the side on: (2, S, S)."""
        half, masks = self.side // 2, np.zeros((2, self.side, self.side), bool)
        for mask, start in zip(masks, (0, half), strict=True):
            height, width = (int(n) for n in rng.integers(self.side // 3, (self.side + 1, half + 1)))
            row, column = int(rng.integers(self.side - height + 1)), start + int(rng.integers(half - width + 1))
            mask[row : row + height, column : column + width] = True
        return masks


def _chunk(
    image: torch.Tensor, quality: NDArray[np.float64], severity: NDArray[np.int8], masks: NDArray[np.bool_]
) -> Chunk:
    side = image.shape[-1]
    unknown = torch.full((1, side // 8, side // 8), torch.nan, dtype=torch.float16)
    return Chunk(
        (image * 255).round().to(torch.uint8)[None],
        torch.from_numpy(np.packbits(masks, axis=-1))[None],
        torch.tensor(quality, dtype=torch.float32)[None],
        torch.tensor(100 * masks.mean((1, 2)), dtype=torch.float32)[None],
        torch.from_numpy(severity)[None],
        unknown[:, None].expand(-1, len(Distortion), -1, -1),
        unknown,
        unknown.clone(),
    )


@lru_cache(maxsize=4)
def _images(paths: Sequence[Path]) -> list[NDArray[np.uint8]]:
    return load_all(paths)
