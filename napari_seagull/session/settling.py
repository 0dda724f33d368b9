"""How records come to rest on the table: which report counts, what waits for an answer, what is brought back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from napari_seagull.session.records import RegionRecord, RegionState, Table, Ticket
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import ShapeMismatchError
from seagull_iqa.imaging.prepared import PreparedImage


def with_records(table: Table, records: Iterable[RegionRecord]) -> Table:
    """The table with these records, in the place of those with the same ids."""
    regions = dict(table.regions)
    regions.update((record.id, record) for record in records)
    return replace(table, regions=MappingProxyType(regions))


def settled(record: RegionRecord, table: Table) -> RegionRecord:
    """The record with no open request: scored if its report is of these very pixels, else stale or unscored."""
    answered = record.answered
    if record.report is None:
        state = RegionState.UNSCORED
    elif answered and (answered.geometry, answered.image) == (record.geometry, table.sha256_of(record.plane)):
        state = RegionState.SCORED
    else:
        state = RegionState.STALE
    return replace(record, state=state, error="", hint="", asked=None)


def failed(record: RegionRecord, error: str, hint: str) -> RegionRecord:
    """The record that says why it has no score; its last report stays."""
    return replace(record, state=RegionState.ERROR, error=error, hint=hint, asked=None)


def check_fits(table: Table, mask: RegionMask) -> None:
    """Raise `ShapeMismatchError` where the mask belongs to an image of another size."""
    if table.image is not None and mask.shape != table.image.shape:
        raise ShapeMismatchError(*misfit(mask, table.image))


def misfit(mask: RegionMask, image: PreparedImage) -> tuple[str, str]:
    """What is wrong with a mask of another image, and what to do."""
    (rows, columns), (height, width) = mask.shape, image.shape
    return (
        f"The region belongs to an image of {rows} x {columns} px, and this one has {height} x {width}.",
        "Choose the image it was drawn on, or draw it again.",
    )


def placed(record: RegionRecord, table: Table) -> RegionRecord:
    """A region that comes to the table: an open request still counts if it is about these very pixels."""
    image, asked = table.image, record.asked
    if image is not None and record.region.mask.shape != image.shape:
        return failed(record, *misfit(record.region.mask, image))
    here = (record.geometry, table.sha256_of(record.plane))
    return record if asked and (asked.geometry, asked.image) == here and here[1] else settled(record, table)


def remade(present: RegionRecord, before: RegionRecord | None, wanted: RegionRecord) -> RegionRecord:
    """What people made of a region as it is wanted, where a step had changed it; what the model said stays."""
    mask, name = present.region.mask, present.region.name
    if before is None or before.geometry != wanted.geometry:
        mask = wanted.region.mask
    if before is None or before.region.name != wanted.region.name:
        name = wanted.region.name
    return replace(
        present,
        region=replace(present.region, mask=mask, name=name),
        source=wanted.source if before is None or before.source != wanted.source else present.source,
        plane=wanted.plane if before is None or before.plane != wanted.plane else present.plane,
        annotations=wanted.annotations if before is None else _merged(present, before, wanted),
    )


def _merged(present: RegionRecord, before: RegionRecord, wanted: RegionRecord) -> tuple[Annotation, ...]:
    return present.annotations if before.annotations == wanted.annotations else wanted.annotations


def waiting(ticket: Ticket, table: Table) -> RegionRecord | None:
    """The record that waits for this very answer, on the table or on the shelf."""
    record = table.regions.get(ticket.region) or table.shelf.get(ticket.region)
    # A plane that was not open has no hash, and nobody can have scored it.
    return record if record is not None and record.asked == ticket and ticket.image else None


def with_answered(table: Table, records: Sequence[RegionRecord]) -> Table:
    """Records that took an answer, each where it lies: what undo brings back later must not have missed it."""
    here = [record for record in records if record.id in table.regions]
    away = {record.id: record for record in records if record.id not in table.regions}
    shelved = replace(table, shelf=MappingProxyType({**table.shelf, **away})) if away else table
    return with_records(shelved, here)


def outdated(table: Table, ids: tuple[str, ...]) -> Table:
    """The reports of these regions count no longer."""
    records = [replace(table.record(key), answered=None) for key in ids]
    return with_records(table, [settled(r, table) if r.state is not RegionState.ERROR else r for r in records])


def shelf_outdated(table: Table) -> Table:
    """Nor do those of the regions on the shelf; nobody waits for an answer about them."""
    shelf = {key: replace(record, answered=None, asked=None) for key, record in table.shelf.items()}
    return replace(table, shelf=MappingProxyType(shelf))


def preferring(table: Table, given: tuple[Preference, ...]) -> Table:
    """The table with these preferences, each in the place of the one with the same id."""
    known = {one.id: one for one in table.preferences}
    known.update((one.id, one) for one in given)
    return replace(table, preferences=tuple(known.values()))
