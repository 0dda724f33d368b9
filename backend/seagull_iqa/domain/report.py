"""What a model says of a region, and of the whole image as a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import Distortion, Finding

INTERVAL_LEVEL = 0.8
"""Share of true scores that an interval is meant to hold."""


class Aspect(StrEnum):
    """What is asked about a region."""

    QUALITY = "quality"
    IMPORTANCE = "importance"
    DISTORTION = "distortion"


ALL_ASPECTS = frozenset(Aspect)

Interval = tuple[float, float]
"""(low, high), 0..100, low <= high."""


@dataclass(frozen=True)
class PixelSource:
    """What pixels were scored; stands beside every score.

    Attributes
    ----------
    source : str
        "raw" (the values as stored, 8 bit), "stretched" (mapped through `contrast_limits` to 8 bit), or "composite of"
        and the layers that were laid over each other, with their contrast limits.
    channel : int or None
        Index of the channel that was scored as gray; None for all of them.
    plane : tuple of int
        Index along each leading axis (time, z, ...) of the plane that was scored; empty for a plain image.
    contrast_limits : (float, float) or None
        The values mapped to 0 and 255; None where the 8-bit values went in unchanged.
    scale : float
        Size of the scored image over the size of the original; 1 = native pixels.
    """

    source: str = "raw"
    channel: int | None = None
    plane: tuple[int, ...] = ()
    contrast_limits: tuple[float, float] | None = None
    scale: float = 1.0

    def __str__(self) -> str:
        parts = [self.source if self.source.startswith("composite") else "raw 8-bit values"]
        if self.contrast_limits is not None:
            parts = ["stretched from {:g} to {:g}".format(*self.contrast_limits)]
        if self.channel is not None:
            parts.append(f"channel {self.channel}")
        if self.plane:
            parts.append("plane " + ", ".join(str(index) for index in self.plane))
        if self.scale != 1.0:
            parts.append(f"at {self.scale:.3g}x size")
        return ", ".join(parts)


@dataclass(frozen=True)
class QualityReport:
    """What a model says of a region; an aspect that was not asked is None.

    Attributes
    ----------
    region : str
        Id of the region.
    quality : float or None
        0..100, higher is better.
    quality_interval : (float, float) or None
        Where the quality lies with probability `interval_level`; holds `quality`.
    importance : float or None
        0..100, how much the region matters to the quality of the whole image.
    importance_interval : (float, float) or None
    findings : tuple of Finding, or None
        Worst first; () means clean.
    text : str
        The model's own words.
    model : str
        Id of the model's card.
    pixels : PixelSource or None
        What was scored.
    interval_level : float
        Probability of the intervals.
    notes : tuple of str
        What a person should know of how this score came about, one sentence each; mostly empty.
    """

    region: str
    quality: float | None
    quality_interval: Interval | None
    importance: float | None
    importance_interval: Interval | None
    findings: tuple[Finding, ...] | None
    text: str
    model: str
    pixels: PixelSource | None = None
    interval_level: float = INTERVAL_LEVEL
    notes: tuple[str, ...] = ()


QUALITY_MAP = "quality"
WEIGHT_MAP = "weight"
MAP_NAMES = (QUALITY_MAP, WEIGHT_MAP, *(distortion.value for distortion in Distortion))
"""Names of the maps a model may give: quality 0..100, weight (share of importance per px), severities 0..5."""


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """One named map over the whole image.

    Attributes
    ----------
    name : str
        One of `MAP_NAMES`: quality 0..100; weight, relative, mean 1 over the image; a distortion's severity 0..5.
    values : float32, shape (rows, cols)
        NaN where not asked. Value (i, j) is about the px box of `window` px centred on
        ((i + .5) * stride, (j + .5) * stride) (row, column) of the image.
    shape : (int, int)
        Height and width of the image in px.
    stride : float
        Px of the image from one value to the next.
    window : float
        Side in px of what one value mostly sees.
    model : str
        Id of the model's card.
    """

    name: str
    values: NDArray[np.float32]
    shape: tuple[int, int]
    stride: float
    window: float
    model: str = ""

    @property
    def limits(self) -> tuple[float, float]:
        """Fixed display limits, so that colours mean the same in every image."""
        if self.name == QUALITY_MAP:
            return (0.0, 100.0)
        return (0.0, 4.0) if self.name == WEIGHT_MAP else (0.0, 5.0)


MapsCallback = Callable[[dict[str, ScoreMap]], None]
"""Called with maps that are coarser than the last ones will be, so that they can be shown meanwhile."""


def ignore_maps(_maps: dict[str, ScoreMap]) -> None:
    """Nobody wants the coarse maps."""
