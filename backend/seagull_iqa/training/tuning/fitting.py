"""Fit a correction to labels: Bayesian linear regression on a constant, the score, and a kernel's basis.

Scores are observations of one region, comparisons of the difference of two (Thurstone's model, by Newton's steps as in
Laplace's approximation). Everything is linear and Gaussian, so that a fit takes milliseconds and says how sure it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.special import log_ndtr

from seagull_iqa.models.mini.correction import LINEAR, Correction, Kernel, rbf
from seagull_iqa.training.tuning.evidence import Evidence, Values, Whole

OFFSET, SLOPE = 25.0, 20.0
"""Prior standard deviations: of the offset, and of the stretch of half the scale, in points."""

MOST_CENTRES = 256
PAIR_SPREAD = 12.0
"""Standard deviation of a judgment of which of two is better, in points."""

EQUAL = 8.0
"""Two that look alike are within so many points of each other, as a standard deviation."""

NEWTON, JITTER = 8, 1e-6
FADE = 0.5
"""A region that lies half as far again from the axes as any labelled one is of another kind."""


@dataclass(frozen=True)
class Settings:
    """What cross-validation chooses.

    Attributes
    ----------
    columns : str
        "inputs", "hidden" or "both" of the features; "" for offset and slope alone.
    axes : int
        Principal axes that are kept.
    length : float
        Length scale, in medians of the distance between two regions.
    amplitude : float
        Prior standard deviation of the correction, in points.
    noise : float
        Standard deviation of a label, in points.
    """

    columns: str = ""
    axes: int = 16
    length: float = 1.0
    amplitude: float = 15.0
    noise: float = 10.0


LINE = Settings(noise=6.0)
GRID = tuple(
    Settings(columns, axes, length, amplitude, noise)
    for columns in ("inputs", "hidden")
    for axes in (8, 32)
    for length in (0.5, 1.0, 2.0)
    for amplitude in (12.0, 25.0)
    for noise in (6.0, 12.0)
)


def kernel_of(made: Evidence, settings: Settings, inputs: int) -> Kernel | None:
    """The kernel on the regions of the set, labelled or not: where they lie is no label."""
    if not settings.columns:
        return None
    features = made.features.features
    use = np.zeros(features.shape[1])
    use[:inputs] = settings.columns in ("inputs", "both")
    use[inputs:] = settings.columns in ("hidden", "both")
    mean = features.mean(0)
    spread = features.std(0)
    scale = np.where((use > 0) & (spread > 1e-6), spread, 1.0)
    standard = (features - mean) / scale * ((use > 0) & (spread > 1e-6))
    _left, _size, right = np.linalg.svd(standard, full_matrices=False)
    kept = right[: settings.axes].T
    axes = kept * ((use > 0) & (spread > 1e-6))[:, None]
    at = standard @ axes
    typical = float(np.median(pdist(at[_spread_out(len(at), 500)]))) if len(at) > 1 else 1.0
    length = max(settings.length * typical, 1e-3)
    centres = at[_centres(made, at)]
    gram = rbf(centres, centres, length) + JITTER * len(centres) * np.eye(len(centres))
    root = np.linalg.inv(np.linalg.cholesky(gram))
    known = np.unique(np.concatenate([made.region, made.better, made.worse]))
    apart = np.linalg.norm(standard - at @ axes.T, axis=1)
    reach = float(apart[known].max())
    return Kernel(mean, scale, axes, centres, root, length, reach, max(FADE * reach, 1e-3))


def _spread_out(count: int, most: int) -> Whole:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.intp))


def _centres(made: Evidence, at: Values) -> Whole:
    """Labelled and compared regions; where they are many, those farthest from each other."""
    wanted = np.unique(np.concatenate([made.region, made.better, made.worse]))
    if len(wanted) <= MOST_CENTRES:
        return wanted
    chosen = [wanted[0]]
    distance = ((at[wanted] - at[wanted[0]]) ** 2).sum(1)
    while len(chosen) < MOST_CENTRES:
        chosen.append(wanted[int(distance.argmax())])
        distance = np.minimum(distance, ((at[wanted] - at[chosen[-1]]) ** 2).sum(1))
    return np.array(chosen)


@dataclass(frozen=True, eq=False)
class Basis:
    """The basis of every region of a set under a kernel, made once."""

    rows: Values
    kernel: Kernel | None
    kind: Values
    """(R,): how far a correction holds for each region."""

    @classmethod
    def of(cls, made: Evidence, settings: Settings, inputs: int) -> Basis:
        """For all regions."""
        kernel = kernel_of(made, settings, inputs)
        empty = Correction(np.zeros(LINEAR), np.zeros((LINEAR, LINEAR)), 0.0, kernel)
        features = made.features.features
        kind = np.ones(len(features)) if kernel is None else kernel.near(features)
        return cls(empty.basis(features, made.features.quality), kernel, kind)


def fitted(
    made: Evidence,
    settings: Settings,
    basis: Basis,
    labels: NDArray[np.bool_] | None = None,
    pairs: NDArray[np.bool_] | None = None,
) -> Correction:
    """The correction that these labels and comparisons make; all of them by default."""
    use = np.ones(len(made.score), dtype=bool) if labels is None else labels
    compared = np.ones(len(made.better), dtype=bool) if pairs is None else pairs
    rows, base = basis.rows, made.features.quality
    prior = np.full(rows.shape[1], settings.amplitude**2)
    prior[:LINEAR] = OFFSET**2, SLOPE**2
    scored = made.region[use]
    precision = np.diag(1 / prior) + rows[scored].T @ rows[scored] / settings.noise**2
    target = rows[scored].T @ (made.score[use] - base[scored]) / settings.noise**2
    better, worse, equal = made.better[compared], made.worse[compared], made.equal[compared]
    apart, known = rows[better] - rows[worse], base[better] - base[worse]
    weights = np.linalg.solve(precision, target)
    total = precision
    for _step in range(NEWTON if len(better) else 0):
        gap = known + apart @ weights
        slope, bend = _thurstone(gap, equal)
        total = precision + (apart.T * bend) @ apart
        weights = np.linalg.solve(total, target + apart.T @ (slope + bend * (apart @ weights)))
    return Correction(weights, np.linalg.inv(total), settings.noise, basis.kernel)


def _thurstone(gap: Values, equal: NDArray[np.bool_]) -> tuple[Values, Values]:
    """First and negative second derivative of the log likelihood of each comparison, by the gap in points."""
    at = gap / PAIR_SPREAD
    hazard = np.exp(-0.5 * at * at - 0.5 * np.log(2 * np.pi) - log_ndtr(at))
    slope = np.where(equal, -gap / EQUAL**2, hazard / PAIR_SPREAD)
    bend = np.where(equal, 1 / EQUAL**2, hazard * (hazard + at) / PAIR_SPREAD**2)
    return slope, np.maximum(bend, 1e-9)


def predicted(made: Evidence, correction: Correction, basis: Basis) -> Values:
    """(R,): the corrected quality of every region, 0..100."""
    made_of: Values = np.clip(made.features.quality + basis.kind * (basis.rows @ correction.weights), 0, 100)
    return made_of
