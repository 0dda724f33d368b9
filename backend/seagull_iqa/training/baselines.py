"""The protocol's rows: what needs no model, what a model says when asked differently, and ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import torch

from seagull_iqa.data.protocol import CLEAN_FINDINGS, TypeAndSeverity
from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.answers import NOT_SAID, Answer, CaseResult

CONSTANT, ALL_TYPES, AREA = "constant", "all types", "area"
WHOLE, CROP, BRISQUE, NIQE, OURS = "whole image", "crop", "BRISQUE", "NIQE", "ours"
ALL_ROWS = (CONSTANT, ALL_TYPES, AREA, WHOLE, CROP, BRISQUE, NIQE, OURS)

NOTES = {
    CONSTANT: "quality and importance 50, never a finding",
    ALL_TYPES: "names all seven types always, each moderate",
    AREA: "the region's share of the photograph stands for quality and for importance",
    WHOLE: "the model's answer for the whole image, copied to the region",
    CROP: "the model fed with the region's box as an image of its own",
    BRISQUE: "of the region's box, negated (piq)",
    NIQE: "",
    OURS: "the model asked about the region",
}

_NOWHERE = (NOT_SAID, NOT_SAID)
_NOTHING: frozenset[TypeAndSeverity] = frozenset()
_EVERYTHING = frozenset((str(one), int(Severity.MODERATE)) for one in Distortion)
_BRISQUE_WEIGHTS = "brisque_svm_weights.pt"


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
    BRISQUE: lambda case: _said(-case.brisque if case.brisque is not None else NOT_SAID, NOT_SAID, _NOTHING),
    OURS: lambda case: case.ours,
}


def rows(cases: Sequence[CaseResult], names: Sequence[str]) -> list[Row]:
    """The rows of that name, in the protocol's order."""
    return [_row(name, cases) for name in ALL_ROWS if name in names]


def _row(name: str, cases: Sequence[CaseResult]) -> Row:
    missing = why_no_brisque() if name == BRISQUE else why_no_niqe() if name == NIQE else ""
    if missing:
        return Row(name, NOTES[name], missing=missing)
    answers = tuple(_ANSWERS[name](case) for case in cases)
    return Row(name, NOTES[name], answers, speaks=name not in (AREA, BRISQUE))


@lru_cache(maxsize=1)
def why_no_brisque() -> str:
    """Why BRISQUE cannot be run here; empty where it can. Nothing is downloaded for it."""
    if find_spec("piq") is None:
        return "not run: the package piq is not installed"
    if not (Path(torch.hub.get_dir()) / "checkpoints" / _BRISQUE_WEIGHTS).is_file():
        return "not run: piq is installed, but its BRISQUE weights are not here"
    return ""


def why_no_niqe() -> str:
    """Why NIQE cannot be run here."""
    if find_spec("pyiqa") is None:
        return "not run: the package pyiqa is not installed, and its parameters are not here"
    return "not run: pyiqa downloads its parameters, and evaluation downloads nothing"


def brisque(rgb: RGBImage) -> float:
    """BRISQUE of an image, lower is better: uint8 (H, W, 3); needs piq with its weights."""
    import piq

    image = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
    return float(piq.brisque(image, data_range=1.0))
