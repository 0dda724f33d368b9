"""What happened in the session as events of the journal, and a session file as what the session can take up again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from napari_seagull.session.commands import ImageOpened, Recall
from napari_seagull.session.records import (
    ImageFacts,
    LabelSource,
    Plane,
    RegionRecord,
    RegionState,
    SegmentSource,
    ShapeSource,
    Source,
    Table,
    Ticket,
)
from napari_seagull.session.session import LogEntry
from seagull_iqa.domain.annotation import Preference
from seagull_iqa.formats import events as happened
from seagull_iqa.formats.events import Event
from seagull_iqa.formats.session_document import (
    RegionSource,
    SessionDocument,
    SessionImage,
    SessionRegion,
    SessionReport,
    SourceKind,
)

TIME = "%Y-%m-%dT%H:%M:%SZ"


def image_of(facts: ImageFacts, path: str = "", planes: Mapping[Plane, str] | None = None) -> SessionImage:
    """An image as files know it; `path` is "" where it came from no file."""
    seen = {**(planes or {}), facts.pixels.plane: facts.sha256}
    return SessionImage(facts.shape, facts.name, path, "", facts.sha256, facts.pixels, tuple(seen.items()))


def matters(entry: LogEntry) -> bool:
    """Whether the journal has anything to say of it: work of people, or words of the model."""
    if entry.preferences_after is not None:
        return True
    return any(
        old is None or new is None or _kept(old) != _kept(new) or old.report is not new.report
        for old, new in ((entry.before[key], entry.after[key]) for key in entry.changed)
    )


def _kept(record: RegionRecord) -> tuple[object, ...]:
    stale = _report_of(record)
    return (record.region.name, record.geometry, record.source, record.annotations, stale is not None and stale.stale)


def events_of(entry: LogEntry, layer: str, path: str = "") -> list[Event]:
    """What a command did, as events that lead to the same regions; [] for what no file remembers.

    Parameters
    ----------
    entry : LogEntry
    layer : str
        The layer the session's file is about: another image that is looked at meanwhile does not take its place.
    path : str
        Where the file of that image is.
    """
    events: list[Event] = []
    command = entry.command
    if isinstance(command, ImageOpened) and command.facts is not None and command.facts.layer == layer:
        events.append(happened.ImageOpened(image_of(command.facts, path)))
    for key in entry.changed:
        events += _changed(entry.before[key], entry.after[key], entry.time.strftime(TIME))
    if entry.preferences_after is not None:
        events += _preferences(entry.preferences_before or (), entry.preferences_after)
    return events


def events_of_table(table: Table, path: str, time: str, *, only_image: bool = False) -> list[Event]:
    """Everything that lies on the table, as the first events of a file; of a resumed one only what is looked at."""
    events: list[Event] = []
    image = table.image
    if image is not None:
        facts = ImageFacts(image.sha256, image.shape, image.name, table.layer, image.pixels)
        events.append(happened.ImageOpened(image_of(facts, path, table.planes)))
    if only_image:
        return events
    for record in table.regions.values():
        events += _changed(None, record, time)
    return [*events, *_preferences((), table.preferences)]


def _changed(before: RegionRecord | None, after: RegionRecord | None, time: str) -> Iterator[Event]:
    if after is None:
        if before is not None:
            yield happened.RegionDeleted(before.id)
        return
    if before is None:
        yield happened.RegionAdded(SessionRegion(after.region, after.plane, time, source_of(after.source)))
    else:
        yield from _edited(before, after)
    yield from _reported(before, after)
    old = {said.id: said for said in before.annotations} if before else {}
    new = {said.id: said for said in after.annotations}
    yield from (happened.AnnotationRemoved(key) for key in old if key not in new)
    yield from (happened.Annotated(said) for key, said in new.items() if old.get(key) != said)


def _edited(before: RegionRecord, after: RegionRecord) -> Iterator[Event]:
    if before.region.name != after.region.name:
        yield happened.RegionRenamed(after.id, after.region.name)
    if _moved(before, after):
        yield happened.RegionEdited(after.id, after.region.mask, source_of(after.source), after.plane)


def _moved(before: RegionRecord, after: RegionRecord) -> bool:
    return before.geometry != after.geometry or before.source != after.source


def _reported(before: RegionRecord | None, after: RegionRecord) -> Iterator[Event]:
    """The report that is new, or holds again, or holds no longer; an edit makes it stale by itself."""
    new = _report_of(after)
    old = None if before is None else _report_of(before)
    if before is not None and old is not None and _moved(before, after):
        old = SessionReport(old.report, old.image, stale=True)
    if new == old:
        return
    if new is None:
        yield happened.ReportRemoved(after.id)
    elif old is not None and new.stale and new.report is old.report:
        yield happened.ReportsOutdated((after.id,))
    else:
        yield happened.ReportAccepted(new)


def _report_of(record: RegionRecord) -> SessionReport | None:
    """The report with what it was about; it is stale by what happened to region or model, not by what is looked at."""
    if record.report is None:
        return None
    answered = record.answered
    stale = answered is None or answered.geometry != record.geometry
    return SessionReport(record.report, "" if answered is None else answered.image, stale)


def _preferences(before: Iterable[Preference], after: Iterable[Preference]) -> list[Event]:
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    gone: list[Event] = [happened.PreferenceRemoved(key) for key in old if key not in new]
    return [*gone, *(happened.Preferred(one) for key, one in new.items() if old.get(key) != one)]


def source_of(source: Source) -> RegionSource | None:
    """Where a region lives, as files say it."""
    match source:
        case ShapeSource(layer, kind, vertices):
            return RegionSource(SourceKind(kind), layer, vertices)
        case LabelSource(layer, value):
            return RegionSource(SourceKind.LABEL, layer, value=value)
        case SegmentSource(layer):
            return RegionSource(SourceKind.SEGMENT, layer)
        case _:
            return None


def _session_source(source: RegionSource | None) -> Source:
    if source is None:
        return None
    if source.kind is SourceKind.LABEL:
        return LabelSource(source.layer, source.value)
    if source.kind is SourceKind.SEGMENT:
        return SegmentSource(source.layer)
    return ShapeSource(source.layer, source.kind.value, source.vertices)


def recall_of(document: SessionDocument) -> Recall:
    """The command that puts the regions of a session file on the table."""
    return Recall(tuple(_record(document, one) for one in document.regions), document.preferences)


def _record(document: SessionDocument, one: SessionRegion) -> RegionRecord:
    said = document.report_of.get(one.id)
    bare = RegionRecord(one.region, _session_source(one.source), one.plane)
    if said is None:
        return RegionRecord(
            one.region, bare.source, one.plane, annotations=document.annotations_of.get(one.id, ())
        )
    holds = bool(said.image) and not said.stale
    return RegionRecord(
        one.region,
        bare.source,
        one.plane,
        state=RegionState.STALE,
        report=said.report,
        answered=Ticket(one.id, bare.geometry, said.image, 0) if holds else None,
        annotations=document.annotations_of.get(one.id, ()),
    )
