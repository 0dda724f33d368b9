"""How strong a boundary is at each pixel: what is left and right of it, at several scales and orientations."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.imaging.region_tree.channels import GROUPS

ORIENTATIONS = 8

SCALES = ((1, 1.5, (2.0, 0.5, 0.0)), (2, 1.5, (2.0, 0.5, 0.125)), (2, 3.0, (0.5, 0.5, 1.0)))
"""Reduction of the working image, sigma of the windows in px of the reduced one, and what lightness, the two colours
and textons weigh at that scale."""

_REACH = 4 / 3
"""The middles of the two windows lie that many sigmas on both sides."""

Stack = NDArray[np.float32]
"""float32, shape (H, W, C): the last axis in one piece, so that two windows are compared quickly."""


def boundary_strength(soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32, shape (H, W), 0 where both sides are alike: the strongest of eight orientations, scales added up.

    Parameters
    ----------
    soft : float32, shape (C, H, W)
        `Channels.soft`.
    """
    height, width = soft.shape[1:]
    reduced = {1: np.ascontiguousarray(soft.transpose(1, 2, 0))}
    total = np.zeros((ORIENTATIONS, height, width), np.float32)
    for factor, sigma, weights in SCALES:
        if factor not in reduced:
            reduced[factor] = _halved(reduced[factor // 2])
        total += _enlarged(_at_scale(reduced[factor], sigma, weights), factor, height, width)
    strongest: NDArray[np.float32] = total.max(axis=0)
    return strongest


def _at_scale(soft: Stack, sigma: float, weights: tuple[float, float, float]) -> NDArray[np.float32]:
    """float32 (ORIENTATIONS, H, W): weighted squared Hellinger distance between the windows on the two sides."""
    height, width, count = soft.shape
    each = (weights[0], weights[1], weights[1], weights[2])
    bounds = [part for part, weight in zip(pairwise((*GROUPS, count)), each, strict=True) if weight]
    scales = [weight for weight in each if weight]
    roots = np.concatenate(
        [_roots(soft[..., a:b], sigma, weight) for (a, b), weight in zip(bounds, scales, strict=True)], axis=2
    )
    margin = int(np.ceil(_REACH * sigma))
    padded = np.pad(roots, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    found = np.empty((ORIENTATIONS, height, width), np.float32)
    for number in range(ORIENTATIONS):
        angle = number * np.pi / ORIENTATIONS
        down, across = (round(_REACH * sigma * float(turn)) for turn in (np.sin(angle), np.cos(angle)))
        one, other = (
            padded[margin + d : margin + d + height, margin + a : margin + a + width]
            for d, a in ((down, across), (-down, -across))
        )
        found[number] = sum(scales) - np.einsum("hwc,hwc->hw", one, other)
    return np.maximum(found, 0, out=found)


def _roots(soft: Stack, sigma: float, weight: float) -> Stack:
    """Square roots of the weighted channels, smoothed."""
    smooth = [ndimage.gaussian_filter(soft[..., one], sigma, truncate=2.5) for one in range(soft.shape[2])]
    found: Stack = np.sqrt(weight * np.maximum(np.stack(smooth, axis=2), 0))
    return found


def _halved(soft: Stack) -> Stack:
    """Means of two by two pixels; an odd edge counts twice."""
    height, width = soft.shape[:2]
    even = np.pad(soft, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    halved: Stack = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)
    return halved


def _enlarged(planes: NDArray[np.float32], factor: int, height: int, width: int) -> NDArray[np.float32]:
    if factor == 1:
        return planes
    blocks = planes.repeat(factor, axis=1).repeat(factor, axis=2)[:, :height, :width]
    smooth: NDArray[np.float32] = ndimage.uniform_filter(blocks, (0, factor, factor))
    return smooth
