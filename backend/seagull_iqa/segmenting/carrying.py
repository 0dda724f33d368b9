"""Carry a region to the next plane of a stack: propose it again from its last mask, and say where it gets lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.prompts import Candidate, Carried, FloatBox, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import RegionError
from seagull_iqa.segmenting.interface import RGBImage

LEAST_IOU = 0.5
"""Of the last mask, moved so that the centres lie upon each other, and the new one; below it the region is lost."""

LEAST_SCORE = 0.05
"""Of the engine's own; below it the region is lost."""

LEAST_LIKENESS = 0.5
"""Below it the new inside looks more like what was round the region than like the region, so it is lost."""

_ROOM = 0.15
"""Share of the last box by which the region may have grown on every side."""

_RING = 5
_TELLING = 10.0
"""Inside and ring differ by less than that, of 255: then colours tell nothing."""

Propose = Callable[[Prompts], Proposal]


def carry(propose: Propose, mask: RegionMask, rgb: RGBImage, before: RGBImage | None = None) -> Carried:
    """Find a region again.

    Parameters
    ----------
    propose : callable
        The engine at the new plane, prompts to masks.
    mask : RegionMask
        In the plane before; both have the same size.
    rgb : uint8, shape (H, W, 3)
        The new plane.
    before : uint8, shape (H, W, 3), or None
        The plane before, so that colours can be compared.
    """
    best: Carried | None = None
    for prompts in _prompts(mask):
        try:
            found = propose(prompts)
        except RegionError:
            continue
        for candidate in found.candidates:
            carried = _judged(mask, candidate, rgb, before)
            if best is None or (carried.mask is not None, carried.sureness) > (best.mask is not None, best.sureness):
                best = carried
        if best is not None and best.mask is not None:
            return best
    return best or Carried(None, 0.0, "Nothing like it was found here.")


def moved_iou(one: RegionMask, other: RegionMask) -> float:
    """IoU of two masks of one size after the first has been moved so that their centres lie upon each other."""
    shift = [round(b - a) for a, b in zip(_centre(one), _centre(other), strict=True)]
    r0, c0 = one.box[0] + shift[0] - other.box[0], one.box[1] + shift[1] - other.box[1]
    height, width = one.inside.shape
    top, left = max(0, r0), max(0, c0)
    bottom, right = min(other.inside.shape[0], r0 + height), min(other.inside.shape[1], c0 + width)
    if bottom <= top or right <= left:
        return 0.0
    moved = one.inside[top - r0 : bottom - r0, left - c0 : right - c0]
    both = int((moved & other.inside[top:bottom, left:right]).sum())
    return both / (one.area + other.area - both)


def likeness(mask: RegionMask, candidate: RegionMask, rgb: RGBImage, before: RGBImage) -> float:
    """Whether the new inside has the old one's colour (1) or that of what was round it (0); 1 where both are alike."""
    inside, ring = _colours(before, mask)
    now, _ = _colours(rgb, candidate)
    if np.linalg.norm(inside - ring) < _TELLING:
        return 1.0
    from_region, from_ring = float(np.linalg.norm(now - inside)), float(np.linalg.norm(now - ring))
    return from_ring / (from_region + from_ring)


def _judged(mask: RegionMask, candidate: Candidate, rgb: RGBImage, before: RGBImage | None) -> Carried:
    iou = moved_iou(mask, candidate.mask)
    alike = 1.0 if before is None else likeness(mask, candidate.mask, rgb, before)
    sureness = min(1.0, max(0.0, iou * alike))
    if iou < LEAST_IOU:
        return Carried(None, sureness, f"The nearest thing here has another shape: {iou:.0%} in common.")
    if _leapt(mask, candidate.mask):
        return Carried(None, sureness, "The nearest thing here lies beside where it was.")
    if alike < LEAST_LIKENESS:
        return Carried(None, sureness, "What is here looks like what was round it.")
    if candidate.score < LEAST_SCORE:
        return Carried(None, sureness, "The engine is not sure of anything here.")
    return Carried(candidate.mask, sureness, f"Its shape has {iou:.0%} in common with the last one.")


def _prompts(mask: RegionMask) -> Iterator[Prompts]:
    """What to ask, one after the other until it is found: the mask alone, then a box with its innermost point."""
    yield Prompts(mask=mask)
    r0, c0, r1, c1 = mask.box
    rows, cols = _ROOM * (r1 - r0), _ROOM * (c1 - c0)
    box: FloatBox = (
        max(0.0, r0 - rows),
        max(0.0, c0 - cols),
        min(float(mask.shape[0]), r1 + rows),
        min(float(mask.shape[1]), c1 + cols),
    )
    depth = ndimage.distance_transform_edt(np.pad(mask.inside, 1))[1:-1, 1:-1]
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    yield Prompts(positive=((float(r0 + row), float(c0 + col)),), box=box)


def _leapt(mask: RegionMask, candidate: RegionMask) -> bool:
    """Whether the two have nothing in common where they are."""
    r0, c0 = max(mask.box[0], candidate.box[0]), max(mask.box[1], candidate.box[1])
    r1, c1 = min(mask.box[2], candidate.box[2]), min(mask.box[3], candidate.box[3])
    if r1 <= r0 or c1 <= c0:
        return True
    parts = [
        one.inside[r0 - one.box[0] : r1 - one.box[0], c0 - one.box[1] : c1 - one.box[1]] for one in (mask, candidate)
    ]
    return not bool((parts[0] & parts[1]).any())


def _centre(mask: RegionMask) -> tuple[float, float]:
    rows, cols = np.nonzero(mask.inside)
    return (mask.box[0] + float(rows.mean()), mask.box[1] + float(cols.mean()))


def _colours(rgb: RGBImage, mask: RegionMask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean colour inside a mask and in a ring round it; twice the same where there is no ring."""
    r0, c0 = max(0, mask.box[0] - _RING), max(0, mask.box[1] - _RING)
    r1, c1 = min(mask.shape[0], mask.box[2] + _RING), min(mask.shape[1], mask.box[3] + _RING)
    inside = np.zeros((r1 - r0, c1 - c0), dtype=bool)
    top, left = mask.box[0] - r0, mask.box[1] - c0
    inside[top : top + mask.inside.shape[0], left : left + mask.inside.shape[1]] = mask.inside
    ring = ndimage.binary_dilation(inside, iterations=_RING) & ~inside
    part = rgb[r0:r1, c0:c1].astype(np.float64)
    mean = part[inside].mean(axis=0)
    return mean, part[ring].mean(axis=0) if ring.any() else mean
