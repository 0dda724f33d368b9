"""PIQE: how many of an image's busy blocks look damaged or noisy (Venkatanath and others, 2015); has no parameters.

Its numbers equal those of the package pypiqe, which cannot be installed beside another OpenCV.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.natural_scenes import LUMA, local_contrast

BLOCK = 16
_SEGMENT = 6
_BUSY = 0.1
_FLAT = 0.1

Blocks = NDArray[np.float64]
"""float64, shape (N, 16, 16)."""


def piqe(rgb: RGBImage) -> float:
    """0 (good) to 100 (bad): uint8 (H, W, 3)."""
    gray = np.rint(rgb @ LUMA)
    rows, columns = (-int(side) % BLOCK for side in gray.shape)
    padded = np.pad(gray, ((0, rows), (0, columns)), mode="symmetric")
    stretched = np.rint(255 * padded / max(float(padded.max()), 1.0))
    blocks = _blocks(local_contrast(stretched, "nearest"))
    variance = blocks.var(axis=(1, 2), ddof=1)
    busy = variance > _BUSY
    damage = _damaged(blocks) * (1 - variance) + _noisy(blocks, variance) * variance
    return float((damage[busy].sum() + 1) / (busy.sum() + 1) * 100)


def _blocks(plane: NDArray[np.float64]) -> Blocks:
    rows, columns = (side // BLOCK for side in plane.shape)
    return plane.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def _damaged(blocks: Blocks) -> NDArray[np.bool_]:
    """An edge of the block has a stretch of six pixels that hardly vary: bool, shape (N,)."""
    edges = np.stack([blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]], axis=1)
    spread = sliding_window_view(edges, _SEGMENT, axis=2).std(axis=-1, ddof=1)
    flat: NDArray[np.bool_] = (spread < _FLAT).any(axis=(1, 2))
    return flat


def _noisy(blocks: Blocks, variance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The block's deviation is far above what its centre and surround tell apart: bool, shape (N,)."""
    middle = BLOCK // 2
    centre = blocks[:, :, middle - 1 : middle + 1].reshape(len(blocks), -1).std(axis=1, ddof=1)
    # The published code deletes two columns one after the other, so that the second is one further to the right.
    surround = np.delete(blocks, (middle - 1, middle + 1), axis=2).reshape(len(blocks), -1).std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(centre / surround, posinf=0.0)
        deviation = np.sqrt(variance)
        apart = np.abs(deviation - ratio) / np.maximum(deviation, ratio)
        noisy: NDArray[np.bool_] = deviation > 2 * apart
    return noisy
