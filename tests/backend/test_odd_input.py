"""Odd files and places, each answered with a sentence; and memory that stays bounded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from safetensors.torch import load_file, save_file

from seagull_iqa.cli.app import run
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import CheckpointError, ImageError, LimitError, ShapeMismatchError
from seagull_iqa.imaging import files, score_maps
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.region_files import read_labels
from seagull_iqa.models.mini.checkpoint import load_weights, save_weights
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.service.source import one_model
from seagull_iqa.service.workbench import Workbench


def test_a_path_that_the_system_refuses_is_told_in_a_sentence() -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        read_image(Path("x" * 5000 + ".png"))


def test_a_page_with_too_many_values_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, np.zeros((20, 20, 50), np.uint8), photometric="minisblack", planarconfig="contig")
    monkeypatch.setattr(files, "MAX_PIXELS", 1000)
    with pytest.raises(LimitError):
        read_image(path)


def test_labels_of_another_size_are_refused_in_good_english(tmp_path: Path) -> None:
    path = tmp_path / "l.png"
    Image.fromarray(np.ones((4, 5), np.uint8)).save(path)
    with pytest.raises(ShapeMismatchError, match=r"The labels in l.png are 4 x 5 pixels"):
        read_labels(path, (9, 9))


@pytest.mark.parametrize(
    ("key", "value"),
    [("config", None), ("config", "{"), ("config", "[]"), ("calibration", None), ("calibration", '{"nonsense": 1}')],
)
def test_weights_with_damaged_sizes_or_calibration_are_refused_in_a_sentence(
    tmp_path: Path, key: str, value: str | None
) -> None:
    path = tmp_path / "toy.safetensors"
    config = MiniConfig(widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1), dense_width=8, token_width=8, heads=2)
    save_weights(MiniNetwork(config), path)
    metadata = {"format": "seagull-mini/1", "config": json.dumps(config.to_dict()), "calibration": "{}"}
    changed = {k: v for k, v in {**metadata, key: value}.items() if v is not None}
    save_file(load_file(path), path, metadata=changed)
    with pytest.raises(CheckpointError, match="sizes"):
        load_weights(path)


def test_training_into_a_place_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert run(["train", "--out", str(tmp_path / "file" / "run"), "--photos", str(tmp_path)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "cannot be made" in said
    assert "fault of the program" not in said


UNHEARD = {
    "rows looked at of no list": ("--check use=fold1", "--check does nothing without --human."),
    "rows kept of no list": ("--where use=fold1", "--where does nothing without --human."),
    "adapters of mini": ("--lora 8", "--lora does nothing without --full."),
    "parts beside no adapters": ("--full F --parts", "--parts does nothing without --lora."),
    "a teacher of the full model": ("--full F --teacher mnv2.pt", "--teacher does nothing with --full."),
    "looking on at the full model": ("--full F --human LIST --check use=fold1", "--check does nothing with --full."),
    "no such rows": ("--human LIST --where use=fold7", "mos.csv has no row that --where names."),
    "no such rows to look at": ("--human LIST --check use=fold7", "mos.csv has no row that --check names."),
    "nothing left": ("--human LIST --check use=fold0,fold1", "--check leaves no image to learn from."),
    "rows of what has none": ("--human COCO --where use=fold1", "coco.json is none."),
}


@pytest.mark.parametrize("case", UNHEARD)
def test_training_refuses_an_option_that_it_would_not_heed(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("accelerate")
    (tmp_path / "mos.csv").write_text("file,mos,use\na.png,10,fold0\nb.png,60,fold1\n", encoding="utf-8")
    (tmp_path / "coco.json").write_text(json.dumps({"images": [], "annotations": []}), encoding="utf-8")
    options, words = UNHEARD[case]
    files = {"LIST": str(tmp_path / "mos.csv"), "COCO": str(tmp_path / "coco.json")}
    given = [files.get(word, word) for word in options.split()]
    assert run(["train", "--out", str(tmp_path / "out"), "--photos", str(tmp_path), *given]) == 1
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_map_is_the_same_however_many_rows_are_interpolated_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((7, 9)).astype(np.float32)
    one = ScoreMap("quality", values, (50, 70), 8.0, 64.0)
    at_once = score_maps.at_image_size(one)
    monkeypatch.setattr(score_maps, "_BLOCK_PIXELS", 200)
    assert np.array_equal(score_maps.at_image_size(one), at_once)


def test_a_look_that_grows_counts_with_what_it_has_become() -> None:
    class Growing:
        shape, nbytes = (4, 4), 10

    class Model:
        def look(self, _rgb: np.ndarray) -> Growing:
            return Growing()

    work = Workbench(one_model(Model))._work  # type: ignore[arg-type]
    work.change()
    rgb = np.zeros((4, 4, 3), np.uint8)
    work.look("a", rgb).nbytes = 500  # type: ignore[misc]
    work.look("a", rgb)
    assert work.looks.nbytes == 500
