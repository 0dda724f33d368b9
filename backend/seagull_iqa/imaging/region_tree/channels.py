"""What pixels are compared by: soft histograms of lightness and colour, and textons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2lab

Plane = NDArray[np.float32]
"""float32, shape (H, W)."""

BINS = ((10, 0.0, 100.0), (12, -40.0, 50.0), (12, -50.0, 60.0))
"""Of CIELAB's lightness, green-red and blue-yellow: count of bins, and the values of the first and the last."""

TEXTONS = 20
"""Kinds of local pattern that are told apart."""

GROUPS = (0, 10, 22, 34)
"""First channel of lightness, of the two colours, and of the textons."""

COUNT = GROUPS[-1] + TEXTONS

_SAMPLE = 4000
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Channels:
    """What an image is at each pixel.

    Attributes
    ----------
    lab : float32, shape (H, W, 3)
        CIELAB.
    soft : float32, shape (COUNT, H, W), 0..1
        Shares of bins; each group of channels adds up to 1 at every pixel.
    """

    lab: NDArray[np.float32]
    soft: NDArray[np.float32]


def channels_of(rgb: NDArray[np.uint8]) -> Channels:
    """Channels of an image, uint8 (H, W, 3)."""
    lab = np.asarray(rgb2lab(rgb), dtype=np.float32)
    parts = []
    for number, (count, low, high) in enumerate(BINS):
        smooth = ndimage.gaussian_filter(lab[..., number], 0.7)
        parts.append(soft_bins(smooth, count, low, high))
    kinds = textons(np.ascontiguousarray(lab[..., 0]))
    parts.append((kinds[None] == np.arange(TEXTONS)[:, None, None]).astype(np.float32))
    return Channels(lab, np.concatenate(parts))


def soft_bins(values: Plane, count: int, low: float, high: float) -> NDArray[np.float32]:
    """float32 (count, H, W): each value is shared by the two bins next to it."""
    places = np.clip((values - low) / (high - low) * (count - 1), 0, count - 1).astype(np.float32)
    centres = np.arange(count, dtype=np.float32)[:, None, None]
    shares: NDArray[np.float32] = np.maximum(0, 1 - np.abs(places[None] - centres))
    return shares


def textons(lightness: Plane) -> NDArray[np.intp]:
    """The kind of local pattern, 0..TEXTONS - 1, shape (H, W): the nearest of k means, started from sorted samples."""
    responses = _responses(lightness)
    flat = responses.reshape(-1, responses.shape[-1])
    sample = flat[:: max(1, len(flat) // _SAMPLE)]
    sample = sample[np.argsort(sample.sum(axis=1), kind="stable")]
    centres = sample[np.linspace(0, len(sample) - 1, TEXTONS).astype(int)]
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centres)
        held = np.bincount(nearest, minlength=TEXTONS)
        sums = [np.bincount(nearest, column, TEXTONS) for column in sample.T]
        found = np.stack(sums, axis=1) / np.maximum(held, 1)[:, None]
        centres = np.where(held[:, None] > 0, found, centres).astype(np.float32)
    return _nearest(flat, centres).reshape(lightness.shape)


def _responses(lightness: Plane) -> NDArray[np.float32]:
    """float32 (H, W, 16): edges and bars of four orientations at two scales, contrast compressed."""
    found = []
    for sigma in (1.0, 2.0):
        across, down = (ndimage.gaussian_filter(lightness, sigma, order=order) * sigma for order in ((0, 1), (1, 0)))
        xx, yy, xy = (
            ndimage.gaussian_filter(lightness, sigma, order=order) * sigma**2 for order in ((0, 2), (2, 0), (1, 1))
        )
        for angle in np.arange(4) * np.pi / 4:
            c, s = float(np.cos(angle)), float(np.sin(angle))
            found.append(np.abs(c * across + s * down))
            found.append(np.abs(c * c * xx + s * s * yy + 2 * c * s * xy))
    stacked: NDArray[np.float32] = np.log1p(np.stack(found, axis=-1)).astype(np.float32)
    return stacked


def _nearest(rows: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.intp]:
    distances = (centres**2).sum(axis=1) - 2 * rows @ centres.T
    nearest: NDArray[np.intp] = distances.argmin(axis=1)
    return nearest
