"""Regions of a score map: everything below, or above, a value, as exact masks at the size of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.imaging.score_maps import at_image_size

MOST_CELLS = 16_000_000
"""Maps of larger images are cut at a coarser step; the masks still have the size of the image."""

MOST_REGIONS = 2_000
"""More regions than this nobody looks at; the largest are kept."""


@dataclass(frozen=True)
class Threshold:
    """What of a map is wanted.

    Attributes
    ----------
    value : float
        In the unit of the map.
    below : bool
        Everything below it; False for everything above.
    least_area : int
        Regions of fewer px of the image are left out.
    """

    value: float
    below: bool = True
    least_area: int = 1


@dataclass(frozen=True, eq=False)
class MapValues:
    """A map interpolated onto the image, ready to be cut many times.

    Attributes
    ----------
    values : float32, shape (rows, cols)
        One value every `step` px; NaN where there is none.
    shape : (int, int)
        Height and width of the image in px.
    step : int
    """

    values: NDArray[np.float32] = field(repr=False)
    shape: tuple[int, int]
    step: int = 1

    @classmethod
    def of(cls, score_map: ScoreMap, *, most: int = MOST_CELLS) -> MapValues:
        """Interpolate; takes as long as the image is large, so that it is done once and elsewhere."""
        height, width = score_map.shape
        step = max(1, math.ceil(math.sqrt(height * width / most)))
        if step == 1:
            return cls(at_image_size(score_map), score_map.shape)
        coarse = (-(-height // step), -(-width // step))
        reduced = ScoreMap(
            score_map.name, score_map.values, coarse, score_map.stride / step, score_map.window / step, score_map.model
        )
        return cls(at_image_size(reduced), score_map.shape, step)

    def regions(self, wanted: Threshold) -> list[RegionMask]:
        """The connected parts (over edges and corners), the largest first, at most `MOST_REGIONS`."""
        inside = self.values < wanted.value if wanted.below else self.values > wanted.value
        labels, count = ndimage.label(inside, structure=np.ones((3, 3), dtype=int))
        if not count:
            return []
        cells = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        boxes = ndimage.find_objects(labels)
        order = np.argsort(-cells, kind="stable")
        masks: list[RegionMask] = []
        for index in order[:MOST_REGIONS]:
            if cells[index] * self.step**2 < wanted.least_area and self.step == 1:
                break
            mask = self._mask(labels[boxes[index]] == index + 1, boxes[index])
            if mask.area >= wanted.least_area:
                masks.append(mask)
        return masks

    def _mask(self, part: NDArray[np.bool_], box: tuple[slice, slice]) -> RegionMask:
        if self.step > 1:
            part = part.repeat(self.step, axis=0).repeat(self.step, axis=1)
        return RegionMask.from_part(self.shape, (box[0].start * self.step, box[1].start * self.step), part)


def histogram(score_map: ScoreMap, bins: int = 50) -> NDArray[np.float64]:
    """float64 (bins,): share of the map's values in each bin between its limits; what lies outside counts at the ends.

    All zero where the map has no value.
    """
    known = score_map.values[np.isfinite(score_map.values)]
    if not known.size:
        return np.zeros(bins)
    counts, _edges = np.histogram(np.clip(known, *score_map.limits), bins=bins, range=score_map.limits)
    shares: NDArray[np.float64] = counts / known.size
    return shares


def value_at(score_map: ScoreMap, row: float, column: float) -> float | None:
    """The value of the map's cell over a place of the image, whole numbers being centres; None outside or unknown."""
    height, width = score_map.shape
    if not (-0.5 <= row < height - 0.5 and -0.5 <= column < width - 0.5):
        return None
    rows, columns = score_map.values.shape
    i = min(int((row + 0.5) / score_map.stride), rows - 1)
    j = min(int((column + 0.5) / score_map.stride), columns - 1)
    value = float(score_map.values[i, j])
    return value if math.isfinite(value) else None
