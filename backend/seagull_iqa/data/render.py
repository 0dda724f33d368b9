"""Spoil a photograph as a recipe says, in linear light where a lens or a sensor would do it."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seagull_iqa.data.codecs import through
from seagull_iqa.data.distort import ORDER, apply_one, feathered, gaussian, round_to_8_bit, to_linear, to_srgb
from seagull_iqa.data.recipes import VARIANTS, Ingredient, Recipe
from seagull_iqa.domain.distortion import Distortion

FEATHER = 4.0
"""Px over which a confined distortion fades towards its region's edge, inside it."""

READ_NOISE = 3.0
"""Electrons, of a sensor's read-out."""

HALO_SIGMA = 2.5

_LINEAR_LUMA = (0.2126, 0.7152, 0.0722)  # Rec. 709


def render(image: Tensor, recipe: Recipe, *, where: Tensor | None = None, linear: Tensor | None = None) -> Tensor:
    """Render a recipe over a whole image, or inside one region.

    Parameters
    ----------
    image : float32, shape (3, H, W), 0..1
        sRGB. The work is done on its device, that of the codecs on the CPU.
    recipe : Recipe
        Its ingredients are applied in the order of `distort.ORDER`.
    where : bool, shape (H, W), optional
        The region to confine the distortions to; None = everywhere.
    linear : float32, shape (3, H, W), 0..1, optional
        The same in linear light, finer than 8 bit (from RAW); what comes first takes it where it works in linear light.

    Returns
    -------
    float32, shape (3, H, W), 0..1
        Rounded to 8 bit; `image` itself where the recipe is empty.
    """
    rng = np.random.default_rng(recipe.seed)
    spoiled, light = image, linear
    for one in sorted(recipe.ingredients, key=lambda each: ORDER.index(each.distortion)):
        spoiled, light = _apply(spoiled, one, rng, light), None
    if where is not None:
        alpha = feathered(where, FEATHER)
        spoiled = alpha * spoiled + (1 - alpha) * image
    return round_to_8_bit(spoiled)


def _apply(image: Tensor, one: Ingredient, rng: np.random.Generator, linear: Tensor | None) -> Tensor:
    if one.distortion is Distortion.EXPOSURE and linear is not None:
        return to_srgb(linear * 2.0**one.value)
    if one.variant == VARIANTS[one.distortion][0]:
        return apply_one(image, one.applied, rng)
    return _further(image, one, one.value, rng, linear)


def render_value(image: Tensor, one: Ingredient, value: float, *, seed: int) -> Tensor:
    """A variant that the protocol does not have, at a parameter instead of its strength; as `render`."""
    return round_to_8_bit(_further(image, one, value, np.random.default_rng(seed), None))


def _further(
    image: Tensor, one: Ingredient, value: float, rng: np.random.Generator, linear: Tensor | None
) -> Tensor:
    if one.distortion is Distortion.COMPRESSION:
        return _compressed(image, one.variant, value)
    if one.variant == "halo":
        return (image + value * (image - gaussian(image, HALO_SIGMA))).clamp(0, 1)
    light = to_linear(image) if linear is None else linear
    match one.variant:
        case "defocus":
            return to_srgb(_convolved(light, disc(value)))
        case "motion":
            return to_srgb(_convolved(light, line(value, one.angle)))
        case "sensor":
            return to_srgb(_exposed(light, value, rng))
        case "scene":
            return to_srgb(_scene_contrast(light, value))
        case "linear":
            gray = linear_luma(light)[None]
            return to_srgb(gray + value * (light - gray))
    raise ValueError(f"no variant {one.variant!r} of {one.distortion.value}")


def _compressed(image: Tensor, codec: str, quality: float) -> Tensor:
    rgb = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
    decoded = torch.from_numpy(through(rgb, codec, round(quality)))
    return decoded.permute(2, 0, 1).to(image.device, image.dtype) / 255


def linear_luma(linear: Tensor) -> Tensor:
    """Light of linear RGB (Rec. 709): (..., 3, H, W) -> (..., H, W)."""
    red, green, blue = linear.unbind(-3)
    return _LINEAR_LUMA[0] * red + _LINEAR_LUMA[1] * green + _LINEAR_LUMA[2] * blue


def _scene_contrast(linear: Tensor, exponent: float) -> Tensor:
    """Raise the odds of the light, against those of its geometric mean, to a power: (3, H, W) -> the same, unclipped.

    Black and white stay where they are: a power of the light itself would push the highlights of dark photographs
    beyond white, and look like over-exposure.
    """
    light = linear_luma(linear).clamp(1e-4, 1 - 1e-4)
    middle = torch.exp(torch.log(light).mean())
    pivot = middle / (1 - middle)
    odds = pivot * (light / (1 - light) / pivot) ** exponent
    return linear * (odds / (1 + odds) / light)


def _exposed(linear: Tensor, gain: float, rng: np.random.Generator) -> Tensor:
    """Photons counted (shot noise) and read out with an error: full scale is 1 / gain electrons."""
    if gain <= 0:
        return linear
    electrons = linear.clamp(0, 1).cpu().numpy() / gain
    counted = rng.poisson(electrons) + READ_NOISE * rng.standard_normal(electrons.shape, dtype=np.float32)
    return torch.from_numpy((counted * gain).astype(np.float32)).to(linear.device)


def disc(radius: float) -> Tensor:
    """The kernel of a lens out of focus: float32 (K, K), sum 1, an antialiased disc; radius in px."""
    reach = max(1, math.ceil(radius + 0.5))
    at = torch.arange(-reach, reach + 1, dtype=torch.float32)
    inside = (radius + 0.5 - torch.hypot(at[:, None], at[None])).clamp(0, 1)
    return inside / inside.sum()


def line(length: float, angle: float) -> Tensor:
    """The kernel of a camera that moves: float32 (K, K), sum 1; length in px, angle in degrees, anticlockwise."""
    half = length / 2
    reach = max(1, math.ceil(half + 0.5))
    at = torch.arange(-reach, reach + 1, dtype=torch.float32)
    way = math.radians(angle)
    along = at[None] * math.cos(way) - at[:, None] * math.sin(way)
    across = at[None] * math.sin(way) + at[:, None] * math.cos(way)
    inside = (half + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(0, 1)
    return inside / inside.sum()


def _convolved(image: Tensor, kernel: Tensor) -> Tensor:
    """(C, H, W) with a symmetric kernel (K, K), borders reflected; by FFT, for kernels are large."""
    reach = min(kernel.shape[0] // 2, image.shape[-1] - 1, image.shape[-2] - 1)
    cut = kernel.shape[0] // 2 - reach
    small = kernel[cut : kernel.shape[0] - cut, cut : kernel.shape[1] - cut].to(image.device)
    small = small / small.sum()
    padded = F.pad(image[None], (reach,) * 4, mode="reflect")[0]
    height, width = (quick_length(side) for side in padded.shape[-2:])
    seen = torch.fft.rfft2(padded, s=(height, width)) * torch.fft.rfft2(small, s=(height, width))
    blurred: Tensor = torch.fft.irfft2(seen, s=(height, width))
    rows, columns = image.shape[-2:]
    return blurred[..., 2 * reach : 2 * reach + rows, 2 * reach : 2 * reach + columns].clamp(min=0)


def quick_length(side: int) -> int:
    """The next length with small prime factors, which an FFT likes."""
    while True:
        rest = side
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return side
        side += 1
