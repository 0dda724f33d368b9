"""Training samples made on the fly: a crop, spoiled in a known way, with labels for a dozen regions of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.data.distort import DIRECTED, Applied, distort, feathered
from seagull_iqa.data.drawn import drawn
from seagull_iqa.data.labels import LabelMaps, importance, weight_map
from seagull_iqa.data.photographs import load_all, random_crop
from seagull_iqa.data.random_regions import random_region, random_regions
from seagull_iqa.domain.distortion import Distortion

REGIONS = 10
"""Regions asked of each crop."""

IGNORED = -1
"""Severity of a region that a distortion only grazes: neither clean nor spoiled, so nothing is learned from it."""

SIZES = ((192, 0.7), (320, 0.25), (512, 0.05))
"""Side of the crops in px, share of the batches. 192 px is what compression needs to show its grid."""


@dataclass
class Chunk:
    """Some samples of one size; N crops of side S, R regions each."""

    image: Tensor
    """uint8 (N, 3, S, S)."""
    masks: Tensor
    """uint8 (N, R, S, S / 8): bits."""
    quality: Tensor
    """float32 (N, R), 0..100."""
    importance: Tensor
    """float32 (N, R), 0..100."""
    severity: Tensor
    """int8 (N, R, 7): 0..5, or `IGNORED`."""
    severity_map: Tensor
    """float16 (N, 7, S/8, S/8): strength where it was applied."""
    weight_map: Tensor
    """float16 (N, S/8, S/8): logarithm of the HaarPSI weight + 1 of the pristine crop."""
    quality_map: Tensor
    """float16 (N, S/8, S/8): quality of 32 px around each place, 0..100."""

    @classmethod
    def cat(cls, chunks: list[Chunk]) -> Chunk:
        """Several chunks of one size as one."""
        return cls(*(torch.cat([getattr(c, f.name) for c in chunks]) for f in fields(cls)))

    @classmethod
    def from_arrays(cls, arrays: Sequence[NDArray[np.generic]]) -> Chunk:
        """The inverse of `to_arrays`."""
        return cls(*(torch.from_numpy(np.asarray(values)) for values in arrays))

    def to_arrays(self) -> list[NDArray[np.generic]]:
        """Its fields, to be sent to another process."""
        return [getattr(self, f.name).numpy() for f in fields(self)]

    def to(self, device: str) -> Chunk:
        """On another device."""
        return Chunk(*(getattr(self, f.name).to(device) for f in fields(self)))

    @property
    def is_human(self) -> bool:
        """Only the quality is known: a person gave it."""
        return bool(self.importance.isnan().all())

    def mirrored(self) -> Chunk:
        """Left and right exchanged, labels and all."""
        places = {f.name: getattr(self, f.name).flip(-1) for f in fields(self) if f.name in _PLACES}
        return replace(self, masks=_packed(self.unpacked_masks().flip(-1)), **places)

    def unpacked_masks(self) -> Tensor:
        """float32 (N, R, S, S), 0 or 1."""
        bits = torch.arange(7, -1, -1, device=self.masks.device, dtype=torch.uint8)
        return ((self.masks[..., None] >> bits) & 1).flatten(-2).float()


_PLACES = frozenset({"image", "severity_map", "weight_map", "quality_map"})
"""Fields with columns of the crop in their last axis."""


def _packed(masks: Tensor) -> Tensor:
    weights = 2 ** torch.arange(7, -1, -1, device=masks.device)
    bits = masks.reshape(*masks.shape[:-1], masks.shape[-1] // 8, 8)
    return (bits * weights).sum(-1).to(torch.uint8)


def unlabelled(pixels: NDArray[np.uint8], inside: NDArray[np.bool_], quality: float) -> Chunk:
    """One crop, (S, S, 3), with one region, (S, S), of which a person's score 0..100 is all that is known."""
    side = len(pixels)
    unknown = torch.full((1, side // 8, side // 8), torch.nan, dtype=torch.float16)
    return Chunk(
        torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None],
        torch.from_numpy(np.packbits(inside, axis=-1))[None, None],
        torch.tensor([[quality]]),
        torch.full((1, 1), torch.nan),
        torch.full((1, 1, len(Distortion)), IGNORED, dtype=torch.int8),
        unknown[:, None].expand(-1, len(Distortion), -1, -1),
        unknown,
        unknown.clone(),
    )


def random_recipe(rng: np.random.Generator) -> list[Applied]:
    """No, one, two or three distortions of random type, strength 0.5..5.5 and direction."""
    count = int(rng.choice(4, p=[0.07, 0.59, 0.25, 0.09]))
    types = rng.choice(len(Distortion), size=count, replace=False)
    recipe = []
    for index in types:
        distortion = list(Distortion)[int(index)]
        direction = int(rng.choice([-1, 1])) if distortion in DIRECTED else 0
        recipe.append(Applied(distortion, float(rng.uniform(0.5, 5.5)), direction))
    return recipe


def make_sample(images: list[NDArray[np.uint8]], size: int, rng: np.random.Generator) -> Chunk:
    """One crop with its regions and labels."""
    pristine, image_size = random_crop(images, size, rng)
    recipe = random_recipe(rng)
    regions = random_regions(size, REGIONS, rng)
    where = None
    if recipe and rng.random() < 0.4:
        regions[1] = random_region(size, float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))), rng)
        where = torch.from_numpy(regions[1])
    spoiled = distort(pristine, recipe, seed=int(rng.integers(2**31)), where=where)
    masks = torch.from_numpy(regions)
    if not recipe:
        alpha = torch.zeros(size, size)
    else:
        alpha = torch.ones(size, size) if where is None else feathered(where, 4.0)
    weight = weight_map(pristine)
    quality, quality_map = _quality(pristine, spoiled, masks, alpha, recipe, image_size)
    return Chunk(
        (spoiled * 255).round().to(torch.uint8)[None],
        torch.from_numpy(np.packbits(regions, axis=-1))[None],
        quality[None],
        importance(weight, masks)[None],
        _severity(masks, alpha, recipe)[None],
        _severity_map(alpha, recipe)[None],
        torch.log(F.avg_pool2d((weight + 1)[None], 4)[0]).half()[None],
        quality_map.half()[None],
    )


def _quality(
    pristine: Tensor, spoiled: Tensor, masks: Tensor, alpha: Tensor, recipe: list[Applied], image_size: int
) -> tuple[Tensor, Tensor]:
    """Of the regions, and of every place."""
    if not recipe:
        return torch.full((len(masks),), 100.0), torch.full([side // 8 for side in alpha.shape], 100.0)
    up = any(a.distortion is Distortion.CONTRAST and a.direction > 0 for a in recipe)
    maps = LabelMaps.of(pristine, spoiled, image_size=image_size)
    touched = (masks * (alpha > 0)).flatten(1).any(1)
    quality = torch.where(touched, maps.quality(masks, contrast_up=up), 100.0)
    near = F.max_pool2d(alpha[None], 32, 8, 12)[0] > 0
    return quality, torch.where(near, maps.quality_map(contrast_up=up), 100.0)


def _severity(masks: Tensor, alpha: Tensor, recipe: list[Applied]) -> Tensor:
    found = torch.zeros(len(masks), len(Distortion), dtype=torch.int8)
    share = (masks * alpha).flatten(1).sum(1) / masks.flatten(1).sum(1)
    for applied in recipe:
        level = torch.full_like(share, float(applied.severity))
        level = torch.where(share > 0.2, level, torch.where(share > 0.02, float(IGNORED), 0.0))
        found[:, list(Distortion).index(applied.distortion)] = level.to(torch.int8)
    return found


def _severity_map(alpha: Tensor, recipe: list[Applied]) -> Tensor:
    cells = F.avg_pool2d(alpha[None], 8)[0]
    maps = torch.zeros(len(Distortion), *cells.shape)
    for applied in recipe:
        maps[list(Distortion).index(applied.distortion)] = cells * min(applied.strength, 5.0)
    return maps.half()


def with_drawn(images: list[NDArray[np.uint8]], rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Photographs, and drawn pictures for one in fifteen draws."""
    return [*images, *(drawn(rng) for _ in range(round(len(images) / 14)))]


@lru_cache(maxsize=1)
def _images(paths: tuple[Path, ...], seed: int) -> list[NDArray[np.uint8]]:
    """Once a process."""
    return with_drawn(load_all(paths), np.random.default_rng(seed))


@dataclass(frozen=True)
class SyntheticSource:
    """Makes batches by number: crops of one size, as many as make up the pixels.

    Attributes
    ----------
    paths : tuple of Path
        Near-pristine photographs.
    seed : int
    pixels : int
        Of a batch.
    sizes : tuple of (int, float)
        Side of the crops in px, and share of the batches.
    """

    paths: tuple[Path, ...]
    seed: int
    pixels: int
    sizes: tuple[tuple[int, float], ...] = SIZES

    def __call__(self, index: int) -> list[NDArray[np.generic]]:
        """The batch of that number."""
        rng = np.random.default_rng([self.seed, 0, index])
        side = self.sizes[int(rng.choice(len(self.sizes), p=[share for _, share in self.sizes]))][0]
        images = _images(self.paths, self.seed)
        count = max(2, self.pixels // side**2)
        return Chunk.cat([make_sample(images, side, rng) for _ in range(count)]).to_arrays()
