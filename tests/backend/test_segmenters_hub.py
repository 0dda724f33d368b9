"""Engines by name: listed, fetched from a hub and from a plain site, taken up from the disk, removed, and then used."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from seagull_iqa.cli.app import run
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.errors import CheckpointError, ModelError, UnknownModelError
from seagull_iqa.hub import adopting, downloads, segmenter_sources, segmenters, transfer
from seagull_iqa.hub.adopting import adopt
from seagull_iqa.hub.downloads import download, remove
from seagull_iqa.hub.manifest import MANIFEST, read_manifest
from seagull_iqa.hub.segmenters import (
    any_offer,
    checksum,
    engine_folder,
    engine_states,
    missing,
    segmenter_offers,
    state_at,
)
from seagull_iqa.hub.sources import Source
from seagull_iqa.segmenting.engines import make_engine

CHECKPOINT = "sam_vit_b_01ec64.pth"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses with postponed annotations look their module up here.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


toy_hub, toy_sam = _module("toy_hub"), _module("toy_sam")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A toy SAM in both layouts."""
    folder = tmp_path_factory.mktemp("weights")
    network = toy_sam.write_original(folder / CHECKPOINT)
    toy_sam.write_transformers(folder / "hf", network.state_dict())
    files = [folder / CHECKPOINT, folder / "hf" / "config.json", folder / "hf" / "model.safetensors"]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Modelle für Müller & Söhne"
    monkeypatch.setenv("SEAGULL_MODELS", str(folder))
    return folder


@pytest.fixture
def hub(weights: dict[str, bytes], home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub on which the toy is `sam-vit-base` and, behind a licence, `sam3`; `sam-vit-b` is a plain file beside it."""
    files = {**weights, "LICENSE": b"read me", "modeling_sam.py": b"import os"}
    with toy_hub.ToyHub(files, commits=(toy_hub.REVISION, "e" * 40)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.setattr(transfer, "_PAUSE_S", 0.0)
        for variable in downloads.OFFLINE_VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        known = dict(segmenter_sources.SEGMENTERS)
        for name in ("sam-vit-base", "sam3"):
            known[name] = replace(known[name], source=replace(known[name].source, repo=toy_hub.REPO))
        pinned = {CHECKPOINT: served.sha256(CHECKPOINT)}
        site = Source("", "", (CHECKPOINT,), pinned=pinned, nbytes=len(files[CHECKPOINT]), site=f"{served.url}/cdn")
        known["sam-vit-b"] = replace(known["sam-vit-b"], source=site)
        for module in (segmenters, downloads, adopting):
            monkeypatch.setattr(module, "SEGMENTERS", MappingProxyType(known))
        yield served


# --- the list ---------------------------------------------------------------------------------------------------------


def test_every_engine_says_its_size_its_licence_and_where_it_comes_from(home: Path) -> None:
    found = {one.name: one for one in segmenter_offers()}
    assert next(iter(found)) == "region-tree"
    assert found.pop("region-tree").state is OfferState.SHIPPED
    assert {
        "sam-vit-b", "sam-vit-l", "sam-vit-h", "sam-vit-base", "slimsam-50", "slimsam-77", "sam2.1-hiera-tiny",
        "sam2.1-hiera-small", "sam2.1-hiera-base-plus", "sam2.1-hiera-large", "edgetam", "sam3",
    } == set(found)  # fmt: skip
    for name, one in found.items():
        assert one.state is OfferState.ABSENT
        assert one.path == str(home / name)
        assert 10**7 < one.download_bytes < 4 * 10**9
        assert one.source.startswith("https://")
        assert ("SAM License" in one.licence) == (name == "sam3")


def test_the_original_checkpoints_are_pinned_by_all_of_their_hash(home: Path) -> None:
    for name in ("sam-vit-b", "sam-vit-l", "sam-vit-h"):
        assert len(checksum(name)) == 64
    assert checksum("edgetam") == checksum("region-tree") == ""


def test_states_say_what_is_missing_and_what_to_do(home: Path) -> None:
    states = {one.name: one for one in engine_states()}
    assert states["region-tree"].ready and states["region-tree"].hover
    sam = states["sam-vit-b"]
    assert not sam.ready and not sam.hover
    assert "375.0 MB" in sam.why_not and "seagull models download sam-vit-b" in sam.why_not
    assert all(one.hover for one in engine_states(quick=True))


def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing(("torch", "json"), "sam") == ""
    assert missing(("torch", "segment_nothing"), "sam").endswith('pip install "napari-seagull[sam]"`.')
    monkeypatch.setattr(segmenters, "version", lambda _name: "4.57.1")
    assert "transformers is too old" in missing(("transformers",), "sam")


# --- fetched ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sam-vit-b", "sam-vit-base"])
def test_an_engine_is_fetched_once_and_then_finds_regions(hub: Any, home: Path, name: str) -> None:
    folder = download(name)
    assert folder == home / name == engine_folder(name)
    assert any_offer(name).state is OfferState.READY
    assert next(one for one in engine_states() if one.name == name).ready
    assert not hub.asked_for(".py")
    assert not any("authorization" in one.headers for one in hub.asked)
    hub.asked.clear()
    assert download(name) == folder
    assert hub.asked == [], "a model that is present is never fetched again"
    engine = make_engine(name, folder=folder)
    look = engine.look(np.random.default_rng(0).integers(0, 255, (51, 77, 3), np.uint8))
    assert engine.mask(look, Prompts(positive=((10, 20),))).candidates[0].mask.shape == (51, 77)


def test_the_newest_revision_is_resolved_and_recorded(hub: Any) -> None:
    manifest = read_manifest(download("sam-vit-base"))
    assert manifest is not None
    assert (manifest.repo, manifest.revision) == (toy_hub.REPO, toy_hub.REVISION)
    assert set(manifest.files) == {"config.json", "model.safetensors", "LICENSE"}
    assert checksum("sam-vit-base") == manifest.files["model.safetensors"].sha256 == hub.sha256("model.safetensors")
    hub.commits = ("a" * 40, *hub.commits)
    assert download("sam-vit-base").is_dir(), "what is here stays, whatever came after it"


def test_a_plain_file_goes_on_where_it_stopped(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_CHUNK", 10_000)
    hub.cut[CHECKPOINT] = 70_000
    folder = download("sam-vit-b")
    assert [one.headers.get("range") for one in hub.asked_for(CHECKPOINT) if one.method == "GET"] == [
        None, "bytes=70000-"
    ]  # fmt: skip
    assert (folder / CHECKPOINT).read_bytes() == hub.files[CHECKPOINT]


def test_a_plain_file_that_is_not_the_published_one_is_set_aside(hub: Any, home: Path) -> None:
    hub.spoiled.add(CHECKPOINT)
    with pytest.raises(CheckpointError, match="its hash differs"):
        download("sam-vit-b")
    assert (home / "sam-vit-b" / f"{CHECKPOINT}.wrong").is_file()
    assert state_at("sam-vit-b", home / "sam-vit-b") is OfferState.PARTIAL


def test_a_plain_file_that_is_gone_is_said(hub: Any) -> None:
    del hub.files[CHECKPOINT]
    with pytest.raises((ModelError, CheckpointError)):
        download("sam-vit-b")


def test_only_what_has_a_licence_to_accept_is_asked_with_the_token(hub: Any) -> None:
    download("sam3")
    assert hub.asked and all(one.headers.get("authorization") == "Bearer hf_secret" for one in hub.asked)


def test_a_licence_that_nobody_accepted_is_named(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(toy_hub._Handler, "_commits", lambda self, page: self._send(401, b""))
    with pytest.raises(ModelError, match=r"only to who accepted its licence \(it answered 401\).*HF_TOKEN"):
        download("sam3")
    assert not any("authorization" in one.headers for one in hub.asked)


def test_offline_no_engine_is_fetched(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAGULL_OFFLINE", "1")
    with pytest.raises(ModelError, match="offline mode is on"):
        download("sam-vit-b")
    assert hub.asked == []


# --- taken up and removed ---------------------------------------------------------------------------------------------


def test_a_checkpoint_on_the_disk_is_taken_up_by_its_content(hub: Any, tmp_path: Path) -> None:
    mine = tmp_path / "my old download.pth"
    mine.write_bytes(hub.files[CHECKPOINT])
    assert adopt(mine) == "sam-vit-b"
    assert mine.is_file(), "a person's file is not moved"
    assert any_offer("sam-vit-b").state is OfferState.READY
    assert checksum("sam-vit-b") == hashlib.sha256(mine.read_bytes()).hexdigest()
    assert download("sam-vit-b") == engine_folder("sam-vit-b")
    assert hub.asked == []
    with pytest.raises(ModelError, match="is here already"):
        adopt(mine)
    assert remove("sam-vit-b") >= len(hub.files[CHECKPOINT])
    assert mine.read_bytes() == hub.files[CHECKPOINT]


def test_a_folder_on_the_disk_is_taken_up_by_name(hub: Any, tmp_path: Path, weights: dict[str, bytes]) -> None:
    mine = tmp_path / "snapshot"
    mine.mkdir()
    (mine / "config.json").write_bytes(weights["config.json"])
    with pytest.raises(CheckpointError, match="--as NAME"):
        adopt(mine)
    with pytest.raises(CheckpointError, match=r"lacks model\.safetensors"):
        adopt(mine, "sam-vit-base")
    (mine / "model.safetensors").write_bytes(weights["model.safetensors"])
    (mine / "modeling_sam.py").write_bytes(b"import os")
    assert adopt(mine, "sam-vit-base") == "sam-vit-base"
    assert {path.name for path in engine_folder("sam-vit-base").iterdir()} == {
        "config.json", "model.safetensors", MANIFEST
    }  # fmt: skip


def test_what_was_never_published_is_not_taken_up(hub: Any, tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="none of the checkpoints"):
        adopt(tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="is not the published"):
        adopt(tmp_path / CHECKPOINT, "sam-vit-b")
    with pytest.raises(CheckpointError, match="is a folder"):
        adopt(tmp_path / CHECKPOINT, "edgetam")
    with pytest.raises(UnknownModelError, match="no engine 'sam-vit-xxl'"):
        adopt(tmp_path / CHECKPOINT, "sam-vit-xxl")
    with pytest.raises(UnknownModelError, match="nothing at"):
        adopt(tmp_path / "nowhere.pth")


def test_files_that_a_person_put_there_count_without_a_manifest(
    hub: Any, home: Path, weights: dict[str, bytes]
) -> None:
    (home / "sam-vit-base").mkdir(parents=True)
    (home / "sam-vit-base" / "config.json").write_bytes(weights["config.json"])
    assert any_offer("sam-vit-base").state is OfferState.PARTIAL
    (home / "sam-vit-base" / "model.safetensors").write_bytes(weights["model.safetensors"])
    assert any_offer("sam-vit-base").state is OfferState.READY


def test_the_region_tree_is_neither_downloaded_nor_removed(home: Path) -> None:
    for act in (download, remove):
        with pytest.raises(ModelError, match="part of this package"):
            act("region-tree")


# --- the command line -------------------------------------------------------------------------------------------------


def test_the_list_has_a_second_part_for_engines(hub: Any, capsys: pytest.CaptureFixture[str]) -> None:
    download("sam-vit-base")
    capsys.readouterr()
    assert run(["models", "list"]) == 0
    shown = capsys.readouterr().out
    for words in ("for finding regions", "region-tree", "sam2.1-hiera-base-plus", "told by the hub", "SAM License"):
        assert words in shown, words
    assert run(["models", "list", "--json"]) == 0
    engines = {one["name"]: one for one in json.loads(capsys.readouterr().out)["engines"]}
    assert engines["sam-vit-base"]["ready"] and engines["sam-vit-base"]["revision"] == toy_hub.REVISION
    assert engines["sam-vit-base"]["sha256"] == hub.sha256("model.safetensors")
    assert not engines["edgetam"]["ready"] and engines["region-tree"]["state"] == "shipped"


def test_a_download_shows_size_and_licence_and_asks_first(hub: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "download", "sam3"]) != 0
    told = capsys.readouterr().err
    for words in ("3.4 GB", "SAM License", "as it is there today", "Say --yes"):
        assert words in told, words
    assert hub.asked == []
    assert run(["models", "download", "sam3", "--yes"]) == 0
    said = capsys.readouterr().out
    assert "sam3 is in" in said and "verify" not in said


def test_weights_are_added_and_removed_from_the_command_line(
    hub: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.pth").write_bytes(hub.files[CHECKPOINT])
    assert run(["models", "add", str(tmp_path / "old.pth")]) == 0
    assert "sam-vit-b is in" in capsys.readouterr().out
    assert run(["doctor"]) == 0
    assert "region-tree, sam-vit-b" in " ".join(capsys.readouterr().out.split())
    assert run(["models", "remove", "sam-vit-b", "--yes"]) == 0
    assert "freed" in capsys.readouterr().out
    assert any_offer("sam-vit-b").state is OfferState.ABSENT
