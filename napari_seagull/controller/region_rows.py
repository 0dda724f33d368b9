"""A region of the session as tables and cards show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_seagull.session.records import RegionRecord, RegionState
from napari_seagull.views.rows import RegionRow, RowState

ROW_STATES = {
    RegionState.UNSCORED: RowState.UNSCORED,
    RegionState.QUEUED: RowState.QUEUED,
    RegionState.SCORED: RowState.SCORED,
    RegionState.STALE: RowState.STALE,
    RegionState.ERROR: RowState.FAILED,
}


def row_of(record: RegionRecord) -> RegionRow:
    """What is shown of a region; of several people's words the newest."""
    problem = f"{record.error} {record.hint}".strip()
    said = sorted(record.verdicts, key=lambda one: one.time)
    human = said[-1] if said else None
    return RegionRow(record.id, record.region.name, ROW_STATES[record.state], record.report, problem, human)


def rows_of(records: Sequence[RegionRecord]) -> tuple[RegionRow, ...]:
    """What is shown of regions beside each other; those of different planes are named with their planes."""
    rows = tuple(row_of(record) for record in records)
    if len({record.plane for record in records}) < 2:
        return rows
    places = (", ".join(str(index) for index in record.plane) for record in records)
    return tuple(replace(row, name=f"{row.name} (plane {place})") for row, place in zip(rows, places, strict=True))
