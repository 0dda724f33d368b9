"""The mask-based feature extractor: an image's levels and a soft mask -> a global and a local token.

SEAGULL's shape with its defects mended: masks are averaged by area (not dilated by "any positive pixel"), attention
runs over places (not over channels, which fixed the input size), the local branch attends over several windows of
native pixels (not over a sequence of one), and every region is pooled on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seagull_iqa.models.mini.config import STRIDES, MiniConfig

CONTEXT_CELLS = 12
"""The image is seen as at most 12 x 12 places by the attention of the global token."""

NEVER = -1e4
"""Added to a logit, leaves a weight of exactly zero; finite, so that no row of them becomes NaN."""

GEOMETRY = 6
"""Numbers that say where and how large the region is."""


@dataclass
class Pooled:
    """Sums over a region, additive over tiles: what a region's tokens are made of.

    B images, R regions each, C_l channels, G windows.
    """

    weight: list[Tensor]
    """Per level (B, R): sum of the soft mask, in cells."""
    first: list[Tensor]
    """Per level (B, R, C_l): sum of features."""
    second: list[Tensor]
    """Per level (B, R, C_l): sum of squared features."""
    window_weight: Tensor
    """(B, R, G): sum of the soft mask in each native window, in cells of stride 4."""
    window_stats: Tensor
    """(B, R, G, 2 (C_0 + C_1)): masked mean and standard deviation in each window."""


def soft_masks(masks: Tensor, stride: int) -> Tensor:
    """Share of each cell that is inside: (B, R, H, W) -> (B, R, H/stride, W/stride)."""
    return masks if stride == 1 else F.avg_pool2d(masks, stride)


def _sums(mask: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    flat, values = mask.flatten(2), features.flatten(2).transpose(1, 2)  # (B, R, N), (B, N, C)
    return flat.sum(2), flat @ values, flat @ (values * values)


def _windows(x: Tensor, cells: int) -> Tensor:
    """Cut (B, C, h, w) into windows: (B, G, C, cells * cells), padded with zeros at the far borders."""
    h, w = x.shape[-2:]
    x = F.pad(x, (0, -w % cells, 0, -h % cells))
    b, c, h, w = x.shape
    x = x.view(b, c, h // cells, cells, w // cells, cells).permute(0, 2, 4, 1, 3, 5)
    return x.reshape(b, (h // cells) * (w // cells), c, cells * cells)


def _moments(weight: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Sums -> mean and standard deviation, side by side: (..., C) twice -> (..., 2C)."""
    total = weight[..., None].clamp(min=1e-4)
    mean = first / total
    return torch.cat([mean, ((second / total - mean * mean).clamp(min=0) + 1e-5).sqrt()], -1)


def _window_stats(mask: Tensor, features: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    m = _windows(mask, cells)  # B, G, R, n
    f = _windows(features, cells).transpose(2, 3)  # B, G, n, C
    weight, first, second = m.sum(3), m @ f, m @ (f * f)
    return weight.transpose(1, 2), _moments(weight, first, second).transpose(1, 2)  # (B, R, G), (B, R, G, 2C)


def pool(levels: list[Tensor], masks: Tensor, window: int) -> Pooled:
    """Pool the levels inside each mask.

    Parameters
    ----------
    levels : list of (B, C_l, H / stride_l, W / stride_l)
        The encoder's output.
    masks : float32, shape (B, R, H, W), 0..1
    window : int
        Side in px of the native windows.
    """
    soft = [masks]
    for stride, previous in zip(STRIDES, (1, *STRIDES[:-1]), strict=True):
        soft.append(soft_masks(soft[-1], stride // previous))
    sums = [_sums(mask, level) for mask, level in zip(soft[1:], levels, strict=True)]
    fine_weight, fine = _window_stats(soft[1], levels[0], window // STRIDES[0])
    _, coarse = _window_stats(soft[2], levels[1], window // STRIDES[1])
    return Pooled(
        [s[0] for s in sums], [s[1] for s in sums], [s[2] for s in sums], fine_weight, torch.cat([fine, coarse], -1)
    )


def join(parts: list[Pooled]) -> Pooled:
    """Add what several tiles hold of the same regions; their windows stand side by side."""
    levels = range(len(STRIDES))
    return Pooled(
        [torch.stack([p.weight[k] for p in parts]).sum(0) for k in levels],
        [torch.stack([p.first[k] for p in parts]).sum(0) for k in levels],
        [torch.stack([p.second[k] for p in parts]).sum(0) for k in levels],
        torch.cat([p.window_weight for p in parts], 2),
        torch.cat([p.window_stats for p in parts], 2),
    )


class Attention(nn.Module):
    """Multi-head attention of queries over keys, with a residual and a norm before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, keys: Tensor, bias: Tensor | None = None) -> Tensor:
        """(N, Q, D), (N, K, D), bias (N, K) added to the logits -> (N, Q, D)."""
        n, q, d = x.shape
        split = (n, -1, self.heads, d // self.heads)
        query = self.query(self.norm(x)).view(split).transpose(1, 2)  # N, heads, Q, d
        key, value = (t.view(split).transpose(1, 2) for t in self.key_value(keys).chunk(2, -1))
        mask = None if bias is None else bias[:, None, None, :]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(n, q, d))
        return x + out


class RegionTokens(nn.Module):
    """Sums over a region, the image's context and the region's geometry -> global and local token."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        width = config.token_width
        self.level_norms = nn.ModuleList(nn.LayerNorm(2 * c) for c in config.widths)
        self.levels = nn.ModuleList(nn.Linear(2 * c, width) for c in config.widths)
        self.geometry = nn.Linear(GEOMETRY, width)
        self.context = nn.Linear(config.widths[-1], width)
        self.among_levels = Attention(width, config.heads)
        self.over_image = Attention(width, config.heads)
        local = 2 * (config.widths[0] + config.widths[1])
        self.window_norm = nn.LayerNorm(local)
        self.window = nn.Linear(local, width)
        self.local_query = nn.Parameter(torch.zeros(1, 1, width))
        self.over_windows = Attention(width, config.heads)

    def forward(self, pooled: Pooled, context: Tensor, geometry: Tensor) -> Tensor:
        """One token pair a region.

        Parameters
        ----------
        pooled : Pooled
        context : float32, shape (B, K, C_3)
            The image's places (`context_places`).
        geometry : float32, shape (B, R, 6)

        Returns
        -------
        float32, shape (B, R, 2 D)
            Global token and local token side by side.
        """
        b, r = geometry.shape[:2]
        sums = zip(self.level_norms, self.levels, pooled.weight, pooled.first, pooled.second, strict=True)
        tokens = [linear(norm(_moments(w, f, s))) for norm, linear, w, f, s in sums]
        x = torch.stack([*tokens, self.geometry(geometry)], 2).flatten(0, 1)  # B*R, 5, D
        x = self.among_levels(x, x)
        places = self.context(context)  # B, K, D
        # All regions of an image are queries over the same places; they do not see one another.
        x = self.over_image(x.view(b, r * 5, -1), places).view(b, r, 5, -1)
        return torch.cat([x.mean(2), self._local(pooled)], -1)

    def _local(self, pooled: Pooled) -> Tensor:
        b, r = pooled.window_stats.shape[:2]
        keys = F.relu(self.window(self.window_norm(pooled.window_stats))).flatten(0, 1)  # B*R, G, D
        # A window counts by how much of the region it holds; none of it = never seen.
        weight = pooled.window_weight.flatten(0, 1)
        bias = torch.log(weight.clamp(min=1e-9)).masked_fill(weight <= 0, NEVER)
        query = self.local_query.expand(b * r, 1, -1)
        token: Tensor = self.over_windows(query, keys, bias)
        return token.view(b, r, -1)


def context_places(level: Tensor) -> Tensor:
    """The coarsest level as at most 12 x 12 places: (B, C, h, w) -> (B, K, C)."""
    h, w = min(level.shape[-2], CONTEXT_CELLS), min(level.shape[-1], CONTEXT_CELLS)
    # Not on Metal, which pools only to sizes that divide the level's.
    level_here = level.cpu() if level.device.type == "mps" else level
    return F.adaptive_avg_pool2d(level_here, (h, w)).to(level.device).flatten(2).transpose(1, 2)
