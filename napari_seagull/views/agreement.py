"""How a person's verdict and the model's go together, in a sentence."""

from __future__ import annotations

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.report import QualityReport

HALF_A_LEVEL = 12.5
"""A person who gives levels means no more by 75 than "nearer to 75 than to 50 or 100"."""


def agreement(report: QualityReport | None, human: Annotation) -> str:
    """What the two agree on and by how much they differ."""
    who = human.author or "Somebody"
    if report is None:
        return f"{who} has said so before the model."
    scores = [
        _about("quality", human.quality, report.quality),
        _about("importance", human.importance, report.importance),
    ]
    differing = [words for words, agrees in scores if words and not agrees]
    agreeing = [words for words, agrees in scores if words and agrees]
    said = [f"{who} {_joined(differing)}." if differing else "", f"{who} {_joined(agreeing)}." if agreeing else ""]
    return " ".join(part for part in [*said, _about_findings(who, report, human)] if part) or f"{who} has commented."


def _about(what: str, human: float | None, model: float | None) -> tuple[str, bool]:
    if human is None or model is None:
        return "", True
    apart = round(abs(human - model))
    if apart <= HALF_A_LEVEL:
        return f"agrees on {what} ({human:.0f} against {model:.0f})", True
    return f"differs by {apart} on {what} ({human:.0f} against {model:.0f})", False


def _joined(parts: list[str]) -> str:
    return " and ".join(parts)


def _about_findings(who: str, report: QualityReport, human: Annotation) -> str:
    if human.findings is None or report.findings is None:
        return ""
    theirs, ours = ({finding.distortion for finding in said} for said in (human.findings, report.findings))
    if theirs == ours:
        return "Both found it clean." if not theirs else "Both found the same distortions."
    only = {f"Only {who} found": theirs - ours, "Only the model found": ours - theirs}
    return " ".join(f"{words} {_named(found)}." for words, found in only.items() if found)


def _named(found: set[Distortion]) -> str:
    return ", ".join(each.value for each in Distortion if each in found)
