"""From pixels and masks to the squares that the network reads, resampled as the original does it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.models.interface import RGBImage

MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""CLIP's, of values 0..1."""

LONGEST = 64
"""Times the square: a longer side, of a sliver of a crop, is resampled to this; the original would take gigabytes."""


def shortest_edge(rgb: RGBImage, size: int) -> RGBImage:
    """Resample (bicubic, antialiased) so that the shorter side is `size` px; uint8 (H, W, 3) -> uint8 (h, w, 3)."""
    height, width = rgb.shape[:2]
    short, long = min(height, width), max(height, width)
    other = min(int(size * long / short), LONGEST * size)
    new = (size, other) if width <= height else (other, size)  # width, height
    if new == (width, height):
        return rgb
    return np.asarray(Image.fromarray(np.ascontiguousarray(rgb)).resize(new, Image.Resampling.BICUBIC))


def squared(rgb: RGBImage, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """What `shortest_edge` gave, normalised and squashed (bilinear, not antialiased): (1, 3, size, size)."""
    # A copy, since what PIL gives cannot be written to, and torch would warn of it.
    values = torch.from_numpy(np.array(rgb)).to(device).permute(2, 0, 1)[None].float() / 255.0
    mean = torch.tensor(MEAN, device=device).view(3, 1, 1)
    deviation = torch.tensor(DEVIATION, device=device).view(3, 1, 1)
    values = (values - mean) / deviation
    return F.interpolate(values, size=(size, size), mode="bilinear", align_corners=False).to(dtype)


def crop_of(rgb: RGBImage, mask: RegionMask) -> RGBImage:
    """The rectangle around a region as the original cuts it: without its last row and column, but never empty."""
    r0, c0, r1, c1 = mask.box
    return rgb[r0 : max(r1 - 1, r0 + 1), c0 : max(c1 - 1, c0 + 1)]


def square_mask(mask: RegionMask, size: int) -> tuple[NDArray[np.bool_], bool]:
    """The mask at the size of the square: every pixel takes the nearest one of the image, as in OpenCV.

    Returns
    -------
    pixels : bool, shape (size, size)
    kept : bool
        False where no pixel of the region is any square pixel's nearest; then the one that holds the region's middle
        stands for it (the original scores an empty mask).
    """
    height, width = mask.shape
    r0, c0, r1, c1 = mask.box
    rows, columns = _nearest(size, height), _nearest(size, width)
    pixels = np.zeros((size, size), dtype=bool)
    in_rows, in_columns = (rows >= r0) & (rows < r1), (columns >= c0) & (columns < c1)
    pixels[np.ix_(in_rows, in_columns)] = mask.inside[np.ix_(rows[in_rows] - r0, columns[in_columns] - c0)]
    if pixels.any():
        return pixels, True
    inside = np.argwhere(mask.inside)
    row, column = inside[len(inside) // 2] + (r0, c0)
    pixels[min(size - 1, int((row + 0.5) * size / height)), min(size - 1, int((column + 0.5) * size / width))] = True
    return pixels, False


def _nearest(size: int, length: int) -> NDArray[np.int64]:
    # The same two divisions as in OpenCV, so that rounding falls the same way.
    step = 1.0 / (size / length)
    found: NDArray[np.int64] = np.minimum(np.floor(np.arange(size) * step), length - 1).astype(np.int64)
    return found
