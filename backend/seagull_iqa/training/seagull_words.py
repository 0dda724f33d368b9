"""What the full model is taught to answer: the paper's questions about a region, and whether something said is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seagull_iqa.data.instructions import bin_word
from seagull_iqa.domain.distortion import CLEAN, Distortion, Severity
from seagull_iqa.domain.levels import level_value
from seagull_iqa.domain.questions import CLEAN_QUESTION, CLEAN_SENTENCE, JUDGMENTS, QUESTIONS, SCALES, YES
from seagull_iqa.domain.report import Aspect


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
    """One of the three questions; with `drawn` the level word is drawn so that over many it means the score."""
    if aspect is Aspect.DISTORTION:
        return Asked(QUESTIONS[aspect], _sentence(known.severities or ()))
    scale = SCALES[aspect]
    return Asked(QUESTIONS[aspect], f"{scale.stem} {_word(known, aspect, rng if drawn else None)}{scale.rest}")


def judged(known: Known, aspect: Aspect, rng: np.random.Generator, *, true: bool) -> Asked:
    """Is it so? With `true` it is, else it is not, and the answer says how it is."""
    if aspect is Aspect.DISTORTION:
        return _judged_types(known.severities or (), rng, true=true)
    right, form = _word(known, aspect, None), JUDGMENTS[aspect]
    others = [word for word in SCALES[aspect].words if word != right]
    said = right if true else others[int(rng.integers(len(others)))]
    return Asked(form.question.format(level=said), YES if true else form.correction.format(level=right))


def _word(known: Known, aspect: Aspect, rng: np.random.Generator | None) -> str:
    value = (known.quality if aspect is Aspect.QUALITY else known.importance) or 0.0
    if rng is None:
        return bin_word(aspect, value)
    return SCALES[aspect].words[int(np.clip(value / level_value(1) + rng.random(), 0, 4))]


def _sentence(severities: tuple[int, ...]) -> str:
    """Worst first; equal ones in the canonical order."""
    there = sorted((-level, k) for k, level in enumerate(severities) if level > 0)
    types = list(Distortion)
    named = [f"{Severity(-level).word} {types[k].value}" for level, k in there]
    return f"With {' and '.join(named)} distortions." if named else CLEAN_SENTENCE


def _judged_types(severities: tuple[int, ...], rng: np.random.Generator, *, true: bool) -> Asked:
    types = [one.value for one in Distortion]
    there = [name for name, level in zip(types, severities, strict=True) if level > 0] or [CLEAN]
    choice = there if true else [name for name in (*types, CLEAN) if name not in there]
    said = choice[int(rng.integers(len(choice)))]
    form = JUDGMENTS[Aspect.DISTORTION]
    question = CLEAN_QUESTION if said == CLEAN else form.question.format(type=said)
    denial = f"No. {CLEAN_SENTENCE}" if there == [CLEAN] else form.correction.format(type=" and ".join(there))
    return Asked(question, YES if true else denial)
