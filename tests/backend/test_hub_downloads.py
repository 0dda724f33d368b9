"""Downloads against a real HTTP server: resumed, checked, cancelled, refused; never more asked than needed."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import socket
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from filelock import FileLock
from huggingface_hub import HfApi

from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.progress import Progress
from seagull_iqa.errors import CheckpointError, JobCancelledError, ModelError, UnknownModelError
from seagull_iqa.hub import catalogue, downloads, transfer
from seagull_iqa.hub.catalogue import model_home, offer, offers, state_of
from seagull_iqa.hub.downloads import download, fetch, is_offline, remove
from seagull_iqa.hub.manifest import MANIFEST, read_manifest
from seagull_iqa.hub.sources import SOURCES, Source

FIRST, SECOND = "part-1.bin", "part-2.bin"
MIB = 2**20


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses with postponed annotations look their module up here.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


toy_hub = _module("toy_hub")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    random.seed(3)
    files = {
        FIRST: random.randbytes(4 * MIB + 17),
        SECOND: random.randbytes(2 * MIB),
        "config.json": b'{"model_type": "seagull"}',
        "nice-to-have.json": b"{}",
        "README.md": b"# read me",
        "modeling_seagull.py": b"import os",
    }
    with toy_hub.ToyHub(files) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setattr(transfer, "_PAUSE_S", 0.0)
        for variable in downloads.OFFLINE_VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        yield served


@pytest.fixture
def source(hub: Any) -> Source:
    return Source(
        toy_hub.REPO, "3705ca7", ("config.json", FIRST, SECOND), ("nice-to-have.json", "not-there.json"),
        {FIRST: hub.sha256(FIRST)}, 6 * MIB,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place for models, in a folder with blanks and an umlaut."""
    folder = tmp_path / "Modelle für Müller & Söhne"
    monkeypatch.setenv("SEAGULL_MODELS", str(folder))
    return folder


@pytest.fixture
def named(source: Source, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The toy source goes by the public model's name."""
    for module in (catalogue, downloads):
        monkeypatch.setattr(module, "SOURCES", {"seagull-7b": source})
    return "seagull-7b"


class Stopping:
    """Cancels once so many bytes are here."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, step: Progress) -> None:
        if step.done >= self.limit:
            raise JobCancelledError("Cancelled.")


def test_a_first_download_brings_the_files_their_hashes_and_where_they_came_from(
    hub: Any, named: str, home: Path
) -> None:
    steps: list[Progress] = []
    folder = download(named, progress=steps.append)
    assert folder == home / named
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        FIRST, SECOND, "config.json", "nice-to-have.json", MANIFEST,
    }  # fmt: skip
    for name in (FIRST, SECOND, "config.json"):
        assert (folder / name).read_bytes() == hub.files[name]
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.repo, manifest.revision) == (toy_hub.REPO, toy_hub.REVISION)
    assert manifest.files[FIRST].sha256 == hub.sha256(FIRST)
    assert manifest.files["config.json"].size == len(hub.files["config.json"])
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert steps[-1].done == steps[-1].total == sum(entry.size for entry in manifest.files.values())
    assert len({step.done for step in steps}) > 5


def test_nothing_but_the_needed_is_asked_and_no_token_is_sent(
    hub: Any, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    download(named)
    assert not any("authorization" in one.headers or "hf_secret" in str(one.headers) for one in hub.asked)
    assert not hub.asked_for(".py")
    assert not hub.asked_for("README.md")
    kinds = {one.path.split("?")[0].split("/")[-2] for one in hub.asked}
    assert kinds == {"commits", "revision", toy_hub.REVISION, "cdn"}


def test_the_official_client_reads_the_same_from_this_hub(hub: Any) -> None:
    """Else the hub of these tests would be a hub of our own invention."""
    api = HfApi(endpoint=hub.url, token=False)
    commits = [commit.commit_id for commit in api.list_repo_commits(toy_hub.REPO)]
    assert commits == list(toy_hub.COMMITS)
    info = api.model_info(toy_hub.REPO, revision=toy_hub.REVISION, files_metadata=True)
    from seagull_iqa.hub.routes import Hub

    ours = Hub(toy_hub.REPO)
    assert ours.revision("3705ca7") == info.sha == toy_hub.REVISION
    found = ours.files(info.sha)
    assert found.keys() == {one.rfilename for one in info.siblings}
    for one in info.siblings:
        assert found[one.rfilename].size == one.size
        assert found[one.rfilename].sha256 == (one.lfs.sha256 if one.lfs else "")
    ours.close()


def test_a_cancelled_download_goes_on_where_it_stopped(hub: Any, named: str, home: Path) -> None:
    with pytest.raises(JobCancelledError):
        download(named, progress=Stopping(5 * MIB))
    part = home / named / (FIRST + ".part")
    assert (home / named / SECOND).is_file()
    came = part.stat().st_size
    assert 0 < came < len(hub.files[FIRST])
    assert not (home / named / MANIFEST).exists()
    assert offer(named).state is OfferState.PARTIAL
    hub.asked.clear()
    steps: list[Progress] = []
    folder = download(named, progress=steps.append)
    assert [one.headers.get("range") for one in hub.asked_for(FIRST)] == [f"bytes={came}-"]
    assert not hub.asked_for(SECOND), "what is whole is not fetched again"
    assert (folder / FIRST).read_bytes() == hub.files[FIRST]
    assert offer(named).state is OfferState.READY


def test_a_connection_that_drops_is_taken_up_again(hub: Any, named: str) -> None:
    hub.cut[FIRST] = MIB + 5
    hub.busy = 2
    folder = download(named)
    assert (folder / FIRST).read_bytes() == hub.files[FIRST]
    assert [one.headers.get("range", "") for one in hub.asked_for("x") if FIRST in one.path][-1].startswith("bytes=")


def test_a_hub_that_stays_busy_is_left_with_a_sentence_and_what_came_stays(hub: Any, named: str, home: Path) -> None:
    hub.busy = 1000
    with pytest.raises(ModelError, match=r"lost \(it answered 503\).*goes on from there"):
        download(named)
    assert state_of(home / named) is OfferState.ABSENT


def test_a_server_without_ranges_sends_all_again(hub: Any, named: str, home: Path) -> None:
    with pytest.raises(JobCancelledError):
        download(named, progress=Stopping(4 * MIB))
    hub.ranges = False
    folder = download(named)
    assert (folder / FIRST).read_bytes() == hub.files[FIRST]


@pytest.mark.parametrize("name", [FIRST, "config.json"])
def test_spoiled_bytes_are_set_aside(hub: Any, named: str, home: Path, name: str) -> None:
    hub.spoiled.add(name)
    with pytest.raises(CheckpointError, match=f"{name} is not the file that the hub describes"):
        download(named)
    assert (home / named / f"{name}.wrong").is_file()
    assert not (home / named / name).exists()
    assert not (home / named / MANIFEST).exists()
    hub.spoiled.clear()
    assert (download(named) / name).read_bytes() == hub.files[name]


def test_a_partial_file_that_was_tampered_with_is_found_out(hub: Any, named: str, home: Path) -> None:
    with pytest.raises(JobCancelledError):
        download(named, progress=Stopping(5 * MIB))
    part = home / named / (FIRST + ".part")
    part.write_bytes(bytes(part.stat().st_size))
    with pytest.raises(CheckpointError, match="its hash differs"):
        download(named)


def test_a_hub_that_promises_other_weights_is_refused_before_they_come(
    hub: Any, source: Source, tmp_path: Path
) -> None:
    hub.files[FIRST] = hub.files[FIRST][::-1]
    with pytest.raises(CheckpointError, match="promises another part-1"):
        fetch("toy", source, tmp_path / "x")
    assert not [one for one in hub.asked if "/resolve/" in one.path]


def test_a_revision_that_was_moved_away_is_refused(hub: Any, named: str) -> None:
    hub.commits = ("a" * 40, "b" * 40, "c" * 40)
    with pytest.raises(CheckpointError, match="holds no revision 3705ca7, and no other one is accepted"):
        download(named)


def test_a_revision_without_a_needed_file_is_refused(hub: Any, named: str) -> None:
    del hub.files["config.json"]
    with pytest.raises(CheckpointError, match=r"lacks config\.json"):
        download(named)


@pytest.mark.parametrize("variable", ["SEAGULL_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked_and_what_is_here_works(
    hub: Any, named: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert is_offline()
    with pytest.raises(ModelError, match=rf"offline mode is on.*Unset {variable}"):
        download(named)
    assert hub.asked == []
    monkeypatch.setenv(variable, "0")
    folder = download(named)
    monkeypatch.setenv(variable, "1")
    hub.asked.clear()
    assert download(named) == folder
    assert hub.asked == []


def test_a_disk_that_is_too_small_is_said_before_anything_comes(
    hub: Any, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 5_000_000))
    with pytest.raises(ModelError, match=r"has 5\.0 MB free, and 262\.3 MB more are needed"):
        download(named)
    assert not [one for one in hub.asked if "/resolve/" in one.path]


def test_two_downloads_into_one_folder_do_not_meet(hub: Any, named: str, home: Path) -> None:
    (home / named).mkdir(parents=True)
    with FileLock(home / named / ".download.lock"), pytest.raises(ModelError, match="Another program is downloading"):
        download(named)
    assert hub.asked == []


def test_an_explicit_folder_is_taken(hub: Any, named: str, tmp_path: Path) -> None:
    folder = download(named, folder=tmp_path / "elsewhere ä")
    assert (folder / SECOND).is_file()
    assert not (model_home() / named).exists()


def test_a_folder_that_cannot_be_made_is_said(hub: Any, named: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be written"):
        download(named, folder=tmp_path / "file" / "below")


def test_nobody_at_the_address_is_said(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(ModelError, match="cannot be reached"):
            download(named)


def test_what_is_no_hub_is_said(hub: Any, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_hub._Handler, "_commits", lambda self, page: self._send(200, b"<html>log in</html>"))
    with pytest.raises(ModelError, match="is no model hub"):
        download(named)
    monkeypatch.setattr(toy_hub._Handler, "_commits", lambda self, page: self._send(401, b""))
    with pytest.raises(ModelError, match=r"does not give out.*401"):
        download(named)


def test_a_model_is_removed_with_all_its_bytes(hub: Any, named: str, home: Path) -> None:
    folder = download(named)
    assert remove(named) >= 6 * MIB
    assert not folder.exists()
    assert offer(named).state is OfferState.ABSENT
    assert remove(named) == 0


def test_a_folder_that_is_a_link_is_not_removed(named: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "config.json").write_bytes(b"{}")
    home.mkdir()
    (home / named).symlink_to(tmp_path / "precious", target_is_directory=True)
    with pytest.raises(ModelError, match="a link to elsewhere"):
        remove(named)
    assert (tmp_path / "precious" / "config.json").exists()


def test_what_ships_with_the_package_is_neither_downloaded_nor_removed() -> None:
    with pytest.raises(ModelError, match="part of this package"):
        download("seagull-mini")
    with pytest.raises(ModelError, match="part of this package"):
        remove("seagull-mini")
    with pytest.raises(UnknownModelError, match=r"no model 'seagull-70b'.*seagull-mini, seagull-7b"):
        download("seagull-70b")


def test_a_manifest_that_is_none_is_said(named: str, home: Path) -> None:
    (home / named).mkdir(parents=True)
    for text in ("{", "[]", json.dumps({"format": "other", "version": 1})):
        (home / named / MANIFEST).write_text(text, encoding="utf-8")
        with pytest.raises(CheckpointError, match="cannot be read"):
            read_manifest(home / named)
        assert offer(named).state is OfferState.PARTIAL


def test_the_offers_say_what_a_download_costs_and_under_which_licence(home: Path) -> None:
    mini, full = offers()
    assert (mini.name, mini.state, mini.download_bytes) == ("seagull-mini", OfferState.SHIPPED, 0)
    assert (full.name, full.state) == ("seagull-7b", OfferState.ABSENT)
    assert 14_122_027_444 < full.download_bytes < 14_130_000_000
    assert "MIT" in full.licence
    assert "LLaMA 2" in full.licence
    assert full.revision == "3705ca7"
    assert SOURCES["seagull-7b"].pinned["pytorch_model-00001-of-00002.bin"].startswith("2ed0f6720a64")
    assert [need.nbytes for need in full.needs] == sorted((need.nbytes for need in full.needs), reverse=True)


def test_models_lie_where_the_system_keeps_a_programs_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEAGULL_MODELS", raising=False)
    assert model_home().name == "models"
    assert "napari-seagull" in model_home().parts
