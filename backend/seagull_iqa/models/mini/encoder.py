"""The multi-scale encoder: plain 3x3 residual blocks at strides 4, 8, 16, 32, at native aspect and resolution."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seagull_iqa.models.mini import frontend
from seagull_iqa.models.mini.config import MiniConfig


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut. The plainest block is the fastest on a CPU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first: nn.Module = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm: nn.Module = nn.BatchNorm2d(width)
        self.second: nn.Module = nn.Conv2d(width, width, 3, padding=1, bias=False)
        norm = nn.BatchNorm2d(width)
        nn.init.zeros_(norm.weight)  # starts as the identity
        self.second_norm: nn.Module = norm

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> same."""
        inner = F.relu(self.first_norm(self.first(x)))
        change: Tensor = self.second_norm(self.second(inner))
        return F.relu(x + change)


class Stem(nn.Module):
    """Fixed statistics and a learned look at the raw pixels, joined at stride 4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.learned = nn.Conv2d(frontend.RAW_CHANNELS, width, 8, stride=4, padding=2)
        self.join: nn.Module = nn.Conv2d(frontend.CHANNELS + width, width, 1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(width)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) 0..1 -> (B, width, H/4, W/4)."""
        fixed = frontend.statistics(image)
        learned = F.relu(self.learned(frontend.raw(image)))
        return F.relu(self.norm(self.join(torch.cat([fixed, learned], 1))))


class Encoder(nn.Module):
    """Image -> features at four strides."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        widths = config.widths
        self.stem = Stem(widths[0])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(count)))
            for width, count in zip(widths, config.blocks, strict=True)
        )
        self.downs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairwise(widths)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) 0..1, H and W multiples of 32 -> [(B, C_l, H / stride_l, W / stride_l)] for 4, 8, 16, 32."""
        x = self.stem(image)
        levels = [self.stages[0](x)]
        for down, stage in zip(self.downs, list(self.stages)[1:], strict=True):
            levels.append(stage(down(levels[-1])))
        return levels


class DenseHead(nn.Module):
    """The maps: quality, weight and seven severities at stride 8, from the same pass."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        width = config.dense_width
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in config.widths)
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(width, 9, 1)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Four levels -> (B, 9, H/8, W/8): quality logit, log weight, seven severities 0..5."""
        size = levels[1].shape[-2:]
        total = self.laterals[1](levels[1]) + self.laterals[0](F.avg_pool2d(levels[0], 2))
        for lateral, level in zip(list(self.laterals)[2:], levels[2:], strict=True):
            total = total + F.interpolate(lateral(level), size=size, mode="bilinear", align_corners=False)
        out = self.out(F.relu(self.mix(F.relu(total))))
        return torch.cat([out[:, :2], F.softplus(out[:, 2:])], 1)
