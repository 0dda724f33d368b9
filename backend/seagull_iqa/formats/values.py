"""All that is known of a region but its pixels, as one flat row of numbers and texts, and back without loss.

Every format carries these columns; `docs/formats.md` lists them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import CLEAN, Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin, new_region_id
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats import entries
from seagull_iqa.formats.export import Contents
from seagull_iqa.formats.reading import FormatError, json_of, unique
from seagull_iqa.formats.session_document import SessionDocument, SessionRegion, SessionReport
from seagull_iqa.messages import MAX_ID

Cell = str | float | int | bool | None
Row = dict[str, Cell]

NUMBERS = (
    "quality", "quality_low", "quality_high", "importance", "importance_low", "importance_high", "interval_level",
    "label_quality", "label_importance",
)  # fmt: skip
"""Columns of numbers 0..100 (the level of the intervals: 0..1), empty where nothing was said."""

TEXTS = (
    "id", "name", "origin", "plane", "created", "findings", "text", "model", "pixels", "notes", "scored_image",
    "label_findings", "label_comment", "label_author", "annotations",
)  # fmt: skip
"""Columns of text; plane, pixels, notes and annotations are JSON."""

WHOLE = ("row0", "col0", "row1", "col1", "area")
"""Columns of whole numbers, in px."""

COLUMNS = (
    "id", "name", "origin", "plane", "created", *NUMBERS[:7], "findings", "text", "model", "stale", "scored_image",
    "pixels", "notes", "label_quality", "label_importance", "label_findings", "label_comment", "label_author",
    "annotations", *WHOLE,
)  # fmt: skip


def row_of(document: SessionDocument, one: SessionRegion) -> Row:
    """The row of a region; None where nothing is known."""
    region = one.region
    row: Row = {
        "id": region.id, "name": region.name, "origin": region.origin.value, "plane": _json(list(one.plane)),
        "created": one.created, **_report_cells(document.report_of.get(region.id)),
        **_label_cells(document.counting(region.id)),
        "annotations": _json([
            entries.annotation_values(note) for note in document.annotations_of.get(region.id, ())]),
        **dict(zip(WHOLE, (*region.mask.box, region.mask.area), strict=True)),
    }  # fmt: skip
    return {column: row[column] for column in COLUMNS}


def rows_of(document: SessionDocument) -> list[Row]:
    """The rows of all regions, in order."""
    return [row_of(document, one) for one in document.regions]


def findings_text(findings: Sequence[Finding] | None) -> str | None:
    """"severe blur; minor noise", "clean", or None where nothing is known."""
    return None if findings is None else "; ".join(str(one) for one in findings) or CLEAN


def _report_cells(known: SessionReport | None) -> Row:
    names = (*NUMBERS[:7], "findings", "text", "model", "stale", "scored_image", "pixels", "notes")
    if known is None:
        return dict.fromkeys(names)
    said = entries.report_values(known)
    low, high = said["quality_interval"] or (None, None)
    least, most = said["importance_interval"] or (None, None)
    cells = (
        said["quality"], low, high, said["importance"], least, most, said["interval_level"],
        findings_text(known.report.findings), said["text"], said["model"], said["stale"], said["image"],
        None if said["pixels"] is None else _json(said["pixels"]), _json(said["notes"]),
    )  # fmt: skip
    return dict(zip(names, cells, strict=True))


def mean_label(notes: Sequence[Annotation], aspect: str) -> float | None:
    """The mean of what people say, one voice each; None where nobody said anything."""
    said = [value for note in notes if (value := getattr(note, aspect)) is not None]
    return math.fsum(said) / len(said) if said else None


def _label_cells(notes: Sequence[Annotation]) -> Row:
    """What people say, for people: means over the annotators, and the words of the last one."""
    last = notes[-1] if notes else None
    findings = next((note.findings for note in reversed(notes) if note.findings is not None), None)
    return {
        "label_quality": mean_label(notes, "quality"), "label_importance": mean_label(notes, "importance"),
        "label_findings": findings_text(findings),
        "label_comment": "\n".join(note.comment for note in notes if note.comment) or None,
        "label_author": None if last is None else ", ".join(note.author for note in notes if note.author),
    }  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@dataclass
class Collected:
    """Gathers regions with the rows that belong to them into `Contents`.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    """

    name: str
    regions: list[SessionRegion] = field(default_factory=list, init=False)
    reports: list[SessionReport] = field(default_factory=list, init=False)
    annotations: list[Annotation] = field(default_factory=list, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def add(self, mask: RegionMask, row: Mapping[str, object], name: str = "") -> None:
        """One region; the columns that the row lacks are left out, `name` counts where it has none.

        Raises
        ------
        FormatError
            A cell that cannot be understood.
        """
        place = f"{self.name}, region {len(self.regions) + 1}"
        try:
            region = self._region(mask, row, name)
            self.regions.append(region)
            if _given(row, "interval_level") is not None:
                self.reports.append(entries.checked_report(_report_values(row, region.id, place), place))
            for values in _parsed(row, "annotations", place) or ():
                note = entries.parsed(entries.AnnotationEntry, {**values, "region": region.id}, place)
                self.annotations.append(note.annotation())
        except FormatError:
            raise
        except SeagullError as error:
            raise FormatError(f"{place}: {error.message}", error.hint) from error
        except (TypeError, ValueError, OverflowError) as error:
            raise FormatError(
                f"{place} cannot be understood ({_line(error)}).", "The file was changed or damaged."
            ) from error

    def _region(self, mask: RegionMask, row: Mapping[str, object], name: str) -> SessionRegion:
        called = row.get("name")
        region = Region(
            mask, name if called is None else str(called)[:10_000],
            RegionOrigin(str(_given(row, "origin") or RegionOrigin.FILE)),
            str(_given(row, "id") or new_region_id())[:MAX_ID],
        )  # fmt: skip
        plane = _parsed(row, "plane", self.name) or []
        return SessionRegion(region, tuple(int(index) for index in plane), str(_given(row, "created") or "")[:100])

    def contents(self) -> Contents:
        """All of it; `FormatError` where an id occurs twice or there is no region."""
        unique((one.id for one in self.regions), "regions", self.name)
        if not self.regions:
            raise FormatError(f"{self.name} holds no region.", "Check that it is the right file.")
        return Contents(tuple(self.regions), tuple(self.reports), tuple(self.annotations), tuple(self.notes))


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__


def _given(row: Mapping[str, object], column: str) -> object | None:
    """The value of a cell; None where it is empty, or not a number as tables write it."""
    value = row.get(column)
    missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    return None if missing else value


def _number(row: Mapping[str, object], column: str) -> float | None:
    value = _given(row, column)
    return None if value is None else float(value)  # type: ignore[arg-type]


def _parsed(row: Mapping[str, object], column: str, place: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
    value = _given(row, column)
    return json_of(value, f"{place}, {column}") if isinstance(value, str) else value


def _report_values(row: Mapping[str, object], region: str, place: str) -> dict[str, Any]:
    low, high = _number(row, "quality_low"), _number(row, "quality_high")
    least, most = _number(row, "importance_low"), _number(row, "importance_high")
    return {
        "region": region, "quality": _number(row, "quality"), "importance": _number(row, "importance"),
        "quality_interval": None if low is None or high is None else (low, high),
        "importance_interval": None if least is None or most is None else (least, most),
        "interval_level": _number(row, "interval_level"),
        "findings": entries.findings_values(findings_of(_given(row, "findings"))),
        "text": str(_given(row, "text") or ""), "model": str(_given(row, "model") or ""),
        "pixels": _parsed(row, "pixels", place), "notes": _parsed(row, "notes", place) or (),
        "image": str(_given(row, "scored_image") or ""),
        "stale": str(row.get("stale")).lower() in ("true", "1", "1.0"),
    }  # fmt: skip


def findings_of(text: object) -> tuple[Finding, ...] | None:
    """The inverse of `findings_text`; `ValueError` where it is none."""
    if text is None:
        return None
    found = []
    for part in str(text).split(";"):
        if part.strip() != CLEAN:
            severity, _, distortion = part.strip().partition(" ")
            found.append(Finding(Distortion(distortion), Severity.from_word(severity)))
    return tuple(found)
