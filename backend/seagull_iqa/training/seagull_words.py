"""What the full model is taught to answer: the paper's questions about a region, and whether something said is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.domain.levels import IMPORTANCE_WORDS, QUALITY_WORDS, level_value
from seagull_iqa.domain.questions import QUESTIONS, SCALES
from seagull_iqa.domain.report import Aspect

YES = "Yes."
CLEAN = "clean"
NO_DISTORTION = "This region is clean."
JUDGED_QUALITY = "Is the quality of this region be {level}?"
"""In the paper's words, as they are."""

JUDGED_IMPORTANCE = (
    "Consider the impact of this region on the overall image quality. "
    "Is this region {level} to the overall image quality?"
)
CORRECTED = {
    Aspect.QUALITY: "No. The quality is {level}.",
    Aspect.IMPORTANCE: "No. This region is {level} to the image quality.",
}


@dataclass(frozen=True)
class Known:
    """What is known of a region; None where it is not.

    Attributes
    ----------
    quality, importance : float or None
        0..100.
    severities : tuple of int, or None
        1..5 for each type in the canonical order, 0 where it is not there.
    """

    quality: float | None
    importance: float | None
    severities: tuple[int, ...] | None

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """What can be asked."""
        found = {
            Aspect.QUALITY: self.quality, Aspect.IMPORTANCE: self.importance, Aspect.DISTORTION: self.severities,
        }  # fmt: skip
        return tuple(aspect for aspect, value in found.items() if value is not None)


@dataclass(frozen=True)
class Asked:
    """A question and its true answer."""

    question: str
    answer: str


def plain(known: Known, aspect: Aspect, rng: np.random.Generator, *, drawn: bool = False) -> Asked:
    """One of the three questions; with `drawn` the level word is drawn, so that over many it means the score."""
    if aspect is Aspect.DISTORTION:
        return Asked(QUESTIONS[aspect], _sentence(known.severities or ()))
    scale = SCALES[aspect]
    return Asked(QUESTIONS[aspect], f"{scale.stem} {scale.words[_level(known, aspect, rng, drawn=drawn)]}{scale.rest}")


def judged(known: Known, aspect: Aspect, rng: np.random.Generator, *, true: bool) -> Asked:
    """Is it so? With `true` it is, else it is not, and the answer says how it is."""
    if aspect is Aspect.DISTORTION:
        return _judged_types(known.severities or (), rng, true=true)
    words = QUALITY_WORDS if aspect is Aspect.QUALITY else IMPORTANCE_WORDS
    level = _level(known, aspect, rng, drawn=False)
    said = level if true else (level + int(rng.integers(1, len(words)))) % len(words)
    question = JUDGED_QUALITY if aspect is Aspect.QUALITY else JUDGED_IMPORTANCE
    return Asked(question.format(level=words[said]), YES if true else CORRECTED[aspect].format(level=words[level]))


def _level(known: Known, aspect: Aspect, rng: np.random.Generator, *, drawn: bool) -> int:
    value = known.quality if aspect is Aspect.QUALITY else known.importance
    above = float(rng.random()) if drawn else 0.5
    return int(np.clip((value or 0.0) / level_value(1) + above, 0, 4))


def _sentence(severities: tuple[int, ...]) -> str:
    """Worst first; equal ones in the canonical order."""
    there = sorted((-level, k) for k, level in enumerate(severities) if level > 0)
    types = list(Distortion)
    named = [f"{Severity(-level).word} {types[k].value}" for level, k in there]
    return f"With {' and '.join(named)} distortions." if named else NO_DISTORTION


def _judged_types(severities: tuple[int, ...], rng: np.random.Generator, *, true: bool) -> Asked:
    types = [one.value for one in Distortion]
    there = [name for name, level in zip(types, severities, strict=True) if level > 0] or [CLEAN]
    choice = there if true else [name for name in (*types, CLEAN) if name not in there]
    said = choice[int(rng.integers(len(choice)))]
    question = "Is this region clean?" if said == CLEAN else f"Is this region in {said}?"
    correction = f"No. {NO_DISTORTION}" if there == [CLEAN] else f"No. The region is in {' and '.join(there)}."
    return Asked(question, YES if true else correction)
