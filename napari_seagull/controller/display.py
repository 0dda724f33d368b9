"""What the session holds, written to table, card and canvas: seldom, in small steps, so that all stays fluid."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.labels_watch import LabelsWatch
from napari_seagull.controller.regions_layer import Look, ids_of, look_of, write_edges, write_faces, write_features
from napari_seagull.controller.shapes_watch import ShapesWatch
from napari_seagull.session.records import LabelSource, RegionRecord, RegionState
from napari_seagull.views.panel import Panel
from napari_seagull.views.rows import RegionRow, RowState

GATHER_MS = 60
"""Changes within so long are shown together."""

ROW_STATES = {
    RegionState.UNSCORED: RowState.UNSCORED,
    RegionState.QUEUED: RowState.QUEUED,
    RegionState.SCORED: RowState.SCORED,
    RegionState.STALE: RowState.STALE,
    RegionState.ERROR: RowState.FAILED,
}


class Display(QObject):
    """Writes what changed, one step a turn of the window's loop."""

    def __init__(self, desk: Desk, panel: Panel, shapes: ShapesWatch, labels: LabelsWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._panel, self._shapes, self._labels = desk, panel, shapes, labels
        self._looks: dict[str, Look] = {}
        self._written: object = None
        self._steps: list[Callable[[], None]] = []
        self._gather = debounce(GATHER_MS, self._begin, self)
        self._turns = QTimer(self)
        self._turns.setInterval(0)
        self._turns.timeout.connect(self._step)
        desk.session.regions_changed.connect(self.refresh)
        desk.session.selection_changed.connect(self._on_selection_changed)
        shapes.gone.connect(self.refresh)
        shapes.found.connect(self.refresh)
        labels.gone.connect(self.refresh)
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

    def refresh(self, *_change: object) -> None:
        """Show, in a moment, what the session holds."""
        if not self._gather.isActive():
            self._gather.start()

    def _begin(self) -> None:
        session = self._desk.session
        if self._steps:
            # The last pass was cut short: what it did not write is not on the canvas, though its features are.
            self._written = None
        self._looks = {key: look_of(record, session.image) for key, record in session.regions.items()}
        shapes = [self._write_features, self._write_faces, self._write_edges]
        self._steps = [self._write_table, *shapes, self._write_labels]
        self._turns.start()

    def _step(self) -> None:
        if self._steps:
            self._steps.pop(0)()
        if not self._steps:
            self._turns.stop()

    def _write_table(self) -> None:
        self._panel.table.show_rows([row_of(record) for record in self._desk.session.regions.values()])
        self._panel.table.select(self._desk.session.selection)
        self._show_card()
        self._panel.offer_restore(offered=self._shapes.has_lost_regions() or self._labels.has_lost_regions())

    def _write_features(self) -> None:
        layer = self._shapes.layer
        state = None if layer is None else (id(layer), ids_of(layer), self._looks)
        if layer is None or state == self._written:
            del self._steps[:2]  # faces and edges are as they were, too
            return
        self._written = state
        write_features(layer, self._looks)

    def _write_faces(self) -> None:
        if (layer := self._shapes.layer) is not None:
            write_faces(layer, self._looks)

    def _write_edges(self) -> None:
        if (layer := self._shapes.layer) is not None:
            write_edges(layer, self._looks)

    def _write_labels(self) -> None:
        if any(isinstance(record.source, LabelSource) for record in self._desk.session.regions.values()):
            self._labels.write_looks(self._looks)

    def _on_selection_changed(self, ids: tuple[str, ...]) -> None:
        self._panel.table.select(ids)
        self._shapes.select(ids)
        self._labels.select(ids)
        self._show_card()

    def _show_card(self) -> None:
        session = self._desk.session
        chosen = [key for key in session.selection if key in session.regions]
        self._panel.card.show_row(row_of(session.regions[chosen[0]]) if chosen else None)


def row_of(record: RegionRecord) -> RegionRow:
    """A region as the table and the card show it."""
    problem = f"{record.error} {record.hint}".strip()
    return RegionRow(record.id, record.region.name, ROW_STATES[record.state], record.report, problem)
