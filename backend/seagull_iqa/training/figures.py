"""Every figure of one row of a table, with its bootstrap interval over photographs.

What a data set does not label has no figure, and what a method cannot say of a region is left out of that method's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import CLEAN, SIGNAL_DISTORTIONS, TONE_DISTORTIONS, Distortion
from seagull_iqa.training.answers import UNKNOWN_SEVERITY, Answer, CaseResult, LadderResult
from seagull_iqa.training.baselines import Row
from seagull_iqa.training.metrics import (
    NOT_DEFINED,
    Estimate,
    Indices,
    Values,
    class_f1,
    covered,
    estimate,
    having,
    logistic_fit,
    mean_of,
    partial_srocc,
    photograph_draws,
    plcc,
    sample_average,
    srocc,
)
from seagull_iqa.training.risk import risk

CLASSES = (*(str(one) for one in Distortion), CLEAN)
"""The eight classes: seven types and clean."""

PAPER_CLASSES = ("blur", "colorfulness", "noise", "compression", "contrast", "exposure", CLEAN)
"""Columns of the paper's Table 2, in its order: without sharpness."""

SUBSETS = ("all", "signal", "tone", *(str(one) for one in Distortion))
"""Of the cases: all; those whose region is touched by signal types only; by tone types only; by one type only."""

Figures = dict[str, Estimate]
"""By dotted name, "quality.signal.srocc"."""

_SEED = 1

_AREAS = ("own", "random", "oracle")
"""Fields of `Risk`."""

_FEWEST = 5
"""Of fewer cases there is no correlation to speak of."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The labels of all cases as arrays, and the bootstrap samples that every row shares."""

    cases: Sequence[CaseResult]
    photo: NDArray[np.str_]
    share: Values
    subsets: dict[str, Indices]
    draws: dict[str, list[Indices]]

    @classmethod
    def of(cls, cases: Sequence[CaseResult], draws: int) -> Truth:
        """Gather the labels, and draw `draws` samples of photographs for every subset."""
        photo = np.array([case.photo for case in cases], dtype=np.str_)
        subsets = {name: np.flatnonzero([_belongs(case, name) for case in cases]) for name in SUBSETS}
        samples = {name: photograph_draws(photo[at], draws, _SEED) for name, at in subsets.items()}
        return cls(cases, photo, np.array([case.share for case in cases], dtype=np.float64), subsets, samples)

    def label(self, name: str) -> Values:
        """One label of all cases: "quality", "importance" or "importance_ref"."""
        return np.array([getattr(case.label, name) for case in self.cases], dtype=np.float64)


def _belongs(case: CaseResult, subset: str) -> bool:
    types = case.label.types
    if not types:  # not labelled
        return subset == "all"
    groups = {"signal": SIGNAL_DISTORTIONS, "tone": TONE_DISTORTIONS}
    if subset == "all":
        return True
    return types <= set(map(str, groups[subset])) if subset in groups else types == {subset}


def row_figures(row: Row, truth: Truth) -> Figures:
    """Every figure of one row; those that are not defined are NaN."""
    answers = row.answers
    quality = np.array([answer.quality for answer in answers], dtype=np.float64)
    importance = np.array([answer.importance for answer in answers], dtype=np.float64)
    found = _quality_figures(quality, truth)
    for name in ("importance", "importance_ref"):
        found |= _importance_figures(name, importance, truth)
    if row.speaks:
        found |= _finding_figures(answers, truth)
    return found | _coverage_figures(answers, truth)


def _quality_figures(predicted: Values, truth: Truth) -> Figures:
    label, found = truth.label("quality"), Figures()
    for name, at in truth.subsets.items():
        found |= _correlations(f"quality.{name}", predicted[at], label[at], truth.draws[name])
    return found


def _correlations(prefix: str, predicted: Values, label: Values, draws: Sequence[Indices]) -> Figures:
    known = np.isfinite(predicted) & np.isfinite(label)
    if known.sum() < _FEWEST:
        return {}
    fitted = predicted.copy()  # once: the bootstrap is over photographs, not over fits
    fitted[known] = logistic_fit(predicted[known], label[known])
    return {
        f"{prefix}.srocc": _where(known, lambda at: srocc(predicted[at], label[at]), draws),
        f"{prefix}.plcc": _where(known, lambda at: plcc(predicted[at], label[at]), draws),
        f"{prefix}.plcc_logistic": _where(known, lambda at: plcc(fitted[at], label[at]), draws),
    }


def _where(known: NDArray[np.bool_], figure: Callable[[Indices], float], draws: Sequence[Indices]) -> Estimate:
    """The figure on the cases that are known, in all and in every sample."""
    found = estimate(lambda at: figure(at[known[at]]), known.size, draws)
    return replace(found, cases=int(known.sum()))


def _importance_figures(name: str, predicted: Values, truth: Truth) -> Figures:
    label, draws, area = truth.label(name), truth.draws["all"], np.log(truth.share)
    known = np.isfinite(predicted) & np.isfinite(label)
    if not known.any():
        return {}
    found = _correlations(name, predicted, label, draws)
    found[f"{name}.partial"] = _where(known, lambda at: partial_srocc(predicted[at], label[at], area[at]), draws)
    photos = [(truth.photo == one) & known for one in np.unique(truth.photo)]
    inside = np.array([srocc(predicted[at], label[at]) for at in photos])
    inside = inside[~np.isnan(inside)]
    samples = photograph_draws(np.arange(inside.size), len(draws), _SEED)
    found[f"{name}.within"] = estimate(mean_of(inside), inside.size, samples)
    return found


def _finding_figures(answers: Sequence[Answer], truth: Truth) -> Figures:
    said = [frozenset(name for name, _severity in answer.findings) for answer in answers]
    types = [case.label.types for case in truth.cases]
    pairs = [answer.findings for answer in answers], [case.label.findings for case in truth.cases]
    typed = np.array([bool(one) for one in types])
    # A data set that names types without severities grades only its clean regions: that is no grading.
    graded = typed & (not any(level == UNKNOWN_SEVERITY for one in pairs[1] for _name, level in one))
    draws, found = truth.draws["all"], Figures()
    for prefix, scores, known in (("type", sample_average(said, types), typed),
                                  ("severity", sample_average(*pairs), graded)):  # fmt: skip
        for column, name in enumerate(("precision", "recall", "f1") if known.any() else ()):
            found[f"{prefix}.{name}"] = _where(known, mean_of(scores[:, column]), draws)
    for name in CLASSES if typed.any() else ():
        found[f"class.{name}.f1"] = _classes_f1(said, types, (name,), (typed, draws))
    if typed.any():
        found["class.average.f1"] = _classes_f1(said, types, PAPER_CLASSES, (typed, draws))
    return found


def _classes_f1(
    said: Sequence[frozenset[str]], true: Sequence[frozenset[str]], names: Sequence[str],
    cases: tuple[NDArray[np.bool_], Sequence[Indices]],
) -> Estimate:  # fmt: skip
    """Mean over the classes of the F1 of each; classes that nobody named and that are nowhere do not count."""
    marks = [(having(said, name), having(true, name)) for name in names]

    def mean_f1(at: Indices) -> float:
        known = [value for one, is_true in marks if not np.isnan(value := class_f1(one[at], is_true[at]))]
        return float(np.mean(known)) if known else NOT_DEFINED

    typed, draws = cases
    return _where(typed, mean_f1, draws)


def _coverage_figures(answers: Sequence[Answer], truth: Truth) -> Figures:
    """Of rows that give 80 % intervals: share of labels inside, and whether wide ones find the errors."""
    found, draws = Figures(), truth.draws["all"]
    for name in ("quality", "importance"):
        ends, label = interval_ends(answers, name), truth.label(name)
        known = np.isfinite(label)
        if np.isnan(ends).any() or not ends.size or not known.any():
            continue
        low, high = ends[:, 0], ends[:, 1]
        found[f"{name}.coverage"] = _where(known, mean_of(covered(label, low, high)), draws)
        found[f"{name}.interval_width"] = Estimate(float((high - low).mean()), cases=label.size)
        said = np.array([getattr(answer, name) for answer in answers], dtype=np.float64)
        found |= _risk_figures(f"{name}.risk", np.abs(said - label), high - low, draws)
    return found


def _risk_figures(prefix: str, error: Values, width: Values, draws: Sequence[Indices]) -> Figures:
    """Areas under the risk-coverage curves, in points, and what is gained over any order."""
    known = np.isfinite(error)
    if known.sum() < _FEWEST:
        return {}
    areas = risk(error[known], width[known])
    return {
        **{f"{prefix}.{kind}": Estimate(getattr(areas, kind), cases=int(known.sum())) for kind in _AREAS},
        f"{prefix}.gain": _where(known, lambda at: risk(error[at], width[at]).gain, draws),
        f"{prefix}.reached": _where(known, lambda at: risk(error[at], width[at]).reached, draws),
    }


def interval_ends(answers: Sequence[Answer], name: str) -> NDArray[np.float64]:
    """Both ends of the intervals of "quality" or "importance": float64, shape (N, 2), 0..100."""
    return np.array([getattr(answer, f"{name}_interval") for answer in answers], dtype=np.float64).reshape(-1, 2)


def ladder_figures(ladders: Sequence[LadderResult], draws: int) -> Figures:
    """Median over photographs of Spearman(strength, predicted quality), by "blur" or "exposure up"."""
    found = Figures()
    for name in dict.fromkeys(ladder_name(one) for one in ladders):
        values = np.array([one.correlation for one in ladders if ladder_name(one) == name])
        found[name] = _median(values, photograph_draws(np.arange(values.size), draws, _SEED))
    return found


def _median(values: Values, draws: Sequence[Indices]) -> Estimate:
    return estimate(lambda at: float(np.median(values[at])), values.size, draws)


def ladder_name(one: LadderResult) -> str:
    """The type, and "up" or "down" where it has directions."""
    return one.distortion + {0: "", 1: " up", -1: " down"}[one.direction]
