"""What one person's labels changed: a linear map of the scores, and a smooth correction around what was labelled.

The correction is a Gaussian process over the features of the heads, in the weight space of a few centres: near regions
like those that were labelled it pulls scores towards the labels, and it fades to nothing elsewhere, so that what was
known stays known. Offset and slope act everywhere. Rasmussen and Williams, *Gaussian Processes for Machine Learning*
(2006), chapters 2.7 and 8.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.models.mini.features import RegionFeatures

Values = NDArray[np.float64]

LEVEL_Z = 1.2816
"""Half an 80 % interval of a normal distribution, in standard deviations."""

LINEAR = 2
"""The basis begins with a constant and the centred score."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Where a correction is near to what was labelled.

    Attributes
    ----------
    mean, scale : float64, shape (D,)
        Features are standardised by these.
    axes : float64, shape (D, d)
        Principal axes that are kept.
    centres : float64, shape (M, d)
    root : float64, shape (M, M)
        Inverse of the lower Cholesky factor of the kernel between the centres.
    length : float
        Length scale.
    reach, fade : float
        How far, beside the axes, a region may lie that is still of the kind that was labelled, and within what distance
        from there on the correction fades away.
    """

    mean: Values
    scale: Values
    axes: Values
    centres: Values
    root: Values
    length: float
    reach: float = np.inf
    fade: float = 1.0

    def near(self, features: Values) -> Values:
        """float64 (R,): 1 for regions of the kind that was labelled, 0 for others, which the axes alone cannot tell."""
        standard = (features - self.mean) / self.scale * self.used
        apart = np.linalg.norm(standard - (standard @ self.axes) @ self.axes.T, axis=1)
        made: Values = np.exp(-0.5 * (np.maximum(apart - self.reach, 0) / self.fade) ** 2)
        return made

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which features are looked at: those that any axis has a share in."""
        return np.asarray((self.axes != 0).any(1))

    def of(self, features: Values) -> Values:
        """float64 (R, M): the basis of regions, given features (R, D); its rows are at most 1 long."""
        at = ((features - self.mean) / self.scale) @ self.axes
        return rbf(at, self.centres, self.length) @ self.root.T


def rbf(one: Values, other: Values, length: float) -> Values:
    """Squared exponential kernel: (R, d), (M, d) -> (R, M), 0..1."""
    distance = (one * one).sum(1)[:, None] + (other * other).sum(1)[None] - 2 * one @ other.T
    made: Values = np.exp(-np.maximum(distance, 0) / (2 * length * length))
    return made


@dataclass(frozen=True, eq=False)
class Correction:
    """How the scores of a base model are changed.

    Attributes
    ----------
    weights : float64, shape (2 + M,)
        Of the basis: constant, score about 50 in units of 50 points, then the kernel's; in points of quality.
    covariance : float64, shape (2 + M, 2 + M)
        Posterior covariance of the weights, in square points.
    noise : float
        Standard deviation of a label about the corrected score, in points.
    kernel : Kernel or None
        None where offset and slope are all.
    importance : (float, float)
        Offset in points, and slope, of the importance.
    shifts : float64, shape (7,)
        Added to the logits of each distortion, of every severity.
    """

    weights: Values
    covariance: Values
    noise: float
    kernel: Kernel | None = None
    importance: tuple[float, float] = (0.0, 1.0)
    shifts: Values | None = None

    @property
    def line(self) -> tuple[float, float]:
        """Offset and slope that act on every score: corrected = offset + slope * score."""
        slope = 1.0 + self.weights[1] / 50.0
        return float(self.weights[0] - self.weights[1]), float(slope)

    def basis(self, features: Values, quality: Values) -> Values:
        """float64 (R, 2 + M), given features (R, D) and the base's quality (R,), 0..100."""
        linear = np.stack([np.ones_like(quality), quality / 50.0 - 1.0], 1)
        return linear if self.kernel is None else np.concatenate([linear, self.kernel.of(features)], 1)

    def corrected(self, features: Values, quality: Values, width: Values) -> tuple[Values, Values]:
        """Quality 0..100 and half the width of its 80 % interval, in points, of R regions.

        Near what was labelled the width is that of the labels about the correction; far from it the base's own.
        """
        basis, kind = self.basis(features, quality), self._kind(features)
        made = np.clip(quality + kind * (basis @ self.weights), 0.0, 100.0)
        variance = np.einsum("rk,kl,rl->r", basis, self.covariance, basis) + self.noise**2
        near = np.zeros(len(quality)) if self.kernel is None else kind * (basis[:, LINEAR:] ** 2).sum(1).clip(0, 1)
        far = width * abs(self.line[1])
        return made, near * LEVEL_Z * np.sqrt(np.maximum(variance, 0)) + (1 - near) * far

    def _kind(self, features: Values) -> Values:
        """(R,): how far the correction holds; offset and slope alone hold for everything."""
        return np.ones(len(features)) if self.kernel is None else self.kernel.near(features)

    def moved(self, features: Values, quality: Values) -> Values:
        """(R,): the corrected quality alone, 0..100."""
        made: Values = np.clip(
            quality + self._kind(features) * (self.basis(features, quality) @ self.weights), 0.0, 100.0
        )
        return made

    def mapped(self, quality: NDArray[np.float32]) -> NDArray[np.float32]:
        """A quality map under offset and slope: maps have no region that could be near to a labelled one."""
        offset, slope = self.line
        made: NDArray[np.float32] = np.clip(offset + slope * quality, 0, 100).astype(np.float32)
        return made

    def applied(self, seen: RegionFeatures) -> RegionFeatures:
        """The answers of a model, corrected; what it sees of the regions stays."""
        quality, width = self.corrected(seen.features, seen.quality, seen.width)
        offset, slope = self.importance
        importance = np.clip(offset + slope * seen.importance, 0, 100)
        severity = seen.severity if self.shifts is None else seen.severity + self.shifts[:, None]
        return replace(seen, quality=quality, width=width, importance=importance, severity=severity)
