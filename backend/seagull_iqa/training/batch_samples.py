"""Training samples made a batch at a time on the device that learns from them: spoiled, and labelled, by the hundred.

What `samples` makes one by one in processes of their own; the labels are the same formula's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.data.batch_render import BatchRenderer, Ingredients, feathered_batch
from seagull_iqa.data.labels import LabelMaps, MaskWeights, Side, importance, weight_map
from seagull_iqa.data.photographs import load_all
from seagull_iqa.data.random_regions import random_regions
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.training.samples import (
    IGNORED,
    REGIONS,
    SIZES,
    VERSIONS,
    Chunk,
    another_recipe,
    packed,
    random_recipe,
    with_drawn,
)

BANK = 600
"""Regions that are drawn once for each size of the crops, and then taken ten at a time."""

KEPT = 10
"""Batches that are kept for another visit."""

CONFINED = 0.4
"""Share of the spoiled crops that are spoiled in one region only."""

RESIZED = 0.12
"""Share of the batches that are made larger or smaller after they were spoiled: only the order counts then."""

FACTORS = {192: (320, 384), 320: (160, 224, 448), 448: (224, 320, 640)}
"""To what side in px crops of each side are resized."""


@dataclass(frozen=True)
class Numbers:
    """A source of no more than each batch's number: the batch is made where it is learned from."""

    def __call__(self, index: int) -> list[NDArray[np.generic]]:
        """The number."""
        return [np.asarray(index)]


@dataclass
class BatchMaker:
    """Makes batches by number: the same of the same number on the same device.

    Attributes
    ----------
    paths : tuple of Path
        Near-pristine photographs.
    seed : int
    pixels : int
        Of a batch.
    device : str
    resized : float, 0..1
        Share of the batches that are resized.
    """

    paths: tuple[Path, ...]
    seed: int
    pixels: int
    device: str
    resized: float = RESIZED
    sizes: tuple[tuple[int, float], ...] = SIZES
    _images: list[Tensor] = field(init=False)
    _render: BatchRenderer = field(init=False)
    _banks: dict[int, Tensor] = field(init=False, default_factory=dict)
    _made_before: OrderedDict[int, tuple[Chunk, bool]] = field(init=False, default_factory=OrderedDict)

    def __post_init__(self) -> None:
        found = with_drawn(load_all(self.paths), np.random.default_rng(self.seed))
        self._images = [torch.from_numpy(image.copy()).to(self.device) for image in found]
        self._render = BatchRenderer(torch.Generator(self.device))

    @torch.no_grad()
    def __call__(self, index: int) -> tuple[Chunk, bool]:
        """The batch of that number, and whether it was resized so that only the order of its qualities counts."""
        if index not in self._made_before:
            self._made_before[index] = self._new(index)
            while len(self._made_before) > KEPT:
                self._made_before.popitem(last=False)
        return self._made_before[index]

    def _new(self, index: int) -> tuple[Chunk, bool]:
        rng = np.random.default_rng([self.seed, 2, index])
        self._render.generator.manual_seed(int(rng.integers(2**62)))
        side = self.sizes[int(rng.choice(len(self.sizes), p=[share for _, share in self.sizes]))][0]
        # On a GPU convolutions may be rounded to ten bits, which labels do not bear.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            chunk = self._made(side, max(2, self.pixels // side**2 // VERSIONS), rng)
        if rng.random() >= self.resized or side not in FACTORS:
            return chunk, False
        return resized(chunk, int(rng.choice(FACTORS[side]))), True

    def _made(self, side: int, count: int, rng: np.random.Generator) -> Chunk:
        pristine, step = self._crops(side, count, rng)
        masks = self._masks(side, count, rng)
        recipes = [random_recipe(rng) for _ in range(count)]
        made = [self._spoiled(pristine, masks, step, recipes, rng)]
        for _ in range(VERSIONS - 1):
            recipes = [another_recipe(recipe, rng) for recipe in recipes]
            made.append(self._spoiled(pristine, masks, step, recipes, rng))
        order = torch.arange(count * VERSIONS, device=self.device).view(VERSIONS, count).T.flatten()
        return Chunk.cat(made).rows(order)  # versions of a crop side by side

    def _crops(self, side: int, count: int, rng: np.random.Generator) -> tuple[Tensor, int]:
        """float32 (N, 3, S, S) of photographs of one size class, and MDSI's step for that class."""
        steps = np.array([max(1, round(min(image.shape[:2]) / 256)) for image in self._images])
        fits = np.array([min(image.shape[:2]) >= side for image in self._images])
        step = int(rng.choice(steps[fits]))
        numbers = rng.choice(np.flatnonzero(fits & (steps == step)), size=count)
        crops = []
        for number in numbers:
            image = self._images[int(number)]
            row, column = (int(rng.integers(length - side + 1)) for length in image.shape[:2])
            crops.append(image[row : row + side, column : column + side])
        x = torch.stack(crops).permute(0, 3, 1, 2).float() / 255
        x = torch.where(self._drawn(rng, count, 0.5), x.flip(3), x)
        x = torch.where(self._drawn(rng, count, 0.15), x.flip(2), x)
        # Another camera, another light, as in `photographs.random_crop`.
        gamma = self._put(rng.uniform(0.85, 1.18, (count, 1, 1, 1)))
        balance = self._put(rng.uniform(0.93, 1.07, (count, 3, 1, 1)))
        other = (x**gamma * balance).clamp(0, 1)
        return torch.where(self._drawn(rng, count, 0.3), other, x).contiguous(), step

    def _drawn(self, rng: np.random.Generator, count: int, share: float) -> Tensor:
        return torch.from_numpy(rng.random((count, 1, 1, 1)) < share).to(self.device)

    def _put(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)

    def _masks(self, side: int, count: int, rng: np.random.Generator) -> Tensor:
        """bool (N, R, S, S), the whole crop first."""
        if side not in self._banks:
            drawn = random_regions(side, BANK + 1, np.random.default_rng([self.seed, 3, side]))
            self._banks[side] = torch.from_numpy(drawn).to(self.device)
        numbers = rng.integers(1, BANK + 1, (count, REGIONS))
        numbers[:, 0] = 0  # the first of the bank is the whole
        masks = self._banks[side][torch.from_numpy(numbers).to(self.device)]
        return torch.where(self._drawn(rng, count, 0.5), masks.flip(3), masks)

    def _spoiled(
        self, pristine: Tensor, masks: Tensor, step: int, recipes: Sequence[Ingredients], rng: np.random.Generator
    ) -> Chunk:
        count, side = len(pristine), pristine.shape[-1]
        confined = torch.from_numpy(rng.random(count) < CONFINED).to(self.device)
        touched = torch.tensor([bool(recipe) for recipe in recipes], device=self.device)
        alpha = torch.where(confined[:, None, None], feathered_batch(masks[:, 1]), 1.0) * touched[:, None, None]
        image = self._render(pristine, recipes, alpha)
        up = [any(o.distortion is Distortion.CONTRAST and o.direction > 0 for o in r) for r in recipes]
        labels = labelled(pristine, image, masks, alpha, torch.tensor(up, device=self.device), step)
        severity, strength = _severities(recipes, labels.share)
        return Chunk(
            (image * 255).round().to(torch.uint8), packed(masks), labels.quality, labels.importance, severity,
            (F.avg_pool2d(alpha, 8)[:, None] * strength[:, :, None, None]).half(),
            torch.log(F.avg_pool2d(labels.weight + 1, 4)).half(),
            labels.quality_map.view(count, side // 8, side // 8).half(),
        )  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """`analytic-1` of regions and of every place, N crops, R regions."""

    quality: Tensor
    """float32 (N, R), 0..100."""
    importance: Tensor
    """float32 (N, R), 0..100."""
    quality_map: Tensor
    """float32 (N, S/8, S/8), 0..100."""
    weight: Tensor
    """float32 (N, S/2, S/2): HaarPSI's, of the pristine crop."""
    share: Tensor
    """float32 (N, R), 0..1: how much of the region is spoiled."""


def labelled(
    pristine: Tensor, spoiled: Tensor, masks: Tensor, alpha: Tensor, contrast_up: Tensor, step: int
) -> Labels:
    """Label regions of many crops.

    Parameters
    ----------
    pristine, spoiled : float32, shape (N, 3, S, S), 0..1
    masks : bool, shape (N, R, S, S)
    alpha : float32, shape (N, S, S), 0..1
        Where it was spoiled.
    contrast_up : bool, shape (N,)
        The recipe raises the contrast.
    step : int
        MDSI's.
    """
    count, regions = masks.shape[:2]
    weights = MaskWeights.of(masks.flatten(0, 1), step, torch.float32)
    half, mdsi, full = (part.view(count, regions, -1) for part in (weights.half, weights.mdsi, weights.full))

    def one(a: Tensor, b: Tensor, h: Tensor, m: Tensor, f: Tensor, up: Tensor) -> tuple[Tensor, ...]:
        maps, own, heavy = LabelMaps.of_sides(Side.of(a, step), Side.of(b, step)), MaskWeights(h, m, f), weight_map(a)
        return maps.quality(own, contrast_up=up), maps.quality_map(contrast_up=up), importance(heavy, own), heavy

    inputs = (pristine, spoiled, half, mdsi, full, contrast_up)
    quality, quality_map, its_importance, heavy = torch.vmap(one)(*inputs)
    flat = alpha.flatten(1)[..., None]
    share, met = ((full @ x)[..., 0] for x in (flat, (flat > 0).float()))
    near = F.max_pool2d(alpha[:, None], 32, 8, 12)[:, 0] > 0
    return Labels(
        torch.where(met > 0, quality, 100.0), its_importance, torch.where(near, quality_map, 100.0), heavy, share
    )


def _severities(recipes: Sequence[Ingredients], share: Tensor) -> tuple[Tensor, Tensor]:
    """int8 (N, R, 7) as `Chunk.severity`, and float32 (N, 7): strengths, at most 5."""
    level, strength = (torch.zeros(len(recipes), len(Distortion)) for _ in range(2))
    for number, recipe in enumerate(recipes):
        for one in recipe:
            at = list(Distortion).index(one.distortion)
            level[number, at], strength[number, at] = float(one.severity), min(one.strength, 5.0)
    level, strength = level.to(share.device)[:, None], strength.to(share.device)
    share = share[..., None]
    grazed = torch.where((share > 0.02) & (level > 0), float(IGNORED), 0.0)
    return torch.where(share > 0.2, level, grazed).to(torch.int8), strength


def resized(chunk: Chunk, side: int) -> Chunk:
    """Another size of the same crops: image, masks and maps; qualities stay, severities are not known any more."""
    image = F.interpolate(
        chunk.image.float(), size=(side, side), mode="bicubic", align_corners=False, antialias=True
    ).round()
    masks = F.interpolate(chunk.unpacked_masks(), size=(side, side), mode="nearest-exact") > 0.5

    def cells(maps: Tensor) -> Tensor:
        square = maps.float().view(len(maps), -1, *maps.shape[-2:])
        moved = F.interpolate(square, size=(side // 8, side // 8), mode="bilinear", align_corners=False)
        return moved.view(*maps.shape[:-2], side // 8, side // 8).to(maps.dtype)

    return Chunk(
        image.clamp(0, 255).to(torch.uint8), packed(masks), chunk.quality, chunk.importance,
        torch.full_like(chunk.severity, IGNORED), cells(chunk.severity_map), cells(chunk.weight_map),
        cells(chunk.quality_map),
    )  # fmt: skip
