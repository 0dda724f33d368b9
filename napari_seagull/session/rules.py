"""What each command makes of the table: pure functions, one a command; nothing the user made is lost by any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from types import MappingProxyType

from napari_seagull.session.commands import (
    AcceptMaps,
    AcceptReports,
    AddRegion,
    Annotate,
    ChangeModel,
    Command,
    DeleteRegion,
    EditRegion,
    MarkStale,
    OpenImage,
    Prefer,
    PutAway,
    QueueRegions,
    Recall,
    Rejection,
    RejectRegions,
    RemoveAnnotation,
    RenameRegion,
    Restore,
    SelectRegions,
)
from napari_seagull.session.records import Plane, RegionRecord, RegionState, Table, Ticket
from napari_seagull.session.settling import (
    check_fits,
    failed,
    misfit,
    outdated,
    placed,
    preferring,
    remade,
    settled,
    shelf_outdated,
    waiting,
    with_answered,
    with_records,
)
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import RegionError
from seagull_iqa.imaging.prepared import PreparedImage


@singledispatch
def apply(command: Command, _table: Table, _number: int) -> Table:
    """The table after a command.

    Parameters
    ----------
    command : Command
    table : Table
        The table before; not changed.
    number : int
        Number of the log entry that the command will have.

    Raises
    ------
    UnknownRegionError
        The command names a region that is not on the table.
    RegionError
        The region does not fit the table.
    """
    raise TypeError(f"{type(command).__name__} is no command of the session.")


@apply.register
def _open_image(command: OpenImage, table: Table, _number: int) -> Table:
    image = command.image
    opened = replace(
        table, image=image, layer=command.layer, planes=_planes_after(table, command), maps=_maps_after(table, image)
    )
    return with_records(opened, [_seen_again(record, table, opened) for record in table.regions.values()])


def _planes_after(table: Table, command: OpenImage) -> Mapping[Plane, str]:
    """Planes of the same layer under the same settings add up; anything else starts afresh."""
    image = command.image
    if image is None:
        return MappingProxyType({})
    here = {image.pixels.plane: image.sha256}
    known = (
        table.image is not None
        and table.layer == command.layer
        and table.image.shape == image.shape
        and replace(table.image.pixels, plane=()) == replace(image.pixels, plane=())
    )
    return MappingProxyType({**table.planes, **here} if known else here)


def _maps_after(table: Table, image: PreparedImage | None) -> Mapping[str, ScoreMap]:
    same = image is not None and table.image is not None and image.sha256 == table.image.sha256
    return table.maps if same else MappingProxyType({})


def _seen_again(record: RegionRecord, before: Table, after: Table) -> RegionRecord:
    """A region under the image that was opened: untouched if its own pixels are the ones they were."""
    image = after.image
    if image is not None and record.region.mask.shape != image.shape:
        return failed(record, *misfit(record.region.mask, image))
    before_hash, after_hash = before.sha256_of(record.plane), after.sha256_of(record.plane)
    misfitted = before.image is not None and record.region.mask.shape != before.image.shape
    return record if before_hash == after_hash and not misfitted else settled(record, after)


@apply.register
def _add_region(command: AddRegion, table: Table, _number: int) -> Table:
    region = command.region
    if region.id in table.regions:
        raise RegionError(f"A region with the id {region.id!r} is there already.", "Give the new one an id of its own.")
    check_fits(table, region.mask)
    return with_records(table, [RegionRecord(region, command.source, command.plane)])


@apply.register
def _edit_region(command: EditRegion, table: Table, _number: int) -> Table:
    record = table.record(command.region_id)
    check_fits(table, command.mask)
    edited = replace(
        record,
        region=replace(record.region, mask=command.mask),
        source=record.source if command.source is None else command.source,
        plane=record.plane if command.plane is None else command.plane,
    )
    untouched = edited.geometry == record.geometry and record.state is not RegionState.ERROR
    return with_records(table, [edited if untouched else settled(edited, table)])


@apply.register
def _rename_region(command: RenameRegion, table: Table, _number: int) -> Table:
    record = table.record(command.region_id)
    return with_records(table, [replace(record, region=replace(record.region, name=command.name))])


@apply.register
def _delete_region(command: DeleteRegion, table: Table, _number: int) -> Table:
    gone = table.record(command.region_id)
    regions = {key: record for key, record in table.regions.items() if key != gone.id}
    selection = tuple(key for key in table.selection if key != gone.id)
    shelf = MappingProxyType({**table.shelf, gone.id: gone})
    return replace(table, regions=MappingProxyType(regions), selection=selection, shelf=shelf)


@apply.register
def _annotate(command: Annotate, table: Table, _number: int) -> Table:
    said = command.annotation
    record = table.record(said.region)
    if said.says_nothing:
        raise RegionError("This annotation says nothing.", "Give a score, a distortion or a comment.")
    known = {one.id: one for one in record.annotations}
    return with_records(table, [replace(record, annotations=tuple({**known, said.id: said}.values()))])


@apply.register
def _remove_annotation(command: RemoveAnnotation, table: Table, _number: int) -> Table:
    record = table.record(command.region_id)
    left = tuple(said for said in record.annotations if said.id != command.annotation_id)
    if len(left) == len(record.annotations):
        raise RegionError("There is no such annotation of this region.", "It may have been taken back already.")
    return with_records(table, [replace(record, annotations=left)])


@apply.register
def _prefer(command: Prefer, table: Table, _number: int) -> Table:
    return preferring(table, (command.preference,))


@apply.register
def _recall(command: Recall, table: Table, _number: int) -> Table:
    taken = next((record for record in command.records if record.id in table.regions), None)
    if taken is not None:
        raise RegionError(f"The region {taken.region.name!r} is there already.", "Remove it first, or leave it out.")
    recalled = with_records(table, [placed(replace(record, asked=None), table) for record in command.records])
    return preferring(recalled, command.preferences)


@apply.register
def _put_away(_command: PutAway, table: Table, _number: int) -> Table:
    return Table(table.image, table.layer, table.planes, maps=table.maps)


@apply.register
def _restore(command: Restore, table: Table, _number: int) -> Table:
    regions, shelf = dict(table.regions), dict(table.shelf)
    coming: list[tuple[int, RegionRecord]] = []
    for change in command.changes:
        key, wanted, present = change.id, change.after, regions.get(change.id)
        if wanted is None:
            if present is not None:
                shelf[key] = regions.pop(key)
        elif present is not None:
            made = remade(present, change.before, wanted)
            regions[key] = made if made.geometry == present.geometry else placed(made, table)
        else:
            coming.append((change.place, placed(remade(shelf.pop(key, wanted), None, wanted), table)))
    coming.sort(key=lambda pair: pair[0])
    ordered = list(regions.values())
    for place, record in coming:
        ordered.insert(place, record)
    withdrawn, back = set(command.withdrawn), tuple(record.id for _place, record in coming)
    restored = replace(
        table,
        regions=MappingProxyType({record.id: record for record in ordered}),
        shelf=MappingProxyType(shelf),
        selection=back or tuple(key for key in table.selection if key in regions),
        preferences=tuple(one for one in table.preferences if one not in withdrawn),
    )
    return preferring(restored, command.given)


@apply.register
def _queue_regions(command: QueueRegions, table: Table, number: int) -> Table:
    return with_records(table, [_queued(table.record(key), table, number) for key in command.region_ids])


def _queued(record: RegionRecord, table: Table, number: int) -> RegionRecord:
    image = table.image
    if image is not None and record.region.mask.shape != image.shape:
        return failed(record, *misfit(record.region.mask, image))
    ticket = Ticket(record.id, record.geometry, table.sha256_of(record.plane), number)
    return replace(record, state=RegionState.QUEUED, error="", hint="", asked=ticket)


@apply.register
def _accept_reports(command: AcceptReports, table: Table, _number: int) -> Table:
    accepted = [
        replace(record, state=RegionState.SCORED, report=report, asked=None, answered=ticket)
        for ticket, report in command.answers
        if report.region == ticket.region and (record := waiting(ticket, table)) is not None
    ]
    return with_answered(table, accepted)


@apply.register
def _reject_regions(command: RejectRegions, table: Table, _number: int) -> Table:
    rejected = [
        failed(record, rejection.error, rejection.hint)
        for rejection in command.rejections
        if (record := _rejected(rejection, table)) is not None
    ]
    return with_answered(table, rejected)


def _rejected(rejection: Rejection, table: Table) -> RegionRecord | None:
    return table.record(rejection.region_id) if rejection.ticket is None else waiting(rejection.ticket, table)


@apply.register
def _mark_stale(command: MarkStale, table: Table, _number: int) -> Table:
    if command.region_ids is not None:
        return outdated(table, command.region_ids)
    return shelf_outdated(outdated(table, tuple(table.regions)))


@apply.register
def _change_model(_command: ChangeModel, table: Table, _number: int) -> Table:
    return replace(shelf_outdated(outdated(table, tuple(table.regions))), maps=MappingProxyType({}))


@apply.register
def _select_regions(command: SelectRegions, table: Table, _number: int) -> Table:
    selection = tuple(dict.fromkeys(table.record(key).id for key in command.region_ids))
    return table if selection == table.selection else replace(table, selection=selection)


@apply.register
def _accept_maps(command: AcceptMaps, table: Table, _number: int) -> Table:
    if table.image is None or table.image.sha256 != command.image:
        return table
    return replace(table, maps=MappingProxyType(dict(command.maps)))
