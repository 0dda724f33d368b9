"""The one server the plugin talks to: brought up, greeted, watched and stopped, here or on another machine."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from psygnal import Signal

from napari_seagull.connection.process import LocalServer, ServerProcess
from seagull_iqa import wire
from seagull_iqa.client import Client
from seagull_iqa.errors import BackendUnreachableError, ModelError, SeagullError

_POLL_S = 0.1


class ConnectionState(StrEnum):
    """How the server is."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class RemoteServer:
    """A server that somebody else started: where it is, and the token it printed."""

    url: str
    token: str = ""

    def __repr__(self) -> str:
        return f"RemoteServer({self.url!r})"


@dataclass(frozen=True)
class Status:
    """How the server is, in words.

    Attributes
    ----------
    state : ConnectionState
    sentence : str
        For a person: "Ready: seagull-mini-0.1 on cpu.", or what went wrong.
    hint : str
        What the user can do next; "" where nothing needs doing.
    model : str
        Who answers, while it is ready: the model's id and its precision.
    switching : bool
        Another model has been asked for, and takes the place of the last one now.
    """

    state: ConnectionState
    sentence: str
    hint: str = ""
    model: str = ""
    switching: bool = False


@dataclass(frozen=True)
class Patience:
    """How long we wait, in s: for the first line, for the model to be loaded, for a stopped server to leave."""

    hello_s: float = 120.0
    ready_s: float = 600.0
    leave_s: float = 1.5


@dataclass(eq=False)
class _Visit:
    """One stretch of being connected, from start to stop."""

    stopped: threading.Event
    process: ServerProcess | None = None
    client: Client | None = None

    def check(self) -> None:
        if self.stopped.is_set():
            raise BackendUnreachableError("The server was stopped.", "Start it again.")
        if self.process is not None:
            self.process.check()


class Backend:
    """The server the plugin talks to; may be used from several threads.

    `state_changed(Status)` is emitted on the thread on which the change happened, which is often not the GUI thread.

    Parameters
    ----------
    server : LocalServer or RemoteServer
        Whom to talk to.
    patience : Patience
        How long to wait.
    """

    state_changed: ClassVar[Signal] = Signal(Status)

    def __init__(self, server: LocalServer | RemoteServer | None = None, *, patience: Patience | None = None) -> None:
        self._server: LocalServer | RemoteServer = server or LocalServer()
        self._patience = patience or Patience()
        self._status = Status(ConnectionState.STOPPED, "The server is not running.")
        self._visit: _Visit | None = None
        self._starting = threading.Lock()
        self._guard = threading.Lock()

    @property
    def server(self) -> LocalServer | RemoteServer:
        """Whom we talk to."""
        return self._server

    @property
    def status(self) -> Status:
        """How the server is."""
        return self._status

    @property
    def client(self) -> Client | None:
        """To ask the server with; None unless it is ready."""
        visit = self._visit
        return visit.client if visit is not None and self._status.state is ConnectionState.READY else None

    @property
    def reached(self) -> Client | None:
        """To ask the server of its models with, even while none of them is ready; None where no server is there."""
        visit = self._visit
        return None if visit is None or visit.stopped.is_set() else visit.client

    def start(self) -> Client:
        """Bring the server up and wait until its model is ready; blocks, so call it on a worker thread.

        A server that is ready already is kept; a second caller waits for the first one and shares its client.

        Raises
        ------
        BackendMissingError
            The server's packages are not installed; the hint has the command.
        BackendUnreachableError
            It died (the message has its last words), was stopped meanwhile, or took too long.
        AccessError, ProtocolError
            The token is refused, or it is no server of ours.
        ModelError
            Its model cannot be loaded.
        """
        with self._starting:
            ready = self.client
            if ready is not None:
                return ready
            self._leave(self._visit)
            visit = _Visit(threading.Event())
            self._visit = visit
            try:
                return self._come_up(visit)
            except SeagullError as error:
                self._leave(visit)
                if not visit.stopped.is_set():
                    self._tell(visit, Status(ConnectionState.FAILED, error.message, error.hint))
                raise

    def restart(self) -> Client:
        """Stop and start again; blocks like `start`."""
        self.stop()
        return self.start()

    def connect_to(self, server: LocalServer | RemoteServer) -> Client:
        """Talk to another server from now on; blocks like `start`."""
        self.stop()
        self._server = server
        return self.start()

    def stop(self) -> None:
        """End a server that we started, leave one that we did not; a start under way fails at once; harmless twice."""
        visit = self._visit
        if visit is not None:
            visit.stopped.set()
            self._leave(visit)
            self._tell(visit, Status(ConnectionState.STOPPED, "The server is not running."))

    def check(self) -> Status:
        """Look whether the server still answers; blocks for a while, so call it on a worker thread."""
        visit, client = self._visit, self.client
        if visit is not None and client is not None:
            try:
                visit.check()
                client.health()
            except SeagullError as error:
                self._tell(visit, Status(ConnectionState.FAILED, error.message, error.hint))
        return self._status

    def use_model(self, name: str, *, precision: str = "auto") -> Client:
        """Have another model answer; blocks until it is loaded, so call it on a worker thread.

        A choice that cannot work is refused before anything is changed. A model that cannot be loaded leaves the server
        without one; another choice brings it back.

        Raises
        ------
        UnknownModelError, OutOfMemoryError
            Refused; the last model goes on.
        ModelError
            It cannot be loaded.
        BackendUnreachableError
            No server is there, or it went away.
        """
        with self._starting:
            visit, client = self._visit, self.reached
            if visit is None or client is None:
                raise BackendUnreachableError("There is no server that could load a model.", "Start it first.")
            health = client.use_model(name, precision=precision, even_if_worse=True)  # the panel has asked before
            if not health.ready:  # else it has been the one in use all along
                self._tell(visit, Status(ConnectionState.STARTING, f"Loading {name}.", switching=True))
            try:
                return self._greet(visit, client)
            except SeagullError as error:
                self._tell(visit, Status(ConnectionState.FAILED, error.message, error.hint))
                raise

    def inquire(self) -> tuple[wire.ModelList, wire.Capabilities | None]:
        """What models the server offers and what it can do now; blocks, so call it on a worker thread.

        A model that somebody else has chosen meanwhile is noticed and told. The second is None while a model is loaded.
        """
        visit, client = self._visit, self.reached
        if visit is None or client is None:
            raise BackendUnreachableError("There is no server to ask.", "Start it first.")
        models, can = client.models(), None
        if self._starting.acquire(blocking=False):  # else whoever holds it tells what comes of it
            try:
                if self.client is client:
                    can = client.capabilities()
                    if can.model is not None:
                        self._tell_ready(visit, can)
            finally:
                self._starting.release()
        return models, can

    def _come_up(self, visit: _Visit) -> Client:
        server = self._server
        if isinstance(server, LocalServer):
            self._tell(visit, Status(ConnectionState.STARTING, "Starting the server on this machine."))
            visit.process = ServerProcess.start(server)
            # Stopped between the two lines above: nobody else would end it.
            visit.check()
            url, token = visit.process.hello(self._patience.hello_s), visit.process.token
        else:
            self._tell(visit, Status(ConnectionState.STARTING, f"Connecting to {server.url}."))
            url, token = server.url, server.token
        client = Client(url, token)
        visit.client = client
        self._greet(visit, client)
        if visit.process is not None:
            visit.process.on_end(lambda: self._on_end(visit))
        return client

    def _greet(self, visit: _Visit, client: Client) -> Client:
        """Wait for the model, and tell who it is."""
        self._await_model(visit, client)
        can = client.capabilities()
        visit.check()
        self._tell_ready(visit, can)
        return client

    def _tell_ready(self, visit: _Visit, can: wire.Capabilities) -> None:
        name = "a model" if can.model is None else can.model.id
        where = "" if isinstance(self._server, LocalServer) else f" at {self._server.url}"
        who = f"{name} {can.precision}".strip()
        self._tell(visit, Status(ConnectionState.READY, f"Ready: {name} on {can.device}{where}.", model=who))

    def _await_model(self, visit: _Visit, client: Client) -> None:
        """Wait until the server's model is loaded; as long as it takes, while the server tells that it goes on."""
        deadline, heard = time.monotonic() + self._patience.ready_s, ""
        while time.monotonic() < deadline:
            visit.check()
            health = self._health(visit, client)
            if health.message != heard:
                deadline, heard = time.monotonic() + self._patience.ready_s, health.message
            if health.state is wire.State.FAILED:
                raise ModelError(
                    f"The server cannot load its model: {health.message}", "Choose another model, and start it again."
                )
            if health.ready:
                return
            self._tell(visit, Status(ConnectionState.STARTING, health.message or "The model is being loaded."))
            visit.stopped.wait(_POLL_S)
        raise BackendUnreachableError(
            f"The server's model was not ready within {self._patience.ready_s:g} s.", "Start it again."
        )

    @staticmethod
    def _health(visit: _Visit, client: Client) -> wire.Health:
        try:
            return client.health()
        except BackendUnreachableError:
            # A server that has just died says more by its last words than by not answering.
            visit.check()
            raise

    def _on_end(self, visit: _Visit) -> None:
        if visit.process is not None and not visit.stopped.is_set():
            error = visit.process.death()
            self._tell(visit, Status(ConnectionState.FAILED, error.message, error.hint))

    def _leave(self, visit: _Visit | None) -> None:
        if visit is None:
            return
        # The client first: a server waits a while for connections that are still open.
        client, visit.client = visit.client, None
        if client is not None:
            client.close()
        if visit.process is not None:
            visit.process.stop(self._patience.leave_s)

    def _tell(self, visit: _Visit, status: Status) -> None:
        """Take a status on and tell of it, unless it is old news: of an earlier visit, or of one that was stopped."""
        with self._guard:
            outdated = visit is not self._visit or (visit.stopped.is_set() and status.state != ConnectionState.STOPPED)
            if outdated or status == self._status:
                return
            self._status = status
        self.state_changed.emit(status)
