"""A region of the session as tables and cards show it."""

from __future__ import annotations

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
