"""From a SAM's small logits to masks of the image, and which of many are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from seagull_iqa.domain.prompts import Candidate
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.segmenting.sam_frame import SamFrame

STABILITY_OFFSET = 1.0
"""Logits above and below the threshold 0 at which a mask is compared with itself, as in SAM."""


def to_image(low: Tensor, frame: SamFrame) -> Tensor:
    """Logits at the size of the image, float32, shape (N, H, W), as the originals make them.

    Parameters
    ----------
    low : float32, shape (N, low, low)
    """
    logits = low[None].float()
    if frame.kind.padded:
        height, width = frame.scaled
        logits = interpolate(logits, (frame.kind.side, frame.kind.side), mode="bilinear", align_corners=False)
        logits = logits[..., :height, :width]
    return interpolate(logits, frame.shape, mode="bilinear", align_corners=False)[0]


def stability_of(logits: Tensor) -> Tensor:
    """float32, shape (N,), 0..1: IoU of each mask at a stricter and a laxer threshold; 0 where the lax one is empty."""
    strict = (logits > STABILITY_OFFSET).sum(dim=(-2, -1))
    lax = (logits > -STABILITY_OFFSET).sum(dim=(-2, -1))
    return strict.float() / lax.clamp(min=1).float()


def candidates_of(logits: Tensor, scores: Tensor, stabilities: Tensor | None = None) -> list[Candidate]:
    """The masks that hold a pixel, in the order of the logits.

    Parameters
    ----------
    logits : float32, shape (N, H, W)
        At the size of the image.
    scores : float, shape (N,)
        Predicted IoU; some networks predict a little more than 1.
    stabilities : float, shape (N,), optional
        By default of these logits.
    """
    stable = stability_of(logits) if stabilities is None else stabilities
    masks = (logits > 0).cpu().numpy()
    return [
        Candidate(RegionMask.from_pixels(mask), _share(score), _share(stability))
        for mask, score, stability in zip(masks, scores.tolist(), stable.tolist(), strict=True)
        if mask.any()
    ]


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def boxes_of(masks: Tensor) -> NDArray[np.float64]:
    """float64, shape (N, 4): tight half-open boxes (row0, col0, row1, col1); zeros where a mask is empty.

    Parameters
    ----------
    masks : bool, shape (N, h, w)
    """
    found = np.zeros((len(masks), 4))
    for index, mask in enumerate(masks.cpu().numpy()):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size:
            found[index] = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    return found


def distinct(boxes: NDArray[np.float64], scores: NDArray[np.float64], most_overlap: float) -> list[int]:
    """Indices, best first, of those that are left when of two boxes with a larger IoU the worse is dropped."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    waiting = np.argsort(-scores, kind="stable")
    while waiting.size:
        first, rest = int(waiting[0]), waiting[1:]
        kept.append(first)
        low, high = np.maximum(boxes[first, :2], boxes[rest, :2]), np.minimum(boxes[first, 2:], boxes[rest, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        joined = areas[first] + areas[rest] - shared
        waiting = rest[shared <= most_overlap * np.maximum(joined, 1e-9)]
    return kept


def used_part(low: Tensor, frame: SamFrame) -> Tensor:
    """The part of low logits, shape (N, low, low), that shows the image."""
    height, width = frame.low_used
    return low[..., :height, :width]
