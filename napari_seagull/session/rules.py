"""What each command makes of the table: pure functions, one a command; nothing the user made is lost by any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import singledispatch
from types import MappingProxyType

from napari_seagull.session.commands import (
    AcceptMaps,
    AcceptReports,
    AddRegion,
    ChangeModel,
    Command,
    DeleteRegion,
    EditRegion,
    MarkStale,
    OpenImage,
    QueueRegions,
    RejectRegions,
    RenameRegion,
    SelectRegions,
)
from napari_seagull.session.records import Plane, RegionRecord, RegionState, Table, Ticket
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import RegionError, ShapeMismatchError
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


def _with(table: Table, records: Iterable[RegionRecord]) -> Table:
    regions = dict(table.regions)
    regions.update((record.id, record) for record in records)
    return replace(table, regions=MappingProxyType(regions))


def _settled(record: RegionRecord, table: Table) -> RegionRecord:
    """The record with no open request: scored if its report is of these very pixels, else stale or unscored."""
    answered = record.answered
    if record.report is None:
        state = RegionState.UNSCORED
    elif answered and (answered.geometry, answered.image) == (record.geometry, table.sha256_of(record.plane)):
        state = RegionState.SCORED
    else:
        state = RegionState.STALE
    return replace(record, state=state, error="", hint="", asked=None)


def _failed(record: RegionRecord, error: str, hint: str) -> RegionRecord:
    return replace(record, state=RegionState.ERROR, error=error, hint=hint, asked=None)


def _check_fits(table: Table, mask: RegionMask) -> None:
    if table.image is not None and mask.shape != table.image.shape:
        raise ShapeMismatchError(*_misfit(mask, table.image))


def _misfit(mask: RegionMask, image: PreparedImage) -> tuple[str, str]:
    (rows, columns), (height, width) = mask.shape, image.shape
    return (
        f"The region belongs to an image of {rows} x {columns} px, and this one has {height} x {width}.",
        "Choose the image it was drawn on, or draw it again.",
    )


@apply.register
def _open_image(command: OpenImage, table: Table, _number: int) -> Table:
    image = command.image
    opened = replace(
        table, image=image, layer=command.layer, planes=_planes_after(table, command), maps=_maps_after(table, image)
    )
    return _with(opened, [_seen_again(record, table, opened) for record in table.regions.values()])


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
        return _failed(record, *_misfit(record.region.mask, image))
    before_hash, after_hash = before.sha256_of(record.plane), after.sha256_of(record.plane)
    misfitted = before.image is not None and record.region.mask.shape != before.image.shape
    return record if before_hash == after_hash and not misfitted else _settled(record, after)


@apply.register
def _add_region(command: AddRegion, table: Table, _number: int) -> Table:
    region = command.region
    if region.id in table.regions:
        raise RegionError(f"A region with the id {region.id!r} is there already.", "Give the new one an id of its own.")
    _check_fits(table, region.mask)
    return _with(table, [RegionRecord(region, command.source, command.plane)])


@apply.register
def _edit_region(command: EditRegion, table: Table, _number: int) -> Table:
    record = table.record(command.region_id)
    _check_fits(table, command.mask)
    edited = replace(
        record,
        region=replace(record.region, mask=command.mask),
        source=record.source if command.source is None else command.source,
        plane=record.plane if command.plane is None else command.plane,
    )
    untouched = edited.geometry == record.geometry and record.state is not RegionState.ERROR
    return _with(table, [edited if untouched else _settled(edited, table)])


@apply.register
def _rename_region(command: RenameRegion, table: Table, _number: int) -> Table:
    record = table.record(command.region_id)
    return _with(table, [replace(record, region=replace(record.region, name=command.name))])


@apply.register
def _delete_region(command: DeleteRegion, table: Table, _number: int) -> Table:
    gone = table.record(command.region_id).id
    regions = {key: record for key, record in table.regions.items() if key != gone}
    selection = tuple(key for key in table.selection if key != gone)
    return replace(table, regions=MappingProxyType(regions), selection=selection)


@apply.register
def _queue_regions(command: QueueRegions, table: Table, number: int) -> Table:
    return _with(table, [_queued(table.record(key), table, number) for key in command.region_ids])


def _queued(record: RegionRecord, table: Table, number: int) -> RegionRecord:
    image = table.image
    if image is not None and record.region.mask.shape != image.shape:
        return _failed(record, *_misfit(record.region.mask, image))
    ticket = Ticket(record.id, record.geometry, table.sha256_of(record.plane), number)
    return replace(record, state=RegionState.QUEUED, error="", hint="", asked=ticket)


@apply.register
def _accept_reports(command: AcceptReports, table: Table, _number: int) -> Table:
    accepted = [
        replace(table.regions[ticket.region], state=RegionState.SCORED, report=report, asked=None, answered=ticket)
        for ticket, report in command.answers
        if report.region == ticket.region and _is_newest(ticket, table)
    ]
    return _with(table, accepted)


def _is_newest(ticket: Ticket, table: Table) -> bool:
    record = table.regions.get(ticket.region)
    # A plane that was not open has no hash, and nobody can have scored it.
    return record is not None and record.asked == ticket and bool(ticket.image)


@apply.register
def _reject_regions(command: RejectRegions, table: Table, _number: int) -> Table:
    failed = [
        _failed(table.record(rejection.region_id), rejection.error, rejection.hint)
        for rejection in command.rejections
        if rejection.ticket is None or _is_newest(rejection.ticket, table)
    ]
    return _with(table, failed)


@apply.register
def _mark_stale(command: MarkStale, table: Table, _number: int) -> Table:
    return _outdated(table, tuple(table.regions) if command.region_ids is None else command.region_ids)


@apply.register
def _change_model(_command: ChangeModel, table: Table, _number: int) -> Table:
    return replace(_outdated(table, tuple(table.regions)), maps=MappingProxyType({}))


def _outdated(table: Table, ids: tuple[str, ...]) -> Table:
    records = [table.record(key) for key in ids]
    outdated = [replace(record, answered=None) for record in records]
    return _with(table, [_settled(r, table) if r.state is not RegionState.ERROR else r for r in outdated])


@apply.register
def _select_regions(command: SelectRegions, table: Table, _number: int) -> Table:
    selection = tuple(dict.fromkeys(table.record(key).id for key in command.region_ids))
    return table if selection == table.selection else replace(table, selection=selection)


@apply.register
def _accept_maps(command: AcceptMaps, table: Table, _number: int) -> Table:
    if table.image is None or table.image.sha256 != command.image:
        return table
    return replace(table, maps=MappingProxyType(dict(command.maps)))
