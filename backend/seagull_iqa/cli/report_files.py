"""Reports as JSON and as CSV: the words and the order that docs/cli.md promises."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import Interval, QualityReport

Scored = Sequence[tuple[Region, QualityReport]]


def image_object(image: str, scored: Scored) -> dict[str, Any]:
    """One image of the JSON list."""
    return {"image": image, "reports": [report_object(region, report) for region, report in scored]}


def report_object(region: Region, report: QualityReport) -> dict[str, Any]:
    """One report; numbers with two decimals, which is more than any model knows."""
    findings = report.findings
    return {
        "region": region.name,
        "quality": _number(report.quality),
        "quality_interval": _pair(report.quality_interval),
        "importance": _number(report.importance),
        "importance_interval": _pair(report.importance_interval),
        "interval_level": report.interval_level,
        "findings": None
        if findings is None
        else [
            {"distortion": one.distortion.value, "severity": one.severity.word, "level": int(one.severity)}
            for one in findings
        ],
        "text": report.text,
        "notes": list(report.notes),
        "model": report.model,
        "pixels": _pixels(report),
        "id": region.id,
        "box": list(region.mask.box),
        "area": region.mask.area,
    }


# JSON has no NaN, so what is not a number is null.
def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 2)


def _pair(interval: Interval | None) -> list[float] | None:
    pair = [] if interval is None else [_number(interval[0]), _number(interval[1])]
    known = [value for value in pair if value is not None]
    return known if len(known) == 2 else None


def _pixels(report: QualityReport) -> dict[str, Any] | None:
    source = report.pixels
    if source is None:
        return None
    return {
        "source": source.source,
        "channel": source.channel,
        "plane": list(source.plane),
        "contrast_limits": None if source.contrast_limits is None else list(source.contrast_limits),
        "scale": source.scale,
    }


COLUMNS = (
    "image", "region", "quality", "quality_low", "quality_high", "importance", "importance_low", "importance_high",
    "interval_level", "findings", "text", "model", "pixels", "row0", "col0", "row1", "col1", "area",
)  # fmt: skip


def csv_text(images: Sequence[tuple[str, Scored]]) -> str:
    """A header, then one row a region; text that a spreadsheet would take for a formula is quoted."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for image, scored in images:
        writer.writerows([_cell(value) for value in _row(image, region, report)] for region, report in scored)
    return buffer.getvalue()


def _row(image: str, region: Region, report: QualityReport) -> list[object]:
    findings = "" if report.findings is None else "; ".join(str(one) for one in report.findings) or "clean"
    return [
        image,
        region.name,
        _number(report.quality),
        *(_pair(report.quality_interval) or (None, None)),
        _number(report.importance),
        *(_pair(report.importance_interval) or (None, None)),
        report.interval_level,
        findings,
        report.text,
        report.model,
        "" if report.pixels is None else str(report.pixels),
        *region.mask.box,
        region.mask.area,
    ]


def _cell(value: object) -> object:
    """Excel and its kin run a text that starts with one of these; an apostrophe keeps it a text (CWE-1236)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + value
    return value
