"""What a reader wants to know of a session: its figures, its worst regions, who scored what and how."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seagull_iqa.domain.levels import importance_word, quality_word
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import SessionRegion, SessionReport
from seagull_iqa.formats.session_file import app_name
from seagull_iqa.formats.values import findings_text, mean_label

WORST = 12
"""Regions that a report shows closely."""

BINS = 20
"""Bars of the histogram: 5 points of quality each."""


@dataclass(frozen=True, eq=False)
class Line:
    """A region with what is known of it.

    Attributes
    ----------
    one : SessionRegion
    known : SessionReport or None
    label : float or None
        What people say of its quality, 0..100.
    rank : int
        1 for the worst of the scored regions; 0 where there is no score.
    """

    one: SessionRegion
    known: SessionReport | None
    label: float | None
    rank: int

    @property
    def report(self) -> QualityReport | None:
        """What the model says."""
        return None if self.known is None else self.known.report

    @property
    def name(self) -> str:
        """Never empty."""
        return self.one.region.name or self.one.id

    @property
    def quality(self) -> str:
        """For people: "31.4 (20-42) poor"."""
        report = self.report
        if report is None or report.quality is None:
            return "not scored"
        low_high = report.quality_interval
        bounds = "" if low_high is None else f" ({low_high[0]:.0f}\u2013{low_high[1]:.0f})"
        return f"{report.quality:.1f}{bounds} {quality_word(report.quality)}"

    @property
    def importance(self) -> str:
        """For people: "62.0 important"."""
        report = self.report
        if report is None or report.importance is None:
            return "not asked"
        return f"{report.importance:.1f} {importance_word(report.importance)}"

    @property
    def findings(self) -> str:
        """For people: "severe blur; minor noise"."""
        return (None if self.report is None else findings_text(self.report.findings)) or "not known"


@dataclass(frozen=True, eq=False)
class Summary:
    """A session at a glance.

    Attributes
    ----------
    title : str
    lines : sequence of Line
        All regions, worst first, those without a score last.
    histogram : tuple of int
        How many regions have a quality in each of `BINS` bins of 0..100.
    facts : sequence of (str, str)
        Figures and settings, a name and its value each.
    """

    title: str
    lines: Sequence[Line]
    histogram: tuple[int, ...]
    facts: Sequence[tuple[str, str]]

    @property
    def worst(self) -> Sequence[Line]:
        """The worst scored regions."""
        return [line for line in self.lines[:WORST] if line.rank]


def summary_of(export: Export) -> Summary:
    """The summary of a session."""
    document = export.document
    scored = {one.report.region: one.report.quality for one in document.reports if one.report.quality is not None}
    order = sorted(document.regions, key=lambda one: scored.get(one.id, 1e9))
    lines = [
        Line(one, document.report_of.get(one.id), mean_label(document.counting(one.id), "quality"),
             number if one.id in scored else 0)
        for number, one in enumerate(order, 1)
    ]  # fmt: skip
    qualities = [scored[one.id] for one in order if one.id in scored]
    counts = Counter(min(BINS - 1, int(quality * BINS / 100)) for quality in qualities)
    histogram = tuple(counts[number] for number in range(BINS))
    return Summary(export.facts.name or "an image", lines, histogram, [*_figures(lines, qualities), *_settings(export)])


def _figures(lines: Sequence[Line], qualities: Sequence[float]) -> list[tuple[str, str]]:
    found = Counter(
        one.distortion.value for line in lines if line.report is not None for one in line.report.findings or ()
    )
    stale = sum(line.known is not None and line.known.stale for line in lines)
    facts = [("Regions", f"{len(lines)}, of which {len(qualities)} are scored")]
    if qualities:
        facts.append(("Quality", f"lowest {qualities[0]:.1f}, median {statistics.median(qualities):.1f}, "
                                 f"mean {statistics.fmean(qualities):.1f}, highest {qualities[-1]:.1f}"))  # fmt: skip
    if found:
        facts.append(("Findings", ", ".join(f"{name} in {count}" for name, count in found.most_common())))
    if stale:
        facts.append(("Out of date", f"{stale} scores are of before the last change of region or model"))
    labelled = [line.label for line in lines if line.label is not None]
    if labelled:
        facts.append(("Labels of people", f"{len(labelled)} regions, mean {statistics.fmean(labelled):.1f}"))
    return facts


def _settings(export: Export) -> list[tuple[str, str]]:
    document, image = export.document, export.facts
    reports = [one.report for one in document.reports]
    models = ", ".join(sorted({one.model for one in reports if one.model}))
    pixels = sorted({str(one.pixels) for one in reports if one.pixels is not None})
    levels = sorted({one.interval_level for one in reports})
    facts = [
        ("Model", models or "none"),
        ("Pixels scored", "; ".join(pixels) or str(image.pixels)),
        ("Intervals", ", ".join(f"{level:.0%}" for level in levels) or "none"),
        ("Annotator", document.annotator or "not named"),
        ("Image", f"{image.name}, {image.shape[1]} x {image.shape[0]} px, SHA-256 of its pixels "
                  f"{image.sha256[:16] or 'not known'}"),
        ("Written by", f"{document.app or app_name()}{', ' + document.saved if document.saved else ''}"),
    ]  # fmt: skip
    return facts
