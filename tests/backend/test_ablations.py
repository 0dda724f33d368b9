"""Each row of the ablations lacks what it says and nothing else, on the same batches; the table tells what it cost."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.models.mini import frontend
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.training.samples import IGNORED, Chunk

FOLDER = Path(__file__).parents[2] / "benchmarks"
TOY = MiniConfig(widths=(4, 4, 8, 8), blocks=(1, 1, 1, 1), dense_width=8, token_width=16, heads=2, window=32)
SIDE, REGIONS = 64, 3


@pytest.fixture
def ablations(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("ablations")


@pytest.fixture
def parts(ablations):
    return importlib.import_module("ablation_parts")


def chunk(number: int, count: int = 2) -> Chunk:
    """Noise in two halves, the left one stronger by `number`; its labels follow from nothing."""
    rng = np.random.default_rng(number)
    masks = np.zeros((count, REGIONS, SIDE, SIDE), bool)
    masks[:, 0], masks[:, 1, :, :32], masks[:, 2, 16:48, 32:] = True, True, True
    cells = (count, SIDE // 8, SIDE // 8)
    return Chunk(
        torch.from_numpy(rng.integers(0, 256, (count, 3, SIDE, SIDE), dtype=np.uint8)),
        torch.from_numpy(np.packbits(masks, axis=-1)),
        torch.from_numpy(rng.uniform(0, 100, (count, REGIONS)).astype(np.float32)),
        torch.from_numpy(rng.uniform(0, 100, (count, REGIONS)).astype(np.float32)),
        torch.from_numpy(rng.integers(0, 6, (count, REGIONS, 7)).astype(np.int8)),
        torch.from_numpy(rng.uniform(0, 5, (count, 7, *cells[1:])).astype(np.float16)),
        torch.from_numpy(rng.normal(size=cells).astype(np.float16)),
        torch.from_numpy(rng.uniform(0, 100, cells).astype(np.float16)),
    )


def said(ablations, network, row: str):
    """What a row's network says of a chunk: maps, quality."""
    some = chunk(0)
    with torch.no_grad():
        dense, output = ablations.Ablated(network, row).eval()(some.image.float() / 255, some.unpacked_masks())
    return dense, torch.cat([output.quality_logits.flatten(), output.importance_logits.flatten()])


@pytest.fixture
def network() -> MiniNetwork:
    torch.manual_seed(0)
    return MiniNetwork(TOY).eval()


@pytest.mark.parametrize(("row", "missing", "there"), [
    ("local", "tokens.over_windows", "tokens.over_image"), ("global", "tokens.over_image", "tokens.over_windows"),
])  # fmt: skip
def test_a_token_that_is_left_out_says_nothing_and_the_other_does(ablations, network, row, missing, there):
    def bent(name: str) -> torch.Tensor:
        before = said(ablations, network, row)[1]
        with torch.no_grad():
            for parameter in network.get_submodule(name).parameters():
                parameter.add_(torch.randn_like(parameter))
        return (said(ablations, network, row)[1] - before).abs().max()

    assert not torch.equal(said(ablations, network, row)[1], said(ablations, network, "full")[1])
    assert bent(missing) == 0
    assert bent(there) > 0


def test_without_the_frontend_its_statistics_are_never_computed(ablations, network, monkeypatch):
    whole = said(ablations, network, "full")
    before = frontend.statistics
    without = said(ablations, network, "frontend")
    assert frontend.statistics is before
    assert not torch.equal(whole[0], without[0])
    monkeypatch.setattr(frontend, "statistics", lambda _image: 1 / 0)
    said(ablations, network, "frontend")
    with pytest.raises(ZeroDivisionError):
        said(ablations, network, "full")


def test_without_native_resolution_fine_detail_is_gone_and_the_maps_keep_their_size(ablations, network):
    some = chunk(0)
    checkers = torch.zeros(2, 3, SIDE, SIDE)
    checkers[..., ::2, ::2], checkers[..., 1::2, 1::2] = 1.0, 1.0
    gray = torch.full_like(checkers, 0.5)
    with torch.no_grad():
        model = ablations.Ablated(network, "native").eval()
        seen, flat = (model(image, some.unpacked_masks())[0] for image in (checkers, gray))
    assert torch.equal(seen, flat)
    assert seen.shape == said(ablations, network, "full")[0].shape


def test_without_dense_supervision_the_maps_labels_are_not_looked_at(ablations, network):
    some, other = chunk(0), chunk(0)
    other.quality_map, other.weight_map, other.severity_map = (
        part * 0 for part in (some.quality_map, some.weight_map, some.severity_map)
    )
    dense, output = network(some.image.float() / 255, some.unpacked_masks())
    for row, same in (("dense", True), ("full", False)):
        totals = [ablations.loss_of(row, dense, output, one)["total"].item() for one in (some, other)]
        assert (totals[0] == pytest.approx(totals[1])) is same


def test_a_batch_is_made_once_and_comes_again_mirrored(parts, tmp_path):
    made = []
    batches = parts.KeptBatches(lambda index: made.append(index) or chunk(index).to_arrays(), tmp_path / "kept", 2)
    first, again, mirrored, third = (Chunk.from_arrays(batches(index)) for index in (1, 1, 3, 5))
    assert made == [1]
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.image, third.image)
    assert torch.equal(first.image.flip(-1), mirrored.image)
    assert torch.equal(first.quality, mirrored.quality)


def held_out(parts):
    crops = [chunk(number, 1) for number in range(12)]
    for number, crop in enumerate(crops):
        crop.severity[:] = 0
        crop.severity[0, 1, list(Distortion).index((Distortion.BLUR, Distortion.CONTRAST)[number % 2])] = 3
        crop.severity[0, 2, list(Distortion).index(Distortion.BLUR)] = IGNORED
        crop.severity[0, 2, list(Distortion).index(Distortion.NOISE)] = 4
    return parts.HeldOut(crops, np.repeat([f"photo {number // 3}" for number in range(12)], REGIONS))


def test_regions_are_of_a_kind_where_that_kind_alone_touches_them(parts):
    found = held_out(parts)
    assert found.touched_only_by((Distortion.BLUR, Distortion.NOISE)).tolist() == list(range(1, 36, 6))
    assert found.touched_only_by((Distortion.CONTRAST,)).tolist() == list(range(4, 36, 6))


def test_the_table_says_what_a_row_lost_against_the_full_one(parts):
    known = held_out(parts)
    full = parts.Said(known.quality, known.importance)
    worse = parts.Said(-known.quality, known.importance)
    found = parts.estimates([worse], known, 20, [full])
    assert found["all"].value == pytest.approx(-2.0)
    assert found["importance"].value == pytest.approx(0.0)
    assert parts.estimates([full, worse], known, 20)["signal"].value == pytest.approx(0.0)  # the mean of 1 and -1
    lines = parts.table({"full": [full], "without local": [worse]}, known, 20).splitlines()
    assert lines[2].startswith("| full | 1 | 1.000 (1.000 to 1.000)")
    assert lines[4].startswith("| less full | | -2.000")


def test_a_row_is_trained_once_and_other_settings_are_refused(ablations, parts, tmp_path, monkeypatch, capsys):
    pytest.importorskip("accelerate")
    photos = tmp_path / "data" / "photos"
    photos.mkdir(parents=True)
    rows = ["file,split"]
    for number in range(4):
        image = np.random.default_rng(number).integers(0, 256, (330, 330, 3), dtype=np.uint8)
        Image.fromarray(image).save(photos / f"{number}.png")
        rows.append(f"{number}.png,{'heldout' if number % 2 else 'train'}")
    (photos / "manifest.csv").write_text("\n".join(rows))
    monkeypatch.setattr(ablations, "SyntheticSource", lambda paths, _seed, _pixels: _Source(paths))
    monkeypatch.setattr(parts, "make_sample", lambda _images, _size, rng: chunk(int(rng.integers(99)), 1))
    line = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--rows", "full,native", "--steps", "2",
            "--batches", "2", "--widths", "4,4,8,8", "--bootstrap", "5"]  # fmt: skip
    study = ablations.Study(ablations.arguments(line))
    for row in ("full", "native", "full"):
        study.run(row, 1)
    told = capsys.readouterr().out
    assert told.count("full 1: 2/2") == told.count("native 1: 2/2") > 0
    assert "| without native | 1 |" in study.table()
    assert "18 regions of 2 photographs" in study.table()
    with pytest.raises(SystemExit, match="other settings"):
        ablations.Study(ablations.arguments([*line, "--rate", "0.1"]))


class _Source:
    def __init__(self, paths) -> None:
        self.paths = paths

    def __call__(self, index: int):
        return chunk(index, 4).to_arrays()
