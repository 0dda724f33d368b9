"""What seagull-mini is taught: distributions, ordered severities, ranks, and maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seagull_iqa.models.mini.network import LEVELS, RegionOutput, scores
from seagull_iqa.training.samples import IGNORED, Chunk

BIN_SIGMA = 4.0
"""Points by which a label is smeared over the bins."""


def soft_bins(label: Tensor, reference: Tensor) -> Tensor:
    """A label 0..100 as a distribution over the 21 scores: (...) -> (..., 21)."""
    at = scores(reference)
    distance: Tensor = (label[..., None] - at) / BIN_SIGMA
    bins: Tensor = (-0.5 * distance * distance).softmax(-1)
    return bins


def distribution_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy to the smeared label: (..., 21), (...) -> scalar."""
    return -(soft_bins(label, logits) * logits.log_softmax(-1)).sum(-1).mean()


def correlation_loss(predicted: Tensor, label: Tensor) -> Tensor:
    """1 - PLCC over everything given: scalar 0..2."""
    a, b = predicted.flatten() - predicted.mean(), label.flatten() - label.mean()
    correlation: Tensor = (a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-6)
    return 1 - correlation


def severity_loss(logits: Tensor, severity: Tensor) -> Tensor:
    """Ordinal: is it at least 1, ... 5? (B, R, 7, 5) logits, (B, R, 7) levels -> scalar; ignored ones count nothing."""
    steps = torch.arange(1, LEVELS + 1, device=logits.device)
    target = (severity[..., None] >= steps).float()
    known = (severity != IGNORED).float()[..., None].expand_as(target)
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)


def pairs_loss(predicted: Tensor, label: Tensor) -> Tensor:
    """By how much the second of two versions of a crop is better: (N, R) twice -> scalar, 0 where N is 1."""
    even = len(label) // 2 * 2
    told, true = (quality[1:even:2] - quality[:even:2] for quality in (predicted, label))
    off = F.smooth_l1_loss(told / 10, true / 10, reduction="sum")
    return off / max(1, true.numel())


def total_loss(dense: Tensor, output: RegionOutput, chunk: Chunk) -> dict[str, Tensor]:
    """Every term, weighted; their sum under "total"."""
    smooth = F.smooth_l1_loss
    quality, importance, levels = chunk.quality, chunk.importance, chunk.severity.long()
    terms = {
        "bins": distribution_loss(output.quality_logits, quality),
        "mean": smooth(output.quality / 10, quality / 10),
        "map_mean": 0.7 * smooth(output.dense_quality / 10, quality / 10),
        "plcc": 0.5 * correlation_loss(output.quality, quality),
        "pairs": 0.5 * pairs_loss(output.quality, quality),
        "severity": 3.0 * severity_loss(output.severity_logits, levels),
        "importance": 0.3 * distribution_loss(output.importance_logits, importance)
        + 0.3 * smooth(output.dense_importance / 10, importance / 10),
        "weight_map": 0.5 * smooth(dense[:, 1], chunk.weight_map.float()),
        "quality_map": 0.5 * smooth(10 * dense[:, 0].sigmoid(), chunk.quality_map.float() / 10),
        "severity_maps": 0.4 * smooth(dense[:, 2:], chunk.severity_map.float()),
    }
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms


def fidelity_loss(predicted: Tensor, label: Tensor) -> Tensor:
    """Of every two: is the better one told (Tsai et al. 2007, as in UNIQUE, arXiv:2005.13983)? (N,), (N,) -> scalar."""
    told = torch.sigmoid((predicted[:, None] - predicted) / 8)
    true = torch.sigmoid((label[:, None] - label) / 8)
    apart: Tensor = (label[:, None] - label).abs() > 1
    loss: Tensor = 1 - (told * true + 1e-8).sqrt() - ((1 - told) * (1 - true) + 1e-8).sqrt()
    return (loss * apart).sum() / apart.sum().clamp(min=1)


def order_loss(output: RegionOutput, chunk: Chunk) -> dict[str, Tensor]:
    """Terms for crops of which only the order of the qualities is known, and the importance."""
    label = chunk.quality
    terms = {
        "order": correlation_loss(output.quality, label) + 0.5 * correlation_loss(output.dense_quality, label),
        "order_pairs": fidelity_loss(output.quality.flatten(), label.flatten()),
        "order_importance": 0.3 * distribution_loss(output.importance_logits, chunk.importance),
    }
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms


def human_loss(output: RegionOutput, chunk: Chunk) -> dict[str, Tensor]:
    """Terms for crops of which a person's score is known; the maps learn it as their weighted mean."""
    label = chunk.quality
    terms = {
        "human": F.smooth_l1_loss(output.quality / 10, label / 10),
        "human_map": 0.7 * F.smooth_l1_loss(output.dense_quality / 10, label / 10),
        "human_bins": 0.5 * distribution_loss(output.quality_logits, label),
        "human_pairs": 2.0 * fidelity_loss(output.quality.flatten(), label.flatten()),
    }
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms
