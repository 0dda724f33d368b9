"""How well predictions agree with labels: correlations, sets of findings, ladders, and how sure of it one may be.

Everything is numpy and scipy, on one-dimensional float arrays of one value a case. A correlation of something that
does not vary is not defined and comes back as NaN, never as a number.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.stats import rankdata

Values = NDArray[np.float64]
"""float64, shape (N,): one value a case."""

Indices = NDArray[np.intp]
"""Which cases, as positions."""

NOT_DEFINED = float("nan")


def plcc(predicted: Values, label: Values) -> float:
    """Pearson's linear correlation, -1..1; NaN where either side does not vary or there are fewer than two cases."""
    if predicted.size < 2:
        return NOT_DEFINED
    x, y = predicted - predicted.mean(), label - label.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    flat = np.ptp(predicted) == 0 or np.ptp(label) == 0
    return NOT_DEFINED if flat or scale == 0 else float(np.clip((x * y).sum() / scale, -1.0, 1.0))


def srocc(predicted: Values, label: Values) -> float:
    """Spearman's rank correlation with averaged ties, -1..1; NaN as in `plcc`."""
    return plcc(rankdata(predicted), rankdata(label))


def partial_srocc(predicted: Values, label: Values, given: Values) -> float:
    """Spearman's correlation of `predicted` and `label` with the rank of `given` held fixed.

    Partial correlation of the ranks, so that a monotone change of `given` (its logarithm) changes nothing.
    NaN where one side varies with `given` alone.
    """
    a, b, c = rankdata(predicted), rankdata(label), rankdata(given)
    ab, ac, bc = plcc(a, b), plcc(a, c), plcc(b, c)
    left = (1 - ac * ac) * (1 - bc * bc)
    if not left > 1e-12:
        return ab if np.ptp(given) == 0 else NOT_DEFINED
    return float((ab - ac * bc) / np.sqrt(left))


def within_srocc(predicted: Values, label: Values, group: NDArray[np.generic]) -> float:
    """Mean over the groups (photographs) of the Spearman correlation inside each; groups without one do not count."""
    found = [srocc(predicted[group == name], label[group == name]) for name in np.unique(group)]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else NOT_DEFINED


def _logistic(x: Values, top: float, bottom: float, middle: float, width: float) -> Values:
    steepness = np.clip((x - middle) / (abs(width) + 1e-9), -500.0, 500.0)
    fitted: Values = bottom + (top - bottom) / (1.0 + np.exp(-steepness))
    return fitted


def logistic_fit(predicted: Values, label: Values) -> Values:
    """`predicted` passed through the 4-parameter logistic that fits `label` best (VQEG).

    The straight line that fits best, which is the limit of wide logistics, where none is found; unchanged where nothing
    varies or there are fewer than five cases.
    """
    if predicted.size < 5 or np.ptp(predicted) == 0:
        return predicted
    direction = -1.0 if srocc(predicted, label) < 0 else 1.0
    x = direction * predicted
    start = (label.max(), label.min(), float(np.mean(x)), float(np.std(x)) / 2 + 1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        try:
            fit = curve_fit(_logistic, x, label, p0=start, maxfev=5000)[0]
        except RuntimeError:  # wider and wider without end, as the label is all but linear in what was predicted
            apart, away = predicted - predicted.mean(), label - label.mean()
            line: Values = label.mean() + (apart @ away) / (apart @ apart) * apart
            return line
    return _logistic(x, *fit)


def plcc_after_logistic(predicted: Values, label: Values) -> float:
    """Pearson's correlation after the 4-parameter logistic."""
    return plcc(logistic_fit(predicted, label), label)


@dataclass(frozen=True)
class SetScores:
    """Precision, recall and F1, 0..1 each."""

    precision: float
    recall: float
    f1: float


def set_scores(predicted: AbstractSet[Hashable], true: AbstractSet[Hashable]) -> SetScores:
    """Precision, recall and F1 of one case's set; an empty prediction has precision 0."""
    hits = len(predicted & true)
    if not hits:
        return SetScores(0.0, 0.0, 0.0)
    return SetScores(hits / len(predicted), hits / len(true), 2 * hits / (len(predicted) + len(true)))


def sample_average(
    predicted: Sequence[AbstractSet[Hashable]], true: Sequence[AbstractSet[Hashable]]
) -> NDArray[np.float64]:
    """Precision, recall and F1 of every case: float64, shape (N, 3); their mean over cases is the sample average."""
    rows = [set_scores(p, t) for p, t in zip(predicted, true, strict=True)]
    return np.array([(row.precision, row.recall, row.f1) for row in rows], dtype=np.float64).reshape(-1, 3)


def having(sets: Sequence[AbstractSet[Hashable]], name: Hashable) -> NDArray[np.bool_]:
    """Which cases' sets have a class: bool, shape (N,)."""
    return np.array([name in one for one in sets], dtype=np.bool_)


def class_f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """F1 of one class over all cases, from where it was named and where it is; NaN where it is neither."""
    either = int(said.sum()) + int(true.sum())
    return 2 * int((said & true).sum()) / either if either else NOT_DEFINED


def covered(label: Values, low: Values, high: Values) -> Values:
    """1 where a label is inside its predicted interval, ends included, else 0; the mean is the coverage."""
    return ((label >= low) & (label <= high)).astype(np.float64)


def mean_of(values: Values) -> Callable[[Indices], float]:
    """The figure "mean of these values", for `estimate`."""
    return lambda at: float(values[at].mean()) if at.size else NOT_DEFINED


def ladder(strength: Sequence[float], predicted: Sequence[float]) -> float:
    """Spearman(strength, predicted quality) of one photograph; -1 is right, 0 where the prediction never moves."""
    value = srocc(np.asarray(strength, dtype=np.float64), np.asarray(predicted, dtype=np.float64))
    return 0.0 if np.isnan(value) else value


@dataclass(frozen=True)
class Estimate:
    """A figure and where it lies with 95 %.

    Attributes
    ----------
    value : float
        On all cases; NaN where not defined.
    low, high : float
        Bootstrap interval over photographs; NaN where there is none.
    cases : int
        How many cases it is from.
    """

    value: float
    low: float = NOT_DEFINED
    high: float = NOT_DEFINED
    cases: int = 0


def photograph_draws(group: NDArray[np.generic], draws: int, seed: int = 0) -> list[Indices]:
    """Bootstrap samples over photographs: each is the cases of as many photographs as there are, drawn with return."""
    members = [np.flatnonzero(group == name) for name in np.unique(group)]
    if not members:
        return []
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, len(members), size=(draws, len(members)))
    return [np.concatenate([members[i] for i in pick]) for pick in picks]


def estimate(figure: Callable[[Indices], float], cases: int, draws: Sequence[Indices]) -> Estimate:
    """A figure of all cases with its 95 % interval over `draws` (from `photograph_draws`).

    Parameters
    ----------
    figure : callable
        Positions of cases -> the figure on them.
    cases : int
        How many cases there are.
    """
    value = figure(np.arange(cases))
    if np.isnan(value):
        return Estimate(value, cases=cases)
    found = [drawn for draw in draws if not np.isnan(drawn := figure(draw))]
    if not found:
        return Estimate(value, cases=cases)
    low, high = np.quantile(found, (0.025, 0.975))
    return Estimate(value, float(low), float(high), cases)
