"""Make the numbers mean what they say: interval widths and finding thresholds, on photographs set aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seagull_iqa.data.photographs import load
from seagull_iqa.domain.report import INTERVAL_LEVEL
from seagull_iqa.models.mini.checkpoint import Calibration
from seagull_iqa.models.mini.network import MiniNetwork, spread
from seagull_iqa.training.samples import IGNORED, Chunk, make_sample


def conformal_factor(error: Tensor, width: Tensor, photo: Tensor | None = None) -> float:
    """Factor on the widths by which 80 % of the errors are covered (split conformal, Vovk et al. 2005).

    Errors of one photograph go together, and photographs to calibrate on are few: with `photo`, the number of each
    error's photograph, the level is raised by one standard error of the share that is covered, over photographs.
    """
    ratio = (error.abs() / width).flatten()
    factor = _quantile(ratio, INTERVAL_LEVEL)
    if photo is None:
        return factor
    shares = torch.stack([(ratio[photo == one] <= factor).float().mean() for one in range(int(photo.max()) + 1)])
    return _quantile(ratio, INTERVAL_LEVEL + float(shares.std(correction=0)) / len(shares) ** 0.5)


def _quantile(ratio: Tensor, level: float) -> float:
    return float(torch.quantile(ratio, min(1.0, level * (1 + 1 / len(ratio)))))


SIDE = 512
"""Side in px of the crops calibrated on, where the photograph has that: nearly a whole one."""

THRESHOLDS = torch.arange(0.5, 0.91, 0.02)
"""Tried for each type: what is named is more likely than not, or every other clean photograph has a finding."""


def sample_f1(named: Tensor, truth: Tensor) -> Tensor:
    """F1 of each sample's set of types, nothing named = "clean": bool (N, 7) twice -> float32 (N,)."""
    named, truth = (torch.cat([x, ~x.any(1, keepdim=True)], 1) for x in (named, truth))
    return 2 * (named & truth).sum(1) / (named.sum(1) + truth.sum(1))


def best_thresholds(probability: Tensor, truth: Tensor, *, passes: int = 3) -> tuple[float, ...]:
    """Thresholds with the best mean F1 over samples, one type after the other until they settle.

    Parameters
    ----------
    probability : float32, shape (N, 7), 0..1
    truth : bool, shape (N, 7)
    """
    thresholds = torch.full((probability.shape[1],), 0.5)
    for _ in range(passes):
        for k in range(len(thresholds)):
            tried = []
            for threshold in THRESHOLDS:
                thresholds[k] = threshold
                tried.append(sample_f1(probability >= thresholds, truth).mean())
            thresholds[k] = THRESHOLDS[int(torch.stack(tried).argmax())]
    return tuple(round(float(t), 2) for t in thresholds)


@torch.no_grad()
def calibrate(network: MiniNetwork, paths: list[Path], *, seed: int, samples: int = 250) -> Calibration:
    """Fit intervals and thresholds on fresh samples of photographs the network has not learned from."""
    rng = np.random.default_rng(seed)
    device = next(network.parameters()).device
    rows: list[tuple[Tensor, ...]] = []
    for number, path in enumerate(paths):
        images = [load(path)]
        side = min(SIDE, min(images[0].shape[:2]) // 32 * 32)
        for _ in range(max(1, round(samples / len(paths)))):
            chunk: Chunk = make_sample(images, side, rng)
            _, out = network(chunk.image.to(device).float() / 255, chunk.unpacked_masks().to(device))
            probability = out.severity_logits[..., 0].sigmoid().cpu()
            rows.append((
                (out.quality.cpu() - chunk.quality).flatten(), spread(out.quality_logits).cpu().flatten(),
                (out.importance.cpu() - chunk.importance).flatten(), spread(out.importance_logits).cpu().flatten(),
                probability.flatten(0, 1), chunk.severity.flatten(0, 1),
                torch.full((chunk.quality.numel(),), number),
            ))
    columns = [torch.cat(column) for column in zip(*rows, strict=True)]
    probability, severity, photo = columns[4:]
    known = (severity != IGNORED).all(1)
    thresholds = best_thresholds(probability[known], severity[known] > 0)
    clean = known & (severity == 0).all(1)
    nothing = (probability < torch.tensor(thresholds)).all(1)
    return Calibration(
        conformal_factor(columns[0], columns[1], photo), conformal_factor(columns[2], columns[3], photo), thresholds,
        round(float(nothing[clean].float().mean()), 3),
    )
