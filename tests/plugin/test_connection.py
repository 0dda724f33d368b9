"""The plugin's server: real processes that come up, are greeted, die with a reason and end with us."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_seagull.connection import process as process_module
from napari_seagull.connection.backend import Backend, ConnectionState, Patience, RemoteServer
from napari_seagull.connection.process import LocalServer, ServerProcess
from seagull_iqa.client import Client
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import (
    AccessError,
    BackendMissingError,
    BackendUnreachableError,
    ModelError,
    ProtocolError,
    SeagullError,
)
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.wire import PROTOCOL

TOY_FOLDER = Path(__file__).parents[1] / "backend"
HASTE = Patience(hello_s=60.0, ready_s=60.0, leave_s=3.0)


def toy_server(load_s: float = 0.0, folder: Path = TOY_FOLDER) -> LocalServer:
    """The real server around a model of a few lines of numpy."""
    options = json.dumps({"exit_with_stdin": True})
    return LocalServer(command=(sys.executable, str(folder / "toy_server.py"), str(load_s), options))


def script(*lines: str) -> LocalServer:
    return LocalServer(command=(sys.executable, "-c", "\n".join(lines)))


@pytest.fixture
def backend_of():
    made = []

    def make(server, patience=HASTE) -> Backend:
        made.append(Backend(server, patience=patience))
        return made[-1]

    yield make
    for backend in made:
        backend.stop()


def heard_states(backend: Backend) -> list[ConnectionState]:
    heard = []
    backend.state_changed.connect(lambda status: heard.append(status.state))
    return heard


def wait_for(backend: Backend, state: ConnectionState) -> None:
    reached = threading.Event()
    backend.state_changed.connect(lambda status: reached.set() if status.state is state else None)
    if backend.status.state is not state:
        reached.wait(30.0)
    assert backend.status.state is state


def wait_for_the_end_of(pid: int) -> None:
    """Of a process that is not our child, and may stay a zombie where nobody collects it."""
    deadline = time.monotonic() + 30.0
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "The server outlived the process that started it."
            time.sleep(0.1)


def ask_about_a_region(client: Client) -> str:
    rgb = np.zeros((20, 30, 3), np.uint8)
    rgb[:, 15:] = 200
    region = Region(RegionMask.from_box((20, 30), (2, 2, 9, 9)))
    return client.assess(PreparedImage(rgb), [region]).reports[0].region == region.id


def test_a_server_comes_up_scores_and_leaves(backend_of):
    backend = backend_of(toy_server())
    heard = heard_states(backend)
    client = backend.start()
    assert ask_about_a_region(client)
    assert backend.client is client
    assert "toy-1 on cpu" in backend.status.sentence
    process = backend._visit.process.process
    backend.stop()
    assert process.wait(10.0) == 0
    assert backend.client is None
    assert (heard[0], heard[-2:]) == (ConnectionState.STARTING, [ConnectionState.READY, ConnectionState.STOPPED])


def test_starting_twice_at_once_starts_one_server(backend_of):
    backend = backend_of(toy_server(load_s=0.5))
    clients = []
    callers = [threading.Thread(target=lambda: clients.append(backend.start())) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60.0)
    assert len(clients) == 3
    assert len(set(map(id, clients))) == 1


def test_paths_with_spaces_and_letters_of_any_language_work(backend_of, tmp_path):
    folder = tmp_path / "Größe & Schärfe, 画質 (1)"
    folder.mkdir()
    for name in ("toy_server.py", "toy_model.py", "toy_engine.py"):
        shutil.copy(TOY_FOLDER / name, folder / name)
    assert ask_about_a_region(backend_of(toy_server(folder=folder)).start())


def test_a_server_that_dies_at_the_start_says_why(backend_of):
    backend = backend_of(script("import sys", "sys.exit('The disk is full.')"))
    with pytest.raises(BackendUnreachableError, match=r"exit code 1.*The disk is full"):
        backend.start()
    assert backend.status.state is ConnectionState.FAILED
    assert "The disk is full" in backend.status.sentence
    assert backend.status.hint


def test_a_server_that_is_killed_is_noticed_without_asking_and_can_be_started_again(backend_of):
    backend = backend_of(toy_server())
    first = backend.start()
    backend._visit.process.process.kill()
    wait_for(backend, ConnectionState.FAILED)
    assert "ended by itself" in backend.status.sentence
    assert backend.client is None
    with pytest.raises(BackendUnreachableError):
        first.health()
    assert ask_about_a_region(backend.start())
    assert backend.status.state is ConnectionState.READY


def test_a_model_that_cannot_be_loaded_is_told_by_its_own_words(backend_of):
    backend = backend_of(toy_server(load_s=-1.0))
    with pytest.raises(ModelError, match="The weights do not fit"):
        backend.start()
    assert backend.status.state is ConnectionState.FAILED


def test_a_start_can_be_stopped_and_leaves_no_process(backend_of):
    backend = backend_of(script("import time", "time.sleep(600)"), Patience(60.0, 60.0, 0.2))
    failed = []

    def start():
        try:
            backend.start()
        except SeagullError as error:
            failed.append(error)

    caller = threading.Thread(target=start)
    caller.start()
    while backend._visit is None or backend._visit.process is None:
        time.sleep(0.01)
    process = backend._visit.process.process
    backend.stop()
    caller.join(30.0)
    assert process.poll() is not None
    assert "stopped" in failed[0].message
    assert backend.status.state is ConnectionState.STOPPED


def test_a_server_that_says_nothing_is_given_up_and_ended(backend_of):
    backend = backend_of(script("import time", "time.sleep(600)"), Patience(0.3, 0.3, 0.2))
    with pytest.raises(BackendUnreachableError, match=r"within 0\.3 s"):
        backend.start()
    assert backend._visit.process.process.poll() is not None


def test_a_server_of_another_protocol_is_refused(backend_of):
    hello = json.dumps({"url": "http://127.0.0.1:9", "protocol": PROTOCOL + 1})
    backend = backend_of(script(f"print({hello!r})", "input()"))
    with pytest.raises(ProtocolError, match=f"version {PROTOCOL + 1}"):
        backend.start()


def test_what_a_library_prints_before_the_hand_shake_is_passed_over():
    hello = json.dumps({"url": "http://127.0.0.1:9", "protocol": PROTOCOL})
    server = ServerProcess.start(script("print('A warning.')", "print('[1]')", f"print({hello!r})", "input()"))
    try:
        assert server.hello(60.0) == "http://127.0.0.1:9"
    finally:
        server.stop(3.0)


def test_a_talkative_server_does_not_block_on_a_full_pipe_and_only_its_tail_is_kept():
    hello = json.dumps({"url": "http://127.0.0.1:9", "protocol": PROTOCOL})
    talk = "for i in range(20000): sys.stderr.write(f'line {i} ' + 'x' * 50 + chr(10))"
    server = ServerProcess.start(script("import sys", talk, f"print({hello!r})", "input()"))
    try:
        assert server.hello(60.0)
        assert len(server.tail) <= 40
    finally:
        server.stop(3.0)


def test_missing_packages_are_named_with_the_command_that_installs_them(backend_of, monkeypatch):
    monkeypatch.setattr(process_module, "NEEDED", ("numpy", "no_such_package_of_ours"))
    backend = backend_of(LocalServer())
    with pytest.raises(BackendMissingError, match="no_such_package_of_ours") as caught:
        backend.start()
    assert f'"{sys.executable}" -m pip install "napari-seagull[backend]"' in caught.value.hint
    assert backend.status.state is ConnectionState.FAILED


def test_a_package_that_only_the_server_misses_is_named_too(backend_of):
    backend = backend_of(script("import no_such_package_of_ours"))
    with pytest.raises(BackendMissingError, match="no_such_package_of_ours is missing"):
        backend.start()


def test_a_program_that_does_not_exist_says_so(backend_of, tmp_path):
    with pytest.raises(BackendUnreachableError, match="cannot be started"):
        backend_of(LocalServer(command=(str(tmp_path / "nothing here"),))).start()


@pytest.fixture
def elsewhere():
    """A server that somebody else started."""
    server = ServerProcess.start(toy_server())
    yield server
    server.stop(3.0)


def test_a_server_elsewhere_is_met_with_its_token_and_left_running(backend_of, elsewhere):
    url = elsewhere.hello(60.0)
    backend = backend_of(RemoteServer(url, elsewhere.token))
    assert ask_about_a_region(backend.start())
    assert url in backend.status.sentence
    backend.stop()
    assert elsewhere.process.poll() is None


def test_a_wrong_token_is_refused_and_a_right_one_then_works(backend_of, elsewhere):
    url = elsewhere.hello(60.0)
    backend = backend_of(RemoteServer(url, "a wrong token"))
    with pytest.raises(AccessError):
        backend.start()
    assert backend.status.state is ConnectionState.FAILED
    assert ask_about_a_region(backend.connect_to(RemoteServer(url, elsewhere.token)))


def test_a_server_elsewhere_that_went_away_is_noticed_when_looked_for(backend_of, elsewhere):
    backend = backend_of(RemoteServer(elsewhere.hello(60.0), elsewhere.token))
    backend.start()
    assert backend.check().state is ConnectionState.READY
    elsewhere.stop(3.0)
    assert backend.check().state is ConnectionState.FAILED


def test_the_token_stands_in_no_representation(elsewhere):
    assert elsewhere.token not in repr(elsewhere)
    assert "secret" not in repr(RemoteServer("http://127.0.0.1:1", "secret"))


def test_the_server_ends_when_the_process_that_started_it_is_killed():
    hello_and_wait = (
        "import sys, time; from napari_seagull.connection.process import LocalServer, ServerProcess;"
        f"server = ServerProcess.start(LocalServer(command={toy_server().command!r}));"
        "server.hello(60.0); print(server.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", hello_and_wait], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_for_the_end_of(pid)


def test_the_connection_needs_neither_qt_nor_napari_nor_torch():
    code = "import sys, napari_seagull.connection.backend; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "seagull_iqa.client" in loaded
    assert not {"qtpy", "napari", "torch", "fastapi", "uvicorn"} & set(loaded)
