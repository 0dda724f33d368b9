"""Scores and severities as colours, once for the whole plugin: readable on dark and light, and to the colour-blind."""

from __future__ import annotations

from itertools import pairwise

from seagull_iqa.domain.distortion import Severity

RGB = tuple[int, int, int]
"""0..255 each."""

QUALITY_STOPS: tuple[tuple[float, RGB], ...] = (
    (0.0, (178, 24, 43)),
    (25.0, (239, 122, 60)),
    (50.0, (250, 219, 110)),
    (75.0, (120, 183, 222)),
    (100.0, (33, 102, 172)),
)
"""Red over yellow to blue: told apart with every common colour blindness, and by lightness at both ends."""

NOT_SCORED: RGB = (128, 128, 128)
"""A region without a score: gray, which the scale does not hold."""

IMPORTANCE: RGB = (143, 120, 193)
"""Importance is no quality, so it has a colour of its own."""

SEVERITY_COLORS: dict[Severity, RGB] = {
    Severity.TRIVIAL: (214, 205, 180),
    Severity.MINOR: (244, 211, 130),
    Severity.MODERATE: (240, 164, 84),
    Severity.SEVERE: (217, 95, 66),
    Severity.EXTREME: (158, 27, 50),
}
"""Darker is worse; the word always stands beside the colour."""

PROPOSED: RGB = (0, 201, 183)
"""A mask that is proposed and not yet a region: turquoise, which no score and no severity has."""

INSIDE: RGB = (57, 211, 83)
OUTSIDE: RGB = (244, 67, 54)
"""What was marked as the region, and as not the region; a plus and a minus say the same without colour."""

CLEAN: RGB = (126, 171, 204)
"""A region in which nothing was found."""


def quality_rgb(value: float | None) -> RGB:
    """The colour of a quality of 0..100, on a scale that never moves; gray where there is none."""
    if value is None or value != value:
        return NOT_SCORED
    clipped = min(max(value, 0.0), 100.0)
    for (low, first), (high, second) in pairwise(QUALITY_STOPS):
        if clipped <= high:
            return _mix(first, second, (clipped - low) / (high - low))
    return QUALITY_STOPS[-1][1]


def _mix(first: RGB, second: RGB, share: float) -> RGB:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def ink_on(background: RGB) -> RGB:
    """Black or white, whichever is easier to read on that colour (WCAG relative luminance)."""
    luminance = sum(weight * _linear(value) for weight, value in zip((0.2126, 0.7152, 0.0722), background, strict=True))
    return (20, 20, 20) if luminance > 0.22 else (255, 255, 255)


def _linear(value: int) -> float:
    share = value / 255.0
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def hex_code(color: RGB) -> str:
    """#rrggbb"""
    return "#{:02x}{:02x}{:02x}".format(*color)
