"""Whether the model knows when it errs: the error of what is kept, as ever more of the unsure is left out.

The risk-coverage curve of El-Yaniv and Wiener (On the foundations of noise-free selective classification, JMLR 11,
2010), the area under it as in Geifman and El-Yaniv (Selective classification for deep neural networks, NeurIPS 2017);
here the risk is the mean absolute error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seagull_iqa.training.metrics import NOT_DEFINED, Values


@dataclass(frozen=True)
class Risk:
    """Areas under three risk-coverage curves, in points of the label."""

    own: float
    """Kept by ascending width of the interval."""
    random: float
    """Kept in any order: the mean error."""
    oracle: float
    """Kept by ascending error, which nobody knows."""

    @property
    def gain(self) -> float:
        """By what share `own` is smaller than `random`; NaN where nothing is ever wrong."""
        return 1 - self.own / self.random if self.random > 0 else NOT_DEFINED

    @property
    def reached(self) -> float:
        """Share of the oracle's gain: 0 is random, 1 the oracle; NaN where all errors are equal."""
        possible = self.random - self.oracle
        return (self.random - self.own) / possible if possible > 1e-12 else NOT_DEFINED


def risk_curve(error: Values, width: Values) -> Values:
    """Mean error of the k surest, k = 1 .. N.

    Parameters
    ----------
    error : float64, shape (N,)
        Absolute errors.
    width : float64, shape (N,)
        Of the intervals; cases of equal width come in any order, of which this is the mean.

    Returns
    -------
    float64, shape (N,)
    """
    _levels, place, counts = np.unique(width, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=error) / counts
    curve: Values = np.cumsum(np.repeat(means, counts)) / np.arange(1, error.size + 1)
    return curve


def risk(error: Values, width: Values) -> Risk:
    """The areas; NaN of no cases."""
    if not error.size:
        return Risk(NOT_DEFINED, NOT_DEFINED, NOT_DEFINED)
    own, oracle = risk_curve(error, width), risk_curve(error, error)
    return Risk(float(own.mean()), float(error.mean()), float(oracle.mean()))
