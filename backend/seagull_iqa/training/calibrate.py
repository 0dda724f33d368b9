"""Make the numbers mean what they say: interval widths and finding thresholds, on photographs set aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seagull_iqa.data.photographs import load_all
from seagull_iqa.domain.report import INTERVAL_LEVEL
from seagull_iqa.models.mini.checkpoint import Calibration
from seagull_iqa.models.mini.network import MiniNetwork, spread
from seagull_iqa.training.samples import IGNORED, Chunk, make_sample


def conformal_factor(error: Tensor, width: Tensor) -> float:
    """Factor on the widths by which 80 % of the errors are covered (split conformal, Vovk et al. 2005)."""
    ratio = (error.abs() / width).flatten()
    rank = min(1.0, INTERVAL_LEVEL * (1 + 1 / len(ratio)))
    return float(torch.quantile(ratio, rank))


def _best_threshold(probability: Tensor, truth: Tensor) -> float:
    """The threshold with the best F1 of one type."""
    best, at = -1.0, 0.5
    for threshold in np.arange(0.1, 0.91, 0.02):
        named = probability >= threshold
        hits = float((named & truth).sum())
        f1 = 2 * hits / max(1.0, float(named.sum() + truth.sum()))
        if f1 > best:
            best, at = f1, float(threshold)
    return round(at, 2)


@torch.no_grad()
def calibrate(network: MiniNetwork, paths: list[Path], *, seed: int, samples: int = 400) -> Calibration:
    """Fit intervals and thresholds on fresh samples of photographs the network has not learned from."""
    rng = np.random.default_rng(seed)
    images = load_all(paths)
    device = next(network.parameters()).device
    rows: list[tuple[Tensor, ...]] = []
    for _ in range(samples):
        chunk: Chunk = make_sample(images, 320, rng)
        _, out = network(chunk.image.to(device).float() / 255, chunk.unpacked_masks().to(device))
        probability = out.severity_logits[..., 0].sigmoid().cpu()
        rows.append((
            (out.quality.cpu() - chunk.quality).flatten(), spread(out.quality_logits).cpu().flatten(),
            (out.importance.cpu() - chunk.importance).flatten(), spread(out.importance_logits).cpu().flatten(),
            probability.flatten(0, 1), chunk.severity.flatten(0, 1),
        ))
    columns = [torch.cat(column) for column in zip(*rows, strict=True)]
    probability, severity = columns[4], columns[5]
    known = (severity != IGNORED).all(1)
    thresholds = tuple(
        _best_threshold(probability[known, k], severity[known, k] > 0) for k in range(severity.shape[1])
    )
    clean = known & (severity == 0).all(1)
    nothing = (probability < torch.tensor(thresholds)).all(1)
    return Calibration(
        conformal_factor(columns[0], columns[1]), conformal_factor(columns[2], columns[3]), thresholds,
        round(float(nothing[clean].float().mean()), 3),
    )
