"""Steps 1 and 2 of the panel "Fine-tune": asks the server what there is to learn from, and what to label next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from psygnal import Signal
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_seagull.controller import tuning_door as door
from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.tuning_gather import Gatherer
from napari_seagull.controller.tuning_regions import TuningRegions
from napari_seagull.tasks import Task
from napari_seagull.views.tune_next import MOST, NONE
from napari_seagull.views.tune_panel import TunePanel
from napari_seagull.views.tune_rows import ConflictRow, NextRow, SourceRow
from seagull_iqa.domain.fine_tuning import Estimate, FineTuneSpec, LabelStock, Suggestion
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.session_file import SUFFIX

LOOKING = "Looking for regions that would teach most …"


class StockDesk(QObject):
    """Always shows the newest answer; what was asked before something was said is dropped."""

    known = Signal()

    def __init__(
        self, desk: Desk, backend: BackendDesk, gatherer: Gatherer, regions: TuningRegions, panel: TunePanel
    ) -> None:
        super().__init__(panel)
        self._desk, self._backend, self._gatherer, self._regions, self._panel = desk, backend, gatherer, regions, panel
        self._stock: LabelStock | None = None
        self._estimate: Estimate | None = None
        self._asking: dict[str, Task] = {}
        self.base = FineTuneSpec("").base
        self._waits = True
        gatherer.gathered.connect(self.ask)
        backend.ready.connect(self.ask)
        panel.opened.connect(self._on_opened)
        sources = panel.stock.sources
        sources.files_wished.connect(self._on_files_wished)
        sources.folder_wished.connect(self._on_folder_wished)
        sources.removal_wished.connect(gatherer.leave_out)
        panel.stock.conflicts.chosen.connect(self._on_conflict_chosen)
        panel.stock.conflicts.rate_wished.connect(lambda region: regions.go_to(region, rate=True))
        panel.suggested.rate_wished.connect(lambda _image, region: regions.go_to(region, rate=True))

    def close(self) -> None:
        """Listen no more."""
        self._gatherer.gathered.disconnect(self.ask)
        self._backend.ready.disconnect(self.ask)
        for task in self._asking.values():
            task.drop()

    @property
    def stock(self) -> LabelStock | None:
        """What there is; None while it is not known."""
        return self._stock

    @property
    def estimate(self) -> Estimate | None:
        """What a run would take; None while it is not known."""
        return self._estimate

    @property
    def is_idle(self) -> bool:
        """True when no answer is waited for."""
        return not self._asking

    def ask(self) -> None:
        """Ask anew; where nobody looks, as while one rates with the panel behind, once somebody does."""
        client, found = self._backend.client, self._gatherer.found
        self._waits = not self._panel.isVisible()
        if client is not None and not self._waits:
            self._ask("base", lambda: door.base(client), self._on_base)
            self._ask("stock", lambda: door.stock(client, found), self._on_stock)
        self._show()

    def _on_opened(self) -> None:
        if self._waits:
            self._desk.tasks.post(self.ask)  # once it is visible

    def _on_base(self, base: str) -> None:
        if base != self.base:
            self.base = base
            if self._stock is not None:
                self._on_stock(self._stock)

    def _on_stock(self, stock: LabelStock) -> None:
        self._stock = stock
        client, found = self._backend.client, self._gatherer.found
        if client is not None and any(source.images for source in found):
            spec = FineTuneSpec("estimate", self.base)
            self._ask("suggest", lambda: door.suggestions(client, found, self.base, MOST), self._on_suggested)
            if stock.regions + stock.pairs:
                self._ask("estimate", lambda: door.estimate(client, found, spec), self._on_estimated)
            if not self._panel.suggested.rows:
                self._panel.suggested.show_rows((), LOOKING)
        self._show()
        self.known.emit()

    def _on_suggested(self, suggestions: Sequence[Suggestion]) -> None:
        rows = [
            NextRow(one.image, one.region, self._regions.name(one.region), self._regions.image_name(one.region),
                    one.gain, one.why)
            for one in suggestions if self._regions.place(one.region) is not None
        ]  # fmt: skip
        view = self._panel.suggested
        view.show_rows(rows, NONE)
        self._regions.show((row.region, line.picture) for row, line in zip(view.rows, view.lines, strict=False))

    def _on_estimated(self, estimate: Estimate) -> None:
        self._estimate = estimate
        self.known.emit()

    def _show(self) -> None:
        stock = self._stock
        contradictions = () if stock is None else stock.contradictions
        conflicts = [
            ConflictRow(ids, tuple(self._regions.name(one) for one in ids), sentence)
            for *pair, sentence in contradictions
            if (ids := tuple(one for one in pair if self._regions.place(one) is not None))
        ]
        sources = [SourceRow(one.key, one.name, one.words, not one.problem) for one in self._gatherer.found]
        self._panel.stock.show_stock(stock, conflicts, sources)

    def _on_conflict_chosen(self, _line: int) -> None:
        conflicts = self._panel.stock.conflicts
        row = conflicts.row
        if row is not None:
            self._regions.show(zip(row.regions, conflicts.pictures, strict=False))
            if row.regions[0] in self._desk.session.regions:
                self._regions.go_to(row.regions[0], rate=False)

    def _on_files_wished(self) -> None:
        names, _kind = QFileDialog.getOpenFileNames(self._panel, "Learn from these sessions", "", f"(*{SUFFIX})")
        if names:
            self._gatherer.add([Path(name) for name in names])

    def _on_folder_wished(self) -> None:
        name = QFileDialog.getExistingDirectory(self._panel, "Learn from the sessions in this folder")
        if name:
            self._gatherer.add([Path(name)])

    def _ask(self, what: str, call: Callable[[], object], done: Callable[..., None]) -> None:
        if what in self._asking:
            self._asking.pop(what).drop()

        def on_done(answer: object) -> None:
            self._asking.pop(what, None)
            done(answer)

        def on_failed(error: SeagullError) -> None:
            self._asking.pop(what, None)
            self._panel.status.show_problem(str(error))

        self._asking[what] = self._desk.tasks.start(what, lambda _task: call(), done=on_done, failed=on_failed)
