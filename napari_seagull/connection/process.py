"""One server process on this machine: started with a token, heard, watched and ended with us."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from seagull_iqa.errors import BackendMissingError, BackendUnreachableError, ProtocolError
from seagull_iqa.settings import TOKEN_VARIABLE
from seagull_iqa.wire import PROTOCOL

NEEDED = ("torch", "fastapi", "uvicorn", "safetensors")
"""What the server imports beyond what the plugin has."""

_TAIL_LINES = 40
_POLL_S = 0.05


@dataclass(frozen=True)
class LocalServer:
    """How to start a server on this machine.

    Attributes
    ----------
    model : str
        Name or path; "" = the one that ships.
    device : str
        "auto", "cpu", "cuda", "mps".
    command : tuple of str
        What to run in place of this Python's own `seagull serve`; the arguments it needs are not added.
    """

    model: str = ""
    device: str = "auto"
    command: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """The program and its arguments, one by one, so that spaces and letters of any language need no quotes.

        Raises
        ------
        BackendMissingError
            The server's packages are not installed here; the hint has the command that installs them.
        """
        if self.command:
            return list(self.command)
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing or not sys.executable:
            raise missing_packages(missing)
        # -P: a file of the user's working folder that is called torch.py must not be imported.
        asked = [sys.executable, "-P", "-m", "seagull_iqa", "serve", "--port", "0", "--exit-with-stdin"]
        return [*asked, "--device", self.device, *(["--model", self.model] if self.model else [])]


def missing_packages(names: list[str]) -> BackendMissingError:
    """The error that says which packages are missing, and how to install them into this very Python."""
    what = ", ".join(names) or "a Python to run it"
    return BackendMissingError(
        f"The backend is not installed: {what} is missing here.",
        f'Run  "{sys.executable or "python"}" -m pip install "napari-seagull[backend]"  and start it again, '
        "or connect to a server on another machine.",
    )


@dataclass(eq=False)
class ServerProcess:
    """A server of ours; it ends when its standard input closes, and so with this process, however that ends."""

    process: subprocess.Popen[str]
    token: str = field(repr=False)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    stopped: threading.Event = field(default_factory=threading.Event)
    _lines: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)
    _readers: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def start(cls, server: LocalServer) -> ServerProcess:
        """Start a server; does not wait for it.

        Raises
        ------
        BackendMissingError
            The server's packages are not installed.
        BackendUnreachableError
            The program cannot be started.
        """
        arguments, token = server.arguments(), secrets.token_urlsafe(32)
        try:
            # Pipes on all three ends: a program without a console (pythonw) has none to hand on.
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=_environment(token),
                creationflags=_window_flags(),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise BackendUnreachableError(
                f"The server cannot be started: {error}.", "Check the installation with `seagull doctor`."
            ) from error
        started = cls(process, token)
        started._listen()
        return started

    def hello(self, limit_s: float) -> str:
        """Wait for the first line the server prints, and give the address it names.

        Raises
        ------
        BackendUnreachableError
            It ended, was stopped, or said nothing within `limit_s` s.
        BackendMissingError
            It ended because a package is missing.
        ProtocolError
            It speaks another version.
        """
        waited = 0.0
        while waited < limit_s:
            self.check()
            try:
                line = self._lines.get(timeout=_POLL_S)
            except queue.Empty:
                waited += _POLL_S
                continue
            address = _address(line or "")
            if address:
                return address
        raise BackendUnreachableError(
            f"The server did not come up within {limit_s:g} s.", "Try again; the first start after an install is slow."
        )

    def check(self) -> None:
        """Raise what `death` says if the process has ended or was stopped."""
        if self.stopped.is_set():
            raise BackendUnreachableError("The server was stopped.", "Start it again.")
        if self.process.poll() is not None:
            raise self.death()

    def death(self) -> BackendMissingError | BackendUnreachableError:
        """Why the process ended, in its own last words."""
        for reader in self._readers:
            reader.join(timeout=1.0)
        words = [line for line in self.tail if line.strip()]
        last = words[-1].strip() if words else "it said nothing"
        missing = re.fullmatch(r"ModuleNotFoundError: No module named '([^']+)'", last)
        if missing:
            return missing_packages([missing[1]])
        return BackendUnreachableError(
            f"The server ended by itself (exit code {self.process.poll()}): {last.rstrip('.')}.",
            "Start it again; `seagull doctor` says what may be wrong.",
        )

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back once, on a thread of its own, when the process has ended for whatever reason."""

        def wait() -> None:
            self.process.wait()
            callback()

        threading.Thread(target=wait, name="seagull-server-watch", daemon=True).start()

    def stop(self, patience_s: float) -> None:
        """End the process: ask by closing its input, insist after `patience_s` s; harmless twice."""
        self.stopped.set()
        _close(self.process.stdin)
        for insist in (self.process.terminate, self.process.kill):
            try:
                self.process.wait(patience_s)
                return
            except subprocess.TimeoutExpired:
                insist()
        self.process.wait()

    def _listen(self) -> None:
        for stream, hear in ((self.process.stdout, self._lines.put), (self.process.stderr, self.tail.append)):
            if stream is not None:
                reader = threading.Thread(target=_drain, args=(stream, hear), name="seagull-server-ear", daemon=True)
                reader.start()
                self._readers.append(reader)


def _drain(stream: IO[str], hear: Callable[[str], None]) -> None:
    """Read to the end, so that a server that talks much never blocks on a full pipe."""
    with stream:
        for line in stream:
            hear(line)


def _address(line: str) -> str:
    """The address in a hand-shake line; "" where the line is something else that was printed."""
    try:
        said = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(said, dict) or not isinstance(said.get("url"), str):
        return ""
    if said.get("protocol") != PROTOCOL:
        raise ProtocolError(
            f"The server speaks version {said.get('protocol')} of the protocol, this side version {PROTOCOL}.",
            "Install the same version of napari-seagull at both ends.",
        )
    return str(said["url"])


def _environment(token: str) -> dict[str, str]:
    # UTF-8 whatever the locale, each line at once, no colours: its words are shown in a window.
    plain = {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    return {**os.environ, **plain, TOKEN_VARIABLE: token}


def _window_flags() -> int:
    """On Windows no console window beside napari, and napari's own window first; nothing elsewhere."""
    names = ("CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
    return sum(int(getattr(subprocess, name, 0)) for name in names)


def _close(stream: IO[str] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        # The other end has gone already.
        return
