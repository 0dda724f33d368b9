"""What seagull-mini sees of regions, as plain numbers: what a person's labels are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RegionFeatures:
    """R regions.

    Attributes
    ----------
    features : float64, shape (R, D)
        Inputs of the heads, normalised, then what the heads have in common.
    quality : float64, shape (R,)
        0..100, as the model answers, what earlier labels taught it included.
    width : float64, shape (R,)
        Half of the 80 % interval, in points.
    importance : float64, shape (R,)
        0..100.
    severity : float64, shape (R, 7, 5)
        Logits of "at least level 1, 2, ... 5" of each distortion.
    """

    features: Values
    quality: Values
    width: Values
    importance: Values
    severity: Values

    @classmethod
    def joined(cls, parts: Sequence[RegionFeatures]) -> Self:
        """All regions of these, in order; `ValueError` without any."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))
