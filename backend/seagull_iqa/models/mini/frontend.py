"""The fixed front-end: low-level statistics in which blur, noise and compression show, without a single weight.

A network trained on few photographs should not have to discover second-order statistics. Every channel is a local
mean of a fixed filter's response on the native pixels, so that nothing is lost to a resized input.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = 1.0 / 255 / 4
"""Added before a logarithm: a quarter of an 8-bit step."""

CHANNELS = 32
"""Channels of `statistics`."""

RAW_CHANNELS = 5
"""Channels of `raw`."""

_LUMA = (0.299, 0.587, 0.114)


def _sum_along(x: Tensor, size: int, axis: int) -> Tensor:
    """Sliding sums of `size` neighbours along one axis, which gets shorter by size - 1."""
    step = 3 if size > 3 and size % 3 == 0 else 1  # threes of threes: fewer additions
    inner = _sum_along(x, 3, axis) if step == 3 else x
    length = x.shape[axis] - size + 1
    total = inner.narrow(axis, 0, length).clone()
    for start in range(step, size, step):
        total += inner.narrow(axis, start, length)
    return total


def _box(x: Tensor, size: int) -> Tensor:
    """Mean in a size x size window, borders replicated: (B, C, H, W) -> same.

    Added shift by shift: ten times faster on a CPU than a pooling layer of stride one.
    """
    if size == 1:
        return x
    pad = size // 2
    x = F.pad(x, (pad, pad, pad, pad), mode="replicate")
    return _sum_along(_sum_along(x, size, 3), size, 2).mul_(1 / size**2)


def _to_stride_4(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 4)


def _log(x: Tensor) -> Tensor:
    """Logarithm of a small magnitude, scaled to order one."""
    return 0.25 * (torch.log(x + FLOOR) + 4.0)


def _luma(image: Tensor) -> Tensor:
    return (_LUMA[0] * image[:, :1]) + (_LUMA[1] * image[:, 1:2]) + (_LUMA[2] * image[:, 2:3])


def raw(image: Tensor) -> Tensor:
    """What the learned stem sees: (B, 3, H, W) 0..1 -> (B, 5, H, W): RGB, high-pass luma, normalised luma."""
    gray = _luma(image)
    mean = _box(gray, 7)
    deviation = gray - mean
    spread = (_box(gray * gray, 7) - mean * mean).clamp(min=0).sqrt()
    high = (gray - _box(gray, 3)) * 8
    return torch.cat([image - 0.5, high.clamp(-1, 1), deviation / (spread + 0.02) * 0.5], 1)


def _bands(gray: Tensor) -> list[Tensor]:
    """Absolute responses of three octaves of band-pass filters, full size."""
    small, middle, large = _box(gray, 3), _box(gray, 5), _box(gray, 9)
    return [(gray - small).abs(), (small - middle).abs(), (middle - large).abs()]


def _differences(gray: Tensor) -> list[Tensor]:
    """|first| and |second| differences along columns and rows, full size (borders replicated)."""
    p = F.pad(gray, (1, 1, 1, 1), mode="replicate")
    left, right, up, down = p[..., 1:-1, :-2], p[..., 1:-1, 2:], p[..., :-2, 1:-1], p[..., 2:, 1:-1]
    return [
        (gray - left).abs(), (gray - up).abs(), (left + right - 2 * gray).abs(), (up + down - 2 * gray).abs()
    ]


def _blockiness(step: Tensor) -> Tensor:
    """How much |differences| along columns stand out at one of eight phases: (B, 1, H, W) -> (B, 2, H/8, W/8).

    Phase-free, so that a crop of a JPEG file shows as well as the file.
    """
    b, _, h, w = step.shape
    rows = F.avg_pool2d(step, (8, 1))  # B, 1, H/8, W
    phases = rows.view(b, h // 8, w // 8, 8).permute(0, 3, 1, 2)  # B, 8, H/8, W/8
    phases = _box(phases, 5)
    top = phases.topk(2, dim=1).values
    first, second = top[:, :1], top[:, 1:]
    mean = phases.mean(1, keepdim=True)
    return torch.cat([torch.log((first + FLOOR) / (mean + FLOOR)), torch.log((first + FLOOR) / (second + FLOOR))], 1)


def statistics(image: Tensor) -> Tensor:
    """The fixed channels: (B, 3, H, W) 0..1, H and W multiples of 32 -> (B, 32, H/4, W/4), of order one."""
    gray = _luma(image)
    chroma = torch.stack([image[:, 0] - gray[:, 0], image[:, 2] - gray[:, 0]], 1)  # B, 2, H, W
    bands = [_to_stride_4(x) for x in _bands(gray)]
    differences = _differences(gray)
    chroma_band = (chroma - _box(chroma, 3)).abs()
    mean4 = _to_stride_4(gray)
    spread = [(_box(_to_stride_4(gray * gray), k) - _box(mean4, k) ** 2).clamp(min=0).sqrt() for k in (1, 3, 7)]
    logs = [_log(x) for x in (*bands, *spread)]  # 6
    logs += [_log(_to_stride_4(x)) for x in differences]  # 4
    logs += [_log(_to_stride_4(chroma_band)), _log(_to_stride_4(chroma.abs()))]  # 2 + 2
    fine = logs[0]
    # The quietest and the liveliest place near by: a noise floor, and the sharpest edge.
    extremes = [-F.max_pool2d(-fine, 7, 1, 3), F.max_pool2d(fine, 7, 1, 3), F.max_pool2d(logs[0] - logs[1], 7, 1, 3)]
    flat = [_to_stride_4((x < 0.75 / 255).float()) for x in (differences[2], differences[3], chroma_band.amax(1, True))]
    low, high = image.amin(1, keepdim=True), image.amax(1, keepdim=True)
    clipped = [_to_stride_4((low <= 1.5 / 255).float()), _to_stride_4((high >= 253.5 / 255).float())]
    blocks = torch.cat([_blockiness(differences[0]), _blockiness(differences[1].transpose(2, 3)).transpose(2, 3)], 1)
    levels = [_to_stride_4(image) - 0.5, _to_stride_4(low) - 0.5, _to_stride_4(high) - 0.5]  # 3 + 1 + 1
    return torch.cat(
        [*logs, *extremes, *flat, *clipped, F.interpolate(blocks, scale_factor=2.0, mode="nearest"), *levels,
         _box(mean4, 15) - 0.5], 1
    )
