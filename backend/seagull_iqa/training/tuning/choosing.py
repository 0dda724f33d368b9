"""Which method, and what it is worth: cross-validation grouped by image, the choice inside of every fold.

A fold's images are never learned from when it is predicted, neither by the fit nor by the choice of settings, so that
what is told of the new model holds for images it has not seen. Of methods that are about as good the simpler one wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.fine_tuning import Method
from seagull_iqa.training.tuning.evidence import Evidence, Values
from seagull_iqa.training.tuning.fitting import GRID, LINE, Basis, Settings, fitted, predicted

FOLDS, INNER = 5, 4
LEAST_FOR_KERNEL = 16
"""Labels and comparisons from which on a correction beyond offset and slope is tried."""

PAIR_WEIGHT = 10.0
"""Points that a comparison in the wrong order counts for beside the errors of labels."""

Step = Callable[[str, float | None], None]
"""Told what is done, and the held-out error so far; ends the work by raising."""


@dataclass(frozen=True, eq=False)
class Choice:
    """What cross-validation says.

    Attributes
    ----------
    method : Method or None
        None: the base is as good as anything.
    settings : Settings
        Of the chosen method, on all labels.
    held_out : dict of Method to float64 (R,)
        What each method predicts of each region whose image it has not learned from.
    errors : dict of str to float
        Held-out mean absolute error of each method, "base" among them.
    """

    method: Method | None
    settings: Settings
    held_out: dict[Method, Values]
    errors: dict[str, float]


def folds_of(made: Evidence, count: int, seed: int) -> list[NDArray[np.intp]]:
    """Images with labels or comparisons, dealt out at random: never two folds for one image."""
    images = np.unique(made.image[np.concatenate([made.region, made.better, made.worse])])
    shuffled = np.random.default_rng(seed).permutation(images)
    return [part for part in np.array_split(shuffled, min(count, len(images))) if len(part)]


class Bases:
    """The basis of each setting, made once."""

    def __init__(self, made: Evidence, inputs: int) -> None:
        self._made, self._inputs = made, inputs
        self._known: dict[Settings, Basis] = {}

    def of(self, settings: Settings) -> Basis:
        """The basis under these settings; amplitude and noise do not matter to it."""
        key = Settings(settings.columns, settings.axes, settings.length)
        if key not in self._known:
            self._known[key] = Basis.of(self._made, settings, self._inputs)
        return self._known[key]


def loss(made: Evidence, values: Values, labels: NDArray[np.bool_], pairs: NDArray[np.bool_]) -> float:
    """Mean error in points over these labels; a comparison counts when its order is wrong."""
    wrong = np.abs(values[made.region[labels]] - made.score[labels])
    gap = values[made.better[pairs]] - values[made.worse[pairs]]
    missed = PAIR_WEIGHT * np.where(made.equal[pairs], np.minimum(np.abs(gap) / 20, 1), gap <= 0)
    both = np.concatenate([wrong, missed])
    return float(both.mean()) if len(both) else 0.0


def best_settings(made: Evidence, bases: Bases, images: NDArray[np.intp], seed: int) -> Settings:
    """The settings of a kernel that predict best inside these images."""
    shuffled = np.random.default_rng(seed + 1).permutation(images)
    parts = [part for part in np.array_split(shuffled, min(INNER, len(images))) if len(part)]
    if len(parts) < 2:
        return GRID[len(GRID) // 2]
    losses = dict.fromkeys(GRID, 0.0)
    for part in parts:
        rest = np.setdiff1d(images, part)
        labels, pairs = made.on(rest.tolist())
        out_labels, out_pairs = made.on(part.tolist())
        for settings in GRID:
            basis = bases.of(settings)
            values = predicted(made, fitted(made, settings, basis, labels, pairs), basis)
            losses[settings] += loss(made, values, out_labels, out_pairs) * (out_labels.sum() + out_pairs.sum())
    return min(losses, key=lambda one: losses[one])


def chosen(made: Evidence, inputs: int, *, wanted: Method, seed: int, step: Step) -> Choice:
    """Try the methods, and choose."""
    bases, count = Bases(made, inputs), len(made.score) + len(made.better)
    images = np.unique(made.image[np.concatenate([made.region, made.better, made.worse])])
    methods = [Method.SCALE]
    if wanted is Method.HEADS or (wanted is Method.AUTO and count >= LEAST_FOR_KERNEL and len(images) > 1):
        methods.append(Method.HEADS)
    held_out, errors, spread = _held_out(made, bases, methods, seed=seed, step=step)
    method: Method | None = wanted if wanted in held_out else None
    if wanted is Method.AUTO and len(images) > 1:
        method = _simplest(errors, spread, methods)
    elif wanted is Method.AUTO:
        method = Method.SCALE
    settings = LINE
    if method is Method.HEADS:
        step("Choosing how far labels reach", None)
        settings = best_settings(made, bases, images, seed)
    return Choice(method, settings, held_out, errors)


def _held_out(
    made: Evidence, bases: Bases, methods: list[Method], *, seed: int, step: Step
) -> tuple[dict[Method, Values], dict[str, float], dict[str, Values]]:
    """Held-out predictions and errors of each method, and the error of each image for the rule of one error."""
    folds = folds_of(made, FOLDS, seed)
    everything = np.concatenate(folds) if folds else np.zeros(0, dtype=np.intp)
    values = {method: made.features.quality.copy() for method in methods}
    for number, fold in enumerate(folds if len(folds) > 1 else [], 1):
        rest = np.setdiff1d(everything, fold)
        labels, pairs = made.on(rest.tolist())
        inside = np.isin(made.image, fold)
        for method in methods:
            words = "the score's scale" if method is Method.SCALE else "a correction of the heads"
            step(f"Trying {words} (fold {number} of {len(folds)})", None)
            settings = LINE if method is Method.SCALE else best_settings(made, bases, rest, seed)
            basis = bases.of(settings)
            values[method][inside] = predicted(made, fitted(made, settings, basis, labels, pairs), basis)[inside]
    every = (np.ones(len(made.score), dtype=bool), np.ones(len(made.better), dtype=bool))
    named = {"base": made.features.quality, **{str(method): found for method, found in values.items()}}
    errors = {name: loss(made, found, *every) for name, found in named.items()}
    parts = [made.on([int(one)]) for one in everything]
    spread = {name: np.array([loss(made, found, *part) for part in parts]) for name, found in named.items()}
    return values, errors, spread


def _simplest(errors: dict[str, float], spread: dict[str, Values], methods: list[Method]) -> Method | None:
    """The simplest that is not clearly worse than the best: within one standard error of the difference."""
    names = ["base", *(str(method) for method in methods)]
    best = min(names, key=lambda name: errors[name])
    for name in names:
        gap = spread[name] - spread[best]
        error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else 0.0
        if errors[name] <= errors[best] + error:
            return None if name == "base" else Method(name)
    return Method(best)
