"""Before and after: the base and the new model on the same held-out labels, with intervals over images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.fine_tuning import BeforeAfter, ChangedRegion, Method
from seagull_iqa.formats.label_set import LabelSet
from seagull_iqa.training.metrics import Indices, estimate, photograph_draws, plcc, srocc
from seagull_iqa.training.tuning.choosing import Choice
from seagull_iqa.training.tuning.evidence import Evidence, Values
from seagull_iqa.training.tuning.findings import found_by, found_held_out, shifted

DRAWS, MOST_CHANGED = 1000, 12
LEAST_FOR_ORDER = 5
NAMES = {
    Method.SCALE: "Offset and slope of the scores",
    Method.HEADS: "A correction of the scores",
    Method.ADAPTERS: "Adapters",
}

Figure = Callable[[Values, Values], float]


def figures_of(made: Evidence, base: Values, new: Values, seed: int = 0) -> tuple[BeforeAfter, ...]:
    """SROCC, PLCC and mean absolute error on the labels of quality, each with 95 % intervals over images."""
    regions = made.labelled
    label, group = made.mean_score[regions], made.image[regions]
    if len(regions) < 2:
        return ()
    draws = photograph_draws(group, DRAWS if len(np.unique(group)) > 1 else 0, seed)
    kinds: list[tuple[str, Figure, bool]] = [
        ("SROCC", srocc, True), ("PLCC", plcc, True), ("mean absolute error", _error, False),
    ]  # fmt: skip
    made_of = []
    for name, figure, larger in kinds:
        if larger and len(regions) < LEAST_FOR_ORDER:
            continue
        before, after = (_measured(figure, values[regions], label, draws) for values in (base, new))
        made_of.append(BeforeAfter(name, before[0], after[0], before[1], after[1], larger))
    return tuple(made_of)


def _error(predicted: Values, label: Values) -> float:
    return float(np.abs(predicted - label).mean())


def _measured(
    figure: Figure, predicted: Values, label: Values, draws: Sequence[Indices]
) -> tuple[float | None, tuple[float, float] | None]:
    def of(cases: Indices) -> float:
        return figure(predicted[cases], label[cases])

    found = estimate(of, len(label), draws)
    value = found.value if np.isfinite(found.value) else None
    interval = (found.low, found.high) if len(draws) and np.isfinite([found.low, found.high]).all() else None
    return value, interval


def type_figure(made: Evidence, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> BeforeAfter | None:
    """F1 of the distortions over regions in which a person named some, or none; None without any."""
    said = ~np.isnan(made.found[:, 0])
    if not said.any():
        return None
    true = made.found[said] >= 0.5
    scores = [_mean_f1(values[said], true) for values in (before, after)]
    return BeforeAfter("type F1", scores[0], scores[1])


def shifts_that_help(made: Evidence, thresholds: Sequence[float]) -> Values | None:
    """Shifts of the distortions' thresholds; None where they would find fewer of them on images held out."""
    shifts = shifted(made, thresholds)
    if shifts is None:
        return None
    figure = type_figure(made, found_by(made, thresholds, None), found_held_out(made, thresholds))
    worse = figure is not None and (figure.after or 0.0) < (figure.before or 0.0)
    return None if worse else shifts


def _mean_f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Mean over regions; clean is a class of its own."""
    one, other = (np.concatenate([values, ~values.any(1, keepdims=True)], 1) for values in (said, true))
    both = (one & other).sum(1)
    return float((2 * both / (one.sum(1) + other.sum(1))).mean())


def changed_most(made: Evidence, labels: LabelSet, base: Values, new: Values) -> tuple[ChangedRegion, ...]:
    """Labelled regions whose score changed most."""
    regions = made.labelled
    order = regions[np.argsort(-np.abs(new[regions] - base[regions]), kind="stable")][:MOST_CHANGED]
    scores = made.mean_score
    return tuple(
        ChangedRegion(
            labels.images[int(made.image[one])].sha256, made.ids[int(one)],
            float(scores[one]), float(base[one]), float(new[one]),
        )
        for one in order
    )  # fmt: skip


def verdict(made: Evidence, choice: Choice, base: Values, new: Values, seed: int = 0) -> tuple[bool | None, str]:
    """Whether the held-out labels say that it is better, and a sentence or two for who decides."""
    images = np.unique(made.image[made.region])
    if choice.method is None:
        return False, "No change fits your labels better than the model as it is; it was left unchanged."
    what = NAMES[choice.method]
    if len(images) < 2 or len(made.labelled) < LEAST_FOR_ORDER:
        return None, (
            f"{what} was learned. Whether it helps on other images cannot be shown: label regions of a second image."
        )
    regions = made.labelled
    label = made.mean_score[regions]
    errors = np.abs(base[regions] - label), np.abs(new[regions] - label)
    draws = photograph_draws(made.image[regions], DRAWS, seed)
    gains = np.array([float((errors[0] - errors[1])[draw].mean()) for draw in draws])
    before, after = (float(values.mean()) for values in errors)
    said = f"{what}: on images it had not learned from it is off by {after:.1f} points, the old model by {before:.1f}."
    if np.quantile(gains, 0.05) > 0:
        return True, said
    if after >= before:
        return False, f"{said} It is no better than the old one."
    return None, f"{said} With so few labels that may be chance."
