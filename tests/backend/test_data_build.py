"""The data engine at toy size: the same bytes however it is run, killed or resumed."""

from __future__ import annotations

import csv
import hashlib
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
import torch
from filelock import FileLock
from PIL import Image

from seagull_iqa.cli.app import run
from seagull_iqa.data.build import build, chosen, plan
from seagull_iqa.data.labels import LabelMaps
from seagull_iqa.data.shards import read_shard, shard_path
from seagull_iqa.data.spec import BuildSpec
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.coco import decode
from seagull_iqa.samples import samples

NAMES = ("baby", "guitar", "sunset")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photographs é")
    for sample in samples():
        if sample.name in NAMES:
            small = Image.fromarray(sample.read().rgb).resize((208, 176), Image.Resampling.LANCZOS)
            small.save(folder / f"{sample.name}.png")
    (folder / "broken.png").write_bytes(b"no picture at all")
    return folder


def spec_of(photos: Path, out: Path, **changes: object) -> BuildSpec:
    spec = BuildSpec(photos=photos, out=out, images=6, seed=3, shard_images=2, codecs=("jpeg", "webp"))
    return replace(spec, **changes)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def built(photos, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("set") / "toy"
    steps = list(build(spec_of(photos, out)))
    assert steps[-1].done == steps[-1].total
    return out


def images_of(folder: Path):
    return [one for number in range(3) for one in read_shard(shard_path(folder, number))]


def test_every_image_has_its_photograph_its_recipe_and_labelled_regions(built):
    found = images_of(built)
    assert [key for key, _about, _image in found] == [f"{index:08d}" for index in range(6)]
    for _key, about, image in found:
        assert (built / about["reference"]).is_file()
        assert about["photograph"].removesuffix(".png") in NAMES
        for region in about["regions"]:
            mask = decode(about["size"], region["counts"])
            assert mask.sum() == region["area"]
            label = region["labels"]["analytic-1"]
            assert 0 <= label["quality"] <= 100
            assert (label["quality"] == 100 and label["importance_ref"] == 0) or region["types"]
        assert image[:4] == b"RIFF"


def test_labels_are_those_of_the_pixels_in_the_set(built):
    for _key, about, image in images_of(built)[:2]:
        (built / "look.webp").write_bytes(image)
        pair = [Image.open(path).convert("RGB") for path in (built / about["reference"], built / "look.webp")]
        reference, spoiled = (torch.from_numpy(np.array(one)).permute(2, 0, 1).float() / 255 for one in pair)
        (built / "look.webp").unlink()
        up = any(one["type"] == "contrast" and one["direction"] > 0 for one in about["distortions"])
        for region in about["regions"]:
            mask = torch.from_numpy(decode(about["size"], region["counts"]))
            if region["types"]:
                quality = float(LabelMaps.of(reference, spoiled).quality(mask[None], contrast_up=up))
                assert region["labels"]["analytic-1"]["quality"] == pytest.approx(quality, abs=0.02)
            else:
                assert bool((reference == spoiled).all(0)[mask].all())


def test_a_confined_distortion_stops_at_its_regions_edge(photos, tmp_path):
    out = tmp_path / "set"
    list(build(spec_of(photos, out, images=8, seed=5, shard_images=8)))
    confined = 0
    for _key, about, image in read_shard(shard_path(out, 0)):
        if about["where"] == "all":
            continue
        confined += 1
        (tmp_path / "look.webp").write_bytes(image)
        reference, spoiled = (
            np.array(Image.open(path).convert("RGB")) for path in (out / about["reference"], tmp_path / "look.webp")
        )
        inside = next(decode(about["size"], one["counts"]) for one in about["regions"] if one["id"] == about["where"])
        assert np.array_equal(reference[~inside], spoiled[~inside])
    assert confined


def test_what_cannot_be_read_is_skipped_and_listed(built):
    facts = json.loads((built / "seagull-data.json").read_text(encoding="utf-8"))
    assert [one["photograph"] for one in facts["photographs_used"] if "skipped" in one] == ["broken.png"]
    assert "broken.png" in (built / "README.md").read_text(encoding="utf-8")


def test_card_and_table_count_what_is_in_the_shards(built):
    facts = json.loads((built / "seagull-data.json").read_text(encoding="utf-8"))
    with (built / "regions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    regions = [region for _key, about, _image in images_of(built) for region in about["regions"]]
    assert facts["counts"]["images"] == 6
    assert facts["counts"]["regions"] == len(rows) == len(regions)
    assert [float(row["quality"]) for row in rows] == [one["labels"]["analytic-1"]["quality"] for one in regions]
    for shard in facts["shards"]:
        assert hashlib.sha256((built / shard["name"]).read_bytes()).hexdigest() == shard["sha256"]


def test_two_processes_that_are_killed_and_resumed_make_the_same_bytes(photos, built, tmp_path):
    out = tmp_path / "killed é"
    words = [sys.executable, "-m", "seagull_iqa", "data", "build", str(photos), "--out", str(out), "--images", "6"]
    words += ["--seed", "3", "--shard-images", "2", "--processes", "2", "--codec", "jpeg", "--codec", "webp"]
    group = {"start_new_session": True} if os.name == "posix" else {}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **group)
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None and not list(out.glob("shards/*.tar")):
        time.sleep(0.02)
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    assert not (out / "seagull-data.json").exists(), "it was killed too late to prove anything"
    assert list(out.glob("shards/*.tar"))
    list(build(spec_of(photos, out)))
    assert digests(out) == digests(built)


def test_a_stop_in_the_middle_of_a_shard_leaves_whole_shards_and_lets_go_of_the_folder(photos, built, tmp_path):
    out = tmp_path / "stopped"
    steps = build(spec_of(photos, out))
    for step in steps:
        if "regions" in step.message and len(list(out.glob("shards/*.tar"))) == 1 and list(out.glob("shards/*.part")):
            break
    steps.close()
    assert not list(out.rglob("*.part"))
    kept = list(out.glob("shards/*.tar"))
    assert [path.read_bytes() for path in kept] == [(built / "shards" / "00000.tar").read_bytes()]
    list(build(spec_of(photos, out)))
    assert digests(out) == digests(built)


def test_another_seed_makes_another_set_and_does_not_mix_with_the_first(photos, built):
    with pytest.raises(SeagullError, match=r"another seed \(3 there, 4 asked for\)"):
        list(build(spec_of(photos, built, seed=4)))
    with pytest.raises(SeagullError, match="another number of images"):
        list(build(spec_of(photos, built, images=7)))


def test_a_folder_with_other_things_is_left_alone(photos, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SeagullError, match="holds no data set"):
        list(build(spec_of(photos, tmp_path)))
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_two_builds_in_one_folder_do_not_meet(photos, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(SeagullError, match="Another build is at work"):
        list(build(spec_of(photos, tmp_path)))


def test_too_small_a_disk_is_said_before_the_work(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1000})())
    with pytest.raises(SeagullError, match="wants about"):
        list(build(spec_of(photos, tmp_path / "set")))
    assert not (tmp_path / "set" / "spec.json").exists()  # so that smaller wishes may follow


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--out", "set"], "There is no folder"),
        ([".", "--out", "set"], "There is no photograph"),
        ([".", "--out", "set", "--codec", "jpeg2000"], "codec jpeg2000 is not installed"),
        ([".", "--out", "set", "--sam-weights", "none.pth"], "There is no file none.pth"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["data", "build", *words]) == 1
    assert said in capsys.readouterr().err


def test_a_plan_has_as_many_regions_as_were_asked_for_and_uses_every_photograph(photos, tmp_path):
    spec = BuildSpec(photos=photos, out=tmp_path, regions=3500, seed=2)
    regions = dict.fromkeys(chosen(spec, 20), 14)
    planned = plan(spec, regions)
    assert 3500 <= planned.total < 3514
    assert set(planned.photographs) == set(range(20))  # three rounds and a part of the fourth
    assert planned == plan(spec, regions)
    assert planned != plan(replace(spec, seed=3), regions)
