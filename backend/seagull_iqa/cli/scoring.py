"""Ask a model about the regions of one image, a handful at a time so that a person sees how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.models.interface import Look, QualityModel

_AT_A_TIME = 64
"""Regions of one batch; larger ones are no faster and say nothing for longer."""


def assess(
    model: QualityModel,
    look: Look,
    image: PreparedImage,
    regions: Sequence[Region],
    *,
    progress: ProgressCallback = ignore_progress,
) -> list[tuple[Region, QualityReport]]:
    """Every region with its report, in the order asked; each report says which pixels were scored."""
    reports: list[QualityReport] = []
    for start in range(0, len(regions), _AT_A_TIME):
        progress(Progress(start, len(regions), "scoring regions"))
        reports += model.assess(look, regions[start : start + _AT_A_TIME])
    progress(Progress(len(regions), len(regions), "scoring regions"))
    marked = [replace(report, pixels=report.pixels or image.pixels) for report in reports]
    return list(zip(regions, marked, strict=True))
