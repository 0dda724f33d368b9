"""Regions to their two tokens in the language model: crops and masks on the processor, the rest on the device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.models.full.halving import in_batches
from seagull_iqa.models.full.look import FullLook
from seagull_iqa.models.full.network import SeagullNetwork
from seagull_iqa.models.full.preprocess import crop_of, shortest_edge, square_mask, squared

TOGETHER = 32
"""Regions whose crops and masks share a pass; bounds memory, changes no score."""

_WORKERS = min(8, os.cpu_count() or 1)

VANISHED = (
    "No pixel of this region is left at the model's resolution of {size} px; the pixel in its middle stands for it."
)
SLIVER = "This region is one pixel wide or high, which the original model refuses; its crop is that row or column."


@dataclass(frozen=True)
class RegionTokens:
    """The tokens of some regions, and what a person should know of each.

    Attributes
    ----------
    tokens : (R, 2, hidden)
        Global, then local.
    notes : tuple of tuple of str
    """

    tokens: Tensor
    notes: tuple[tuple[str, ...], ...]


def region_tokens(network: SeagullNetwork, look: FullLook, masks: Sequence[RegionMask]) -> RegionTokens:
    """The two tokens of every region."""
    parts = in_batches(masks, TOGETHER, lambda some: _some(network, look, some))
    return RegionTokens(torch.cat([part.tokens for part in parts]), tuple(n for part in parts for n in part.notes))


def _some(network: SeagullNetwork, look: FullLook, masks: Sequence[RegionMask]) -> RegionTokens:
    size, extractor = network.config.image_size, network.extractor
    device = look.levels[0].device
    with ThreadPoolExecutor(min(_WORKERS, len(masks))) as pool:
        crops = list(pool.map(lambda mask: shortest_edge(crop_of(look.rgb, mask), size), masks))
        squares = list(pool.map(lambda mask: square_mask(mask, size), masks))
    pixels = torch.cat([squared(crop, size, device, extractor.dtype) for crop in crops])
    inside = torch.from_numpy(np.stack([square for square, _ in squares])).to(device)
    tokens = torch.stack(
        [extractor.global_tokens(look.levels, look.keys, inside), extractor.local_tokens(pixels)], dim=1
    )
    notes = tuple(_notes(mask, size, kept=kept) for mask, (_, kept) in zip(masks, squares, strict=True))
    return RegionTokens(tokens, notes)


def _notes(mask: RegionMask, size: int, *, kept: bool) -> tuple[str, ...]:
    r0, c0, r1, c1 = mask.box
    notes = [] if kept else [VANISHED.format(size=size)]
    if min(r1 - r0, c1 - c0) == 1:
        notes.append(SLIVER)
    return tuple(notes)
