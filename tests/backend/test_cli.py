"""The command line: what it prints, what it writes, how it ends, and one line for everything that goes wrong."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from seagull_iqa import registry
from seagull_iqa.cli import demo_window
from seagull_iqa.cli.app import run
from seagull_iqa.cli.report_files import csv_text, image_object
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import PixelSource, QualityReport
from seagull_iqa.errors import OutOfMemoryError
from seagull_iqa.imaging.region_files import regions_document


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """40 x 60 px, dark on the left and bright on the right, in a folder with a blank and an umlaut."""
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[:, 30:] = 204
    folder = tmp_path / "schöne bilder"
    folder.mkdir()
    Image.fromarray(rgb).save(folder / "two halves.png")
    return folder / "two halves.png"


@pytest.fixture
def judge(toy: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line with the toy model, whose quality is the brightness."""
    monkeypatch.setattr(registry, "load_model", lambda *_given, **_more: toy)
    return toy


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return json.loads(capsys.readouterr().out)


KEYS = {"region", "quality", "quality_interval", "importance", "findings", "text", "model", "pixels"}


def test_json_is_a_list_with_one_object_per_image(photo: Path, judge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", str(photo), str(photo), "--box", "0,0,40,30", "--box", "0,30,40,60", "--json"]) == 0
    images = said(capsys)
    assert [entry["image"] for entry in images] == [str(photo)] * 2
    dark, bright = images[0]["reports"]
    assert set(dark) >= KEYS
    assert (dark["quality"], bright["quality"]) == (0, 80)
    assert dark["findings"] == [{"distortion": "exposure", "severity": "moderate", "level": 3}]
    assert bright["findings"] == []
    assert bright["quality_interval"] == [75, 85]
    assert bright["model"] == "toy-1"
    assert bright["pixels"]["source"] == "raw"
    assert bright["region"] == "box 0,30,40,60"


def test_no_region_means_the_whole_image(photo: Path, judge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", str(photo), "--json"]) == 0
    (report,) = said(capsys)[0]["reports"]
    assert report["region"] == "whole image"
    assert report["area"] == 2400


def test_boxes_masks_labels_and_regions_are_scored_in_that_order(
    photo: Path, judge: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[:5] = 9
    Image.fromarray(mask).save(tmp_path / "mask.png")
    written = regions_document([Region(RegionMask.from_box((40, 60), (1, 1, 3, 3)), "=mine")], (40, 60))
    (tmp_path / "r.json").write_text(json.dumps(written), encoding="utf-8")
    options = ["--regions", "r.json", "--labels", "mask.png", "--mask", "mask.png"]
    options = [str(tmp_path / word) if "." in word else word for word in options]
    assert run(["score", str(photo), *options, "--box", "0,0,1,1", "--json"]) == 0
    names = [report["region"] for report in said(capsys)[0]["reports"]]
    assert names == ["box 0,0,1,1", "mask", "label 9", "=mine"]


def test_the_table_shows_words_and_the_sentence(photo: Path, judge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", str(photo), "--box", "0,0,40,30"]) == 0
    shown = capsys.readouterr().out
    for words in ("two halves.png", "bad", "moderate exposure", "box 0,0,40,30: dark", "toy-1", "raw 8-bit values"):
        assert words in " ".join(shown.split()), words


def test_hundreds_of_regions_go_in_batches_and_come_back_in_order(
    photo: Path, judge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = [f"{row},{column},{row + 1},{column + 1}" for row in range(10) for column in range(15)]
    assert run(["score", str(photo), *(word for box in boxes for word in ("--box", box)), "--json"]) == 0
    assert [report["region"] for report in said(capsys)[0]["reports"]] == [f"box {box}" for box in boxes]
    assert judge.looks == 1
    assert 1 < len(judge.batches) < 10


def test_an_image_that_fails_does_not_take_the_others_along(
    photo: Path, judge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = photo.with_name("missing.png")
    assert run(["score", str(missing), str(photo), "--json"]) == 1
    streams = capsys.readouterr()
    first, second = json.loads(streams.out)
    assert first["reports"] == []
    assert "no file" in first["error"]
    assert len(second["reports"]) == 1
    assert streams.err.startswith("error: ")
    assert "Traceback" not in streams.err


MISUSE = {
    "a word for a box": (["score", "x.png", "--box", "all"], "row0,col0,row1,col1"),
    "an empty box": (["score", "x.png", "--box", "5,5,5,9"], "holds no pixel"),
    "no image": (["score"], "IMAGE"),
    "an unknown command": (["sore"], "sore"),
    "an unknown option": (["score", "x.png", "--bux", "1"], "--bux"),
    "another ending": (["heatmap", "x.png", "--out", "x.jpg"], ".tif"),
    "no output": (["heatmap", "x.png"], "--out"),
    "a port that is none": (["serve", "--port", "70000"], "65535"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_wrong_use_ends_with_2_and_one_line(case: str, judge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, words = MISUSE[case]
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("error: ")
    assert words in error
    assert "--help" in error


FAILURES = {
    "a missing image": (["score", "nothing.png"], "no file"),
    "a box outside": (["score", "PHOTO", "--box", "90,90,99,99"], "holds no pixel"),
    "a mask that is missing": (["score", "PHOTO", "--mask", "nothing.png"], "no file"),
    "an unknown sample": (["demo", "--sample", "cat"], "girl, guitar"),
    "a folder below a file": (["demo", "--no-window", "--out", "PHOTO/below"], "cannot be written"),
    "a map of nothing": (["heatmap", "nothing.png", "--out", "x.png"], "no file"),
    "training on nothing": (["train", "--out", "OUT", "--photos", "nowhere"], "nowhere"),
    "evaluating nothing": (["evaluate", "--data", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_work_that_fails_ends_with_1_and_one_line(
    case: str, photo: Path, judge: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments, words = FAILURES[case]
    swapped = [word.replace("PHOTO", str(photo)).replace("OUT", str(tmp_path / "out")) for word in arguments]
    assert run(swapped) == 1
    error = capsys.readouterr().err
    last = error.splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert "Traceback" not in error


def test_a_fault_of_the_program_is_one_line_too_unless_debugging(
    photo: Path, judge: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge.fails_on = "whole image"
    assert run(["score", str(photo)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "ZeroDivisionError" in error
    monkeypatch.setenv("SEAGULL_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["score", str(photo)])


def test_without_the_backend_it_says_what_to_install(
    photo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    assert run(["score", str(photo)]) == 1
    assert 'pip install "napari-seagull[backend]"' in capsys.readouterr().err


def test_a_model_out_of_memory_is_one_line(
    photo: Path, judge: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(image: Any) -> Any:
        raise OutOfMemoryError("The device has not enough memory.", "Use --device cpu.")

    monkeypatch.setattr(judge, "look", look)
    assert run(["score", str(photo)]) == 1
    assert "not enough memory" in capsys.readouterr().err


def test_the_heatmap_as_numbers_has_the_size_of_the_image_and_says_what_it_is(photo: Path, judge: Any) -> None:
    out = photo.with_name("map.tif")
    assert run(["heatmap", str(photo), "--out", str(out)]) == 0
    with tifffile.TiffFile(out) as tiff:
        values, description = tiff.asarray(), json.loads(tiff.pages.first.description)
    assert values.dtype == np.float32
    assert values.shape == (40, 60)
    assert values[:, :25].max() < 5
    assert values[:, 36:].min() > 75
    assert description["map"] == "quality"
    assert description["model"] == "toy-1"
    assert (description["lowest"], description["highest"]) == (0, 100)


def test_the_heatmap_as_a_picture_has_a_bar_below_it(
    photo: Path, judge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = photo.with_name("map.png")
    assert run(["heatmap", str(photo), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    with Image.open(out) as picture:
        assert picture.height / picture.width > 40 / 60


def test_the_demonstration_writes_its_four_files(
    tmp_path: Path, judge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dé mo"
    assert run(["demo", "--no-window", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["heatmap.png", "overlay.png", "report.csv", "report.json"]
    (image,) = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert len(image["reports"]) == 5
    rows = list(csv.DictReader((out / "report.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["region"] for row in rows] == [report["region"] for report in image["reports"]]
    assert [float(row["quality"]) for row in rows] == [report["quality"] for report in image["reports"]]
    for name in ("overlay.png", "heatmap.png"):
        with Image.open(out / name) as picture:
            assert picture.height > picture.width == 576
    assert str(out / "report.json") in capsys.readouterr().out.replace("\n", "")


def test_the_demonstration_says_why_it_opens_no_window(
    tmp_path: Path, judge: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_window, "why_no_window", lambda: "there is no screen here.")
    assert run(["demo", "--out", str(tmp_path)]) == 0
    assert "no screen" in capsys.readouterr().err


def test_the_demonstration_hands_the_window_all_it_has(
    tmp_path: Path, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[Any, ...]] = []

    class Window:
        def load(self) -> Any:
            return lambda *everything: shown.append(everything)

    monkeypatch.setattr(demo_window, "why_no_window", lambda: "")
    monkeypatch.setattr(demo_window, "_window", Window)
    assert run(["demo", "--out", str(tmp_path), "--sample", "night"]) == 0
    ((sample, image, regions, reports, quality),) = shown
    assert sample.name == "night"
    assert image.shape == quality.shape == (576, 576)
    assert [report.region for report in reports] == [region.id for region in regions]


def test_the_doctor_tells_versions_device_and_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    for words in ("python", "torch", "napari", "Qt binding", "device", "seagull-mini", "seagull-7b", "next:"):
        assert words in out
    said = " ".join(out.split())
    assert "On this machine:" in said or "What fits:" in said


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("demo", "score", "heatmap", "serve", "train", "evaluate", "doctor"):
        assert run([command, "--help"]) == 0
        assert command in capsys.readouterr().out
    assert run([]) == 2
    assert "Usage" in capsys.readouterr().out


def test_a_stream_that_knows_no_umlauts_gets_its_table_all_the_same(photo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seagull_iqa", "score", str(photo.with_name("fehlt ö.png")), "--model", "keins ö"],
        capture_output=True, timeout=120, env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "100"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: There is no model 'keins ?'.")


def _scored(name: str, text: str = "") -> tuple[Region, QualityReport]:
    region = Region(RegionMask.from_box((9, 9), (1, 2, 3, 4)), name)
    return region, QualityReport(region.id, 41.126, (30.0, 50.5), None, None, None, text, "m-1", PixelSource())


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_can_be_taken_for_a_formula(start: str) -> None:
    text = csv_text([(f"{start}x.png", [_scored(f"{start}1+1", f"{start}cmd")])])
    (row,) = csv.DictReader(text.splitlines(keepends=True))
    assert all(row[column].startswith("'" + start) for column in ("image", "region", "text"))
    assert row["quality"] == "41.13"
    assert [row[c] for c in ("row0", "col0", "row1", "col1", "area")] == ["1", "2", "3", "4", "4"]


def test_what_was_not_asked_is_null_and_never_nan() -> None:
    region, report = _scored("a")
    nan = QualityReport(region.id, float("nan"), (float("nan"), 3.0), None, None, (), "", "m-1")
    for one, quality in ((report, 41.13), (nan, None)):
        entry = image_object("x", [(region, one)])["reports"][0]
        assert entry["quality"] == quality
        assert entry["importance"] is None
        json.dumps(entry, allow_nan=False)
    assert entry["findings"] == []
    assert image_object("x", [(region, report)])["reports"][0]["findings"] is None
