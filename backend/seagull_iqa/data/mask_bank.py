"""Sets of random regions, drawn once and asked of many crops: drawing them costs as much as spoiling the crop."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from seagull_iqa.data.labels import MaskWeights
from seagull_iqa.data.random_regions import random_regions

PIXELS = 150 * 192 * 192
"""A bank has so many sets that their crops have so many pixels in all: 150 of 192 px, 21 of 512 px."""


def bank_size(side: int) -> int:
    """How many sets there are for crops of that side, px."""
    return max(8, PIXELS // side**2)


@lru_cache(maxsize=256)
def banked(side: int, count: int, number: int) -> NDArray[np.bool_]:
    """Set `number` of `count` regions of a square crop, the whole first: bool (count, side, side); not writable."""
    masks = random_regions(side, count, np.random.default_rng([side, count, number]))
    masks.setflags(write=False)
    return masks


@lru_cache(maxsize=256)
def banked_weights(side: int, count: int, number: int, mdsi_step: int) -> MaskWeights:
    """What the label needs of that set, float32."""
    return MaskWeights.of(torch.from_numpy(banked(side, count, number).copy()), mdsi_step, torch.float32)
