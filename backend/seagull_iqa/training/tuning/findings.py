"""What a person calls a distortion: the logit of each type is shifted as far as the person's words bear it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.training.tuning.evidence import Evidence, Values

LEAST = 6
"""Regions with words about distortions from which on shifts are learned."""

PRIOR = 1.0
"""Standard deviation of a shift, in logits."""

STEPS = 12


def shifted(made: Evidence, thresholds: Sequence[float]) -> Values | None:
    """float64 (7,): the shift of each type's logit, by logistic regression with a Gaussian prior; None without words.

    The model's threshold is where it says "yes" as often as "no", so that logits are taken relative to it.
    """
    said = ~np.isnan(made.found[:, 0])
    if said.sum() < LEAST:
        return None
    at = made.features.severity[said, :, 0] - _logit(np.asarray(thresholds))
    true = made.found[said]
    shift = np.zeros(at.shape[1])
    for _step in range(STEPS):
        probability = 1 / (1 + np.exp(-(at + shift)))
        slope = (true - probability).sum(0) - shift / PRIOR**2
        bend = (probability * (1 - probability)).sum(0) + 1 / PRIOR**2
        shift = shift + slope / bend
    return shift


def found_by(made: Evidence, thresholds: Sequence[float], shifts: Values | None) -> NDArray[np.bool_]:
    """(R, 7): which distortions the model finds, with or without shifts."""
    moved = made.features.severity[:, :, 0] + (0.0 if shifts is None else shifts)
    return np.asarray(moved >= _logit(np.asarray(thresholds)))


def found_held_out(made: Evidence, thresholds: Sequence[float]) -> NDArray[np.bool_]:
    """(R, 7): which distortions the model finds, each region under shifts learned from the other images alone."""
    found = found_by(made, thresholds, None)
    for image in np.unique(made.image[~np.isnan(made.found[:, 0])]):
        inside = made.image == image
        others = replace(made, found=np.where(inside[:, None], np.nan, made.found))
        found[inside] = found_by(made, thresholds, shifted(others, thresholds))[inside]
    return found


def _logit(probability: Values) -> Values:
    made: Values = np.log(probability / (1 - probability))
    return made
