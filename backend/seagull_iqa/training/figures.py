"""Every figure of one row of the protocol, with its bootstrap interval over photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.data.protocol import CLEAN
from seagull_iqa.domain.distortion import SIGNAL_DISTORTIONS, TONE_DISTORTIONS, Distortion
from seagull_iqa.training.answers import Answer, CaseResult, LadderResult
from seagull_iqa.training.baselines import Row
from seagull_iqa.training.metrics import (
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

CLASSES = (*(str(one) for one in Distortion), CLEAN)
"""The eight classes: seven types and clean."""

SUBSETS = ("all", "signal", "tone", *(str(one) for one in Distortion))
"""Of the cases: all; those whose region is touched by signal types only; by tone types only; by one type only."""

Figures = dict[str, Estimate]
"""By dotted name, "quality.signal.srocc"."""

_SEED = 1


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
    fitted = logistic_fit(predicted, label)  # once: the bootstrap is over photographs, not over fits
    return {
        f"{prefix}.srocc": estimate(lambda at: srocc(predicted[at], label[at]), label.size, draws),
        f"{prefix}.plcc": estimate(lambda at: plcc(predicted[at], label[at]), label.size, draws),
        f"{prefix}.plcc_logistic": estimate(lambda at: plcc(fitted[at], label[at]), label.size, draws),
    }


def _importance_figures(name: str, predicted: Values, truth: Truth) -> Figures:
    label, draws, area = truth.label(name), truth.draws["all"], np.log(truth.share)
    found = _correlations(name, predicted, label, draws)
    found[f"{name}.partial"] = estimate(
        lambda at: partial_srocc(predicted[at], label[at], area[at]), label.size, draws
    )
    names = np.unique(truth.photo)
    inside = np.array([srocc(predicted[truth.photo == one], label[truth.photo == one]) for one in names])
    inside = inside[~np.isnan(inside)]
    samples = photograph_draws(np.arange(inside.size), len(draws), _SEED)
    found[f"{name}.within"] = estimate(mean_of(inside), inside.size, samples)
    return found


def _finding_figures(answers: Sequence[Answer], truth: Truth) -> Figures:
    said = [frozenset(name for name, _severity in answer.findings) for answer in answers]
    types = [case.label.types for case in truth.cases]
    pairs = [answer.findings for answer in answers], [case.label.findings for case in truth.cases]
    draws, found = truth.draws["all"], Figures()
    for prefix, scores in (("type", sample_average(said, types)), ("severity", sample_average(*pairs))):
        for column, name in enumerate(("precision", "recall", "f1")):
            values = scores[:, column]
            found[f"{prefix}.{name}"] = estimate(mean_of(values), values.size, draws)
    for name in CLASSES:
        found[f"class.{name}.f1"] = _class(having(said, name), having(types, name), draws)
    return found


def _class(said: NDArray[np.bool_], true: NDArray[np.bool_], draws: Sequence[Indices]) -> Estimate:
    return estimate(lambda at: class_f1(said[at], true[at]), said.size, draws)


def _coverage_figures(answers: Sequence[Answer], truth: Truth) -> Figures:
    """Share of labels inside the 80 % intervals, for rows that give intervals."""
    found, draws = Figures(), truth.draws["all"]
    for name in ("quality", "importance"):
        ends = np.array([getattr(answer, f"{name}_interval") for answer in answers], dtype=np.float64).reshape(-1, 2)
        if np.isnan(ends).any() or not ends.size:
            continue
        low, high, label = ends[:, 0], ends[:, 1], truth.label(name)
        found[f"{name}.coverage"] = estimate(mean_of(covered(label, low, high)), label.size, draws)
        found[f"{name}.interval_width"] = Estimate(float((high - low).mean()), cases=label.size)
    return found


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
