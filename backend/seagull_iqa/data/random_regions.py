"""Random regions to ask about during training: boxes, ellipses, blobs and windows of every size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom


def _place(extent: float, size: int, rng: np.random.Generator) -> tuple[float, float]:
    start = float(rng.uniform(-0.15 * extent, size - 0.85 * extent))
    return start, start + extent


def _box(size: int, area: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    aspect = float(np.exp(rng.uniform(-0.8, 0.8)))
    r0, r1 = _place(min(size, size * np.sqrt(area * aspect)), size, rng)
    c0, c1 = _place(min(size, size * np.sqrt(area / aspect)), size, rng)
    mask = np.zeros((size, size), dtype=bool)
    mask[max(0, round(r0)) : max(1, round(r1)), max(0, round(c0)) : max(1, round(c1))] = True
    return mask


def _ellipse(size: int, area: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    aspect = float(np.exp(rng.uniform(-0.7, 0.7)))
    a, b = size * np.sqrt(area * aspect / np.pi), size * np.sqrt(area / aspect / np.pi)
    row, column = rng.uniform(0.1 * size, 0.9 * size, 2)
    angle = float(rng.uniform(0, np.pi))
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    u = (rows - row) * np.cos(angle) + (columns - column) * np.sin(angle)
    v = -(rows - row) * np.sin(angle) + (columns - column) * np.cos(angle)
    return np.asarray((u / a) ** 2 + (v / b) ** 2 <= 1)


def _blob(size: int, area: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    cells = int(rng.integers(3, 9))
    smooth = zoom(rng.standard_normal((cells, cells)).astype(np.float32), size / cells, order=1)[:size, :size]
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    row, column = rng.uniform(0.2 * size, 0.8 * size, 2)
    bump = smooth - 2.5 * np.hypot(rows - row, columns - column) / size
    return np.asarray(bump >= np.quantile(bump, 1 - area))


def random_region(size: int, area: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """One region of about that share of a square image: bool, shape (size, size), with at least 64 px inside."""
    make = (_box, _ellipse, _blob)[int(rng.integers(3))]
    mask = make(size, area, rng)
    return mask if mask.sum() >= 64 else _box(size, max(area, 0.03), rng)


def random_regions(size: int, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Regions of 1-80 % of a square image, the whole image first: bool, shape (count, size, size)."""
    areas = np.exp(rng.uniform(np.log(0.01), np.log(0.8), count - 1))
    whole = np.ones((size, size), dtype=bool)
    return np.stack([whole, *(random_region(size, float(area), rng) for area in areas)])
