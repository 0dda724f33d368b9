"""Scores, distortion names and severities as other people's files write them, and what to say where they are wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seagull_iqa.domain.distortion import CLEAN, Distortion, Finding, Severity, worst_first
from seagull_iqa.errors import SeagullError


class DataFileError(SeagullError):
    """A file of labels that cannot be understood; the message names the file and the place in it."""


@dataclass(frozen=True)
class Scale:
    """The scores in a file run from `low` (worst) to `high` (best); a file of bad-is-high has low > high."""

    low: float = 0.0
    high: float = 100.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low == self.high:
            raise SeagullError(
                f"A scale cannot run from {self.low:g} to {self.high:g}.", "Give two different numbers, worst first."
            )

    @classmethod
    def from_text(cls, text: str) -> Scale:
        """From "LOW,HIGH"; `SeagullError` where that is not two numbers."""
        try:
            low, high = (float(part) for part in text.split(","))
        except ValueError:
            raise SeagullError(f"{text!r} is no scale.", "Give LOW,HIGH, for instance 1,5.") from None
        return cls(low, high)

    def to_hundred(self, value: float) -> float:
        """A score of the file as 0..100."""
        return 100.0 * (value - self.low) / (self.high - self.low)


WHOLE_RANGE = Scale()


def number(value: object, scale: Scale, place: str) -> float:
    """A score as 0..100.

    Parameters
    ----------
    value : number or its text
    scale : Scale
        Of the file.
    place : str
        File and line, for the message.

    Raises
    ------
    DataFileError
        Not a finite number, or outside the scale.
    """
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise DataFileError(f"{place}: {value!r:.60} is no score.", "Give a number, or leave the row out.") from None
    rescaled = scale.to_hundred(found)
    if not -1e-6 <= rescaled <= 100 + 1e-6:  # not-a-number fails it too
        raise DataFileError(
            f"{place}: the score {found:g} is outside {scale.low:g} to {scale.high:g}.",
            "Say with --scale LOW,HIGH on which scale the file is.",
        )
    return min(max(rescaled, 0.0), 100.0)


def findings(value: object, place: str) -> tuple[frozenset[Distortion], tuple[Finding, ...] | None]:
    """Distortions as types and, where every one has a severity, as findings.

    Parameters
    ----------
    value : list, mapping or str
        ["blur", "severe noise", {"type": "blur", "severity": "minor"}], {"blur": 3}, "blur", or "clean" (as well as
        an empty list).
    place : str
        File and line, for the message.

    Raises
    ------
    DataFileError
        A name or a severity that is not known.
    """
    pairs = [_pair(one, place) for one in _entries(value) if one != CLEAN]
    known = [Finding(name, severity) for name, severity in pairs if severity is not None]
    return frozenset(name for name, _severity in pairs), worst_first(known) if len(known) == len(pairs) else None


def _entries(value: object) -> Sequence[object]:
    if isinstance(value, Mapping):
        return [{"type": name, "severity": severity} for name, severity in value.items()]
    return value if isinstance(value, list | tuple) else [value]


def _pair(entry: object, place: str) -> tuple[Distortion, Severity | None]:
    if isinstance(entry, Mapping):
        name, severity = entry.get("type"), entry.get("level", entry.get("severity"))
    else:
        *words, name = str(entry).split()[-2:] or [""]
        severity = words[0] if words else None
    return distortion(str(name), place), None if severity is None else _severity(severity, place)


def distortion(name: str, place: str) -> Distortion:
    """The type of that name, in any case; `DataFileError` where there is none."""
    try:
        return Distortion(name.strip().lower())
    except ValueError:
        known = ", ".join([*Distortion, CLEAN])
        raise DataFileError(f"{place}: {name!r} is no distortion.", f"The types are {known}.") from None


def _severity(value: object, place: str) -> Severity:
    try:
        return Severity.from_word(value) if isinstance(value, str) else Severity(int(value))  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise DataFileError(
            f"{place}: {value!r} is no severity.", f"Give 1 to 5, or {', '.join(s.word for s in Severity)}."
        ) from None
