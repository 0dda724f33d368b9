"""The outcome of looking a model over: one line a check, and a report that can be pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        "tokens of the prompts".
    outcome : Outcome
    found : str
        What was found, with numbers.
    """

    what: str
    outcome: Outcome
    found: str


@dataclass(frozen=True)
class Verification:
    """All that was looked at.

    Attributes
    ----------
    model : str
        Its card's id, or the folder's name where it could not be loaded.
    checks : list of Check
    answers : list of (str, str, str)
        System text, region, what the model wrote of its distortions.
    machine : mapping of str to str
        Versions and devices.
    """

    model: str
    checks: list[Check] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    machine: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True where nothing failed."""
        return not any(check.outcome is Outcome.FAILED for check in self.checks)


def markdown(done: Verification) -> str:
    """A report to paste; holds no path and no name of a person."""
    verdict = "nothing failed" if done.passed else "**something failed**"
    lines = [f"## `seagull models verify`: {_cell(done.model)}, {verdict}", ""]
    lines += _table(("check", "outcome", "found"), [(c.what, c.outcome.value, c.found) for c in done.checks])
    if done.answers:
        lines += ["", "<details><summary>What it wrote of distortions</summary>", ""]
        lines += _table(("system text", "region", "answer"), done.answers)
        lines += ["", "</details>"]
    lines += ["", *(f"- {name}: {_cell(value)}" for name, value in done.machine.items())]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(_cell(value) for value in row) for row in rows]
    return [f"| {line} |" for line in lines]


def _cell(text: str) -> str:
    """Nothing that would end the cell, or that a browser would take for a tag."""
    flat = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(flat.split()).replace("|", "\\|").replace("<", "&lt;")
