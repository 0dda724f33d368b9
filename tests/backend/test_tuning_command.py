"""`seagull finetune`: from session files to a model, without a server."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from seagull_iqa.cli.app import run as command
from seagull_iqa.cli.finetune import _folder_for
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.formats.label_set import read_label_set
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.formats.session_file import read_session, write_session
from seagull_iqa.formats.tuning_run import run_folders
from seagull_iqa.hub import tuned
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.normalise import prepare
from seagull_iqa.imaging.saving import png_bytes, save_bytes


def _beside(name: str):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


toy = _beside("tuning_labels")

@pytest.fixture(scope="module")
def exports():
    return toy.labelled()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def sessions(tmp_path, exports):
    """The labels as session files beside their images."""
    folder = tmp_path / "photos"
    for export in exports:
        name = f"{export.document.image.name}.png"
        save_bytes(folder / name, png_bytes(export.image.rgb))
        write_session(folder / f"{name}.seagull.json", export.document)
    return folder


def test_the_command_learns_from_session_files_and_says_before_and_after(sessions, home, capsys):
    shown = [str(path) for path in sorted(sessions.iterdir())]
    assert shown
    for path in sessions.glob("*.seagull.json"):
        values = json.loads(path.read_text(encoding="utf-8"))
        values["image"]["path"] = str(path).removesuffix(".seagull.json")
        path.write_text(json.dumps(values), encoding="utf-8")
    assert command(["finetune", str(sessions), "--name", "Ann", "--then", "keep"]) == 0
    said = capsys.readouterr()
    assert "mean absolute error" in said.out and "is kept" in said.out
    (model,) = tuned.tuned_models()
    assert model.name == "Ann" and run_folders(home / "runs") == []
    assert command(["score", str(sessions / "girl.png"), "--model", model.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["reports"][0]["model"] == model.id
    assert command(["finetune", str(sessions), "--then", "perhaps"]) == 2
    assert command(["finetune"]) == 2


def test_the_command_learns_from_comparisons_alone_wherever_they_are_noted(sessions, home, exports, capsys):
    pairs = toy.pairs_of(exports)
    for number, path in enumerate(sorted(sessions.glob("*.seagull.json"))):
        document = read_session(path)
        facts = replace(document.image, path=str(path).removesuffix(".seagull.json"))
        write_session(path, replace(document, image=facts, annotations=(), preferences=pairs if number == 0 else ()))
    assert command(["finetune", str(sessions), "--then", "discard"]) == 0
    assert f"of 0 images, {len(pairs)} comparisons" in " ".join(capsys.readouterr().err.split())


def test_a_stopped_run_is_gone_on_with_only_where_its_regions_are_the_same(sessions, home):
    for path in sessions.glob("*.seagull.json"):
        document = read_session(path)
        facts = replace(document.image, path=str(path).removesuffix(".seagull.json"))
        write_session(path, replace(document, image=facts))
    begun = _folder_for([sessions], "seagull-mini", "Ann", "auto", 0, "auto")
    assert _folder_for([sessions], "seagull-mini", "Ann", "auto", 0, "auto") == begun
    first, *others = document.regions
    moved = replace(first, region=replace(first.region, mask=RegionMask.from_box(document.image.shape, (0, 0, 30, 30))))
    write_session(path, replace(document, image=facts, regions=(moved, *others)))
    assert _folder_for([sessions], "seagull-mini", "Ann", "auto", 0, "auto") != begun


@pytest.fixture
def stack(tmp_path):
    """A 16-bit stack whose second and third planes are labelled, as they look through contrast limits."""
    random = np.random.default_rng(0)
    values = random.integers(0, 4000, (3, 128, 128)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells.tif", values, photometric="minisblack")
    shown = [
        prepare(values, rgb=False, plane=(k,), contrast_limits=(500.0, 3000.0), name="cells.tif") for k in range(3)
    ]
    regions = [
        SessionRegion(Region(RegionMask.from_box((128, 128), (row, 8, row + 40, 100)), f"{k} {row}"), (k,))
        for k in (1, 2) for row in (4, 30, 60, 80)
    ]  # fmt: skip
    facts = SessionImage(
        (128, 128), "cells.tif", str(tmp_path / "cells.tif"), "", shown[1].sha256, shown[1].pixels,
        tuple(((k,), one.sha256) for k, one in enumerate(shown)),
    )  # fmt: skip
    said = tuple(Annotation(one.id, "Ann", 10.0 * number) for number, one in enumerate(regions))
    path = tmp_path / "cells.tif.seagull.json"
    write_session(path, SessionDocument(facts, tuple(regions), annotations=said))
    return path, shown


def test_labels_on_every_plane_are_learned_from_the_pixels_that_were_shown(stack, home, capsys):
    path, shown = stack
    folder = _folder_for([path], "seagull-mini", "Ann", "auto", 0, "auto")
    labels = read_label_set(folder.labels)
    assert [one.sha256 for one in labels.images] == [shown[1].sha256, shown[2].sha256]
    assert all(np.array_equal(read_image(one.pixels).rgb, shown[k].rgb) for k, one in enumerate(labels.images, 1))
    assert len(labels.regions) == 8 and "left out" not in capsys.readouterr().err


def test_planes_whose_pixels_have_changed_are_left_out_by_name(stack, home, capsys):
    path, shown = stack
    values = tifffile.imread(path.with_name("cells.tif"))
    values[2] += 1000
    tifffile.imwrite(path.with_name("cells.tif"), values, photometric="minisblack")
    folder = _folder_for([path], "seagull-mini", "Ann", "auto", 0, "auto")
    assert [one.sha256 for one in read_label_set(folder.labels).images] == [shown[1].sha256]
    assert "left out in part" in (said := capsys.readouterr().err) and "have changed" in said


def test_a_run_that_is_refused_for_want_of_labels_leaves_nothing_behind(home, tmp_path, capsys):
    assert command(["finetune", str(tmp_path)]) == 1
    assert "no labelled image" in capsys.readouterr().err
    assert run_folders(home / "runs") == []


def test_the_same_command_goes_on_after_a_kill(sessions, home):
    for path in sessions.glob("*.seagull.json"):
        values = json.loads(path.read_text(encoding="utf-8"))
        values["image"]["path"] = str(path).removesuffix(".seagull.json")
        path.write_text(json.dumps(values), encoding="utf-8")
    words = [sys.executable, "-m", "seagull_iqa", "finetune", str(sessions), "--then", "keep"]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waited = time.monotonic() + 60
    while not list((home / "runs").glob("*/checkpoint/*.npz")) and child.poll() is None and time.monotonic() < waited:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(tuned.tuned_models()) == 1
