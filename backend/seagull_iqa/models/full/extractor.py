"""The mask-based feature extractor: a region's global token, from four levels, and its local token, from its crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seagull_iqa.models.full.config import SeagullConfig

HEADS = 8
LEVELS = ("res2", "res3", "res4", "res5")


class Attention(nn.Module):
    """Multi-head attention with a bias everywhere; `inner` numbers over all heads."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def alone(self, x: Tensor) -> Tensor:
        """Attention of each row to itself only, whose weights are all one: (R, width) -> the same.

        The original asks one region a call; so the sequence has length one, and queries and keys have no effect.
        """
        result: Tensor = self.out_proj(self.v_proj(x))
        return result

    def keys_and_values(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """(C, width) -> two of (heads, C, inner / heads)."""
        return self._split(self.k_proj(context)), self._split(self.v_proj(context))

    def across(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention of every row of (R, width) to the same context -> (R, width)."""
        mixed = F.scaled_dot_product_attention(self._split(self.q_proj(x)), keys, values)
        result: Tensor = self.out_proj(mixed.transpose(0, 1).flatten(1))
        return result

    @staticmethod
    def _split(x: Tensor) -> Tensor:
        return x.view(len(x), HEADS, -1).transpose(0, 1)


class TwoLayers(nn.Module):
    """Linear, ReLU, Linear, under the names of the checkpoint."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, inner)
        self.lin2 = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """(R, width) -> the same."""
        result: Tensor = self.lin2(F.relu(self.lin1(x)))
        return result


class CrossBlock(nn.Module):
    """The one attention block that all four levels share."""

    def __init__(self, config: SeagullConfig) -> None:
        super().__init__()
        width = config.embed
        self.self_attn = Attention(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn = Attention(width, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = TwoLayers(width, config.cross_hidden)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """(R, width) and the projected channels of a level -> (R, width)."""
        x = self.norm1(x + self.self_attn.alone(x))
        x = self.norm2(x + self.cross_attn.across(x, keys, values))
        result: Tensor = x + self.mlp(x)
        return result


class ThreeLayers(nn.Module):
    """Linear, ReLU, Linear, ReLU, Linear, under the names of the checkpoint."""

    def __init__(self, width: int, inner: int, out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, inner), nn.Linear(inner, inner), nn.Linear(inner, out)])

    def forward(self, x: Tensor) -> Tensor:
        """(R, width) -> (R, out)."""
        first, second, third = self.layers
        result: Tensor = third(F.relu(second(F.relu(first(x)))))
        return result


@dataclass(frozen=True)
class LevelKeys:
    """What the shared block needs of an image, once for all its regions: for each level keys and values."""

    pairs: tuple[tuple[Tensor, Tensor], ...]


class RegionExtractor(nn.Module):
    """Regions to two tokens each; every region as if it were the only one."""

    def __init__(self, config: SeagullConfig) -> None:
        super().__init__()
        width, out = config.embed, config.language.hidden
        self.feat_linear = nn.Linear(width, out)
        self.cross_feat_linear = nn.Linear(width, out)
        for name, channels, cells in zip(LEVELS, config.widths, config.cells, strict=True):
            self.add_module(name, nn.Linear(channels, width))
            self.add_module(f"g_{name}", nn.Linear(cells * cells, width))
        self.final_mlp = nn.Linear(2 * out, out)
        self.global_vit = nn.Sequential(
            nn.Conv2d(3, 5, 1), nn.GELU(), nn.AvgPool2d(4), nn.Conv2d(5, 1, 1), nn.GELU(), nn.AvgPool2d(4)
        )
        self.sa = Attention(width, width)
        self.mlp = ThreeLayers(width, config.local_hidden, out)
        self.cross_att_res = CrossBlock(config)

    @property
    def dtype(self) -> torch.dtype:
        """In what it computes."""
        return self.final_mlp.weight.dtype

    def level_keys(self, levels: tuple[Tensor, ...]) -> LevelKeys:
        """Project the levels (1, C, h, w) of one image, whose *channels* are what the block attends to."""
        pairs = []
        for name, level in zip(LEVELS, levels, strict=True):
            planes = level[0].flatten(1).to(self.dtype)  # C, h * w
            pairs.append(self.cross_att_res.cross_attn.keys_and_values(self._linear(f"g_{name}")(planes)))
        return LevelKeys(tuple(pairs))

    def global_tokens(self, levels: tuple[Tensor, ...], keys: LevelKeys, masks: Tensor) -> Tensor:
        """(R, S, S) masks of 0 and 1 -> (R, hidden)."""
        basic = mixed = torch.zeros((), device=masks.device)
        for name, level, pair in zip(LEVELS, levels, keys.pairs, strict=True):
            own = self._linear(name)(mask_pooled(level, masks).to(self.dtype))
            basic = basic + own.float()
            mixed = mixed + self.cross_att_res(own, *pair).float()
        both = (self.cross_feat_linear(mixed.to(self.dtype)), self.feat_linear(basic.to(self.dtype)))
        result: Tensor = self.final_mlp(torch.cat(both, dim=-1))
        return result

    def local_tokens(self, crops: Tensor) -> Tensor:
        """(R, 3, S, S) normalised crops -> (R, hidden)."""
        small = self.global_vit(crops.to(self.dtype)).flatten(1)  # R, (S / 16) squared
        result: Tensor = self.mlp(self.sa.alone(small))
        return result

    def _linear(self, name: str) -> nn.Linear:
        return cast(nn.Linear, self.get_submodule(name))


def mask_pooled(level: Tensor, masks: Tensor) -> Tensor:
    """Mean of a level over the cells that a mask touches.

    Parameters
    ----------
    level : (1, C, h, w)
    masks : (R, S, S)
        0 and 1. A cell counts where the bilinear resize (not antialiased) is above zero.

    Returns
    -------
    float32 (R, C)
        All zero where a mask touches no cell, as in the original.
    """
    size = level.shape[-2:]
    resized = masks[None].float()
    if masks.shape[-2:] != size:
        resized = F.interpolate(resized, size=size, mode="bilinear", align_corners=False)
    inside = (resized[0] > 0).flatten(1).float()  # R, h * w
    return inside @ level[0].flatten(1).float().T / (inside.sum(1, keepdim=True) + 1e-8)
