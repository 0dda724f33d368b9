"""How strong a boundary is at each pixel: histograms left and right of it, at several scales and orientations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.imaging.region_tree.channels import GROUPS, Channels

ORIENTATIONS = 8

SCALES = ((1.5, (1.0, 1.0, 1.0, 0.0)), (3.0, (1.0, 1.0, 1.0, 1.0)), (6.0, (0.5, 0.5, 0.5, 1.0)))
"""Sigma of the windows in px of the working image, and weights of lightness, the two colours and textons there."""

_HALVED_FROM = 4.0
"""Windows of that sigma and above are compared on an image of half the size."""


def boundary_strength(channels: Channels) -> NDArray[np.float32]:
    """float32, shape (H, W), 0 where both sides are alike: the strongest of eight orientations, scales added up."""
    height, width = channels.soft.shape[1:]
    total = np.zeros((ORIENTATIONS, height, width), np.float32)
    for sigma, weights in SCALES:
        total += _at_scale(channels.soft, sigma, np.asarray(weights, np.float32))
    strongest: NDArray[np.float32] = total.max(axis=0)
    return strongest


def _at_scale(soft: NDArray[np.float32], sigma: float, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (ORIENTATIONS, H, W): weighted chi-square between the windows on the two sides."""
    height, width = soft.shape[1:]
    half = sigma >= _HALVED_FROM and min(height, width) >= 8
    if half:
        soft, sigma = _halved(soft), sigma / 2
    smooth = np.stack([ndimage.gaussian_filter(one, sigma, truncate=2.5) for one in soft])
    sizes = np.diff((*GROUPS, len(soft)))
    each = np.repeat(weights, sizes) / 2
    found = np.empty((ORIENTATIONS, *smooth.shape[1:]), np.float32)
    for number in range(ORIENTATIONS):
        angle, reach = number * np.pi / ORIENTATIONS, 1.2 * sigma
        down, across = round(reach * float(np.sin(angle))), round(reach * float(np.cos(angle)))
        one, other = _moved(smooth, down, across), _moved(smooth, -down, -across)
        found[number] = np.tensordot(each, (one - other) ** 2 / (one + other + 1e-6), axes=1)
    if half:
        found = found.repeat(2, axis=1).repeat(2, axis=2)
        missing = ((0, 0), (0, height - found.shape[1]), (0, width - found.shape[2]))
        found = np.pad(found, missing, mode="edge")
    return found


def _halved(soft: NDArray[np.float32]) -> NDArray[np.float32]:
    count, height, width = soft.shape
    even = soft[:, : height // 2 * 2, : width // 2 * 2]
    halved: NDArray[np.float32] = even.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return halved


def _moved(planes: NDArray[np.float32], down: int, across: int) -> NDArray[np.float32]:
    """The planes read `down` and `across` px further; beyond the frame its nearest pixel."""
    height, width = planes.shape[1:]
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + across, 0, width - 1)
    moved: NDArray[np.float32] = planes[:, rows][:, :, columns]
    return moved
