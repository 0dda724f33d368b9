"""Step 5 of the panel "Fine-tune": the tuned models, which of them answers, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_seagull.connection.backend import Backend
from napari_seagull.controller import tuning_door as door
from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.pixel_desk import mixture
from napari_seagull.controller.scoring import Scorer
from napari_seagull.session.records import RegionState
from napari_seagull.views.tune_models import ModelsView
from napari_seagull.views.tune_rows import TunedRow
from seagull_iqa.client import Client
from seagull_iqa.errors import SeagullError

GATHER_MS = 200
SUFFIX = ".seagull-model"
OUTDATED = "{0} on the table {1} of a model that answers no more."


class ModelShelf(QObject):
    """Lists, changes, rolls back, deletes, exports and imports; one thing at a time."""

    def __init__(self, desk: Desk, server: Backend, backend: BackendDesk, scorer: Scorer, view: ModelsView) -> None:
        super().__init__(view)
        self._desk, self._server, self._backend, self._scorer, self._view = desk, server, backend, scorer, view
        self._rows: tuple[TunedRow, ...] = ()
        self._former: list[str] = []
        self._busy = self._closed = False
        self._gather = debounce(GATHER_MS, self._show_stale, self)
        desk.session.regions_changed.connect(self._on_regions_changed)
        backend.ready.connect(self.refresh)
        view.use_wished.connect(self.use)
        view.back_wished.connect(self.roll_back)
        view.delete_wished.connect(self._on_delete_wished)
        view.export_wished.connect(self._on_export_wished)
        view.import_wished.connect(self._on_import_wished)
        view.rescore_wished.connect(self._on_rescore_wished)
        self._gather.start()

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        self._gather.stop()
        self._desk.session.regions_changed.disconnect(self._on_regions_changed)
        self._backend.ready.disconnect(self.refresh)

    @property
    def names(self) -> frozenset[str]:
        """What the models are called."""
        return frozenset(row.name for row in self._rows)

    @property
    def active(self) -> str:
        """Id of the model that answers; "" while that is not known."""
        return next((row.id for row in self._rows if row.active), "")

    def refresh(self) -> None:
        """Ask which models there are."""
        client = self._backend.client
        if client is not None and not self._closed:
            self._desk.tasks.start(
                "tuned", lambda _task: door.models(client), done=self._on_models, failed=lambda _error: None
            )

    def use(self, model: str) -> None:
        """Let that model answer from now on."""
        former = self.active
        if former and former != model:
            self._former.append(former)
        self._let_answer(model)

    def roll_back(self) -> None:
        """Let the model answer again that answered before."""
        model = self._way_back()
        if model:
            self._former = self._former[:-1]
            self._let_answer(model)

    def _let_answer(self, model: str) -> None:
        self._do("use", lambda _client: self._server.use_model(model))

    def _on_models(self, rows: list[TunedRow]) -> None:
        if self._closed:
            return
        self._rows = tuple(rows)
        known = {row.id for row in rows}
        self._former = [model for model in self._former if model in known and model != self.active]
        self._show()

    def _way_back(self) -> str:
        """Id of the model that a roll back leads to: the last one that answered, else what the present one is of."""
        if self._former:
            return self._former[-1]
        base = next((row.base for row in self._rows if row.active), "")
        return next((row.id for row in self._rows if base and base in (row.id, row.name)), "")

    def _show(self) -> None:
        back = self._way_back()
        name = next((row.name for row in self._rows if row.id == back), "")
        self._view.show_rows(self._rows, name, busy=self._busy)

    def _do(self, what: str, call: Callable[[Client], object]) -> None:
        """Change something; a sentence that comes back is told."""
        client = self._backend.client
        if client is None:
            self._desk.tell(NOT_READY)
            return
        self._busy = True
        self._show()
        self._desk.tasks.start(what, lambda _task: call(client), done=self._on_done, failed=self._on_failed)

    def _on_done(self, sentence: object) -> None:
        self._busy = False
        if self._closed:
            return
        if isinstance(sentence, str):
            self._desk.note(sentence)
        self._show()
        self.refresh()

    def _on_failed(self, error: SeagullError) -> None:
        self._busy = False
        self._desk.tell(str(error))
        if not self._closed:
            self._show()
            self.refresh()

    def _on_delete_wished(self, model: str) -> None:
        self._do("delete", lambda client: door.delete(client, model))

    def _on_export_wished(self, model: str) -> None:
        row = next((row for row in self._rows if row.id == model), None)
        start = f"{'model' if row is None else row.name}{SUFFIX}".replace("/", "_")
        name, _kind = QFileDialog.getSaveFileName(self._view, "Write this model to a file", start, f"(*{SUFFIX})")
        if name:
            path = Path(name)
            self._do("export", lambda client: door.export(client, model, path))

    def _on_import_wished(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self._view, "Take in a model", "", f"(*{SUFFIX})")
        if name:
            path = Path(name)
            self._do("import", lambda client: door.take_in(client, path))

    def _on_rescore_wished(self) -> None:
        if not self._scorer.score_all():
            self._desk.note("Every region of this plane has a score that counts; go to the other planes for theirs.")

    def _on_regions_changed(self, _ids: object) -> None:
        if not self._gather.isActive():
            self._gather.start()

    def _show_stale(self) -> None:
        records = self._desk.session.regions.values()
        stale = sum(record.state is RegionState.STALE and record.report is not None for record in records)
        words = "1 score" if stale == 1 else f"{stale:,} scores"
        said = OUTDATED.format(words, "is" if stale == 1 else "are") if stale else mixture(records)
        self._view.show_stale(said)
