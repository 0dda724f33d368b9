"""The backend as the panel shows it: started by itself, tested, changed and restarted, never waited for."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.connection.backend import Backend, ConnectionState, RemoteServer, Status
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller.desk import Desk
from napari_seagull.views.backend_bar import BackendBar, BackendFacts, BackendState
from napari_seagull.views.server_form import ServerAddress, ServerForm
from seagull_iqa.client import Client
from seagull_iqa.errors import SeagullError

NOT_READY = "The backend is not ready. Wait until its spot is green, or restart it."

SHOWN = {
    ConnectionState.STOPPED: BackendState.OFF,
    ConnectionState.STARTING: BackendState.STARTING,
    ConnectionState.READY: BackendState.READY,
    ConnectionState.FAILED: BackendState.FAILED,
}


class BackendDesk(QObject):
    """Starts the backend on threads of their own, and shows how it is."""

    ready = Signal()  # the backend can be asked
    failed = Signal()  # the backend has gone, or did not come up
    model_changed = Signal()  # another model answers, or will, than the one that has answered so far

    def __init__(self, desk: Desk, backend: Backend, bar: BackendBar, form: ServerForm, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._backend, self._bar, self._form = desk, backend, bar, form
        self._closed = False
        self._model = ""  # who answers, as far as is known
        backend.state_changed.connect(self._on_state_changed)
        bar.restart_wished.connect(self.restart)
        form.use_wished.connect(self._on_use_wished)
        form.test_wished.connect(self._on_test_wished)
        self._show(backend.status)

    @property
    def client(self) -> Client | None:
        """To ask with; None unless the backend is ready."""
        return self._backend.client

    @property
    def model(self) -> str:
        """Id and precision of the model that answers; "" while none is known to."""
        return self._model

    def start(self) -> None:
        """Bring the backend up."""
        self._desk.tasks.start("backend", lambda _task: self._backend.start(), done=_heard, failed=_heard)

    def restart(self) -> None:
        """Bring the backend up anew."""
        self._desk.tasks.start("backend", lambda _task: self._backend.restart(), done=_heard, failed=_heard)

    def revive(self) -> bool:
        """Bring a backend that has gone up again; False where none has gone."""
        gone = self._backend.status.state is ConnectionState.FAILED and not self._closed
        if gone:
            self.restart()
        return gone

    def look_again(self, then: Callable[[object], None] | None = None) -> None:
        """Look whether the backend is still there, after a request that it did not answer; tell of it when done."""
        after = then or _heard
        self._desk.tasks.start("check", lambda _task: self._backend.check(), done=after, failed=after)

    def close(self) -> None:
        """Listen no more, and let the server end."""
        self._closed = True
        self._backend.state_changed.disconnect(self._on_state_changed)
        backend = self._backend
        self._desk.tasks.start("stop", lambda _task: backend.stop(), done=_heard, failed=_heard)

    def _on_state_changed(self, status: Status) -> None:
        """Comes on any thread."""
        self._desk.tasks.post(lambda: self._show(status))

    def _show(self, status: Status) -> None:
        if self._closed:
            return
        facts = BackendFacts(SHOWN[status.state], status.sentence.rstrip("."))
        if status.state is ConnectionState.FAILED:
            facts = BackendFacts(BackendState.FAILED, "Not available", f"{status.sentence} {status.hint}".strip())
        self._bar.show_facts(facts)
        self._note_model(status)
        if status.state is ConnectionState.READY:
            self.ready.emit()
        elif status.state is ConnectionState.FAILED:
            self.failed.emit()

    def _note_model(self, status: Status) -> None:
        """Tell where another model takes over: once, as early as it is known."""
        changed = bool(self._model) and (status.switching or status.model not in ("", self._model))
        self._model = "" if status.switching else status.model or self._model
        if changed:
            self.model_changed.emit()

    def _on_use_wished(self, address: ServerAddress) -> None:
        server = LocalServer() if address.is_local else RemoteServer(address.url, address.token)
        call = self._backend.connect_to
        self._desk.tasks.start("backend", lambda _task: call(server), done=_heard, failed=_heard)

    def _on_test_wished(self, address: ServerAddress) -> None:
        self._form.show_answer(f"Asking {address.url} …")
        self._desk.tasks.start(
            "test",
            lambda _task: _tested(address),
            done=self._form.show_answer,
            failed=lambda error: self._form.show_answer(str(error)),
        )


def _heard(_outcome: object) -> None:
    """The bar shows the outcome: the backend tells of its states itself."""


def _tested(address: ServerAddress) -> str:
    client = Client(address.url, address.token, timeout_s=10.0)
    try:
        return str(client.check())
    except SeagullError as error:
        return str(error)
    finally:
        client.close()
