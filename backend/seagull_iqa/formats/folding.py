"""Events into the document that they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region, RegionOrigin
from seagull_iqa.formats import events as happened
from seagull_iqa.formats.events import Event
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion, SessionReport


@dataclass
class _State:
    image: SessionImage | None
    annotator: str
    regions: dict[str, SessionRegion]
    reports: dict[str, SessionReport]
    annotations: dict[str, Annotation]
    preferences: dict[str, Preference]


def fold(events: Iterable[Event], start: SessionDocument | None = None) -> SessionDocument:
    """What a document becomes by events, in their order; an event about a region that is not there changes nothing.

    Parameters
    ----------
    events : iterable of Event
    start : SessionDocument, optional
        What was there before; by default nothing.
    """
    before = start or SessionDocument()
    state = _State(
        before.image, before.annotator,
        {one.id: one for one in before.regions}, {one.report.region: one for one in before.reports},
        {one.id: one for one in before.annotations}, {one.id: one for one in before.preferences},
    )  # fmt: skip
    for event in events:
        _apply(state, event)
    return replace(
        before, image=state.image, annotator=state.annotator, regions=tuple(state.regions.values()),
        reports=tuple(state.reports.values()), annotations=tuple(state.annotations.values()),
        preferences=tuple(state.preferences.values()),
    )  # fmt: skip


def _apply(state: _State, event: Event) -> None:
    match event:
        case happened.ImageOpened(image):
            state.image = _same_file(state.image, image)
        case happened.AnnotatorNamed(name):
            state.annotator = name
        case happened.Annotated(annotation):
            # At the end again where it was changed: a person's newest is the one that counts.
            state.annotations.pop(annotation.id, None)
            state.annotations[annotation.id] = annotation
        case happened.AnnotationRemoved(annotation_id):
            state.annotations.pop(annotation_id, None)
        case happened.Preferred(preference):
            state.preferences[preference.id] = preference
        case happened.PreferenceRemoved(preference_id):
            state.preferences.pop(preference_id, None)
        case happened.ReportAccepted() | happened.ReportsOutdated() | happened.ReportRemoved():
            _apply_report(state, event)
        case _:
            _apply_region(state, event)


def _same_file(before: SessionImage | None, after: SessionImage) -> SessionImage:
    """The image as it is now, with the planes that were seen before where it is of the same file and size."""
    if before is None or before.shape != after.shape or before.path != after.path:
        return after
    planes = {**dict(before.planes), **dict(after.planes)}
    return replace(after, planes=tuple(planes.items()))


def _apply_report(
    state: _State, event: happened.ReportAccepted | happened.ReportsOutdated | happened.ReportRemoved
) -> None:
    match event:
        case happened.ReportAccepted(report):
            if report.report.region in state.regions:
                state.reports[report.report.region] = report
        case happened.ReportRemoved(region):
            state.reports.pop(region, None)
        case happened.ReportsOutdated(regions):
            for one in state.reports if regions is None else regions:
                if one in state.reports:
                    state.reports[one] = replace(state.reports[one], stale=True)


def _apply_region(state: _State, event: Event) -> None:
    match event:
        case happened.RegionAdded(region):
            state.regions[region.id] = region
        case happened.RegionDeleted(region_id):
            state.regions.pop(region_id, None)
            state.reports.pop(region_id, None)
        case happened.RegionRenamed(region_id, name) if region_id in state.regions:
            one = state.regions[region_id]
            state.regions[region_id] = replace(one, region=replace(one.region, name=name))
        case happened.RegionEdited(region_id, mask, source, plane):
            # The record of its coming may have been damaged: its pixels are all here.
            one = state.regions.get(region_id) or SessionRegion(Region(mask, "", RegionOrigin.DRAWN, region_id))
            place = one.plane if plane is None else plane
            state.regions[region_id] = replace(one, region=replace(one.region, mask=mask), source=source, plane=place)
            if region_id in state.reports:
                state.reports[region_id] = replace(state.reports[region_id], stale=True)
        case _:
            pass
