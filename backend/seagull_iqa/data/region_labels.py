"""`analytic-1` of many regions of one photograph at once: only the pixels around a region are looked at for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seagull_iqa.data.labels import LabelMaps, Side, importance, weight_map

REACH = 18
"""Px around a region where a change inside it can alter a map."""

Window = tuple[slice, slice]


@dataclass(frozen=True)
class RegionLabel:
    """The label of one region, 0..100 each; 100, importance and 0 where no pixel of it was changed."""

    quality: float
    importance: float
    importance_ref: float


@dataclass(frozen=True, eq=False)
class RegionLabels:
    """A pristine photograph and its regions, ready to label one spoiled version after the other.

    Attributes
    ----------
    reference : float32, shape (3, H, W), 0..1
        The pristine photograph.
    masks : bool, shape (R, H, W)
        Its regions, on the same device.
    """

    reference: Tensor
    masks: Tensor

    @cached_property
    def importances(self) -> list[float]:
        """Importance 0..100 of every region in the pristine photograph."""
        found: list[float] = importance(weight_map(self.reference), self.masks).tolist()
        return found

    @cached_property
    def step(self) -> int:
        """MDSI's step of size for this photograph, px."""
        return max(1, round(min(self.reference.shape[-2:]) / 256))

    @cached_property
    def windows(self) -> list[Window]:
        """Around each region, on the grids of all maps, all that a change inside it can alter."""
        grid = math.lcm(2, self.step)
        return [self._window(mask, grid) for mask in self.masks]

    def _window(self, mask: Tensor, grid: int) -> Window:
        found = []
        for axis, side in ((1, mask.shape[0]), (0, mask.shape[1])):
            at = torch.nonzero(mask.any(axis)).flatten()
            start = (max(0, int(at[0]) - REACH) // grid) * grid
            stop = min(side, -(-(int(at[-1]) + 1 + REACH) // grid) * grid)
            found.append(slice(start, stop))
        return found[0], found[1]

    @cached_property
    def _side(self) -> Side:
        return Side.of(self.reference, self.step)

    @cached_property
    def _untouched(self) -> Sums:
        return Sums.of(LabelMaps.of_sides(self._side, self._side))

    @cached_property
    def _around(self) -> dict[int, tuple[Side, Sums]]:
        """The pristine window of a region, by its index, once it was wanted."""
        return {}

    def _pristine_window(self, index: int) -> tuple[Side, Sums]:
        if index not in self._around:
            side = Side.of(self.reference[(slice(None), *self.windows[index])], self.step)
            self._around[index] = side, Sums.of(LabelMaps.of_sides(side, side))
        return self._around[index]

    def label(self, spoiled: Tensor, *, contrast_up: bool) -> list[RegionLabel]:
        """Label every region of a spoiled version of the photograph.

        Parameters
        ----------
        spoiled : float32, shape (3, H, W), 0..1
            Of the same size.
        contrast_up : bool
            The recipe raises the contrast.
        """
        changed = (spoiled != self.reference).any(0)
        touched = [bool(changed[w][mask[w]].any()) for mask, w in zip(self.masks, self.windows, strict=True)]
        maps = LabelMaps.of_sides(self._side, Side.of(spoiled, self.step)) if any(touched) else None
        found = []
        for index, window in enumerate(self.windows):
            if maps is None or not touched[index]:
                found.append(RegionLabel(100.0, self.importances[index], 0.0))
                continue
            mask = self.masks[index][window]
            quality = float(cut(maps, window).quality(mask[None], contrast_up=contrast_up))
            whole = self._whole(spoiled, index, contrast_up=contrast_up)
            found.append(RegionLabel(quality, self.importances[index], 100.0 - whole))
        return found

    def _whole(self, spoiled: Tensor, index: int, *, contrast_up: bool) -> float:
        """Quality of the whole photograph with only one region spoiled: the maps are made anew around it only."""
        window = self.windows[index]
        at = (slice(None), *window)
        only_here = torch.where(self.masks[index][window], spoiled[at], self.reference[at])
        side, before = self._pristine_window(index)
        around = LabelMaps.of_sides(side, Side.of(only_here, self.step))
        change = Sums.of(around) - before
        return (self._untouched + change).quality(self._deviation(around.deviation, window), contrast_up=contrast_up)

    def _deviation(self, around: Tensor, window: Window) -> Tensor:
        """MDSI's map of the photograph: 1 where nothing was changed."""
        rows, columns = (-(-side // self.step) for side in self.reference.shape[-2:])
        whole = torch.zeros(2, rows, columns, dtype=around.dtype, device=around.device)
        whole[0] = 1
        whole[coarse(window, self.step)] = around
        return whole


@dataclass(frozen=True, eq=False)
class Sums:
    """What HaarPSI and the tone terms need of an image or a window of it.

    Attributes
    ----------
    haar : float64, shape (2, 3)
        Sums of the weight + 1, and of that times the similarity.
    tone : float64, shape (3, 2)
        Sums of contrast, chroma and light, of reference and spoiled.
    cells : tuple of int
        How many were summed up, of either grid.
    """

    haar: Tensor
    tone: Tensor
    cells: tuple[int, int]

    @classmethod
    def of(cls, maps: LabelMaps) -> Sums:
        """Sum up."""
        weight = maps.haar_weight.double() + 1
        haar = torch.stack([weight.sum((1, 2)), (weight * maps.haar_similarity).sum((1, 2))])
        tone = torch.stack([one.sum((1, 2), dtype=torch.float64) for one in (maps.contrast, maps.chroma, maps.light)])
        return cls(haar, tone, (weight[0].numel(), maps.light[0].numel()))

    def __add__(self, other: Sums) -> Sums:
        """Cell counts stay: what is added is a change."""
        return Sums(self.haar + other.haar, self.tone + other.tone, self.cells)

    def __sub__(self, other: Sums) -> Sums:
        """A change of sums over the same cells."""
        return Sums(self.haar - other.haar, self.tone - other.tone, self.cells)

    def quality(self, deviation: Tensor, *, contrast_up: bool) -> float:
        """`analytic-1` of all pixels, given MDSI's map (2, h, w): the other maps may be as flat as their means."""
        size = deviation.shape[-2:]
        half = [-(-side // 2) for side in size]
        weight, similar = self.haar[0] / self.cells[0] - 1, self.haar[1] / self.haar[0]
        contrast, chroma, light = (self.tone / self.cells[1])[..., None, None].expand(3, 2, *size)
        maps = LabelMaps(
            weight[:, None, None].expand(3, *half), similar[:, None, None].expand(3, *half),
            deviation, contrast, chroma, light, mdsi_step=1,
        )  # fmt: skip
        everything = torch.ones(1, *size, device=deviation.device)
        return float(maps.quality(everything, contrast_up=contrast_up))


def coarse(window: Window, factor: int) -> tuple[slice, slice, slice]:
    """A window of maps (C, h, w) that are so many times smaller than the image."""
    rows, columns = window
    return (
        slice(None),
        slice(rows.start // factor, -(-rows.stop // factor)),
        slice(columns.start // factor, -(-columns.stop // factor)),
    )


def cut(maps: LabelMaps, window: Window) -> LabelMaps:
    """The maps of a window whose borders lie on all grids: views, nothing is computed anew."""
    half, own, fine = (coarse(window, factor) for factor in (2, maps.mdsi_step, 1))
    return LabelMaps(
        maps.haar_weight[half], maps.haar_similarity[half], maps.deviation[own],
        maps.contrast[fine], maps.chroma[fine], maps.light[fine], maps.mdsi_step,
    )  # fmt: skip
