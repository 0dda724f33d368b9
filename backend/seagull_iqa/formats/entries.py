"""The nouns of a session as JSON values and back; `docs/session-file.md` describes each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.distortion import Finding
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import PixelSource, QualityReport
from seagull_iqa.errors import RegionError
from seagull_iqa.formats.reading import Budget, FormatError
from seagull_iqa.formats.session_document import (
    RegionSource,
    SessionImage,
    SessionRegion,
    SessionReport,
    SourceKind,
)
from seagull_iqa.imaging import coco
from seagull_iqa.messages import MAX_ID, FindingMessage, Message, PixelSourceMessage, ReportMessage

MAX_SIDE = 2**31 - 1

_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
_Name = Annotated[str, Field(max_length=10_000)]
_Whole = Annotated[int, Field(strict=True, ge=0, le=2**53)]
_Side = Annotated[int, Field(strict=True, ge=1, le=MAX_SIDE)]
_Plane = Annotated[tuple[_Whole, ...], Field(max_length=32)]
_Box = tuple[_Whole, _Whole, _Whole, _Whole]


class ImageEntry(Message):
    """`SessionImage`."""

    name: _Name = ""
    path: str = ""
    relative: str = ""
    sha256: str = ""
    height: _Side
    width: _Side
    pixels: PixelSourceMessage = PixelSourceMessage()
    planes: tuple[tuple[_Plane, str], ...] = ()

    def image(self) -> SessionImage:
        """The noun."""
        return SessionImage(
            (self.height, self.width), self.name, self.path, self.relative, self.sha256,
            self.pixels.pixel_source(), self.planes,
        )  # fmt: skip


class SourceEntry(Message):
    """`RegionSource`."""

    kind: SourceKind
    layer: _Name = ""
    vertices: tuple[tuple[float, ...], ...] = ()
    value: int = 0

    def source(self) -> RegionSource:
        """The noun."""
        return RegionSource(self.kind, self.layer, self.vertices, self.value)


class MaskEntry(Message):
    """`RegionMask`: the tight box, and where it is not full, the packed run lengths inside it."""

    box: _Box
    runs: str = ""


class RegionEntry(MaskEntry):
    """`SessionRegion`."""

    id: _Id
    name: _Name = ""
    origin: RegionOrigin = RegionOrigin.FILE
    plane: _Plane = ()
    created: Annotated[str, Field(max_length=100)] = ""
    source: SourceEntry | None = None

    def region(self, shape: tuple[int, int], budget: Budget) -> SessionRegion:
        """The noun, for an image of that height and width (px)."""
        region = Region(mask_of(self, shape, budget), self.name, self.origin, self.id)
        source = None if self.source is None else self.source.source()
        return SessionRegion(region, self.plane, self.created, source)


class ReportEntry(ReportMessage):
    """`SessionReport`."""

    region: _Id
    image: Annotated[str, Field(max_length=100)] = ""
    stale: bool = False

    def session_report(self) -> SessionReport:
        """The noun."""
        return SessionReport(self.report(), self.image, self.stale)


class AnnotationEntry(Message):
    """`Annotation`."""

    id: _Id
    region: _Id
    author: str = ""
    quality: float | None = None
    importance: float | None = None
    findings: list[FindingMessage] | None = None
    comment: str = ""
    time: Annotated[str, Field(max_length=100)] = ""

    def annotation(self) -> Annotation:
        """The noun; `RegionError` where a score is off the scale."""
        found = None if self.findings is None else tuple(one.finding() for one in self.findings)
        return Annotation(
            self.region, self.author, self.quality, self.importance, found, self.comment, self.time, self.id
        )


class PreferenceEntry(Message):
    """`Preference`."""

    id: _Id
    better: _Id
    worse: _Id
    equal: bool = False
    author: str = ""
    time: Annotated[str, Field(max_length=100)] = ""

    def preference(self) -> Preference:
        """The noun; `RegionError` where it compares a region with itself."""
        return Preference(self.better, self.worse, self.equal, self.author, self.time, self.id)


Entry = TypeVar("Entry", bound=Message)


def parsed(kind: type[Entry], values: object, place: str) -> Entry:
    """JSON values as an entry; `FormatError` that names the place where they are none."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FormatError(
            f"{place}{', ' + where if where else ''}: {first['msg']}.", "The file was changed or damaged."
        ) from error


def mask_of(entry: MaskEntry, shape: tuple[int, int], budget: Budget) -> RegionMask:
    """The pixels, for an image of that height and width; `RegionError` where box and runs do not fit."""
    r0, c0, r1, c1 = entry.box
    area = max(0, r1 - r0) * max(0, c1 - c0)
    if r1 <= shape[0] and c1 <= shape[1]:
        budget.reserve(area)
    if not entry.runs:
        if not (r0 < r1 <= shape[0] and c0 < c1 <= shape[1]):
            raise RegionError(f"The box {entry.box} is not inside the {shape[0]} x {shape[1]} image.", "Check the box.")
        return RegionMask.from_box(shape, entry.box)
    runs = coco.unpack(entry.runs)
    if max(runs) > area:
        raise RegionError("The run lengths do not add up to the area of the box.", "The file was changed or damaged.")
    return RegionMask.from_runs(shape, entry.box, runs)


def image_values(image: SessionImage) -> dict[str, Any]:
    """JSON values of an image's facts."""
    return {
        "name": image.name, "path": image.path, "relative": image.relative, "sha256": image.sha256,
        "height": image.shape[0], "width": image.shape[1], "pixels": pixels_values(image.pixels),
        "planes": [[list(plane), sha256] for plane, sha256 in image.planes],
    }  # fmt: skip


def pixels_values(pixels: PixelSource) -> dict[str, Any]:
    """JSON values of a pixel source."""
    return {
        "source": pixels.source, "channel": pixels.channel, "plane": list(pixels.plane),
        "contrast_limits": _pair(pixels.contrast_limits), "scale": pixels.scale,
    }  # fmt: skip


def mask_values(mask: RegionMask) -> dict[str, Any]:
    """JSON values of a mask: its box, and packed run lengths where it does not fill it."""
    box = {"box": list(mask.box)}
    return box if mask.inside.all() else {**box, "runs": coco.pack(mask.runs)}


def region_values(one: SessionRegion) -> dict[str, Any]:
    """JSON values of a region."""
    region = one.region
    values: dict[str, Any] = {
        "id": region.id, "name": region.name, "origin": region.origin.value, "plane": list(one.plane),
        "created": one.created, **mask_values(region.mask),
    }  # fmt: skip
    return values if one.source is None else {**values, "source": source_values(one.source)}


def source_values(source: RegionSource) -> dict[str, Any]:
    """JSON values of where a region lives."""
    values: dict[str, Any] = {"kind": source.kind.value, "layer": source.layer}
    if source.kind is SourceKind.LABEL:
        return {**values, "value": source.value}
    return {**values, "vertices": [[float(x) for x in vertex] for vertex in source.vertices]}


def findings_values(findings: tuple[Finding, ...] | None) -> list[dict[str, Any]] | None:
    """JSON values of findings; None where nothing is known."""
    if findings is None:
        return None
    return [
        {"distortion": one.distortion.value, "severity": one.severity.word, "level": int(one.severity)}
        for one in findings
    ]


def report_values(one: SessionReport) -> dict[str, Any]:
    """JSON values of a report."""
    report: QualityReport = one.report
    return {
        "region": report.region,
        "quality": finite(report.quality), "quality_interval": _pair(report.quality_interval),
        "importance": finite(report.importance), "importance_interval": _pair(report.importance_interval),
        "interval_level": report.interval_level, "findings": findings_values(report.findings), "text": report.text,
        "model": report.model, "pixels": None if report.pixels is None else pixels_values(report.pixels),
        "notes": list(report.notes), "image": one.image, "stale": one.stale,
    }  # fmt: skip


def annotation_values(one: Annotation) -> dict[str, Any]:
    """JSON values of an annotation."""
    return {"id": one.id, **vars(one), "findings": findings_values(one.findings)}


def preference_values(one: Preference) -> dict[str, Any]:
    """JSON values of a preference."""
    return {"id": one.id, **vars(one)}


def finite(value: float | None) -> float | None:
    """A number that JSON can hold, or None."""
    return None if value is None or not math.isfinite(value) else float(value)


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    pair = [] if interval is None else [finite(value) for value in interval]
    known = [value for value in pair if value is not None]
    return known if len(known) == 2 else None


def checked_report(values: Mapping[str, Any], place: str) -> SessionReport:
    """A report from JSON values; `FormatError` where it is none or its numbers are off the scale."""
    report = parsed(ReportEntry, values, place).session_report()
    said = report.report
    numbers = [said.quality, said.importance, *(said.quality_interval or ()), *(said.importance_interval or ())]
    if any(number is not None and not 0 <= number <= 100 for number in numbers):
        raise FormatError(f"{place}: a score is not on the scale.", "Scores run from 0 to 100.")
    return report
