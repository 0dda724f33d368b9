"""The panel "Fine-tune": joins labels, suggestions, run, result and models of one panel as long as it is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QObject

from napari_seagull.connection.backend import Backend
from napari_seagull.controller import tuning_door as door
from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.rating import Rater
from napari_seagull.controller.safe import Safe
from napari_seagull.controller.scoring import Scorer
from napari_seagull.controller.tuned_models import ModelShelf
from napari_seagull.controller.tuning_gather import Gatherer
from napari_seagull.controller.tuning_regions import TuningRegions, Ways
from napari_seagull.controller.tuning_stock import StockDesk
from napari_seagull.controller.tuning_watch import TuningWatch
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.controller.zooming import Zoom
from napari_seagull.views.tune_panel import TunePanel
from napari_seagull.views.tune_words import estimate_words
from seagull_iqa.domain.fine_tuning import FineTuneSpec, TuneRun, TuneState
from seagull_iqa.errors import SeagullError

LEAST = 8
"""Labels that a run begins with; below that nothing can be learned, nor said about what was learned."""


@dataclass(frozen=True, eq=False)
class TuningParts:
    """What fine-tuning works with, beside the desk."""

    images: ImageWatch
    safe: Safe
    watch: TuningWatch
    server: Backend
    backend: BackendDesk
    scorer: Scorer
    zoom: Zoom
    verdicts: Verdicts
    open_rater: Callable[[], Rater]


class Tuner(QObject):
    """Serves one panel as long as it is open; a run goes on without it, and is taken up again."""

    def __init__(self, desk: Desk, parts: TuningParts, panel: TunePanel) -> None:
        super().__init__(panel)
        self._desk, self._parts, self._panel = desk, parts, panel
        self._closed, self._alive = False, True
        own = Desk(desk.viewer, desk.session, desk.tasks, panel.status.show_problem, panel.status.show_note)
        self.gatherer = Gatherer(own, parts.images, parts.safe, self)
        ways = Ways(self.gatherer, parts.safe, parts.zoom, parts.open_rater)
        self.regions = TuningRegions(own, ways, self)
        self.stock = StockDesk(own, parts.backend, self.gatherer, self.regions, panel)
        self.run = parts.watch.run
        self.run.tell = own.tell
        self.shelf = ModelShelf(own, parts.server, parts.backend, parts.scorer, panel.models)
        self._decided = self._shown = ""
        self._connect()
        parts.watch.ask_in(panel.question)
        self.shelf.refresh()
        self._on_run_changed()

    def _connect(self) -> None:
        panel, train, result = self._panel, self._panel.train, self._panel.result
        panel.closed.connect(self.close)
        panel.destroyed.connect(self._on_panel_destroyed)
        panel.stock.rate_wished.connect(lambda: self._parts.open_rater())
        train.train_wished.connect(self._on_train_wished)
        train.pause_wished.connect(self.run.pause)
        train.resume_wished.connect(self.run.resume)
        train.cancel_wished.connect(self.run.cancel)
        result.use_wished.connect(lambda: self._decide(door.USE))
        result.keep_wished.connect(lambda: self._decide(door.KEEP))
        result.discard_wished.connect(lambda: self._decide(door.DISCARD))
        result.changed.region_wished.connect(lambda _image, region: self.regions.go_to(region, rate=False))
        self.run.changed.connect(self._on_run_changed)
        self.run.ended.connect(self._on_run_ended)
        self.stock.known.connect(self._show)

    def close(self) -> None:
        """Listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        self.run.changed.disconnect(self._on_run_changed)
        self.run.ended.disconnect(self._on_run_ended)
        self.run.tell = self._desk.tell
        self._parts.watch.ask_here()
        for part in (self.stock, self.shelf, self.regions, self.gatherer):
            part.close()

    @property
    def is_idle(self) -> bool:
        """True when all is gathered and answered; a run may go on."""
        return self.gatherer.is_idle and self.stock.is_idle and not self.run.asked

    def _on_panel_destroyed(self) -> None:
        self._alive = False
        self.close()

    def _on_train_wished(self, name: str) -> None:
        found, spec = self.gatherer.found, FineTuneSpec(name or self._proposal(), self.stock.base)
        self._decided = ""
        self._panel.result.show_result(None)
        self.run.start(lambda client: door.start(client, found, spec))

    def _on_run_changed(self) -> None:
        run = self.run.run
        if run is not None and run.state is TuneState.DONE and run.id != self._shown:
            self._show_result(run)
        self._show()

    def _on_run_ended(self, run: TuneRun) -> None:
        if run.state is TuneState.DONE:
            self._panel.look_at("result")
            self.shelf.refresh()

    def _show_result(self, run: TuneRun) -> None:
        self._shown = run.id
        self._panel.result.show_result(run.result, self._decided)
        self._panel.unfold("result")
        changed = self._panel.result.changed
        self.regions.show((one.region, card.picture) for one, card in zip(changed.regions, changed.cards, strict=False))

    def _decide(self, what: str) -> None:
        run, client = self.run.run, self._parts.backend.client
        if run is None or run.result is None or client is None:
            return
        self._panel.result.show_result(run.result, "", busy=True)
        self._desk.tasks.start(
            "decide",
            lambda _task: door.decide(client, run, what),
            done=lambda _nothing: self._on_decided(run, what),
            failed=lambda error: self._on_not_decided(run, error),
        )

    def _on_decided(self, run: TuneRun, what: str) -> None:
        name, result = run.spec.name, run.result
        self._decided = {
            door.USE: f"“{name}” answers from now on. “Roll back” under Models undoes that.",
            door.KEEP: f"“{name}” is kept under Models.",
            door.DISCARD: f"“{name}” was deleted. Your labels are still there.",
        }[what]
        self._panel.result.show_result(result, self._decided)
        if what == door.USE and result is not None:
            self.shelf.use(result.model)
            self._panel.unfold("models")
        self.shelf.refresh()
        self._show()

    def _on_not_decided(self, run: TuneRun, error: SeagullError) -> None:
        self._panel.status.show_problem(str(error))
        self._panel.result.show_result(run.result, "")

    def _proposal(self) -> str:
        """A name for the next model: whose eye it is, and which of them."""
        who = self._parts.verdicts.author
        first = f"{who}'s eye" if who else "My eye"
        taken = self.shelf.names
        return next(name for name in (first, *(f"{first} {n}" for n in range(2, 1000))) if name not in taken)

    def _show(self) -> None:
        if not self._alive or self._closed:
            return
        stock, train = self.stock.stock, self._panel.train
        labels = 0 if stock is None else stock.regions + stock.pairs
        enough = labels >= LEAST
        if stock is None:
            plan = "Looking at what is labelled …"
        elif not enough:
            plan = f"Label at least {LEAST} regions before training: {labels} of {LEAST} so far."
        else:
            plan = estimate_words(stock, self.stock.estimate, self.stock.base)
        train.propose_name(self._proposal())
        train.show_state(self.run.state(plan, possible=enough))
