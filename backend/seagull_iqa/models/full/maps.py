"""The maps of the full model: windows over the whole image are scored like regions, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import QUALITY_MAP, WEIGHT_MAP, MapsCallback, QualityReport, ScoreMap

STEPS = (4, 8, 16)
"""Values along the longer side, map after map."""

WIDTH = 2.0
"""Side of a window in strides: neighbours overlap by half, so that no edge falls between two."""

TOGETHER = 32
"""Windows between two reports of progress, at which the work can be cancelled or give way."""

Score = Callable[[Sequence[Region]], list[QualityReport]]


def coarse_to_fine(
    shape: tuple[int, int], score: Score, model: str, *, progress: ProgressCallback, partial: MapsCallback
) -> dict[str, ScoreMap]:
    """Map quality and weight in ever finer steps.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    score : callable
        Quality and importance of windows.
    partial : callable
        Called with each map but the finest, as soon as it is there.
    """
    grids = list(_grids(shape))
    total = sum(rows * columns for _, rows, columns in grids)
    done = 0
    maps: dict[str, ScoreMap] = {}
    for index, (stride, rows, columns) in enumerate(grids):
        windows = _windows(shape, stride, rows, columns)
        reports: list[QualityReport] = []
        for start in range(0, len(windows), TOGETHER):
            progress(Progress(done + start, total, f"quality map, step {index + 1} of {len(grids)}"))
            reports += score(windows[start : start + TOGETHER])
        done += len(windows)
        maps = _maps(reports, (rows, columns), shape, stride, model)
        if index + 1 < len(grids):
            partial(maps)
    progress(Progress(total, total, "quality map"))
    return maps


def _grids(shape: tuple[int, int]) -> Iterator[tuple[float, int, int]]:
    """Stride in px, rows and columns; no finer than whole px."""
    longer = max(shape)
    for steps in STEPS:
        stride = longer / min(steps, longer)
        yield stride, max(1, round(shape[0] / stride)), max(1, round(shape[1] / stride))


def _windows(shape: tuple[int, int], stride: float, rows: int, columns: int) -> list[Region]:
    return [
        Region(RegionMask.from_box(shape, _box(row, column, stride, shape)), origin=RegionOrigin.TILE)
        for row in range(rows)
        for column in range(columns)
    ]


def _box(row: int, column: int, stride: float, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """The window about the middle of a value; at the edges the part inside the image, of two px at least."""

    def span(index: int, length: int) -> tuple[int, int]:
        middle, half = (index + 0.5) * stride, WIDTH * stride / 2
        low = min(max(0, round(middle - half)), max(0, length - 2))
        return low, min(length, max(low + 2, round(middle + half)))

    (r0, r1), (c0, c1) = span(row, shape[0]), span(column, shape[1])
    return r0, c0, r1, c1


def _maps(
    reports: Sequence[QualityReport], size: tuple[int, int], shape: tuple[int, int], stride: float, model: str
) -> dict[str, ScoreMap]:
    quality = _plane([report.quality for report in reports], size)
    importance = _plane([report.importance for report in reports], size)
    weight = importance / max(float(importance.mean()), 1e-6)
    return {
        name: ScoreMap(name, values, shape, stride, WIDTH * stride, model)
        for name, values in ((QUALITY_MAP, quality), (WEIGHT_MAP, weight))
    }


def _plane(values: Sequence[float | None], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32).reshape(size)
