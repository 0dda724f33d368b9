"""What JPEG does to many crops at once, on their device: everything of the codec that loses something.

Colour conversion, 4:2:0 chroma, the 8 x 8 cosine transform, the standard's tables at a quality (ITU-T T.81, annex K,
scaled as libjpeg does) and back, with libjpeg's smooth chroma. The entropy coding in between loses nothing and is left
out. Within a level or two of what libjpeg gives, which computes in integers.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32,
)  # fmt: skip


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Each image at its own quality.

    Parameters
    ----------
    images : float32, shape (N, 3, H, W), 0..1
        RGB.
    quality : float32, shape (N,), 1..100
        libjpeg's; rounded.

    Returns
    -------
    float32, shape (N, 3, H, W), 0..1
        Of 8 bit.
    """
    rows, columns = images.shape[-2:]
    x = (images.clamp(0, 1) * 255).round()
    x = F.pad(x, (0, -columns % 16, 0, -rows % 16), mode="replicate")
    red, green, blue = x.unbind(1)
    luma = (0.299 * red + 0.587 * green + 0.114 * blue).round()
    chroma = torch.stack([
        -0.168736 * red - 0.331264 * green + 0.5 * blue + 128, 0.5 * red - 0.418688 * green - 0.081312 * blue + 128,
    ], 1).round()  # fmt: skip
    luma = _coded(luma[:, None], _table(_LUMA, quality))[:, 0]
    blue_side, red_side = (_upsampled(_coded(_halved(chroma), _table(_CHROMA, quality))) - 128).unbind(1)
    rgb = torch.stack([
        luma + 1.402 * red_side, luma - 0.344136 * blue_side - 0.714136 * red_side, luma + 1.772 * blue_side,
    ], 1).round().clamp(0, 255)  # fmt: skip
    return rgb[..., :rows, :columns] / 255


def _table(base: tuple[int, ...], quality: Tensor) -> Tensor:
    """(N,) -> (N, 8, 8): what each coefficient is divided by."""
    quality = quality.round().clamp(1, 100)
    scale = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)[:, None]
    steps = torch.tensor(base, device=quality.device, dtype=quality.dtype)
    return torch.floor((steps * scale + 50) / 100).clamp(1, 255).view(-1, 8, 8)


def _cosines(like: Tensor) -> Tensor:
    """The orthonormal transform of 8 values: (8, 8)."""
    at = torch.arange(8, device=like.device, dtype=like.dtype)
    matrix = torch.cos(math.pi / 8 * (at + 0.5) * at[:, None]) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def _coded(planes: Tensor, table: Tensor) -> Tensor:
    """Quantised and back: (N, C, h, w), 0..255, sides multiples of 8 -> the same."""
    n, c, h, w = planes.shape
    cosines = _cosines(planes)
    blocks = (planes - 128).view(n, c, h // 8, 8, w // 8, 8).transpose(3, 4)  # N, C, h/8, w/8, 8, 8
    steps = table[:, None, None, None]
    kept = torch.round(cosines @ blocks @ cosines.T / steps) * steps
    back = (cosines.T @ kept @ cosines).transpose(3, 4).reshape(n, c, h, w)
    return (back + 128).round().clamp(0, 255)


def _halved(planes: Tensor) -> Tensor:
    """Means of 2 x 2, rounded up and down by turns as libjpeg does: (N, C, h, w) -> (N, C, h/2, w/2)."""
    sums = 4 * F.avg_pool2d(planes, 2)
    bias = 1 + torch.arange(sums.shape[-1], device=planes.device) % 2
    return torch.floor((sums + bias) / 4)


def _upsampled(planes: Tensor) -> Tensor:
    """Three parts of the nearer and one of the farther neighbour, either way: (N, C, h, w) -> (N, C, 2h, 2w)."""
    for axis in (2, 3):
        pad = (0, 0, 1, 1) if axis == 2 else (1, 1, 0, 0)
        wide = F.pad(planes, pad, mode="replicate")
        length = planes.shape[axis]
        before, after = wide.narrow(axis, 0, length), wide.narrow(axis, 2, length)
        planes = torch.stack([(3 * planes + before) / 4, (3 * planes + after) / 4], axis + 1).flatten(axis, axis + 1)
    return planes.round()
