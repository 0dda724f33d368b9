"""The protocol's rows: what needs no model, what a model says when asked differently, and ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seagull_iqa.data.protocol import CLEAN_FINDINGS, TypeAndSeverity
from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.training.answers import NOT_SAID, Answer, CaseResult
from seagull_iqa.training.outsiders import BRISQUE, NIQE, PIQE, PYIQA, Outsider, outsiders

CONSTANT, ALL_TYPES, AREA = "constant", "all types", "area"
WHOLE, CROP, OURS = "whole image", "crop", "ours"
ALL_ROWS = (CONSTANT, ALL_TYPES, AREA, WHOLE, CROP, BRISQUE, NIQE, PIQE, OURS)
"""The rows of every table, in its order; rows of pyiqa stand before ours."""

NOTES = {
    CONSTANT: "quality and importance 50, never a finding",
    ALL_TYPES: "names all seven types always, each moderate",
    AREA: "the region's share of the photograph stands for quality and for importance",
    WHOLE: "the model's answer for the whole image, copied to the region",
    CROP: "the model fed with the region's box as an image of its own",
    OURS: "the model asked about the region",
}

_NOWHERE = (NOT_SAID, NOT_SAID)
_NOTHING: frozenset[TypeAndSeverity] = frozenset()
_EVERYTHING = frozenset((str(one), int(Severity.MODERATE)) for one in Distortion)


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    name, note : str
        From `ALL_ROWS`, and what it is.
    answers : tuple of Answer
        One a case, NaN and no findings where the row says nothing; empty where it was not run.
    missing : str
        Why it was not run; empty where it was.
    speaks : bool
        Whether it names types at all.
    """

    name: str
    note: str
    answers: tuple[Answer, ...] = ()
    missing: str = ""
    speaks: bool = True


def _said(quality: float, importance: float, findings: frozenset[TypeAndSeverity]) -> Answer:
    return Answer(quality, _NOWHERE, importance, _NOWHERE, findings)


def _or_nothing(answer: Answer | None) -> Answer:
    return answer or _said(NOT_SAID, NOT_SAID, _NOTHING)


_ANSWERS: dict[str, Callable[[CaseResult], Answer]] = {
    CONSTANT: lambda _case: _said(50.0, 50.0, CLEAN_FINDINGS),
    ALL_TYPES: lambda _case: _said(50.0, 50.0, _EVERYTHING),
    AREA: lambda case: _said(100 * case.share, 100 * case.share, _NOTHING),
    WHOLE: lambda case: _or_nothing(case.whole),
    CROP: lambda case: _or_nothing(case.crop),
    OURS: lambda case: case.ours,
}


def ordered(names: Sequence[str]) -> list[str]:
    """Names of rows in the order of the table, each once."""
    given = dict.fromkeys(names)
    pyiqas = [name for name in given if name.startswith(PYIQA)]
    return [*(name for name in ALL_ROWS if name in given and name != OURS), *pyiqas, *([OURS] if OURS in given else [])]


def rows(cases: Sequence[CaseResult], names: Sequence[str]) -> list[Row]:
    """The rows of that name, in the table's order."""
    others = {one.name: one for one in outsiders(names)}
    return [
        _outsiders_row(others[name], cases) if name in others
        else Row(name, NOTES[name], tuple(map(_ANSWERS[name], cases)), speaks=name != AREA)
        for name in ordered(names)
    ]  # fmt: skip


def _outsiders_row(other: Outsider, cases: Sequence[CaseResult]) -> Row:
    if other.missing:
        return Row(other.name, other.note, missing=other.missing)
    scores = [case.scores.get(other.name, NOT_SAID) for case in cases]
    if not any(map(math.isfinite, scores)):
        return Row(other.name, other.note, missing="not run: every box is too small or too flat for it")
    return Row(other.name, other.note, tuple(_said(score, NOT_SAID, _NOTHING) for score in scores), speaks=False)
