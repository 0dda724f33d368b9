"""seagull-mini behind the one interface of models: look once, assess any regions, map the whole image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import Distortion, Finding, Severity, worst_first
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import (
    ALL_ASPECTS,
    MAP_NAMES,
    QUALITY_MAP,
    Aspect,
    Interval,
    MapsCallback,
    QualityReport,
    ScoreMap,
    ignore_maps,
)
from seagull_iqa.errors import CheckpointError, ImageError, ShapeMismatchError
from seagull_iqa.models.interface import Look, RGBImage
from seagull_iqa.models.mini.checkpoint import Calibration
from seagull_iqa.models.mini.correction import Correction
from seagull_iqa.models.mini.features import RegionFeatures
from seagull_iqa.models.mini.gather import geometry, pooled_regions, share_of_weight
from seagull_iqa.models.mini.grammar import sentence
from seagull_iqa.models.mini.maps import score_maps
from seagull_iqa.models.mini.network import MiniNetwork, RegionOutput, spread
from seagull_iqa.models.mini.views import MiniLook, look_at

TOGETHER = 32
"""Regions that share a pass through the pooling; bounds memory, changes no score."""

@dataclass
class SeagullMini:
    """The small model that ships with the package."""

    network: MiniNetwork
    calibration: Calibration
    card: ModelCard
    corrections: tuple[Correction, ...] = ()
    """What labels of people have taught it, one after the other."""

    @property
    def device(self) -> str:
        """Where it computes."""
        return str(next(self.network.parameters()).device)

    @property
    def map_names(self) -> tuple[str, ...]:
        """All maps there are."""
        return MAP_NAMES

    @property
    def precision(self) -> Precision:
        """Always single precision."""
        return Precision.FP32

    @torch.inference_mode()
    def look(self, image: RGBImage) -> MiniLook:
        """Encode an image, once; see `QualityModel.look`."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError(
                f"Expected 8-bit RGB of shape (H, W, 3), got {image.dtype} of shape {image.shape}.",
                "Prepare the array with `seagull_iqa.imaging.normalise.prepare` first.",
            )
        return look_at(self.network, image)

    @torch.inference_mode()
    def assess(
        self, look: Look, regions: Sequence[Region], aspects: Collection[Aspect] = ALL_ASPECTS
    ) -> list[QualityReport]:
        """One report a region; see `QualityModel.assess`."""
        mine = _own(look)
        for region in regions:
            if region.mask.shape != mine.shape:
                raise ShapeMismatchError(
                    f"The region '{region.name or region.id}' belongs to an image of "
                    f"{region.mask.shape[0]} x {region.mask.shape[1]} px, this one has "
                    f"{mine.shape[0]} x {mine.shape[1]}.",
                    "Ask it of its own image.",
                )
        reports: list[QualityReport] = []
        for start in range(0, len(regions), TOGETHER):
            some = regions[start : start + TOGETHER]
            reports += self._reports(some, self._outputs(mine, [region.mask for region in some]), frozenset(aspects))
        return reports

    @torch.inference_mode()
    def maps(
        self, look: Look, *, progress: ProgressCallback = ignore_progress, partial: MapsCallback = ignore_maps
    ) -> dict[str, ScoreMap]:
        """Quality, weight and severities over the whole image; see `QualityModel.maps`. `partial` is never called."""
        maps = score_maps(_own(look), self.card.id, progress)
        for correction in self.corrections:
            quality = maps[QUALITY_MAP]
            maps[QUALITY_MAP] = replace(quality, values=correction.mapped(quality.values))
        return maps

    @torch.inference_mode()
    def features(self, look: Look, regions: Sequence[Region]) -> RegionFeatures:
        """What fine-tuning learns from: the heads' features and the answers, of any number of regions."""
        mine, parts = _own(look), []
        for start in range(0, len(regions), TOGETHER):
            parts.append(self._outputs(mine, [region.mask for region in regions[start : start + TOGETHER]]))
        return RegionFeatures.joined([self._seen(out) for out in parts])

    def _seen(self, out: RegionOutput) -> RegionFeatures:
        """What it sees, and what it answers, corrections included."""
        values = (
            torch.cat([out.inputs[0], out.hidden[0]], -1), out.quality[0],
            spread(out.quality_logits)[0] * self.calibration.quality_spread, out.importance[0],
            out.severity_logits[0],
        )  # fmt: skip
        seen = RegionFeatures(*(value.double().cpu().numpy() for value in values))
        for correction in self.corrections:
            seen = correction.applied(seen)
        return seen

    def _outputs(self, look: MiniLook, masks: list[RegionMask]) -> RegionOutput:
        pooled, sums = pooled_regions(look, masks, self.network.config.window)
        share = share_of_weight(look, masks)
        device = look.context_dense.device
        where = torch.stack([geometry(mask) for mask in masks])[None].to(device)
        return self.network.assess(pooled, sums, look.context_places, where, share)

    def _reports(
        self, regions: Sequence[Region], out: RegionOutput, aspects: frozenset[Aspect]
    ) -> list[QualityReport]:
        seen = self._seen(out)
        wide_importance = spread(out.importance_logits)[0].cpu() * self.calibration.importance_spread
        probability = 1 / (1 + np.exp(-seen.severity))  # R, 7, 5
        reports = []
        for k, region in enumerate(regions):
            q = round(float(seen.quality[k]), 2) if Aspect.QUALITY in aspects else None
            i = round(float(seen.importance[k]), 2) if Aspect.IMPORTANCE in aspects else None
            found = self._findings(probability[k]) if Aspect.DISTORTION in aspects else None
            reports.append(
                QualityReport(
                    region=region.id,
                    quality=q,
                    quality_interval=_interval(q, float(seen.width[k])),
                    importance=i,
                    importance_interval=_interval(i, float(wide_importance[k])),
                    findings=found,
                    text=sentence(q, i, found),
                    model=self.card.id,
                )
            )
        return reports

    def _findings(self, probability: NDArray[np.float64]) -> tuple[Finding, ...]:
        """(7, 5) probabilities of "at least level k" -> findings above each type's threshold."""
        found = []
        for distortion, steps, threshold in zip(Distortion, probability, self.calibration.thresholds, strict=True):
            if steps[0] >= threshold:
                # A higher level is reached only through the lower ones.
                level = 1 + int(np.cumprod(steps[1:] >= 0.5).sum())
                found.append(Finding(distortion, Severity(level)))
        return worst_first(found)


def _own(look: Look) -> MiniLook:
    if not isinstance(look, MiniLook):
        raise CheckpointError("This look was taken by another model.", "Look at the image again with this model.")
    return look


def _interval(value: float | None, width: float) -> Interval | None:
    """80 % interval about a score, inside 0..100; `width` is calibrated so that +-1 width covers 80 %."""
    if value is None:
        return None
    return round(max(0.0, value - width), 2), round(min(100.0, value + width), 2)
