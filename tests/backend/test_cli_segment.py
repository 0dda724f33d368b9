"""`seagull segment`: points, boxes and everything become files that `seagull score` reads back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from seagull_iqa import registry
from seagull_iqa.cli.app import run
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.imaging.region_files import read_labels, read_regions
from seagull_iqa.imaging.region_pictures import draw_regions, label_image, labels_tiff
from seagull_iqa.segmenting import engines
from seagull_iqa.segmenting.engines import make_engine

SHAPE = (80, 120)
SQUARE = (20, 30, 50, 70)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEAGULL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "looks"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A bright square on dark ground, 80 x 120 px, in a folder with a blank and an umlaut."""
    rgb = np.full((*SHAPE, 3), 40, np.uint8)
    rgb[SQUARE[0] : SQUARE[2], SQUARE[1] : SQUARE[3]] = (220, 180, 60)
    folder = tmp_path / "schöne bilder"
    folder.mkdir()
    Image.fromarray(rgb).save(folder / "a square.png")
    return folder / "a square.png"


def test_a_point_becomes_a_file_of_regions_that_is_scored(
    photo: Path, tmp_path: Path, toy: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert run(["segment", str(photo), "--point", "35,50", "--out", str(out)]) == 0
    assert capsys.readouterr().out.split() == [str(out)]
    (region,) = read_regions(out, SHAPE)
    assert region.mask.box == SQUARE and region.mask.area > 0.95 * 30 * 40
    monkeypatch.setattr(registry, "load_model", lambda *_given, **_more: toy)
    assert run(["score", str(photo), "--regions", str(out), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)[0]["reports"]
    assert report["box"] == list(SQUARE) and report["quality"] > 50


def test_a_negative_point_and_a_box_count_too(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(["segment", str(photo), "--box", "15,25,55,75", "--not-point", "18,28", "--out", str(out)]) == 0
    (region,) = read_regions(out, SHAPE)
    assert region.mask.box == SQUARE


def test_all_masks_are_written_small_to_large(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(["segment", str(photo), "--point", "35,50", "--all-masks", "--out", str(out)]) == 0
    areas = [region.mask.area for region in read_regions(out, SHAPE)]
    assert areas == sorted(areas) and 1 <= len(areas) <= 3


def test_everything_becomes_an_image_of_labels_and_a_picture(photo: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "labels.tif", tmp_path / "picture.png"
    assert run(["segment", str(photo), "--everything", "--out", str(out), "--overlay", str(picture)]) == 0
    labels = tifffile.imread(out)
    assert labels.shape == SHAPE and labels.dtype == np.uint16
    boxes = [region.mask.box for region in read_labels(out, SHAPE)]
    assert SQUARE in boxes
    drawn, plain = np.asarray(Image.open(picture)), np.asarray(Image.open(photo))
    assert drawn.shape == plain.shape and not np.array_equal(drawn, plain)


def test_the_second_command_does_not_look_again(
    photo: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def counted(name: str, **how: Any) -> Any:
        engine = make_engine(name, **how)
        real = engine.look

        def look(*given: Any, **more: Any) -> Any:
            looks.append(1)
            return real(*given, **more)

        monkeypatch.setattr(engine, "look", look, raising=False)
        return engine

    monkeypatch.setattr(engines, "make_engine", counted)
    for point in ("35,50", "5,5"):
        assert run(["segment", str(photo), "--point", point, "--out", str(tmp_path / "out.json")]) == 0
    assert len(looks) == 1
    assert len(list(cache.glob("*.npz"))) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--point or --box"),
        (["--point", "3,4", "--everything"], "--everything"),
        (["--everything", "--not-point", "3,4"], "--not-point"),
        (["--everything", "--all-masks"], "--all-masks"),
        (["--point", "3"], "no point"),
        (["--point", "nan,4"], "no point"),
        (["--point", "a,4"], "no point"),
        (["--box", "1,2,3"], "no box"),
        (["--box", "5,5,5,9"], "no pixel"),
        (["--point", "3,4", "--overlay", "x.gif"], ".png"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert run(["segment", str(photo), *words, "--out", str(tmp_path / "out.json")]) == 2
    said = capsys.readouterr().err
    assert says in " ".join(said.split()) and said.startswith("error: ")
    assert not (tmp_path / "out.json").exists()


def test_an_ending_that_is_none_of_ours_is_wrong_use(photo: Path, tmp_path: Path) -> None:
    assert run(["segment", str(photo), "--point", "1,1", "--out", str(tmp_path / "out.bmp")]) == 2


def test_an_engine_that_is_not_there_is_one_line(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.json")
    assert run(["segment", str(photo), "--point", "1,1", "--engine", "nonsense", "--out", out]) == 1
    assert "nonsense" in capsys.readouterr().err


def test_doctor_says_how_much_is_kept_and_where(
    photo: Path, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["segment", str(photo), "--point", "35,50", "--out", str(tmp_path / "out.json")]) == 0
    capsys.readouterr()
    assert run(["doctor"]) == 0
    said = "".join(capsys.readouterr().out.split())
    assert "lookskept1," in said and "".join(str(cache).split()) in said


def test_labels_of_overlapping_regions_go_to_the_smallest() -> None:
    boxes = [(0, 0, 3, 3), (0, 0, 10, 10), (2, 2, 6, 6)]
    regions = [Region(RegionMask.from_box((10, 12), box)) for box in boxes]
    labels = label_image((10, 12), regions)
    assert [int((labels == number).sum()) for number in range(4)] == [20, 9, 76, 15]
    drawn = draw_regions(np.zeros((10, 12, 3), np.uint8), regions)
    assert len({tuple(drawn[place]) for place in ((0, 0), (9, 9), (5, 5), (0, 11))}) == 4


def test_more_labels_than_16_bits_hold_take_32() -> None:
    region = Region(RegionMask.from_box((2, 2), (0, 0, 1, 1)))
    import io

    few, many = (tifffile.imread(io.BytesIO(labels_tiff((2, 2), [region] * n))) for n in (3, 2**16))
    assert few.dtype == np.uint16 and many.dtype == np.uint32
    assert many.max() == 2**16
