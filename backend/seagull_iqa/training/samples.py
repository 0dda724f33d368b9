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

from seagull_iqa.data.distort import DIRECTED, feathered
from seagull_iqa.data.drawn import drawn
from seagull_iqa.data.labels import LabelMaps, MaskWeights, Side, importance, weight_map
from seagull_iqa.data.mask_bank import bank_size, banked, banked_weights
from seagull_iqa.data.photographs import load_all, random_crop
from seagull_iqa.data.random_regions import random_region
from seagull_iqa.data.recipes import VARIANTS, Ingredient, Recipe, variants
from seagull_iqa.data.render import FEATHER, render
from seagull_iqa.domain.distortion import Distortion

REGIONS = 10
"""Regions asked of each crop."""

IGNORED = -1
"""Severity of a region that a distortion only grazes: neither clean nor spoiled, so nothing is learned from it."""

VERSIONS = 2
"""Versions of a crop that stand side by side in a batch, with the same regions: which of the two is better is content's
no business, and half of what a sample costs is saved."""

VARIANT_SHARE = 0.25
"""Share of the distortions that are not the protocol's own variant: defocus, motion, a sensor's noise, WebP ..."""

COUNTS = (0.15, 0.54, 0.23, 0.08)
"""Shares of the crops with no, one, two and three distortions. With fewer clean ones a model expects the worst of every
soft or dark photograph."""

CODECS = ("jpeg", "webp")
"""Those that are quick."""

SIZES = ((192, 0.3), (320, 0.4), (448, 0.3))
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

    def rows(self, order: Tensor) -> Chunk:
        """Those samples, in that order."""
        return Chunk(*(getattr(self, f.name)[order] for f in fields(self)))

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
        return replace(self, masks=packed(self.unpacked_masks().flip(-1)), **places)

    def unpacked_masks(self) -> Tensor:
        """float32 (N, R, S, S), 0 or 1."""
        bits = torch.arange(7, -1, -1, device=self.masks.device, dtype=torch.uint8)
        return ((self.masks[..., None] >> bits) & 1).flatten(-2).float()


_PLACES = frozenset({"image", "severity_map", "weight_map", "quality_map"})
"""Fields with columns of the crop in their last axis."""


def packed(masks: Tensor) -> Tensor:
    """Masks as bits, the leftmost pixel the highest: (..., S), 0 or 1 -> uint8 (..., S / 8)."""
    weights = 2 ** torch.arange(7, -1, -1, device=masks.device, dtype=torch.uint8)
    bits = masks.reshape(*masks.shape[:-1], masks.shape[-1] // 8, 8).to(torch.uint8)
    return (bits * weights).sum(-1, dtype=torch.uint8)


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


def random_recipe(rng: np.random.Generator) -> list[Ingredient]:
    """No, one, two or three distortions of random type, strength 0.5..5.5, variant and direction."""
    count = int(rng.choice(4, p=COUNTS))
    types = rng.choice(len(Distortion), size=count, replace=False)
    return [_ingredient(list(Distortion)[int(index)], rng) for index in types]


def _ingredient(distortion: Distortion, rng: np.random.Generator) -> Ingredient:
    direction = int(rng.choice([-1, 1])) if distortion in DIRECTED else 0
    variant = VARIANTS[distortion][0]
    if rng.random() < VARIANT_SHARE:
        known = variants(distortion, CODECS)
        variant = known[int(rng.integers(len(known)))]
    return Ingredient(distortion, variant, float(rng.uniform(0.5, 5.5)), direction, float(rng.uniform(0, 180)))


def another_recipe(recipe: list[Ingredient], rng: np.random.Generator) -> list[Ingredient]:
    """The same at other strengths, or something else, as often as not."""
    if rng.random() < 0.5:
        return random_recipe(rng)
    return [replace(one, strength=float(rng.uniform(0.5, 5.5))) for one in recipe]


def make_sample(images: list[NDArray[np.uint8]], size: int, rng: np.random.Generator) -> Chunk:
    """One crop with its regions and labels."""
    return make_versions(images, size, rng, versions=1)


def make_versions(
    images: list[NDArray[np.uint8]], size: int, rng: np.random.Generator, *, versions: int = VERSIONS
) -> Chunk:
    """One crop, spoiled in several ways, with the same regions and their labels."""
    crop = Crop.random(images, size, rng)
    recipe = random_recipe(rng)
    made = [crop.spoiled(recipe, rng)]
    for _ in range(versions - 1):
        made.append(crop.spoiled(another_recipe(recipe, rng), rng))
    return Chunk.cat(made)


@dataclass(frozen=True)
class Crop:
    """A pristine crop with its regions, and what the labels need of both."""

    pristine: Tensor
    """float32 (3, S, S), 0..1."""
    side: Side
    weight: Tensor
    """(S/2, S/2)."""
    masks: NDArray[np.bool_]
    """(R, S, S), the whole crop first."""
    weights: MaskWeights

    @classmethod
    def random(cls, images: list[NDArray[np.uint8]], size: int, rng: np.random.Generator) -> Crop:
        """Of a random photograph, with a set of regions of the bank, one of which is new."""
        pristine, image_size = random_crop(images, size, rng)
        step = max(1, round(image_size / 256))
        number = int(rng.integers(bank_size(size)))
        masks = banked(size, REGIONS, number).copy()
        masks[1] = random_region(size, float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))), rng)
        own = MaskWeights.of(torch.from_numpy(masks[1:2]), step, torch.float32)
        weights = banked_weights(size, REGIONS, number, step).with_row(1, own)
        return cls(pristine, Side.of(pristine, step), weight_map(pristine), masks, weights)

    def spoiled(self, recipe: list[Ingredient], rng: np.random.Generator) -> Chunk:
        """Spoiled everywhere, or only in the region that is not of the bank."""
        size = self.pristine.shape[-1]
        where = torch.from_numpy(self.masks[1]) if recipe and rng.random() < 0.4 else None
        spoiled = render(self.pristine, Recipe(tuple(recipe), "", int(rng.integers(2**31))), where=where)
        if not recipe:
            alpha = torch.zeros(size, size)
        else:
            alpha = torch.ones(size, size) if where is None else feathered(where, FEATHER)
        quality, quality_map = self._quality(spoiled, alpha, recipe)
        return Chunk(
            (spoiled * 255).round().to(torch.uint8)[None],
            torch.from_numpy(np.packbits(self.masks, axis=-1))[None],
            quality[None],
            importance(self.weight, self.weights)[None],
            _severity(self.weights.full @ alpha.flatten(), recipe)[None],
            _severity_map(alpha, recipe)[None],
            torch.log(F.avg_pool2d((self.weight + 1)[None], 4)[0]).half()[None],
            quality_map.half()[None],
        )

    def _quality(self, spoiled: Tensor, alpha: Tensor, recipe: list[Ingredient]) -> tuple[Tensor, Tensor]:
        """Of the regions, and of every place."""
        if not recipe:
            return torch.full((len(self.masks),), 100.0), torch.full([side // 8 for side in alpha.shape], 100.0)
        up = any(a.distortion is Distortion.CONTRAST and a.direction > 0 for a in recipe)
        maps = LabelMaps.of_sides(self.side, Side.of(spoiled, self.side.mdsi_step))
        touched = self.weights.full @ (alpha > 0).float().flatten() > 0
        quality = torch.where(touched, maps.quality(self.weights, contrast_up=up), 100.0)
        near = F.max_pool2d(alpha[None], 32, 8, 12)[0] > 0
        return quality, torch.where(near, maps.quality_map(contrast_up=up), 100.0)


def _severity(share: Tensor, recipe: list[Ingredient]) -> Tensor:
    """From the share of each region that is spoiled, (R,)."""
    found = torch.zeros(len(share), len(Distortion), dtype=torch.int8)
    for one in recipe:
        level = torch.full_like(share, float(one.severity))
        level = torch.where(share > 0.2, level, torch.where(share > 0.02, float(IGNORED), 0.0))
        found[:, list(Distortion).index(one.distortion)] = level.to(torch.int8)
    return found


def _severity_map(alpha: Tensor, recipe: list[Ingredient]) -> Tensor:
    cells = F.avg_pool2d(alpha[None], 8)[0]
    maps = torch.zeros(len(Distortion), *cells.shape)
    for one in recipe:
        maps[list(Distortion).index(one.distortion)] = cells * min(one.strength, 5.0)
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
        count = max(1, self.pixels // side**2 // VERSIONS)
        return Chunk.cat([make_versions(images, side, rng) for _ in range(count)]).to_arrays()
