"""What was said of a region, beside what is true of it; goes into a file and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seagull_iqa.data.protocol import CLEAN_FINDINGS, CaseLabel, TypeAndSeverity
from seagull_iqa.domain.region import Box
from seagull_iqa.domain.report import Interval, QualityReport

NOT_SAID = float("nan")

UNKNOWN_SEVERITY = -1
"""Severity of a type that a data set names without saying how strong it is."""


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

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return {**asdict(self), "findings": sorted(self.findings)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Answer:
        """The inverse of `to_json`."""
        findings = frozenset((str(name), int(severity)) for name, severity in row["findings"])
        quality, importance = row["quality_interval"], row["importance_interval"]
        return cls(
            row["quality"], (quality[0], quality[1]), row["importance"], (importance[0], importance[1]), findings
        )


@dataclass(frozen=True)
class CaseResult:
    """A region asked about, its label, and every row's answer to it.

    Attributes
    ----------
    number : int
        Of the case within its data set.
    photo : str
        The photograph behind it; what shares a photograph is drawn together in the bootstrap.
    share : float
        Area of the region over that of the image, 0..1.
    label : CaseLabel
        What is true; NaN and no findings where the data set does not say.
    ours, whole, crop : Answer
        Of the model: asked about the region, about the whole image, and fed with the region's box. None: not run.
    scores : mapping of str to float
        By row, what other methods say of the box; higher is better, NaN where one cannot say.
    box : (int, int, int, int)
        Half-open, px.
    """

    number: int
    photo: str
    share: float
    label: CaseLabel
    ours: Answer
    whole: Answer | None = None
    crop: Answer | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    box: Box = (0, 0, 0, 0)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return {
            "number": self.number, "photo": self.photo, "share": self.share, "label": self.label.to_json(),
            "ours": self.ours.to_json(), "whole": self.whole and self.whole.to_json(),
            "crop": self.crop and self.crop.to_json(), "scores": dict(self.scores), "box": list(self.box),
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> CaseResult:
        """The inverse of `to_json`."""
        whole, crop = (row[name] and Answer.from_json(row[name]) for name in ("whole", "crop"))
        row0, col0, row1, col1 = row["box"]
        return cls(
            row["number"], row["photo"], row["share"], CaseLabel.from_json(row["label"]),
            Answer.from_json(row["ours"]), whole, crop, row["scores"], (row0, col0, row1, col1),
        )  # fmt: skip


@dataclass(frozen=True)
class LadderResult:
    """Spearman(strength, predicted quality) of one photograph and one kind of distortion."""

    photo: str
    distortion: str
    direction: int
    correlation: float


Measured = CaseResult | LadderResult | None
"""One look's worth of results; None where the look is one of several behind a result."""


def plain(result: Measured) -> dict[str, Any] | None:
    """One result as JSON values; `measured` is the inverse."""
    if result is None:
        return None
    return {"case": result.to_json()} if isinstance(result, CaseResult) else {"ladder": asdict(result)}


def measured(row: Mapping[str, Any] | None) -> Measured:
    """The inverse of `plain`."""
    if row is None:
        return None
    return CaseResult.from_json(row["case"]) if "case" in row else LadderResult(**row["ladder"])
