"""A small picture of a region: its pixels and a little around them, with its outline just outside of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seagull_iqa.domain.region import Box, RegionMask

MARGIN = 0.12
"""Of the longer side of a region, seen around it."""

LEAST_MARGIN = 4
MOST_ENLARGED = 8
QUICK_AREA = 1_000_000
"""Px of the image that are cut out and made small within a few ms."""


def is_quick(mask: RegionMask) -> bool:
    """Whether the picture may be made while a person waits."""
    row0, column0, row1, column1 = _window(mask)
    return (row1 - row0) * (column1 - column0) <= QUICK_AREA


def region_picture(rgb: NDArray[np.uint8], mask: RegionMask, side: int) -> NDArray[np.uint8]:
    """The picture of a region.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        The image in which the mask lies.
    mask : RegionMask
        Of that image.
    side : int
        The longer side of the picture, in px; less where the region is so small that its pixels would become huge.

    Returns
    -------
    uint8, shape (h, w, 3)
        Pixels of the region are never covered by the outline.
    """
    row0, column0, row1, column1 = window = _window(mask)
    cut = np.ascontiguousarray(rgb[row0:row1, column0:column1])
    scale = min(side / max(cut.shape[:2]), MOST_ENLARGED)
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    picture = np.array(Image.fromarray(cut).resize(size, way, reducing_gap=2.0 if scale < 0.5 else None))
    inside = np.array(Image.fromarray(_cut(mask, window)).resize(size, way)) > 100
    _draw_outline(picture, inside)
    return picture


def _window(mask: RegionMask) -> Box:
    row0, column0, row1, column1 = mask.box
    margin = max(LEAST_MARGIN, round(MARGIN * max(row1 - row0, column1 - column0)))
    height, width = mask.shape
    return (
        max(0, row0 - margin),
        max(0, column0 - margin),
        min(height, row1 + margin),
        min(width, column1 + margin),
    )


def _cut(mask: RegionMask, window: Box) -> NDArray[np.uint8]:
    """uint8, the size of the window: 255 inside."""
    row0, column0, row1, column1 = window
    top, left, bottom, right = mask.box
    made = np.zeros((row1 - row0, column1 - column0), dtype=np.uint8)
    made[top - row0 : bottom - row0, left - column0 : right - column0] = mask.inside * np.uint8(255)
    return made


def _draw_outline(picture: NDArray[np.uint8], inside: NDArray[np.bool_]) -> None:
    """A white line around what is inside and a black one around that: seen on every ground, at every size."""
    width = max(1, round(max(inside.shape) / 150))
    first = _grown(inside, width)
    picture[first & ~inside] = 255
    picture[_grown(first, width) & ~first] = 0


def _grown(inside: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    if width > 1:
        inside = _grown(inside, width - 1)
    padded = np.pad(inside, 1)
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return inside | around[0] | around[1] | around[2] | around[3]
