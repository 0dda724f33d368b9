"""From what the language model expects and writes to reports: five levels to a score, a sentence to findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.levels import level_value
from seagull_iqa.domain.questions import SCALES
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import Aspect, Interval, QualityReport
from seagull_iqa.models.full.answers import findings_in

EIGHTY_PERCENT = 1.2816
"""Deviations of a normal distribution on either side that hold 80 % of it."""

_VALUES = np.array([level_value(index) for index in range(5)])

ODD_WORDS = "The model puts only {mass:.0%} of its expectation on the five words of {aspect}; the score is doubtful."
NO_FINDING = "The model's sentence names no known distortion, so no findings were taken from it."

ENOUGH_MASS = 0.5
"""Share of the expectation on the five words below which a score is called doubtful."""


@dataclass(frozen=True)
class Said:
    """What the model said of some regions.

    Attributes
    ----------
    levels : mapping of Aspect to float32 (R, 5)
        Share of the whole expectation on each level word; rows sum to at most 1.
    sentences : sequence of str, or None
        Its answers to the question for distortions.
    notes : sequence of tuple of str
        What is to be said of each region beforehand.
    """

    levels: Mapping[Aspect, NDArray[np.float32]]
    sentences: Sequence[str] | None
    notes: Sequence[tuple[str, ...]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Score:
    """A score with its spread, from the shares of five levels."""

    value: float
    interval: Interval
    sentence: str
    mass: float


def scored(aspect: Aspect, shares: NDArray[np.float32]) -> Score:
    """The expectation over the five levels (Q-Align, arXiv 2312.17090), its 80 % interval, and the likeliest answer.

    Parameters
    ----------
    shares : float32 (5,)
        Shares of the whole expectation, lowest level first.
    """
    mass = float(shares.sum())
    weights = shares.astype(np.float64) / max(mass, np.finfo(np.float64).tiny)
    mean = float(weights @ _VALUES)
    half = EIGHTY_PERCENT * float(np.sqrt(weights @ (_VALUES - mean) ** 2))
    scale = SCALES[aspect]
    word = scale.words[int(weights.argmax())]
    interval = (round(max(0.0, mean - half), 2), round(min(100.0, mean + half), 2))
    return Score(round(mean, 2), interval, f"{scale.stem} {word}{scale.rest}", mass)


def reports(regions: Sequence[Region], said: Said, aspects: Collection[Aspect], model: str) -> list[QualityReport]:
    """One report a region."""
    return [_report(region, k, said, aspects, model) for k, region in enumerate(regions)]


def _report(region: Region, k: int, said: Said, aspects: Collection[Aspect], model: str) -> QualityReport:
    found = {aspect: scored(aspect, said.levels[aspect][k]) for aspect in SCALES if aspect in aspects}
    notes = [*said.notes[k]]
    notes += [
        ODD_WORDS.format(mass=score.mass, aspect=aspect.value)
        for aspect, score in found.items()
        if score.mass < ENOUGH_MASS
    ]
    sentences = [score.sentence for score in found.values()]
    findings = None
    if said.sentences is not None:
        findings = findings_in(said.sentences[k])
        sentences.append(said.sentences[k])
        notes += [NO_FINDING] if findings is None else []
    quality, importance = found.get(Aspect.QUALITY), found.get(Aspect.IMPORTANCE)
    return QualityReport(
        region=region.id,
        quality=quality.value if quality else None,
        quality_interval=quality.interval if quality else None,
        importance=importance.value if importance else None,
        importance_interval=importance.interval if importance else None,
        findings=findings,
        text=" ".join(sentence for sentence in sentences if sentence),
        model=model,
        notes=tuple(notes),
    )
