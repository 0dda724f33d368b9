"""Spoil a photograph in a known way at a known strength (evaluation protocol 1, strengths 1-5)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from seagull_iqa.domain.distortion import Distortion, Severity

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G, B in the luma of Rec. 601."""

ORDER = (
    Distortion.EXPOSURE,
    Distortion.CONTRAST,
    Distortion.COLORFULNESS,
    Distortion.BLUR,
    Distortion.NOISE,
    Distortion.SHARPNESS,
    Distortion.COMPRESSION,
)
"""The order in which a camera and its software would spoil a picture."""

_Ladder = tuple[float, float, float, float, float, float]
LADDERS: dict[tuple[Distortion, int], _Ladder] = {
    (Distortion.BLUR, 0): (0.0, 0.7, 1.3, 2.1, 3.3, 5.2),
    (Distortion.NOISE, 0): (0.0, 0.015, 0.035, 0.07, 0.12, 0.20),
    (Distortion.COMPRESSION, 0): (95.0, 55.0, 32.0, 18.0, 10.0, 5.0),
    (Distortion.EXPOSURE, 1): (0.0, 0.4, 0.8, 1.4, 2.2, 3.1),
    (Distortion.EXPOSURE, -1): (0.0, -0.4, -0.8, -1.4, -2.2, -3.1),
    (Distortion.CONTRAST, -1): (1.0, 0.82, 0.66, 0.5, 0.36, 0.25),
    (Distortion.CONTRAST, 1): (1.0, 1.2, 1.5, 1.9, 2.4, 3.0),
    (Distortion.COLORFULNESS, -1): (1.0, 0.75, 0.5, 0.3, 0.12, 0.0),
    (Distortion.COLORFULNESS, 1): (1.0, 1.3, 1.7, 2.3, 3.1, 4.0),
    (Distortion.SHARPNESS, 0): (0.0, 0.6, 1.3, 2.4, 4.2, 7.0),
}
"""Parameter at strengths 0 (no change) to 5. Blur: sigma, px. Noise: sigma on sRGB 0-1. Compression: JPEG quality.
Exposure: EV. Contrast: factor about the mean luma. Colorfulness: chroma factor. Sharpness: unsharp amount at 1 px."""

DIRECTED = (Distortion.EXPOSURE, Distortion.CONTRAST, Distortion.COLORFULNESS)
"""Types that go up (direction 1) or down (-1)."""


@dataclass(frozen=True)
class Applied:
    """One distortion that was applied: type, strength 0..5 (1 trivial, 5 extreme), direction of the tone types."""

    distortion: Distortion
    strength: float
    direction: int = 0

    @property
    def severity(self) -> Severity:
        """The nearest whole strength, 1..5."""
        return Severity(int(min(5, max(1, math.floor(self.strength + 0.5)))))


def parameter(applied: Applied) -> float:
    """The physical parameter of a strength, by linear interpolation, clamped at 0 and 5."""
    direction = (1 if applied.direction >= 0 else -1) if applied.distortion in DIRECTED else 0
    ladder = LADDERS[(applied.distortion, direction)]
    return float(np.interp(applied.strength, range(6), ladder))


def luma(image: Tensor) -> Tensor:
    """Luma 0..1 of RGB images: (..., 3, H, W) -> (..., H, W)."""
    red, green, blue = image.unbind(-3)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def gaussian(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, H, W) or (B, C, H, W) with reflected borders; sigma in px; cut at 4 sigma."""
    if sigma <= 0:
        return image
    batch = image if image.ndim == 4 else image[None]  # B, C, H, W
    radius = min(max(1, math.ceil(4 * sigma)), batch.shape[-1] - 1, batch.shape[-2] - 1)
    at = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (at / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = batch.shape[1]
    padded = F.pad(batch, (radius, radius, 0, 0), mode="reflect")
    rows = F.conv2d(padded, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    padded = F.pad(rows, (0, 0, radius, radius), mode="reflect")
    both = F.conv2d(padded, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return both if image.ndim == 4 else both[0]


def to_linear(srgb: Tensor) -> Tensor:
    """Inverse of the sRGB transfer curve (IEC 61966-2-1), 0..1 -> 0..1."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: Tensor) -> Tensor:
    """The sRGB transfer curve, 0..1 -> 0..1."""
    linear = linear.clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-8) ** (1 / 2.4) - 0.055)


def round_to_8_bit(image: Tensor) -> Tensor:
    """Clip to 0..1 and round to the 256 values of an 8-bit file."""
    return (image.clamp(0, 1) * 255).round() / 255


def _jpeg(image: Tensor, quality: float) -> Tensor:
    pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=round(quality), subsampling=2)  # 2 = 4:2:0
    buffer.seek(0)
    decoded = torch.from_numpy(np.array(Image.open(buffer)))
    return decoded.permute(2, 0, 1).to(image.device, image.dtype) / 255


def apply_one(image: Tensor, applied: Applied, rng: np.random.Generator) -> Tensor:
    """One distortion over a whole image, (3, H, W) 0..1 -> the same, not yet rounded; noise is drawn from `rng`."""
    value = parameter(applied)
    match applied.distortion:
        case Distortion.EXPOSURE:
            return to_srgb(to_linear(image) * 2.0**value)
        case Distortion.CONTRAST:
            mean = luma(image).mean()
            return (mean + value * (image - mean)).clamp(0, 1)
        case Distortion.COLORFULNESS:
            gray = luma(image)[None]
            return (gray + value * (image - gray)).clamp(0, 1)
        case Distortion.BLUR:
            return gaussian(image, value)
        case Distortion.NOISE:
            noise = rng.standard_normal(tuple(image.shape), dtype=np.float32)
            return (image + value * torch.from_numpy(noise).to(image.device)).clamp(0, 1)
        case Distortion.SHARPNESS:
            return (image + value * (image - gaussian(image, 1.0))).clamp(0, 1)
        case Distortion.COMPRESSION:
            return _jpeg(image, value)


def feathered(where: Tensor, feather: float) -> Tensor:
    """A mask's soft edge *inside* the region, so that nothing outside is touched.

    Parameters
    ----------
    where : bool, shape (H, W)
        True inside.
    feather : float
        Px over which the effect rises from 0 at the edge to 1.

    Returns
    -------
    float32, shape (H, W), 0..1
    """
    inside = where.cpu().numpy().astype(bool)
    if inside.all():  # no edge to be distant from
        return torch.ones(where.shape, device=where.device)
    depth = distance_transform_edt(np.pad(inside, 1, mode="edge"))[1:-1, 1:-1]
    return torch.from_numpy(np.clip(depth / max(feather, 1e-6), 0, 1).astype(np.float32)).to(where.device)


def distort(
    image: Tensor,
    applied: Sequence[Applied],
    *,
    seed: int,
    where: Tensor | None = None,
    feather: float = 4.0,
) -> Tensor:
    """Render distortions over a whole image, or inside one region.

    Parameters
    ----------
    image : float32, shape (3, H, W), 0..1
        sRGB.
    applied : sequence of Applied
        In any order; rendered in `ORDER`.
    seed : int
        Of the noise.
    where : bool, shape (H, W), optional
        The region to confine the distortions to; None = everywhere.
    feather : float, default 4
        Px over which the effect fades towards the region's edge, inside it.

    Returns
    -------
    float32, shape (3, H, W), 0..1
        Rounded to 8 bit.
    """
    rng = np.random.default_rng(seed)
    spoiled = image
    for one in sorted(applied, key=lambda a: ORDER.index(a.distortion)):
        spoiled = apply_one(spoiled, one, rng)
    if where is not None:
        alpha = feathered(where, feather)
        spoiled = alpha * spoiled + (1 - alpha) * image
    return round_to_8_bit(spoiled)
