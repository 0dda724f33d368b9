from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.cli.app import run
from seagull_iqa.data.labelled import BoxPlace, LabelledImage, LabelledRegion
from seagull_iqa.data.sheet import Tile, busiest, grid, outlined, set_sheet
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import SeagullError

GRAY = np.full((60, 90, 3), 120, np.uint8)


def gray() -> np.ndarray:
    return GRAY


def labelled(name: str, qualities: list[float]) -> LabelledImage:
    regions = tuple(
        LabelledRegion(f"r{i}", BoxPlace((10 * i, 10, 10 * i + 8, 40)), quality=quality)
        for i, quality in enumerate(qualities)
    )
    return LabelledImage(name, gray, regions, reference=gray, where="r0")


def test_an_outline_leaves_the_regions_own_pixels_alone():
    mask = RegionMask.from_box((60, 90), (20, 30, 40, 60))
    drawn = outlined(GRAY, mask, (255, 0, 0), 2)
    changed = (drawn != GRAY).any(2)
    assert changed.any() and not (changed & mask.pixels).any()
    assert not changed[:17].any() and not changed[:, :27].any()


def test_the_busiest_window_is_where_something_is():
    rgb = np.full((300, 400, 3), 90, np.uint8)
    rgb[200:290, 300:390] = np.random.default_rng(0).integers(0, 256, (90, 90, 3))
    rows, columns = busiest(rgb, 100)
    assert rows.start >= 150 and columns.start >= 250
    assert (rows.stop - rows.start, columns.stop - columns.start) == (100, 100)


def test_small_tiles_are_enlarged_by_whole_numbers_and_large_ones_made_smaller():
    large = np.full((400, 200, 3), 40, np.uint8)
    sheet = grid([[Tile(GRAY[:10, :10]), Tile(large)]], ["a row"], lines=1, side=100)
    grays = (sheet == 120).all(2)
    assert grays.any(0).sum() == 100 and grays.any(1).sum() == 100
    assert (sheet == 40).all(2).sum() == 100 * 50


def test_samples_of_a_set_are_spread_over_it_with_the_confined_region_in_yellow():
    few = [labelled(f"image {i}", [90.0, 20.0, 50.0, 70.0]) for i in range(5)]
    sheet = set_sheet(few, count=2, crops=3)
    one = set_sheet(few[:1], count=2, crops=3)
    assert sheet.shape[0] > 1.8 * one.shape[0]
    assert (one == (255, 210, 0)).all(2).any() and (one == (0, 200, 255)).all(2).any()


def test_an_empty_set_is_refused():
    with pytest.raises(SeagullError, match="no image"):
        set_sheet([])


# --- on the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of two boxes in one image."""
    pixels = GRAY.copy()
    pixels[:, 45:] = 60
    Image.fromarray(pixels).save(tmp_path / "a.png")
    path = tmp_path / "scores.csv"
    path.write_text("file,r0,c0,r1,c1,mos\na.png,0,0,20,30,1.5\na.png,20,30,50,80,5\n", encoding="utf-8")
    return path


def test_instructions_are_written_a_conversation_a_line(listed, tmp_path, capsys):
    out = tmp_path / "new folder" / "talks.jsonl"
    assert run(["data", "instructions", str(listed), "--out", str(out), "--scale", "1,5", "--no-judgments"]) == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    said = [line["conversations"][1]["value"] for line in lines]
    assert said == ["The quality is bad.", "The quality is excellent."]
    assert "2 conversations" in capsys.readouterr().out


def test_instructions_of_a_bad_list_leave_no_file_and_say_the_line(listed, tmp_path, capsys):
    out = tmp_path / "talks.jsonl"
    listed.write_text(listed.read_text(encoding="utf-8") + "a.png,0,0,9,9,many\n", encoding="utf-8")
    assert run(["data", "instructions", str(listed), "--out", str(out)]) == 1
    assert "scores.csv, line 4: 'many' is no score" in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.glob("talks*"))


def test_a_sheet_of_a_list_is_drawn(listed, tmp_path):
    assert run(["data", "sheet", str(listed), "--out", str(tmp_path / "sheet.png")]) == 0
    assert Image.open(tmp_path / "sheet.png").width > 500


def test_a_photograph_gets_a_row_for_every_ladder_and_each_gets_worse_to_look_at(tmp_path):
    from seagull_iqa.data.codecs import installed
    from seagull_iqa.data.ladder_sheet import STRENGTHS, ladder_sheet
    from seagull_iqa.data.recipes import every_ladder

    rng = np.random.default_rng(3)
    rgb = np.kron(rng.integers(40, 200, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    sheet = ladder_sheet(rgb, side=64)
    ladders = every_ladder(installed())
    height = (sheet.shape[0] - 6) // len(ladders)
    assert height * len(ladders) + 6 == sheet.shape[0]
    for row in range(len(ladders)):
        top = 6 + row * height
        tiles = [sheet[top : top + 64, 150 + 70 * i : 214 + 70 * i].astype(float) for i in range(len(STRENGTHS))]
        errors = [float(np.abs(tile - tiles[0]).mean()) for tile in tiles]
        assert errors[0] == 0 < errors[1] < errors[-1], (ladders[row], errors)


def test_what_can_be_fetched_is_listed_and_no_mirror_is_claimed(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("SEAGULL_DATA_MIRROR", raising=False)
    assert run(["data", "fetch", "list"]) == 0
    told = capsys.readouterr().out
    assert "photos-heldout" in told and "no public mirror" in told
    assert run(["data", "fetch", "photos", "--out", str(tmp_path)]) == 1
    assert "--from" in capsys.readouterr().err


def test_a_folder_that_lacks_files_is_said_after_what_was_found_is_here(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    empty = str(tmp_path / "empty")
    assert run(["data", "fetch", "photos-heldout", "--out", str(tmp_path / "d"), "--from", empty]) == 1
    assert "40 were not found" in " ".join(capsys.readouterr().err.split())
