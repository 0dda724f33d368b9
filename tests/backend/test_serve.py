"""A real server in a real process: how it starts, how it is asked over a socket, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seagull_iqa import errors, wire
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.samples import samples
from seagull_iqa.service.serve import ServeOptions, check_access, serve
from seagull_iqa.service.source import one_model

SCRIPT = Path(__file__).with_name("toy_server.py")


@dataclass
class Spawned:
    process: subprocess.Popen[str]
    hand_shake: wire.HandShake
    client: Client

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.hand_shake.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def raw(self, sent: bytes) -> bytes:
        """Send bytes, and give what comes back until the server ends the connection, politely or not."""
        said = b""
        with socket.create_connection(self.address, timeout=20) as connection, suppress(ConnectionError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                said += piece
        return said


Spawn = Callable[..., Spawned]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    yield from _spawning()


@pytest.fixture(scope="module")
def running() -> Iterator[Spawned]:
    """One server for the tests that leave it as it was."""
    for start in _spawning():
        yield start()


def _spawning() -> Iterator[Spawn]:
    spawned: list[Spawned] = []

    def start(
        loads_s: float = 0, *, environ: dict[str, str] | None = None, command: list[str] | None = None, **options: Any
    ) -> Spawned:
        process = _process(command or _toy(loads_s, options), environ or {})
        assert process.stdout is not None
        hand_shake = wire.HandShake.model_validate_json(process.stdout.readline())
        token = hand_shake.token or (environ or {})["SEAGULL_TOKEN"]
        spawned.append(Spawned(process, hand_shake, Client(hand_shake.url, token)))
        return spawned[-1]

    yield start
    for server in spawned:
        server.client.close()
        server.process.kill()
        server.process.wait(20)
        for pipe in (server.process.stdin, server.process.stdout, server.process.stderr):
            pipe.close()  # type: ignore[union-attr]


def _toy(loads_s: float, options: dict[str, Any]) -> list[str]:
    return [sys.executable, str(SCRIPT), str(loads_s), json.dumps(options)]


def _process(command: list[str], environ: dict[str, str]) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if key != "SEAGULL_TOKEN"}
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean, "OMP_NUM_THREADS": "1", **environ},
    )


def _assess_in_thread(server: Spawned, picture: PreparedImage, region: Any) -> tuple[threading.Thread, list[Any]]:
    got: list[Any] = []

    def ask() -> None:
        try:
            got.append(server.client.assess(picture, [region]))
        except errors.SeagullError as error:
            got.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, got


def test_a_spawned_server_scores_a_region_and_maps_an_image(
    running: Spawned, picture: PreparedImage, box_region: Any
) -> None:
    server = running
    assert server.hand_shake.protocol == wire.PROTOCOL
    assert server.hand_shake.url.startswith("http://127.0.0.1:")
    assert len(server.hand_shake.token or "") >= 32
    assert len(server.client.assess(picture, [box_region()]).reports) == 1
    assert "quality" in server.client.maps(picture)
    assert server.client.check().ok


def test_the_hand_shake_comes_before_the_model(spawn: Spawn, picture: PreparedImage, box_region: Any) -> None:
    server = spawn(1.5)
    assert server.client.health().state is wire.State.LOADING
    assert len(server.client.assess(picture, [box_region()]).reports) == 1
    assert server.client.health().state is wire.State.READY


def test_a_model_that_cannot_be_loaded_is_said(spawn: Spawn, picture: PreparedImage, box_region: Any) -> None:
    server = spawn(-1)
    with pytest.raises(errors.CheckpointError, match="do not fit"):
        server.client.assess(picture, [box_region()])
    assert server.client.health().state is wire.State.FAILED


def test_a_token_of_the_environment_is_used_and_never_printed(spawn: Spawn) -> None:
    server = spawn(environ={"SEAGULL_TOKEN": "chosen-by-the-operator"})
    assert server.hand_shake.token is None
    assert server.client.check().ok
    with pytest.raises(errors.AccessError):
        Client(server.hand_shake.url, "another").capabilities()
    server.process.terminate()
    out, err = server.process.communicate(timeout=20)
    assert "chosen-by-the-operator" not in out + err


def test_a_server_killed_during_a_request_is_one_sentence(
    spawn: Spawn, picture: PreparedImage, box_region: Any
) -> None:
    server = spawn(30)
    thread, got = _assess_in_thread(server, picture, box_region())
    time.sleep(0.5)
    assert thread.is_alive()
    server.process.kill()
    thread.join(20)
    assert isinstance(got[0], errors.BackendUnreachableError)
    assert "\n" not in str(got[0])
    with pytest.raises(errors.BackendUnreachableError):
        server.client.health()


def test_a_server_killed_during_a_map_is_one_sentence(spawn: Spawn, picture: PreparedImage) -> None:
    server = spawn(30)

    def kill(_progress: Progress) -> None:
        server.process.kill()
        server.process.wait()

    with pytest.raises(errors.BackendUnreachableError):
        server.client.maps(picture, progress=kill)


def test_a_map_is_cancelled_through_its_progress(spawn: Spawn, picture: PreparedImage) -> None:
    server = spawn(30)

    def cancel(_progress: Progress) -> None:
        raise errors.JobCancelledError("Enough.")

    with pytest.raises(errors.JobCancelledError):
        server.client.maps(picture, progress=cancel)
    assert server.client.health().state is wire.State.LOADING


def test_the_server_ends_with_its_standard_input(spawn: Spawn) -> None:
    server = spawn(exit_with_stdin=True)
    assert server.client.health().protocol == wire.PROTOCOL
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(20) == 0


def test_the_server_ends_with_its_standard_input_even_while_the_model_loads(spawn: Spawn) -> None:
    server = spawn(300, exit_with_stdin=True)
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(20) == 0


def test_the_server_ends_when_the_process_that_spawned_it_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(SCRIPT)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    hand_shake = wire.HandShake.model_validate_json(parent.stdout.readline())
    client = Client(hand_shake.url, hand_shake.token or "")
    assert client.health().protocol == wire.PROTOCOL
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            client.health()
        except errors.BackendUnreachableError:
            return
        time.sleep(0.1)
    raise AssertionError("The server outlived the process that spawned it.")


_PARENT = """
import subprocess, sys, time
server = subprocess.Popen(
    [sys.executable, sys.argv[1], "0", '{"exit_with_stdin": true}'], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
sys.stdout.buffer.write(server.stdout.readline())
sys.stdout.flush()
time.sleep(300)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows delivers Ctrl+C to a whole console")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_quietly_when_it_is_asked_to(spawn: Spawn, how: signal.Signals) -> None:
    server = spawn()
    server.client.capabilities()
    server.process.send_signal(how)
    out, err = server.process.communicate(timeout=20)
    assert (out, err) == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="Windows delivers Ctrl+C to a whole console")
def test_the_server_ends_quietly_while_it_is_being_asked(spawn: Spawn, picture: PreparedImage, box_region: Any) -> None:
    server = spawn(60)
    thread, got = _assess_in_thread(server, picture, box_region())
    time.sleep(0.5)
    server.process.send_signal(signal.SIGINT)
    out, err = server.process.communicate(timeout=20)
    thread.join(20)
    assert (out, err) == ("", "")
    assert isinstance(got[0], errors.SeagullError)


def test_the_command_serves_the_model_that_ships(spawn: Spawn) -> None:
    command = [sys.executable, "-m", "seagull_iqa", "serve", "--exit-with-stdin", "--device", "cpu"]
    server = spawn(command=command)
    sample = samples()[0]
    regions = sample.regions()
    reply = server.client.assess(sample.read(), regions)
    assert [report.region for report in reply.reports] == [region.id for region in regions]
    assert all(0 <= (report.quality or 0) <= 100 and report.text for report in reply.reports)
    assert "on cpu (asked for)" in str(server.client.check())
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(20) == 0


def test_the_command_refuses_an_open_address_in_one_line() -> None:
    process = _process([sys.executable, "-m", "seagull_iqa", "serve", "--host", "0.0.0.0"], {})
    out, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert out == ""
    assert "SEAGULL_TOKEN" in err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_one_sentence(running: Spawned) -> None:
    port = running.address[1]
    with pytest.raises(errors.BackendError, match=f"Cannot listen at 127.0.0.1, port {port}"):
        serve(ServeOptions(port=port), source=one_model(_never))


@pytest.mark.parametrize(
    "options", [ServeOptions(port=70000), ServeOptions(port=-1), ServeOptions(host="203.0.113.7", token="x" * 20)]
)
def test_an_address_that_cannot_be_had_is_one_sentence(options: ServeOptions) -> None:
    with pytest.raises(errors.BackendError, match="Cannot listen"):
        serve(options, source=one_model(_never))


def _never() -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gpu.example.org", "127.0.0.1.example.org"])
def test_an_open_address_wants_a_long_token(host: str) -> None:
    for token in (None, "short", "f" * 15):
        with pytest.raises(errors.AccessError, match="SEAGULL_TOKEN"):
            check_access(host, token)
    check_access(host, "f" * 16)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_the_loopback_wants_none(host: str) -> None:
    check_access(host, None)


@pytest.mark.parametrize("token", ["töken-töken-töken", "two words", "a\nb"])
def test_a_token_that_no_client_can_send_is_refused(token: str) -> None:
    with pytest.raises(errors.AccessError):
        check_access("127.0.0.1", token)


def test_an_open_address_without_a_token_ends_at_once() -> None:
    process = _process(_toy(0, {"host": "0.0.0.0"}), {})
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("At 0.0.0.0 others can reach this server")


def test_an_open_server_answers_only_to_the_names_it_was_given(spawn: Spawn) -> None:
    token = "0123456789abcdef"
    server = spawn(environ={"SEAGULL_TOKEN": token}, host="0.0.0.0", allow_hosts=["score.example.org"])
    port = server.address[1]
    for name, status in (("score.example.org", 200), ("127.0.0.1", 200), ("0.0.0.0", 403), ("other.example", 403)):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(f"GET /v1/health HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert connection.recv(15).startswith(f"HTTP/1.1 {status}".encode())


def test_rough_bytes_on_the_socket_do_no_harm(spawn: Spawn, picture: PreparedImage, box_region: Any) -> None:
    server = spawn()
    start = f"Host: 127.0.0.1\r\nAuthorization: Bearer {server.hand_shake.token}\r\n"
    put = f"PUT /v1/images/{'0' * 64}?height=2&width=2 HTTP/1.1\r\n{start}"
    post = f"POST /v1/images/{'0' * 64}/reports HTTP/1.1\r\n{start}"
    for sent, statuses in [
        (b"\x16\x03\x01\x02\x00", {400}),
        (b"GET / HTTP/1.1\r\n\r\n", {400, 403}),
        (b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", {400, 403}),
        (f"{put}Content-Length: 999999999999\r\n\r\nx".encode(), {413}),
        (f"{put}Content-Length: 12\r\n\r\nshort".encode(), set()),
        (f"{put}Content-Length: -5\r\n\r\n".encode(), {400}),
        (f"{put}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n".encode(), set()),
        (f"{put}Transfer-Encoding: chunked\r\n\r\n7000\r\n{'x' * 0x7000}\r\n".encode(), {413}),
        (f"{post}Content-Length: 99999999999\r\n\r\n".encode(), {413}),
        (f"{post}Content-Length: 10\r\n\r\n{{".encode(), set()),
        (f"GET /v1/{'x' * 100_000} HTTP/1.1\r\n{start}\r\n".encode(), {400, 404, 414}),
        (f"GET /v1/health HTTP/1.1\r\n{start}X: {'x' * 200_000}\r\n\r\n".encode(), {200, 400, 431}),
    ]:
        said = server.raw(sent)
        assert (not said and not statuses) or int(said.split(b" ", 2)[1]) in {*statuses, 400}, (sent[:80], said[:80])
    assert len(server.client.assess(picture, [box_region()]).reports) == 1
    server.process.terminate()
    assert "Traceback" not in server.process.communicate(timeout=20)[1]


def test_a_click_after_the_server_was_killed_is_answered_from_the_look_on_disk(
    spawn: Spawn, picture: PreparedImage, tmp_path: Path
) -> None:
    environ = {"SEAGULL_CACHE": str(tmp_path / "mit umlaut ä")}
    first = spawn(environ=environ)
    first.client.segmenting.prepare(picture)
    first.process.kill()
    first.process.wait(20)
    with pytest.raises(errors.BackendUnreachableError):
        first.client.segmenting.propose(picture, Prompts(positive=((20, 10),)))
    second = spawn(environ=environ, blind=True)
    found = second.client.segmenting.propose(picture, Prompts(positive=((20, 10),)))
    assert found.candidates[found.best].mask.box == (0, 0, 40, 30)
    second.client.segmenting.clear()
    with pytest.raises(errors.ModelError, match="blind"):
        second.client.segmenting.propose(picture, Prompts(positive=((20, 10),)))
