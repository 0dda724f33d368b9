"""Start the server: its socket, its token, its first line of output, and its end."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from dataclasses import dataclass, field
from threading import Thread, Timer

import uvicorn

from seagull_iqa import wire
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import AccessError, BackendError
from seagull_iqa.segmenting.look_store import DISK_BYTES
from seagull_iqa.service.app import build_app
from seagull_iqa.service.hub_source import hub_source
from seagull_iqa.service.security import Gate
from seagull_iqa.service.segment_source import SegmentSource, machine_engines
from seagull_iqa.service.source import Choice, ModelSource
from seagull_iqa.service.workbench import Workbench
from seagull_iqa.settings import TOKEN_VARIABLE, read_settings
from seagull_iqa.transport import is_loopback

_SHORTEST_TOKEN = 16
_GRACE_S = 2
_COURTESY = 10
"""Added to our niceness, 0..19, when a window waits beside us; it costs nothing on a machine that has time."""
_PATIENCE_S = 1.0
_WILDCARDS = frozenset({"0.0.0.0", "::"})


@dataclass(frozen=True)
class ServeOptions:
    """How to serve.

    Attributes
    ----------
    host : str
        Address to listen at; other than the loopback only with a token of at least 16 letters.
    port : int
        0 takes a free one.
    model, device, precision : str, str, Precision
        What `seagull_iqa.registry.load_model` takes; the device is also that of models chosen later.
    look_cache_bytes : int or None
        Most bytes of images looked at that are kept; None leaves it to the model, or takes 1 GiB.
    look_disk_bytes : int
        Most bytes that the engine which finds regions keeps on disk; 0 keeps nothing there.
    exit_with_stdin : bool
        End when the standard input ends: the server then dies with the process that spawned it.
    token : str or None
        None takes the environment's SEAGULL_TOKEN, or makes one up and prints it.
    allow_hosts : tuple of str
        Names, besides those of the loopback and `host`, under which this server is reached.
    """

    host: str = "127.0.0.1"
    port: int = 0
    model: str = "seagull-mini"
    device: str = "auto"
    precision: Precision = Precision.AUTO
    look_cache_bytes: int | None = None
    look_disk_bytes: int = DISK_BYTES
    exit_with_stdin: bool = False
    token: str | None = field(default=None, repr=False)
    allow_hosts: tuple[str, ...] = ()


def serve(options: ServeOptions, source: ModelSource | None = None, engines: SegmentSource | None = None) -> None:
    """Serve until told to end (Ctrl+C, SIGTERM, or the end of the standard input).

    The first line on the standard output is a `wire.HandShake`; the model is loaded after it.

    Raises
    ------
    AccessError
        An address beyond this machine without a token, or with a short one; a token that cannot be sent.
    BackendError
        The address or the port cannot be had.
    """
    given = options.token or read_settings(os.environ).token
    check_access(options.host, given)
    token = given or secrets.token_urlsafe(32)
    first = Choice(options.model, options.device, options.precision)
    bench = Workbench(
        source or hub_source(first),
        look_cache_bytes=options.look_cache_bytes,
        engines=engines or machine_engines(options.device, disk_bytes=options.look_disk_bytes),
    )
    names = (options.host, *options.allow_hosts) if options.host not in _WILDCARDS else options.allow_hosts
    listening = _listen(options.host, options.port)
    hand_shake = wire.HandShake(
        url=_url(listening, options.host), protocol=wire.PROTOCOL, token=None if given else token
    )
    server = _Server(_config(build_app(bench, token, names)), bench, hand_shake)
    if options.exit_with_stdin:
        _watch_stdin(server)
        _give_way()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return
    finally:
        listening.close()
        bench.models.join()
    if options.exit_with_stdin:
        # Nobody is left to wait the seconds that torch needs to take itself down in order.
        os._exit(0)


def _give_way() -> None:
    """Let the window that spawned us draw first where both want the same processors; Windows is told at the start."""
    if hasattr(os, "nice"):
        os.nice(_COURTESY)


def check_access(host: str, token: str | None) -> None:
    """Refuse what would leave the door open; see `serve`."""
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise AccessError("The token may hold only ASCII letters, digits and signs.", f"Set another {TOKEN_VARIABLE}.")
    if is_loopback(host):
        return
    if token is None:
        raise AccessError(
            f"At {host} others can reach this server, so it needs a token of your own.",
            f"Set the environment variable {TOKEN_VARIABLE} to at least {_SHORTEST_TOKEN} random letters.",
        )
    if len(token) < _SHORTEST_TOKEN:
        raise AccessError(
            f"The token has {len(token)} letters; where others can reach the server it needs {_SHORTEST_TOKEN}.",
            f"Set a longer {TOKEN_VARIABLE}.",
        )


def _config(app: Gate) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=256,
        timeout_graceful_shutdown=_GRACE_S,
    )


class _Server(uvicorn.Server):
    """Says that it listens as soon as it does, and lets go of held requests as soon as it ends."""

    def __init__(self, config: uvicorn.Config, bench: Workbench, hand_shake: wire.HandShake) -> None:
        super().__init__(config)
        self._bench = bench
        self._hand_shake = hand_shake

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(self._hand_shake.model_dump_json(exclude_none=True) + "\n")
        sys.stdout.flush()
        self._bench.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._bench.close()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    bare = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    # The protocol is named, because asyncio sends small replies at once (TCP_NODELAY) only where it is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # A port whose last server ended a moment ago can be had again; on Windows the option means theft.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bare, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise BackendError(
            f"Cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}.",
            "Choose another port (0 takes a free one), or an address of this machine.",
        ) from error
    return listening


def _url(listening: socket.socket, host: str) -> str:
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def _watch_stdin(server: uvicorn.Server) -> None:
    def watch() -> None:
        try:
            # Not sys.stdin: its lock, held at exit by a daemon thread, aborts the interpreter.
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        server.should_exit = True
        last = Timer(_PATIENCE_S, os._exit, [0])
        last.daemon = True
        last.start()

    Thread(target=watch, name="seagull-stdin", daemon=True).start()
