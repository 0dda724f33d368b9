"""The engines that find regions, as the panel shows them: chosen, and what they keep cleared, never waited for."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.tasks import Task
from napari_seagull.views.engine_form import EngineFacts, EngineForm
from napari_seagull.views.sizes import size_words
from seagull_iqa.errors import SeagullError
from seagull_iqa.prompt_messages import SegmenterList


class EngineDesk(QObject):
    """Knows which engine answers, and lets another one do so."""

    changed = Signal()  # another engine answers, or what was kept is gone: images must be looked at anew

    def __init__(self, desk: Desk, backend: BackendDesk, form: EngineForm, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._backend, self._form = desk, backend, form
        self._known: SegmenterList | None = None
        self._task: Task | None = None
        form.engine_wished.connect(self._on_engine_wished)
        form.clear_wished.connect(self._on_clear_wished)
        backend.ready.connect(self.refresh)

    @property
    def hover(self) -> bool:
        """Whether the engine is quick enough to answer while the pointer moves."""
        known = self._known
        return known is not None and any(one.hover for one in known.engines if one.name == known.in_use)

    @property
    def is_loading(self) -> bool:
        """True while another engine is loaded."""
        return self._task is not None

    def close(self) -> None:
        """Listen no more."""
        self._backend.ready.disconnect(self.refresh)

    def refresh(self) -> None:
        """Ask which engines there are."""
        client = self._backend.client
        if client is not None and self._task is None:
            self._desk.tasks.start(
                "engines", lambda _task: client.segmenting.list(), done=self._on_known, failed=self._on_lost
            )

    def _on_known(self, known: SegmenterList) -> None:
        changed = self._known is not None and known.in_use != self._known.in_use
        self._known = known
        self._show()
        if changed:
            self.changed.emit()

    def _on_lost(self, _error: SeagullError) -> None:
        """The bar of the backend says why."""
        self._known = None
        self._show()

    def _show(self) -> None:
        known = self._known
        if known is None:
            self._form.show_facts(EngineFacts())
            return
        kept = (known.memory, known.disk)
        facts = EngineFacts(
            [engine.state() for engine in known.engines],
            known.in_use,
            self._task is not None,
            sum(place.held_bytes for place in kept),
            sum(place.looks for place in kept),
        )
        self._form.show_facts(facts)

    def _on_engine_wished(self, name: str) -> None:
        known, client = self._known, self._backend.client
        if known is None or client is None or name == known.in_use:
            return
        wished = next((engine for engine in known.engines if engine.name == name), None)
        if wished is not None and not wished.ready:
            self._desk.tell(wished.why_not)
            return
        self._task = self._desk.tasks.start(
            "engine",
            lambda _task: client.segmenting.choose(name),
            done=self._ended(self._on_known),
            failed=self._ended(self._on_refused),
        )
        self._show()

    def _ended(self, tell: Callable[[SegmenterList], None] | Callable[[SeagullError], None]) -> Callable[..., None]:
        def on_end(outcome: SegmenterList | SeagullError) -> None:
            self._task = None
            tell(outcome)  # type: ignore[arg-type]

        return on_end

    def _on_refused(self, error: SeagullError) -> None:
        self._show()
        self._desk.tell(str(error))

    def _on_clear_wished(self) -> None:
        client = self._backend.client
        if client is not None:
            self._desk.tasks.start(
                "clear",
                lambda _task: client.segmenting.clear(),
                done=self._on_cleared,
                failed=lambda error: self._desk.tell(str(error)),
            )

    def _on_cleared(self, freed: int) -> None:
        self._desk.note(f"{size_words(freed)} of kept embeddings were cleared. The next click prepares its image anew.")
        self.changed.emit()
        self.refresh()
