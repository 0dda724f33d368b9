"""A mask made tidier, or joined with another: holes filled, islands dropped, edges smoothed, added, taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.region import RegionMask

SIGMA_SHARE = 0.6
"""Standard deviation of the blur that smooths, as a share of the radius."""


@dataclass(frozen=True)
class RefineSpec:
    """How a proposed mask is tidied before it is kept; nothing is done by default.

    Attributes
    ----------
    fill_holes : bool
        Holes that do not reach the border become part of the region.
    least_island : int
        Separate parts of fewer px are dropped; the largest part always stays.
    smooth : float
        Radius in px; bumps and bays narrower than about twice of it are rounded off.
    """

    fill_holes: bool = False
    least_island: int = 0
    smooth: float = 0.0


def refined(mask: RegionMask, spec: RefineSpec) -> RegionMask:
    """The mask after smoothing, dropping islands and filling holes, in this order; never empty."""
    if spec == RefineSpec():
        return mask
    margin = int(np.ceil(2 * spec.smooth)) + 1
    inside = np.pad(mask.inside, margin)
    if spec.smooth > 0:
        inside = _smoothed(inside, spec.smooth)
    if spec.least_island > 1:
        inside = _without_islands(inside, spec.least_island)
    if spec.fill_holes:
        inside = ndimage.binary_fill_holes(inside)
    return RegionMask.from_part(mask.shape, (mask.box[0] - margin, mask.box[1] - margin), inside)


def united(first: RegionMask, second: RegionMask) -> RegionMask:
    """The pixels of either; both belong to one image."""
    r0, c0 = min(first.box[0], second.box[0]), min(first.box[1], second.box[1])
    r1, c1 = max(first.box[2], second.box[2]), max(first.box[3], second.box[3])
    part = np.zeros((r1 - r0, c1 - c0), dtype=bool)
    for mask in (first, second):
        top, left, bottom, right = mask.box
        part[top - r0 : bottom - r0, left - c0 : right - c0] |= mask.inside
    return RegionMask.from_part(first.shape, (r0, c0), part)


def without(first: RegionMask, second: RegionMask) -> RegionMask:
    """The pixels of the first that are not in the second; `EmptyRegionError` where none are left."""
    r0, c0, r1, c1 = first.box
    part = first.inside.copy()
    top, left = max(r0, second.box[0]), max(c0, second.box[1])
    bottom, right = min(r1, second.box[2]), min(c1, second.box[3])
    if top < bottom and left < right:
        cut = second.inside[
            top - second.box[0] : bottom - second.box[0], left - second.box[1] : right - second.box[1]
        ]
        part[top - r0 : bottom - r0, left - c0 : right - c0] &= ~cut
    return RegionMask.from_part(first.shape, (r0, c0), part)


def _smoothed(inside: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    blurred = ndimage.gaussian_filter(inside.astype(np.float32), SIGMA_SHARE * radius)
    smooth: NDArray[np.bool_] = blurred >= 0.5
    # A line that is thinner than the radius would vanish altogether; then it stays as it was.
    return smooth if smooth.any() else inside


def _without_islands(inside: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    parts, count = ndimage.label(inside)
    if count < 2:
        return inside
    areas = np.bincount(parts.ravel())
    kept = areas >= least
    kept[1 + int(areas[1:].argmax())] = True
    kept[0] = False
    result: NDArray[np.bool_] = kept[parts]
    return result
