"""Spoil many crops at once, each by its own recipe, as `render` does one by one: for a device that likes much work."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.data.batch_jpeg import jpeg
from seagull_iqa.data.codecs import through
from seagull_iqa.data.distort import ORDER, gaussian, luma, round_to_8_bit, to_linear, to_srgb
from seagull_iqa.data.recipes import Ingredient
from seagull_iqa.data.render import FEATHER, HALO_SIGMA, READ_NOISE, linear_luma, quick_length

Ingredients = Sequence[Ingredient]

_REACH = math.ceil(FEATHER)


@dataclass
class BatchRenderer:
    """Renders recipes over crops of one size.

    Attributes
    ----------
    generator : torch.Generator
        Of the noise; on the device of the crops.
    threads : int
        That compress and decompress, on the CPU.
    """

    generator: torch.Generator
    threads: int = 8
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="seagull-codec")

    def __call__(self, images: Tensor, recipes: Sequence[Ingredients], alpha: Tensor) -> Tensor:
        """Render.

        Parameters
        ----------
        images : float32, shape (N, 3, H, W), 0..1
            sRGB.
        recipes : N sequences of Ingredient
            No type twice in one of them.
        alpha : float32, shape (N, H, W), 0..1
            How much of the spoiled crop is taken at each place.

        Returns
        -------
        float32, shape (N, 3, H, W), 0..1
            Rounded to 8 bit; an image without ingredients as it was.
        """
        spoiled = images.clone()
        for distortion in ORDER:
            groups: dict[str, list[tuple[int, Ingredient]]] = {}
            for number, recipe in enumerate(recipes):
                for one in recipe:
                    if one.distortion is distortion:
                        groups.setdefault(f"{distortion.value} {one.variant}", []).append((number, one))
            for name, members in groups.items():
                at = torch.tensor([number for number, _ in members], device=images.device)
                spoiled[at] = self._apply(name, spoiled[at], [one for _, one in members])
        spoiled = alpha[:, None] * spoiled + (1 - alpha[:, None]) * images
        return round_to_8_bit(spoiled)

    def _apply(self, name: str, x: Tensor, members: list[Ingredient]) -> Tensor:
        """One variant of one type, (n, 3, H, W), each at its own strength."""
        kind, variant = name.split()
        if kind == "compression" and variant != "jpeg":
            return self._compressed(x, members)
        value = torch.tensor([one.value for one in members], device=x.device, dtype=x.dtype)[:, None, None, None]
        if name == "noise gaussian":
            noise = torch.randn(x.shape, generator=self.generator, device=x.device)
            return (x + value * noise).clamp(0, 1)
        if name == "noise sensor":
            return to_srgb(self._exposed(to_linear(x), value))
        if variant == "jpeg":
            return jpeg(x, value.flatten())
        if kind == "blur":
            return _blurred(x, variant, members)
        return _TONES[name](x, value)

    def _exposed(self, linear: Tensor, gain: Tensor) -> Tensor:
        """As `render._exposed`: photons counted, and read out with an error."""
        electrons = linear.clamp(0, 1) / gain.clamp(min=1e-9)
        counted = torch.poisson(electrons, generator=self.generator)
        counted += READ_NOISE * torch.randn(linear.shape, generator=self.generator, device=linear.device)
        return torch.where(gain > 0, counted * gain, linear)

    def _compressed(self, x: Tensor, members: list[Ingredient]) -> Tensor:
        pixels = (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()

        def one(job: tuple[NDArray[np.uint8], Ingredient]) -> NDArray[np.uint8]:
            rgb, ingredient = job
            return through(rgb, ingredient.variant, round(ingredient.value))

        decoded = torch.from_numpy(np.stack(list(self._pool.map(one, zip(pixels, members, strict=True)))))
        return decoded.to(x.device).permute(0, 3, 1, 2).to(x.dtype) / 255


def feathered_batch(where: Tensor) -> Tensor:
    """As `distort.feathered` with a feather of 4 px: bool (N, H, W) -> float32, 0 outside, 1 from 4 px inside on."""
    padded = F.pad(where[:, None].float(), (_REACH,) * 4, mode="replicate")[:, 0]
    rows, columns = where.shape[-2:]
    depth = torch.full(where.shape, FEATHER, device=where.device)
    for i in range(-_REACH, _REACH + 1):
        for j in range(-_REACH, _REACH + 1):
            distance = math.hypot(i, j)
            if distance < FEATHER:
                there = padded[:, _REACH + i : _REACH + i + rows, _REACH + j : _REACH + j + columns]
                depth = torch.where(there > 0, depth, depth.clamp(max=distance))
    return depth / FEATHER


def _contrast(x: Tensor, value: Tensor) -> Tensor:
    mean = luma(x).mean((1, 2))[:, None, None, None]
    return (mean + value * (x - mean)).clamp(0, 1)


def _scene(x: Tensor, exponent: Tensor) -> Tensor:
    """As `render._scene_contrast`, then back to sRGB."""
    linear = to_linear(x)
    light = linear_luma(linear)[:, None].clamp(1e-4, 1 - 1e-4)
    middle = torch.exp(torch.log(light).mean((1, 2, 3), keepdim=True))
    pivot = middle / (1 - middle)
    odds = pivot * (light / (1 - light) / pivot) ** exponent
    return to_srgb(linear * (odds / (1 + odds) / light))


def _linear_chroma(x: Tensor, value: Tensor) -> Tensor:
    linear = to_linear(x)
    gray = linear_luma(linear)[:, None]
    return to_srgb(gray + value * (linear - gray))


def _chroma(x: Tensor, value: Tensor) -> Tensor:
    gray = luma(x)[:, None]
    return (gray + value * (x - gray)).clamp(0, 1)


_TONES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exposure gain": lambda x, value: to_srgb(to_linear(x) * 2.0**value),
    "contrast luma": _contrast,
    "contrast scene": _scene,
    "colorfulness chroma": _chroma,
    "colorfulness linear": _linear_chroma,
    "sharpness unsharp": lambda x, value: (x + value * (x - gaussian(x, 1.0))).clamp(0, 1),
    "sharpness halo": lambda x, value: (x + value * (x - gaussian(x, HALO_SIGMA))).clamp(0, 1),
}


def _blurred(x: Tensor, variant: str, members: list[Ingredient]) -> Tensor:
    value = torch.tensor([one.value for one in members], device=x.device, dtype=x.dtype)[:, None, None]
    if variant == "gaussian":
        return _convolved(x, _gaussians(value))
    if variant == "defocus":
        return to_srgb(_convolved(to_linear(x), _discs(value)))
    way = torch.deg2rad(torch.tensor([one.angle for one in members], device=x.device, dtype=x.dtype))[:, None, None]
    return to_srgb(_convolved(to_linear(x), _lines(value, way)))


def _square(reach: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns of a kernel: (1, K, 1), (1, 1, K)."""
    at = torch.arange(-reach, reach + 1, device=like.device, dtype=like.dtype)
    return at[None, :, None], at[None, None, :]


def _gaussians(sigma: Tensor) -> Tensor:
    """Each cut at 4 sigma, as `distort.gaussian`: (n, 1, 1) px -> (n, K, K), sums of 1."""
    rows, columns = _square(max(1, math.ceil(4 * float(sigma.max()))), sigma)
    reach = torch.ceil(4 * sigma).clamp(min=1)
    line = [torch.exp(-0.5 * (at / sigma.clamp(min=1e-6)) ** 2) * (at.abs() <= reach) for at in (rows, columns)]
    kernel = line[0] * line[1]
    return kernel / kernel.sum((1, 2), keepdim=True)


def _discs(radius: Tensor) -> Tensor:
    """As `render.disc`: (n, 1, 1) px -> (n, K, K), sums of 1."""
    rows, columns = _square(max(1, math.ceil(float(radius.max()) + 0.5)), radius)
    inside = (radius + 0.5 - torch.hypot(rows, columns)).clamp(0, 1)
    return inside / inside.sum((1, 2), keepdim=True)


def _lines(length: Tensor, way: Tensor) -> Tensor:
    """As `render.line`: lengths px and angles rad, (n, 1, 1) each -> (n, K, K), sums of 1."""
    half = length / 2
    rows, columns = _square(max(1, math.ceil(float(half.max()) + 0.5)), length)
    along = columns * torch.cos(way) - rows * torch.sin(way)
    across = columns * torch.sin(way) + rows * torch.cos(way)
    inside = (half + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(0, 1)
    return inside / inside.sum((1, 2), keepdim=True)


def _convolved(x: Tensor, kernels: Tensor) -> Tensor:
    """(n, 3, H, W) with symmetric kernels (n, K, K), borders reflected, by FFT."""
    reach = kernels.shape[-1] // 2
    padded = F.pad(x, (reach,) * 4, mode="reflect")
    size = tuple(quick_length(side) for side in padded.shape[-2:])
    seen = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(kernels, s=size)[:, None]
    blurred: Tensor = torch.fft.irfft2(seen, s=size)
    rows, columns = x.shape[-2:]
    return blurred[..., 2 * reach : 2 * reach + rows, 2 * reach : 2 * reach + columns].clamp(min=0)
