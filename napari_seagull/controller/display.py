"""What the session holds, written to table, card and canvas: seldom, in small steps, so that all stays fluid."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QObject, QTimer

from napari_seagull.controller.card_desk import CardDesk
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.our_layers import OurLayers
from napari_seagull.controller.region_rows import row_of
from napari_seagull.controller.regions_layer import (
    MOST_LABELS,
    Look,
    ids_of,
    look_of,
    write_edges,
    write_faces,
    write_features,
    write_labels,
)
from napari_seagull.session.records import LabelSource, RegionRecord, SegmentSource
from napari_seagull.views.panel import Panel
from napari_seagull.views.regions_box import RegionsBox
from napari_seagull.views.rows import RegionRow
from seagull_iqa.imaging.prepared import PreparedImage

GATHER_MS = 100
"""Changes within so long are shown together."""

GATHER_FEW_MS, FEW = 15, 20
"""With at most so many regions the score of one is shown at once."""

GATHER_MANY_MS = 600
"""The same where there are more than `MOST_LABELS` regions: napari builds all their outlines anew for each change."""

BUSY_S = 0.02
"""Steps that are quick share one turn, up to so long."""

TURN_MS = 12
"""From one step to the next, so that the window can draw between them."""

@dataclass(frozen=True, eq=False)
class Face:
    """How one region is shown, and what it was made of."""

    record: RegionRecord
    image: PreparedImage | None
    look: Look
    row: RegionRow


class Display(QObject):
    """Writes what changed, one step a turn of the window's loop.

    Attributes
    ----------
    tables : list of RegionsBox
    cards : list of CardDesk
        Every table and card that follows the session; those of the panel come first.
    """

    def __init__(self, desk: Desk, panel: Panel, layers: OurLayers, card: CardDesk) -> None:
        super().__init__(card.parent())
        self._desk, self._panel, self._layers = desk, panel, layers
        self.tables: list[RegionsBox] = [panel.regions]
        self.cards: list[CardDesk] = [card]
        shapes, labels, segments = layers.shapes, layers.labels, layers.segments
        self._shapes, self._labels, self._segments = shapes, labels, segments
        self.may_show: Callable[[], bool] = lambda: True
        self._faces: dict[str, Face] = {}
        self._looks: dict[str, Look] = {}
        self._written: object = None
        self._plain = False
        self._steps: list[Callable[[], None]] = []
        self._gather = debounce(GATHER_MS, self._begin, self)
        self._turns = QTimer(self)
        self._turns.setInterval(TURN_MS)
        self._turns.timeout.connect(self._step)
        desk.session.regions_changed.connect(self.refresh)
        desk.session.selection_changed.connect(self._on_selection_changed)
        shapes.gone.connect(self.refresh)
        shapes.found.connect(self.refresh)
        labels.gone.connect(self.refresh)
        segments.gone.connect(self.refresh)
        self.refresh()

    @property
    def is_idle(self) -> bool:
        """True when everything that changed is shown."""
        return not self._gather.isActive() and not self._steps

    def close(self) -> None:
        """Listen no more."""
        self._gather.stop()
        self._turns.stop()
        self._desk.session.regions_changed.disconnect(self.refresh)
        self._desk.session.selection_changed.disconnect(self._on_selection_changed)
        for card in self.cards:
            card.close()

    def show_plain(self, *, plain: bool) -> None:
        """Leave the scores off the canvas, so that they lead nobody; outlines stay."""
        if plain != self._plain:
            self._plain = plain
            self.refresh()

    def refresh(self, *_change: object) -> None:
        """Show, in a moment, what the session holds."""
        if not self._gather.isActive():
            count = len(self._desk.session.regions)
            some = GATHER_FEW_MS if count <= FEW else GATHER_MS
            self._gather.start(GATHER_MANY_MS if count > MOST_LABELS else some)

    def _begin(self) -> None:
        if self._steps:
            self._gather.start()  # what is under way is finished first, or the last steps would never have their turn
            return
        if not self.may_show():
            self._gather.start(TURN_MS)  # nothing is shown as done before it is written down
            return
        session = self._desk.session
        image = session.image if len(session.regions) <= MOST_LABELS else None
        self._faces = {key: self._face(record, image) for key, record in session.regions.items()}
        self._looks = {key: face.look for key, face in self._faces.items()}
        shapes = [self._write_features, self._write_texts, self._write_faces, self._write_edges]
        self._steps = [self._write_table, *shapes, self._write_labels]
        self._turns.start()
        if len(self._faces) <= FEW:
            self._step()

    def _face(self, record: RegionRecord, image: PreparedImage | None) -> Face:
        """How a region is shown; made only once for what has not changed."""
        known = self._faces.get(record.id)
        if known is not None and known.record is record and known.image is image:
            return known
        return Face(record, image, look_of(record, image), row_of(record))

    def _step(self) -> None:
        start = time.perf_counter()
        while self._steps and time.perf_counter() - start < BUSY_S:
            self._steps.pop(0)()
        if not self._steps:
            self._turns.stop()

    def _write_table(self) -> None:
        rows = [face.row for face in self._faces.values()]
        for table in self.tables:
            table.show_rows(rows)
            table.select(self._desk.session.selection)
        self._show_cards()
        self._panel.offer_restore(offered=self._layers.have_lost_regions())

    def _write_features(self) -> None:
        layer = self._shapes.layer
        state = None if layer is None else (id(layer), ids_of(layer), self._looks, self._plain)
        if layer is None or state == self._written:
            del self._steps[:3]  # texts, faces and edges are as they were, too
            return
        self._written = state
        write_features(layer, self._looks)

    def _write_texts(self) -> None:
        if (layer := self._shapes.layer) is None:
            return
        if self._plain:
            layer.text.visible = False
        else:
            write_labels(layer)

    def _write_faces(self) -> None:
        if (layer := self._shapes.layer) is None:
            return
        if self._plain and layer.nshapes:
            layer.face_color = "transparent"
        else:
            write_faces(layer, self._looks)

    def _write_edges(self) -> None:
        if (layer := self._shapes.layer) is not None:
            write_edges(layer, self._on_canvas())

    def _write_labels(self) -> None:
        if any(isinstance(record.source, LabelSource) for record in self._desk.session.regions.values()):
            self._labels.write_looks(self._on_canvas())
        if any(isinstance(record.source, SegmentSource) for record in self._desk.session.regions.values()):
            self._segments.write_looks(self._on_canvas())

    def _on_canvas(self) -> dict[str, Look]:
        return {key: Look(look.name) for key, look in self._looks.items()} if self._plain else self._looks

    def _on_selection_changed(self, ids: tuple[str, ...]) -> None:
        for table in self.tables:
            table.select(ids)
        self._shapes.select(ids)
        self._labels.select(ids)
        self._segments.select(ids)
        self._show_cards()

    def _show_cards(self) -> None:
        for card in self.cards:
            card.show()
