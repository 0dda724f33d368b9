"""What happened in a session, one noun each, as the journal keeps it: plain facts, to JSON and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.formats import entries
from seagull_iqa.formats.reading import Budget, FormatError
from seagull_iqa.formats.session_document import (
    Plane,
    RegionSource,
    SessionImage,
    SessionRegion,
    SessionReport,
)


@dataclass(frozen=True)
class ImageOpened:
    """An image, or another plane or setting of it, was put on the table."""

    image: SessionImage


@dataclass(frozen=True, eq=False)
class RegionAdded:
    """A region came, or came back: with the same id it takes the place of the one that is there."""

    region: SessionRegion


@dataclass(frozen=True, eq=False)
class RegionEdited:
    """A region got other pixels; a report on it is stale from now on.

    Attributes
    ----------
    region : str
        Its id.
    mask : RegionMask
        All its pixels.
    source : RegionSource or None
        Where it lives now.
    plane : Plane or None
        None where that stayed.
    """

    region: str
    mask: RegionMask
    source: RegionSource | None = None
    plane: Plane | None = None


@dataclass(frozen=True)
class RegionRenamed:
    """A region is called something else."""

    region: str
    name: str


@dataclass(frozen=True)
class RegionDeleted:
    """A region was taken away; what people said of it is kept, should it come back."""

    region: str


@dataclass(frozen=True)
class ReportAccepted:
    """A model said something of a region; it takes the place of what it said before."""

    report: SessionReport


@dataclass(frozen=True)
class ReportsOutdated:
    """The reports on these regions no longer hold; None means all."""

    regions: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ReportRemoved:
    """The report on a region was taken back."""

    region: str


@dataclass(frozen=True)
class Annotated:
    """A person said something of a region; with the same id it takes the place of what was said."""

    annotation: Annotation


@dataclass(frozen=True)
class AnnotationRemoved:
    """A person took it back."""

    annotation: str


@dataclass(frozen=True)
class Preferred:
    """A person compared two regions."""

    preference: Preference


@dataclass(frozen=True)
class PreferenceRemoved:
    """A person took it back."""

    preference: str


@dataclass(frozen=True)
class AnnotatorNamed:
    """Who annotates from now on."""

    name: str


Event = (
    ImageOpened
    | RegionAdded
    | RegionEdited
    | RegionRenamed
    | RegionDeleted
    | ReportAccepted
    | ReportsOutdated
    | ReportRemoved
    | Annotated
    | AnnotationRemoved
    | Preferred
    | PreferenceRemoved
    | AnnotatorNamed
)


def event_values(event: Event) -> dict[str, Any]:
    """JSON values of an event; "event" names its kind."""
    return {"event": type(event).__name__, **_said(event)}


def _said(event: Event) -> dict[str, Any]:
    match event:
        case ImageOpened(image):
            return {"image": entries.image_values(image)}
        case RegionAdded(region):
            return {"shape": list(region.region.mask.shape), "region": entries.region_values(region)}
        case RegionEdited(region, mask, source, plane):
            return {
                "region": region, "shape": list(mask.shape), **entries.mask_values(mask),
                "source": None if source is None else entries.source_values(source),
                "plane": None if plane is None else list(plane),
            }  # fmt: skip
        case ReportAccepted(report):
            return {"report": entries.report_values(report)}
        case Annotated(annotation):
            return {"annotation": entries.annotation_values(annotation)}
        case Preferred(preference):
            return {"preference": entries.preference_values(preference)}
        case _:
            return dict(vars(event))


class _Edit(entries.MaskEntry):
    region: str
    source: entries.SourceEntry | None = None
    plane: tuple[int, ...] | None = None


def event_of(values: Mapping[str, Any], place: str) -> Event:
    """An event from JSON values; `FormatError` or `RegionError` where it is none."""
    kind = values.get("event")
    read = _READ.get(str(kind))
    if read is None:
        raise FormatError(f"{place}: {kind!r:.40} is no event.", "Update napari-seagull.")
    try:
        return read(values, place)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{place}: the event {kind} is not complete ({error}).", "The file was damaged.") from error


def _shape(values: Mapping[str, Any]) -> tuple[int, int]:
    height, width = values["shape"]
    if not 0 < int(height) <= entries.MAX_SIDE or not 0 < int(width) <= entries.MAX_SIDE:
        raise ValueError("its image has no size")
    return (int(height), int(width))


def _edited(values: Mapping[str, Any], place: str) -> RegionEdited:
    entry = entries.parsed(_Edit, values, place)
    source = None if entry.source is None else entry.source.source()
    return RegionEdited(entry.region, entries.mask_of(entry, _shape(values), Budget(place)), source, entry.plane)


def _added(values: Mapping[str, Any], place: str) -> RegionAdded:
    entry = entries.parsed(entries.RegionEntry, values["region"], place)
    return RegionAdded(entry.region(_shape(values), Budget(place)))


def _outdated(values: Mapping[str, Any], _place: str) -> ReportsOutdated:
    regions = values["regions"]
    return ReportsOutdated(None if regions is None else tuple(str(one) for one in regions))


_READ: Mapping[str, Callable[[Mapping[str, Any], str], Event]] = {
    "ImageOpened": lambda v, at: ImageOpened(entries.parsed(entries.ImageEntry, v["image"], at).image()),
    "RegionAdded": _added,
    "RegionEdited": _edited,
    "RegionRenamed": lambda v, _: RegionRenamed(str(v["region"]), str(v["name"])),
    "RegionDeleted": lambda v, _: RegionDeleted(str(v["region"])),
    "ReportAccepted": lambda v, at: ReportAccepted(entries.checked_report(v["report"], at)),
    "ReportsOutdated": _outdated,
    "ReportRemoved": lambda v, _: ReportRemoved(str(v["region"])),
    "Annotated": lambda v, at: Annotated(
        entries.parsed(entries.AnnotationEntry, v["annotation"], at).annotation()),
    "AnnotationRemoved": lambda v, _: AnnotationRemoved(str(v["annotation"])),
    "Preferred": lambda v, at: Preferred(entries.parsed(entries.PreferenceEntry, v["preference"], at).preference()),
    "PreferenceRemoved": lambda v, _: PreferenceRemoved(str(v["preference"])),
    "AnnotatorNamed": lambda v, _: AnnotatorNamed(str(v["name"])),
}  # fmt: skip

KINDS = tuple(kind.__name__ for kind in get_args(Event))
"""Names of all events."""
