"""A window that closes before anybody knows what session its image has: it is looked for while all is written down."""

from __future__ import annotations

from napari_seagull.safekeeping.finding import claim, look
from napari_seagull.safekeeping.places import Origin, Places
from napari_seagull.safekeeping.recorder import Recorder
from napari_seagull.safekeeping.translating import events_of_table
from napari_seagull.session.records import Table
from seagull_iqa.domain.annotation import now_utc


def recorder_unseen(places: Places, origin: Origin, table: Table) -> Recorder | None:
    """Begins to write that table beside the window's loop; None where there is nothing to keep."""
    image, planes = table.image, dict(table.planes)
    if image is None or not table.regions:
        return None
    recorder = Recorder(
        lambda: claim(places, look(places, origin, image.shape, planes), resumed=False), lambda _news: None
    )
    recorder.record(lambda: events_of_table(table, origin.path, now_utc()))
    return recorder
