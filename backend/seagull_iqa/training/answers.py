"""What was said of a case of the protocol, beside what is true of it."""

from __future__ import annotations

from dataclasses import dataclass

from seagull_iqa.data.protocol import CLEAN_FINDINGS, CaseLabel, TypeAndSeverity
from seagull_iqa.domain.report import Interval, QualityReport

NOT_SAID = float("nan")


@dataclass(frozen=True)
class Answer:
    """What a model said of one region, in the protocol's words; NaN where it said nothing."""

    quality: float
    quality_interval: Interval
    importance: float
    importance_interval: Interval
    findings: frozenset[TypeAndSeverity]

    @classmethod
    def of(cls, report: QualityReport) -> Answer:
        """From a report; no finding is "clean"."""
        found = frozenset((str(one.distortion), int(one.severity)) for one in report.findings or ())
        return cls(
            NOT_SAID if report.quality is None else report.quality,
            report.quality_interval or (NOT_SAID, NOT_SAID),
            NOT_SAID if report.importance is None else report.importance,
            report.importance_interval or (NOT_SAID, NOT_SAID),
            found or CLEAN_FINDINGS,
        )


@dataclass(frozen=True)
class CaseResult:
    """A case, its label, and every row's answer to it."""

    number: int
    photo: str
    share: float
    label: CaseLabel
    ours: Answer
    whole: Answer | None
    crop: Answer | None
    brisque: float | None


@dataclass(frozen=True)
class LadderResult:
    """Spearman(strength, predicted quality) of one photograph and one kind of distortion."""

    photo: str
    distortion: str
    direction: int
    correlation: float
