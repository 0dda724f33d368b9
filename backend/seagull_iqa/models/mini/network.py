"""The whole forward pass of seagull-mini, top to bottom."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.models.mini.config import BINS, DENSE_STRIDE, MiniConfig
from seagull_iqa.models.mini.encoder import DenseHead, Encoder
from seagull_iqa.models.mini.region_tokens import Pooled, RegionTokens, context_places, pool, soft_masks

TYPES = len(Distortion)
LEVELS = len(Severity)

HALF_SHARE = 0.15
"""A region with this share of the image's weight has importance 50, as in the label `analytic-1`."""


@dataclass
class DenseSums:
    """Sums of the maps over regions, additive over tiles; B images, R regions."""

    weight: Tensor
    """(B, R): sum of weight."""
    quality: Tensor
    """(B, R): sum of weight x quality 0..100."""
    severity: Tensor
    """(B, R, 7): sum of severities."""
    area: Tensor
    """(B, R): sum of the soft mask, in cells of stride 8."""


@dataclass
class RegionOutput:
    """What the heads say of R regions in each of B images."""

    quality_logits: Tensor
    """(B, R, 21): distribution over 0, 5, ... 100."""
    importance_logits: Tensor
    """(B, R, 21)."""
    severity_logits: Tensor
    """(B, R, 7, 5): is the severity at least 1, 2, ... 5?"""
    dense_quality: Tensor
    """(B, R): weighted mean of the quality map, 0..100."""
    dense_importance: Tensor
    """(B, R): from the region's share of the weight map, 0..100."""
    inputs: Tensor
    """(B, R, 2 width + 9): tokens and hints, normalised, as the heads see them."""
    hidden: Tensor
    """(B, R, 2 width): what the heads have in common."""

    @property
    def quality(self) -> Tensor:
        """(B, R), 0..100: half the distribution's mean, half the map's."""
        return 0.5 * expectation(self.quality_logits) + 0.5 * self.dense_quality

    @property
    def importance(self) -> Tensor:
        """(B, R), 0..100: half the distribution's mean, half the map's."""
        return 0.5 * expectation(self.importance_logits) + 0.5 * self.dense_importance


def scores(reference: Tensor) -> Tensor:
    """The 21 scores 0, 5, ... 100, on the device of `reference`."""
    return torch.linspace(0, 100, BINS, device=reference.device, dtype=reference.dtype)


def expectation(logits: Tensor) -> Tensor:
    """Mean of a distribution over the 21 scores: (..., 21) -> (...), 0..100."""
    return logits.softmax(-1) @ scores(logits)


MIN_SPREAD = 2.0
"""Points: no score is claimed to be known better than this."""


def spread(logits: Tensor) -> Tensor:
    """Standard deviation of a distribution over the 21 scores: (..., 21) -> (...), in points, at least 2."""
    at, p = scores(logits), logits.softmax(-1)
    variance = (p * (at - expectation(logits)[..., None]) ** 2).sum(-1)
    return variance.clamp(min=0).sqrt().clamp(min=MIN_SPREAD)


def map_weight(dense: Tensor) -> Tensor:
    """(B, 9, h, w) -> (B, h, w): the weight of each cell, > 0."""
    return dense[:, 1].clamp(-8, 8).exp()


def dense_sums(dense: Tensor, masks: Tensor) -> DenseSums:
    """Sum the maps inside soft masks of stride 8: (B, 9, h, w), (B, R, h, w) -> `DenseSums`."""
    flat, weight = masks.flatten(2), map_weight(dense).flatten(1)[..., None]  # B, R, N; B, N, 1
    quality = 100 * torch.sigmoid(dense[:, 0]).flatten(1)[..., None]
    severity = dense[:, 2:].flatten(2).transpose(1, 2)  # B, N, 7
    return DenseSums(
        (flat @ weight)[..., 0], (flat @ (weight * quality))[..., 0], flat @ severity, flat.sum(2)
    )


class MiniNetwork(nn.Module):
    """Encoder, map head, region tokens and score heads."""

    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.dense = DenseHead(config)
        self.tokens = RegionTokens(config)
        width = config.token_width
        inputs = 2 * width + TYPES + 2
        self.head = nn.Sequential(
            nn.LayerNorm(inputs), nn.Linear(inputs, 2 * width), nn.ReLU(), nn.Linear(2 * width, 2 * width), nn.ReLU()
        )
        self.quality = nn.Linear(2 * width, BINS)
        self.importance = nn.Linear(2 * width, BINS)
        self.severity = nn.Linear(2 * width, TYPES * LEVELS)

    def look(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 3, H, W) 0..1, H and W multiples of 32 -> four levels and the maps (B, 9, H/8, W/8)."""
        levels = self.encoder(image)
        return levels, self.dense(levels)

    def assess(
        self, pooled: Pooled, sums: DenseSums, places: Tensor, geometry: Tensor, share: Tensor
    ) -> RegionOutput:
        """Sums over regions -> scores.

        Parameters
        ----------
        pooled : Pooled
            Of the native features.
        sums : DenseSums
            Of the maps.
        places : float32, shape (B, K, C_3)
            The image's context.
        geometry : float32, shape (B, R, 6)
        share : float32, shape (B, R), 0..1
            The region's share of the image's weight.
        """
        dense_quality = sums.quality / sums.weight.clamp(min=1e-8)
        severity = sums.severity / sums.area[..., None].clamp(min=1e-6)
        # The head may read the maps but not bend them: they have their own labels.
        hints = torch.cat([severity, dense_quality[..., None] / 25 - 2, torch.log(share + 1e-6)[..., None] / 2], -1)
        seen = self.head[0](torch.cat([self.tokens(pooled, places, geometry), hints.detach()], -1))
        x = self.head[1:](seen)
        b, r = x.shape[:2]
        return RegionOutput(
            self.quality(x),
            self.importance(x),
            self.severity(x).view(b, r, TYPES, LEVELS),
            dense_quality,
            100 * (1 - torch.exp2(-share / HALF_SHARE)),
            seen,
            x,
        )

    def forward(self, image: Tensor, masks: Tensor) -> tuple[Tensor, RegionOutput]:
        """Whole images at once, as in training: (B, 3, H, W), (B, R, H, W) -> maps and scores."""
        levels, dense = self.look(image)
        return dense, self.regions(levels, dense, masks)

    def regions(self, levels: list[Tensor], dense: Tensor, masks: Tensor) -> RegionOutput:
        """Score regions of whole images that were looked at: levels, maps, (B, R, H, W) -> scores."""
        pooled = pool(levels, masks, self.config.window)
        sums = dense_sums(dense, soft_masks(masks, DENSE_STRIDE))
        share = sums.weight / map_weight(dense).sum((1, 2))[:, None].clamp(min=1e-8)
        return self.assess(pooled, sums, context_places(levels[-1]), mask_geometry(masks), share)


def mask_geometry(masks: Tensor) -> Tensor:
    """Where and how large: (B, R, H, W) 0..1 -> (B, R, 6): log area px, log share, centre, spread (rows, columns)."""
    h, w = masks.shape[-2:]
    rows, columns = masks.sum(3), masks.sum(2)  # B, R, H; B, R, W
    at_row = (torch.arange(h, device=masks.device, dtype=masks.dtype) + 0.5) / h
    at_column = (torch.arange(w, device=masks.device, dtype=masks.dtype) + 0.5) / w
    area = rows.sum(2).clamp(min=1e-6)
    return geometry_of(
        area, h * w,
        (rows @ at_row / area, rows @ at_row**2 / area), (columns @ at_column / area, columns @ at_column**2 / area),
    )


def geometry_of(
    area: Tensor, image_area: float, row: tuple[Tensor, Tensor], column: tuple[Tensor, Tensor]
) -> Tensor:
    """The six numbers from area (px) and first and second moments of the relative position 0..1."""
    spread = [(second - first * first).clamp(min=0).sqrt() for first, second in (row, column)]
    return torch.stack(
        [
            torch.log(area) / 4 - 2, torch.log(area / image_area) / 2,
            row[0] - 0.5, column[0] - 0.5, 4 * spread[0] - 0.5, 4 * spread[1] - 0.5,
        ],
        -1,
    )
