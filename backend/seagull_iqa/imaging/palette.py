"""Quality as a colour on a scale that never moves, so that colours mean the same in every picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
"""Gray, which the scale does not hold, where there is no score."""


def quality_colors(values: ArrayLike) -> NDArray[np.uint8]:
    """Colours of qualities of 0..100: shape (...) -> uint8 (..., 3); NaN becomes gray."""
    scores = np.asarray(values, dtype=np.float64)
    known = np.isfinite(scores)
    at = [stop for stop, _ in QUALITY_STOPS]
    channels = [np.interp(np.where(known, scores, 0.0), at, [rgb[c] for _, rgb in QUALITY_STOPS]) for c in range(3)]
    colors = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    colors[~known] = NOT_SCORED
    return colors


def quality_rgb(value: float | None) -> RGB:
    """The colour of one quality of 0..100; gray where there is none."""
    red, green, blue = quality_colors(np.nan if value is None else value).tolist()
    return (red, green, blue)
