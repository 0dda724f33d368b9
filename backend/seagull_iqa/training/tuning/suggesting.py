"""Which regions would teach most: where the model is unsure, unlike what is labelled, spread over the images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seagull_iqa.domain.fine_tuning import Suggestion
from seagull_iqa.formats.label_set import LabelSet
from seagull_iqa.training.tuning.evidence import Evidence
from seagull_iqa.training.tuning.fitting import Basis, Settings, fitted

SETTINGS = Settings("inputs", 32, 1.0, 20.0, 8.0)
SAME_IMAGE = 0.6
"""Each further suggestion of one image counts for so much of it."""


def order_of(made: Evidence, inputs: int, candidates: Sequence[int], count: int) -> list[tuple[int, float]]:
    """The best candidates one after the other, each with its gain 0..1, as if those before it had been labelled."""
    lines = np.array(candidates, dtype=np.intp)
    pairs = {"better": lines, "worse": lines, "equal": np.ones(len(lines), dtype=bool)}
    # Centres lie where there are labels or comparisons; a region beside itself is one that says nothing.
    everything = Evidence(
        **{**made.__dict__, **{name: np.concatenate([getattr(made, name), more]) for name, more in pairs.items()}}
    )
    basis = Basis.of(everything, SETTINGS, inputs)
    covariance = fitted(made, SETTINGS, basis).covariance
    rows = basis.rows[list(candidates)]
    unsure = made.features.width[list(candidates)]
    unsure = unsure / max(float(unsure.mean()), 1e-9)
    images = made.image[list(candidates)]
    seen: dict[int, int] = {}
    chosen: list[tuple[int, float]] = []
    left = np.ones(len(rows), dtype=bool)
    top = SETTINGS.amplitude**2 * 2
    for _one in range(min(count, len(rows))):
        variance = np.einsum("rk,kl,rl->r", rows, covariance, rows)
        spread = np.array([SAME_IMAGE ** seen.get(int(image), 0) for image in images])
        gain = np.where(left, variance * np.sqrt(unsure) * spread, -1.0)
        best = int(gain.argmax())
        chosen.append((int(candidates[best]), float(np.clip(gain[best] / top, 0, 1))))
        left[best] = False
        seen[int(images[best])] = seen.get(int(images[best]), 0) + 1
        pull = covariance @ rows[best]
        covariance = covariance - np.outer(pull, pull) / (variance[best] + SETTINGS.noise**2)
    return chosen


def suggested(made: Evidence, labels: LabelSet, inputs: int, count: int) -> list[Suggestion]:
    """Regions without a label, best first."""
    labelled = set(made.labelled.tolist())
    candidates = [line for line in range(len(made.ids)) if line not in labelled]
    if not candidates:
        return []
    typical = float(np.median(made.features.width))
    return [
        Suggestion(labels.images[int(made.image[line])].sha256, made.ids[line], gain, _why(made, line, typical))
        for line, gain in order_of(made, inputs, candidates, count)
    ]


def _why(made: Evidence, line: int, typical: float) -> str:
    known = bool(np.isin(made.image[line], made.image[made.labelled])) if len(made.labelled) else False
    unsure = made.features.width[line] > 1.15 * typical
    said = "The model is unsure of it" if unsure else "It is unlike what you have labelled"
    return f"{said}." if known else f"{said}, and no region of its image has a label."


