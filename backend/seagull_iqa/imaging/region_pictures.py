"""Regions without a score, for people and for other programs: a tinted picture, and an image of labels."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import Region
from seagull_iqa.imaging.masks import outline
from seagull_iqa.imaging.palette import RGB

RGBImage = NDArray[np.uint8]
"""uint8, shape (H, W, 3), 0..255."""

SERIES: tuple[RGB, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Colours that follow each other, told apart with every common colour blindness (Okabe and Ito 2008)."""

_TINT = 0.4
"""Share of the colour in a tinted pixel."""


def draw_regions(image: RGBImage, regions: Sequence[Region]) -> RGBImage:
    """The image with every region tinted and outlined in a colour of its own, small ones above large ones.

    Parameters
    ----------
    image : uint8, shape (H, W, 3)
    regions : sequence of Region

    Returns
    -------
    uint8, shape (H, W, 3)
    """
    pixels = image.copy()
    width = max(1, round(max(image.shape[:2]) / 400))
    colored = list(zip(regions, (SERIES[index % len(SERIES)] for index in range(len(regions))), strict=True))
    for region, color in sorted(colored, key=lambda pair: -pair[0].mask.area):
        (r0, c0, r1, c1), edge = outline(region.mask, width)
        part = pixels[r0:r1, c0:c1]
        blended = np.rint((1.0 - _TINT) * part + _TINT * np.asarray(color, dtype=np.float32)).astype(np.uint8)
        part[:] = np.where(region.mask.inside[..., None], blended, part)
        part[edge] = color
    return pixels


def label_image(shape: tuple[int, int], regions: Sequence[Region]) -> NDArray[np.uint32]:
    """Labels 1, 2, ... in the order of the regions, 0 where there is none: uint32, shape (H, W).

    Where regions overlap, a pixel belongs to the smallest.
    """
    labels = np.zeros(shape, dtype=np.uint32)
    for number, region in sorted(enumerate(regions, 1), key=lambda pair: -pair[1].mask.area):
        r0, c0, r1, c1 = region.mask.box
        labels[r0:r1, c0:c1][region.mask.inside] = number
    return labels


def labels_tiff(shape: tuple[int, int], regions: Sequence[Region]) -> bytes:
    """The image of labels as a TIFF file, of 16 bits where these suffice."""
    import tifffile  # takes a while to load, and is needed for writing files only

    labels = label_image(shape, regions)
    small = labels.astype(np.uint16) if len(regions) < 2**16 else labels
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, small, photometric="minisblack", compression="zlib", metadata=None)
    return buffer.getvalue()
