"""The colours of each map, for its layer, its histogram and its legend alike."""

from __future__ import annotations

from itertools import pairwise

from napari_seagull.views.palette import NOT_SCORED, QUALITY_STOPS, RGB
from seagull_iqa.domain.report import QUALITY_MAP, WEIGHT_MAP

Stops = tuple[tuple[float, RGB], ...]
"""(share 0..1 of the limits, colour), rising."""

QUALITY_RAMP: Stops = tuple((value / 100.0, color) for value, color in QUALITY_STOPS)

WEIGHT_RAMP: Stops = (
    (0.0, (24, 18, 38)),
    (0.25, (73, 56, 120)),
    (0.5, (143, 120, 193)),
    (1.0, (240, 235, 250)),
)
"""The violet of importance, from dark to light."""

SEVERITY_RAMP: Stops = (
    (0.0, (20, 17, 28)),
    (0.2, (84, 32, 62)),
    (0.45, (158, 42, 56)),
    (0.7, (226, 110, 50)),
    (1.0, (252, 232, 150)),
)
"""Dark where nothing is wrong, brighter with every step; told apart by lightness alone."""

DIFFERENCE_RAMP: Stops = (
    (0.0, (158, 80, 12)),
    (0.25, (224, 160, 84)),
    (0.5, (244, 244, 244)),
    (0.75, (110, 176, 196)),
    (1.0, (14, 92, 124)),
)
"""Brown where it became worse, teal where it became better, white where nothing changed: none of the colours of the
quality scale in its pure form, and told apart with every common colour blindness."""


def ramp_of(name: str) -> Stops:
    """The colours of the map of that name."""
    if name == QUALITY_MAP:
        return QUALITY_RAMP
    return WEIGHT_RAMP if name == WEIGHT_MAP else SEVERITY_RAMP


def color_at(stops: Stops, share: float | None) -> RGB:
    """The colour at a share of the limits; gray where there is none."""
    if share is None or share != share:
        return NOT_SCORED
    clipped = min(max(share, 0.0), 1.0)
    for (low, first), (high, second) in pairwise(stops):
        if clipped <= high:
            part = (clipped - low) / (high - low)
            red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
            return (red, green, blue)
    return stops[-1][1]


def difference_rgb(points: float | None, limit: float) -> RGB:
    """The colour of a difference of quality in points, on a scale of -limit to limit."""
    return color_at(DIFFERENCE_RAMP, None if points is None else 0.5 + points / (2.0 * limit))
