"""CLIP-ConvNeXt-L, SEAGULL's image encoder, under the names of timm; all four stages are kept, no head is run."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seagull_iqa.models.full.config import SeagullConfig

EPSILON = 1e-6
"""Of every norm (ConvNeXt, arXiv 2201.03545)."""


class ChannelNorm(nn.LayerNorm):
    """A LayerNorm over the channels of (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Mlp(nn.Module):
    """The two 1x1 convolutions of a block, as Linears over the last axis."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> the same."""
        result: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return result


class Block(nn.Module):
    """One block: depthwise 7x7, norm, MLP, layer scale `gamma`, and the way around."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = Mlp(width)
        self.gamma = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        inner = self.conv_dw(x).permute(0, 2, 3, 1)
        inner = self.mlp(self.norm(inner)) * self.gamma
        result: Tensor = x + inner.permute(0, 3, 1, 2)
        return result


class Stage(nn.Module):
    """Blocks of one width, after halving the cells where it is not the first."""

    def __init__(self, before: int, width: int, depth: int) -> None:
        super().__init__()
        halve = [ChannelNorm(before, eps=EPSILON), nn.Conv2d(before, width, 2, stride=2)] if before else []
        self.downsample = nn.Sequential(*halve)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) -> (B, width, H/2, W/2); the first stage keeps H and W."""
        result: Tensor = self.blocks(self.downsample(x))
        return result


class ConvNeXt(nn.Module):
    """Stem and four stages."""

    def __init__(self, config: SeagullConfig) -> None:
        super().__init__()
        widths = config.widths
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0], eps=EPSILON))
        befores = (0, *widths[:-1])
        self.stages = nn.Sequential(
            *(Stage(before, width, depth) for before, width, depth in zip(befores, widths, config.depths, strict=True))
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The levels res2, res3, res4, res5.

        Parameters
        ----------
        image : (B, 3, S, S)
            Normalised with CLIP's mean and deviation.

        Returns
        -------
        tuple of (B, C, S/4, S/4), (B, 2C, S/8, S/8), (B, 4C, S/16, S/16), (B, 8C, S/32, S/32)
        """
        x = self.stem(image.to(memory_format=torch.channels_last))
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return tuple(levels)
