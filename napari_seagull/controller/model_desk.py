"""The models as the panel shows them: asked for, changed, downloaded and removed, never waited for."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_seagull.connection.backend import Backend, ConnectionState, Status
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.tasks import Task
from napari_seagull.views.model_facts import ModelFacts, Warmth
from napari_seagull.views.model_form import ModelForm
from seagull_iqa import wire
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.errors import JobCancelledError, SeagullError

SOON_MS = 700
"""What has been scored is told at most so often."""

AGAIN_MS = 5000
"""So often while somebody looks: memory and disk change by themselves."""

Inquiry = tuple[wire.ModelList, wire.Capabilities | None]


class ModelDesk(QObject):
    """Shows what models the server has, and carries out what is wished of them."""

    known = Signal(ModelFacts)

    def __init__(self, desk: Desk, backend: Backend, form: ModelForm, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._backend, self._form = desk, backend, form
        self._facts = ModelFacts()
        self._inquiry: Task | None = None
        self._once_more = False
        self._download: Task | None = None
        self._soon = debounce(SOON_MS, self.refresh, self)
        self._again = QTimer(self)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._on_again)
        self._again.start()
        desk.session.regions_changed.connect(self._wake)
        backend.state_changed.connect(self._on_state_changed)
        form.opened.connect(self.refresh)
        form.use_wished.connect(self._on_use_wished)
        form.download_wished.connect(self._on_download_wished)
        form.remove_wished.connect(self._on_remove_wished)
        form.stop_wished.connect(self._on_stop_wished)

    def close(self) -> None:
        """Listen no more."""
        self._soon.stop()
        self._again.stop()
        self._desk.session.regions_changed.disconnect(self._wake)
        self._backend.state_changed.disconnect(self._on_state_changed)
        self._form.opened.disconnect(self.refresh)

    def refresh(self) -> None:
        """Ask the server; where it is being asked already, once more after that."""
        self._once_more = self._inquiry is not None
        if self._inquiry is None and self._backend.reached is not None:
            self._inquiry = self._desk.tasks.start(
                "models", lambda _task: self._backend.inquire(), done=self._on_inquired, failed=self._on_not_inquired
            )

    def _wake(self, *_change: object) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _on_again(self) -> None:
        if self._form.isVisible():
            self.refresh()

    def _on_state_changed(self, status: Status) -> None:
        """Comes on any thread."""
        loading = status.state is not ConnectionState.READY and self._backend.reached is not None
        failed = status.state is ConnectionState.FAILED
        self._desk.tasks.post(lambda: self._form.show_loading(loading=loading and not failed))

    def _on_inquired(self, inquiry: Inquiry) -> None:
        self._inquiry = None
        self._facts = facts_of(inquiry, self._facts)
        self._form.show_facts(self._facts)
        self.known.emit(self._facts)
        self._ask_once_more()

    def _on_not_inquired(self, _error: SeagullError) -> None:
        """The bar of the backend tells what is wrong with it."""
        self._inquiry = None
        self._ask_once_more()

    def _ask_once_more(self) -> None:
        if self._once_more:
            self.refresh()

    def _on_use_wished(self, name: str, precision: str) -> None:
        self._form.show_loading(loading=True)
        self._desk.tasks.start(
            "use",
            lambda _task: self._backend.use_model(name, precision=precision),
            done=self._on_used,
            failed=self._on_not_used,
        )

    def _on_used(self, _client: Client) -> None:
        self._form.show_loading(loading=False)
        self.refresh()

    def _on_not_used(self, error: SeagullError) -> None:
        self._form.show_loading(loading=False)
        self._desk.tell(str(error))
        self.refresh()

    def _on_download_wished(self, name: str) -> None:
        client = self._backend.reached
        if client is None or self._download is not None:
            self._desk.tell("The backend is not there, or is downloading already. Wait a moment, or restart it.")
            return
        self._form.show_progress(Progress(0, 0, "Asking the hub …"))
        self._download = self._desk.tasks.start(
            "download",
            lambda task: client.download(name, progress=task.report),
            done=self._on_downloaded,
            failed=self._on_not_downloaded,
            progressed=self._form.show_progress,
        )

    def _on_stop_wished(self) -> None:
        if self._download is not None:
            self._download.stop()

    def _on_downloaded(self, _nothing: None) -> None:
        self._end_download()

    def _on_not_downloaded(self, error: SeagullError) -> None:
        self._end_download()
        if not isinstance(error, JobCancelledError):
            self._desk.tell(str(error))

    def _end_download(self) -> None:
        self._download = None
        self._form.show_progress(None)
        self.refresh()

    def _on_remove_wished(self, name: str) -> None:
        client = self._backend.reached
        if client is not None:
            self._desk.tasks.start(
                "remove",
                lambda _task: client.remove_model(name),
                done=lambda _freed: self.refresh(),
                failed=lambda error: self._desk.tell(str(error)),
            )


def facts_of(inquiry: Inquiry, before: ModelFacts) -> ModelFacts:
    """What the panel shows of the server's words; maps and answers stay as they were while a model is loaded."""
    models, can = inquiry
    ready = can is not None and can.model is not None
    if can is None or can.model is None:
        warmth, who, precision, maps, answers = Warmth(), "", "", before.maps, before.answers
    else:
        warmth = Warmth(can.warmth.images, can.warmth.held_bytes, can.warmth.limit_bytes)
        who, precision, maps, answers = can.model.id, can.precision, tuple(can.maps), can.answers
    return ModelFacts(
        offers=tuple(message.offer() for message in models.models),
        in_use=models.in_use if ready else "",
        model=who,
        precision=precision,
        device=models.device,
        warmth=warmth,
        free_bytes=models.free_bytes,
        offline=models.offline,
        maps=maps,
        answers=answers,
    )
