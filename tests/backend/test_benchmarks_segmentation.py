"""The accuracy of clicks is measured rightly: on drawn photographs, by engines whose answers are known."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.errors import SeagullError

FOLDER = Path(__file__).parents[2] / "benchmarks"
ROWS, COLUMNS = np.mgrid[:60, :80]
DISC = (ROWS - 28) ** 2 + (COLUMNS - 30) ** 2 < 15**2


@pytest.fixture
def clicks(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("segmentation_clicks")


@pytest.fixture
def script(clicks):
    return importlib.import_module("segmentation_quality")


@pytest.fixture
def rivals(clicks):
    return importlib.import_module("segmentation_rivals")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four pictures of a disc on a plain ground; two people drew it, one of them a speck too."""
    path = tmp_path_factory.mktemp("drawn") / "toy segments"
    for name in ("images", "segmentations"):
        (path / name).mkdir(parents=True)
    for number in range(4):
        noise = np.random.default_rng(number).normal(0, 4, (60, 80, 3))
        rgb = np.where(DISC[..., None], (200, 80, 50), (60, 110, 150)) + noise
        Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(path / "images" / f"{number}.jpg", quality=95)
        labels = DISC.astype(np.uint8)
        Image.fromarray(labels).save(path / "segmentations" / f"{number}_0.png")
        labels = labels.copy()
        labels[:3, :3] = 2
        Image.fromarray(labels).save(path / "segmentations" / f"{number}_1.png")
    return path


def test_halves_go_by_name_and_segments_by_their_share(clicks, folder):
    tune, report = (clicks.photographs(folder, half, None, None) for half in ("tune", "report"))
    assert [one.name for one in tune] == ["0", "1"] and [one.name for one in report] == ["2", "3"]
    assert [int(mask.sum()) for mask in tune[0].segments()] == [int(DISC.sum())] * 2  # the ground and the speck: not
    assert len(clicks.photographs(folder, "report", 1, 1)[0].annotations) == 1
    with pytest.raises(SeagullError, match="no photographs"):
        clicks.photographs(folder / "images", "tune", None, None)


def test_a_click_is_in_the_middle_and_the_frame_is_border_too(clicks):
    assert clicks.deepest(DISC) == (28, 30)
    corner = np.zeros((60, 80), bool)
    corner[:21, :21] = True
    assert clicks.deepest(corner) == (10, 10)


def test_the_next_click_is_at_the_largest_error_and_of_its_sign(clicks):
    missing, extra = DISC.copy(), DISC.copy()
    missing[28:] = False
    extra[40:60, 60:80] = True
    assert clicks.next_click(missing, DISC).inside and clicks.next_click(missing, DISC).row > 28
    wrong = clicks.next_click(extra, DISC)
    assert not wrong.inside and wrong.row > 45 and wrong.column > 65
    assert clicks.next_click(DISC, DISC) is None


def test_who_knows_the_truth_gets_one_and_the_first_ranked_is_followed_where_asked(clicks):
    nothing = np.zeros_like(DISC)
    nothing[28, 30] = True

    def knowing(asked, before):
        return clicks.Answer([nothing, DISC], 0)

    assert clicks.clicked(knowing, DISC, best=True) == [1.0] * 5
    assert clicks.clicked(knowing, DISC, best=False) == pytest.approx([1 / DISC.sum()] * 5)

    told = []

    def unranked(asked, before):
        told.append((len(asked), before))
        return clicks.Answer([nothing, DISC], None)

    assert clicks.clicked(unranked, DISC, best=False) == [1.0] * 5
    assert told == [(1, None)]  # no error, no further click


def test_the_table_holds_every_method_and_the_goals(script, folder, tmp_path, capsys):
    out = tmp_path / "figures.json"
    script.main(["--data", str(folder), "--engine", "region-tree", "--workers", "1", "--json", str(out)])
    printed = capsys.readouterr().out
    found = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in found["rows"]}
    assert set(rows) == {"region-tree", "Felzenszwalb, best level", "flood", "random_walker", "GrabCut"}
    assert all(name in printed for name in rows)
    assert rows["region-tree"]["best"][0] > 0.9 and rows["region-tree"]["first"][4] > 0.9
    assert rows["Felzenszwalb, best level"]["first"] is None and rows["flood"]["best"][0] > 0.8
    assert len(found["goals"]) == 3 and all(goal["met"] for goal in found["goals"])


def test_what_is_not_installed_is_said(script, rivals):
    missing = rivals.Rival("a rival", rivals.GrabCut, ("no_such_package",))
    assert "no_such_package" in missing.missing
    assert "| a rival | - |" in script.table([script.Row("a rival", missing.missing)], 10)


def test_an_engine_is_told_the_mask_before_unless_it_is_to_forget(rivals, clicks):
    from seagull_iqa.segmenting.tree_engine import TreeEngine

    seen = []

    class Watched(TreeEngine):
        def mask(self, look, prompts):
            seen.append(prompts.mask is not None)
            return super().mask(look, prompts)

    for remembered in (True, False):
        answering = rivals.Engine(Watched(), remembered).look(np.zeros((60, 80, 3), np.uint8))
        answering([clicks.Click(5, 5, True), clicks.Click(50, 70, False)], DISC)
    assert seen == [True, False]
