"""Agreement with people is measured out of fold: on pictures that are scored by their noise, by hand-made answers."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import MobileNetV2Config, MobileNetV2Model

from seagull_iqa.data.scores import DataFileError
from seagull_iqa.errors import SeagullError
from seagull_iqa.hub.catalogue import SHIPPED
from seagull_iqa.models.mini.checkpoint import load_weights, save_weights
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.registry import load_model

FOLDER = Path(__file__).parents[2] / "benchmarks"
EACH = 12
TINY = MiniConfig(widths=(8, 8, 8, 8), blocks=(1, 1, 1, 1), dense_width=8, token_width=8, heads=2)


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture
def parts(benchmark):
    return benchmark("people_parts")


@pytest.fixture
def script(benchmark):
    return benchmark("people")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixty pictures of 64 x 80 px with more or less noise, scored by it; one of the reserve that cannot be opened."""
    path = tmp_path_factory.mktemp("people") / "toy scores"
    (path / "images").mkdir(parents=True)
    rng = np.random.default_rng(5)
    lines = ["file,mos,std,use", "secret.png,a secret,1,reserve"]
    rows, columns = np.mgrid[:64, :80]
    for number in range(5 * EACH):
        noise = rng.uniform(1, 40)
        tilt, waves = rng.uniform(-1, 1, 2), np.sin(rows / rng.uniform(3, 9)) * np.sin(columns / rng.uniform(3, 9))
        plain = 128 + 0.6 * (tilt[0] * rows + tilt[1] * columns) + 20 * waves
        rgb = plain[..., None] + rng.normal(0, noise, (64, 80, 3))
        Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(path / "images" / f"{number}.png")
        lines.append(f"{number}.png,{95 - 2 * noise:.3f},10,fold{number % 5}")
    (path / "mos.csv").write_text("\n".join(lines))
    return path


@pytest.fixture
def people(parts, folder):
    return parts.People.read(folder)


@pytest.fixture(scope="module")
def fold_weights(tmp_path_factory):
    """Five untrained seagull-minis that say different things."""
    path = tmp_path_factory.mktemp("runs")
    for number in range(5):
        torch.manual_seed(number)
        network = MiniNetwork(TINY)
        nn.init.normal_(network.quality.bias, std=2)
        (path / f"fold{number}").mkdir()
        save_weights(network, path / f"fold{number}" / "weights.safetensors")
    return path / "fold{n}" / "weights.safetensors"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """An untrained MobileNetV2, its batch norm folded in."""
    torch.manual_seed(0)
    model = MobileNetV2Model(MobileNetV2Config(tf_padding=True), add_pooling_layer=False)
    convolutions = [one for one in model.modules() if isinstance(one, nn.Conv2d)]
    weights = {f"{n}.weight": 5 * one.weight.detach() for n, one in enumerate(convolutions)}
    biases = {f"{n}.bias": torch.zeros(one.out_channels) for n, one in enumerate(convolutions)}
    path = tmp_path_factory.mktemp("teacher") / "folded.pt"
    torch.save({**weights, **biases}, path)
    return path


def run(script, monkeypatch, *given) -> None:
    monkeypatch.setattr(sys, "argv", ["people.py", *map(str, given)])
    script.main()


def test_folds_are_read_and_the_reserve_is_not(people, folder):
    assert np.bincount(people.fold).tolist() == [EACH] * 5
    assert [int(image.name.removesuffix(".png")) % 5 for image in people.images] == people.fold.tolist()
    assert "secret.png" not in {file.name for file in people.files}
    opened = (folder / "mos.csv").read_text().replace(",reserve", ",fold0")
    (folder / "mos.csv").rename(folder / "kept.csv")
    try:  # the row that stood there would have been complained of
        (folder / "mos.csv").write_text(opened)
        with pytest.raises(DataFileError, match="secret"):
            type(people).read(folder)
    finally:
        (folder / "kept.csv").replace(folder / "mos.csv")


@pytest.mark.parametrize("kind", ["RIDGES", "GAUSSIANS"])
def test_the_scores_of_a_fold_change_nothing_that_is_said_of_it(parts, people, kind):
    rng = np.random.default_rng(0)
    features = np.c_[people.mos, rng.normal(size=(people.mos.size, 3))]
    said = parts.read_out(getattr(parts, kind), features, people)
    own = people.fold == 2
    shuffled = people.mos.copy()
    shuffled[own] = 100 - rng.permutation(shuffled[own])
    again = parts.read_out(getattr(parts, kind), features, replace(people, mos=shuffled))
    assert np.array_equal(said[own], again[own])
    assert all(not np.array_equal(said[people.fold == n], again[people.fold == n]) for n in (0, 1, 3, 4))


def test_who_knows_photographs_by_name_alone_knows_nothing_of_another_fold(parts, people):
    names = np.eye(people.mos.size)
    by_heart = parts.Kernel(1e-6)(names, people.mos, names)
    assert np.abs(by_heart - people.mos).max() < 0.1
    said = parts.read_out((parts.Kernel(1e-6),), names, people)
    assert max(np.ptp(said[people.fold == n]) for n in range(5)) < 1e-9


def test_what_is_held_back_is_chosen_by_folds_that_were_not_learned(parts, people):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(people.mos.size, 200))
    x = rng.normal(size=people.mos.size)
    plain = parts.chosen(parts.RIDGES, np.c_[x, 2 * x], 50 + 10 * x, people.fold)
    hopeless = parts.chosen(parts.RIDGES, noise, people.mos, people.fold)
    assert (plain.strength, hopeless.strength) == (1e-3, 100.0)


def test_a_gaussian_kernel_learns_what_a_line_cannot(parts, script, people):
    x = np.random.default_rng(2).normal(size=(people.mos.size, 1))
    bent = replace(people, mos=20 * np.abs(x[:, 0]))
    line, curve = (parts.read_out(settings, x, bent) for settings in (parts.RIDGES, parts.GAUSSIANS))
    assert script.srocc(curve, bent.mos) > 0.95
    assert script.srocc(line, bent.mos) < 0.5


@pytest.mark.extra
def test_support_vectors_learn_it_too(parts, script, people):
    pytest.importorskip("sklearn")
    x = np.random.default_rng(2).normal(size=(people.mos.size, 1))
    bent = replace(people, mos=20 * np.abs(x[:, 0]))
    name, settings = parts.radial()
    assert name == "support vectors"
    assert script.srocc(parts.read_out(settings, x, bent), bent.mos) > 0.95


def test_retrained_features_order_pictures_by_their_noise(script, parts, people):
    kept = parts.Kept()
    row = script.Agreement.of(script.retrained(people, kept), people, 50)
    assert row.pooled.value > 0.9
    assert min(row.srocc) > 0.8
    mixed = replace(people, mos=np.random.default_rng(3).permutation(people.mos))
    assert script.Agreement.of(script.retrained(mixed, kept), mixed, 50).pooled.value < 0.4


def test_brisques_features_are_those_of_the_distribution_that_they_are_taken_from(parts):
    rng = np.random.default_rng(4)
    shape, variance, *products = parts._of_a_scale(rng.normal(0, 1.5, (400, 400)))
    assert (shape, variance) == (pytest.approx(2, abs=0.05), pytest.approx(2.25, rel=0.02))
    assert len(products) == 16
    skewed = np.where(rng.random(200_000) < 0.75, -3.0, 1.0) * rng.exponential(1, 200_000)  # widths go with shares
    shape, mean, left, right = parts._fit(skewed)
    assert shape == pytest.approx(1, abs=0.03)
    assert mean == pytest.approx(skewed.mean(), rel=0.03)
    assert (left, right) == (pytest.approx(18, rel=0.05), pytest.approx(2, rel=0.05))
    assert len(parts.brisque_features(rng.integers(0, 255, (40, 50, 3), np.uint8))) == 36


def test_features_are_mean_and_deviation_of_every_level_over_the_whole_photograph(parts, script, people):
    weights = SHIPPED / "seagull-mini.safetensors"
    rgb = people.images[0].rgb()
    image = parts.whole_cells(rgb)
    assert image.shape == (1, 3, 64, 96)
    assert np.array_equal(image[0, :, :, :80].numpy().transpose(1, 2, 0), rgb)
    assert torch.equal(image[..., 80:], image[..., 64:80].flip(-1))
    levels = load_weights(weights)[0].encoder(image.float() / 255)
    found = parts.pooled([level.detach() for level in levels])
    by_hand = [one for level in levels for one in (level.mean((0, 2, 3)), level.std((0, 2, 3), correction=0))]
    assert np.allclose(found, torch.cat(by_hand).detach(), atol=1e-4)
    assert script.Agreement.of(script.frozen(people, weights), people, 20).pooled.value > 0.9


def test_each_fold_is_scored_by_its_own_weights(script, people, fold_weights):
    files = script.fold_files(str(fold_weights))
    said = script.of_models("folds", people, files, "cpu")
    models = [load_model(file, "cpu") for file in files]
    for at in (0, 1, EACH, 2 * EACH + 3, 4 * EACH):
        answers = [script.whole(model, people.images[at].rgb()) for model in models]
        assert (said.quality[at], *said.interval[at]) == answers[people.fold[at]]
        assert len({round(quality, 4) for quality, *_ in answers}) == 5
    alone = script.of_models("one", people, files[1:2], "cpu").quality
    assert [bool((alone == said.quality)[people.fold == n].all()) for n in range(5)] == [n == 1 for n in range(5)]


def test_figures_are_of_each_fold_and_of_all_photographs(script, people):
    sign = np.where(people.fold == 4, -1.0, 1.0)
    interval = np.c_[people.mos - 1, people.mos + np.where(people.fold == 0, -0.5, 1.0)]
    row = script.Agreement.of(script.Said("x", "", sign * people.mos, interval), people, 100)
    assert row.srocc == row.plcc == pytest.approx((1, 1, 1, 1, -1))
    assert row.means == pytest.approx((0.6, 0.6))
    assert row.inside == pytest.approx(0.8)
    assert row.pooled.low < row.pooled.value < row.pooled.high < 1
    shifted = script.Agreement.of(script.Said("x", "", people.mos + 200.0 * people.fold), people, 100)
    assert shifted.means == pytest.approx((1, 1))
    assert shifted.pooled.value < 0.5
    assert np.isnan(shifted.inside)


def test_who_is_silent_of_some_photographs_is_measured_on_the_others_and_says_so(script, people):
    quality = np.where(people.fold == 0, np.nan, people.mos)
    row = script.Agreement.of(script.Said("x", "", quality), people, 20).to_json()
    assert (row["photographs"], row["pooled_srocc"]["value"]) == (4 * EACH, pytest.approx(1))
    assert row["srocc"][0] is None and row["mean_srocc"] is None


def test_what_was_measured_is_not_measured_again_unless_the_file_changed(parts, people, tmp_path):
    work, seen = tmp_path / "größe.npz", []

    def mean(rgb):
        seen.append(rgb)
        if len(seen) == 20:
            raise KeyboardInterrupt
        return rgb.mean()

    with pytest.raises(KeyboardInterrupt):
        parts.Kept(work).of("mean", people, mean)
    found = parts.Kept(work).of("mean", people, mean)
    assert len(seen) == 61  # the twentieth twice
    assert np.array_equal(parts.Kept(work).of("mean", people, mean), found) and len(seen) == 61
    assert found[7, 0] == pytest.approx(people.images[7].rgb().mean())
    other = tmp_path / people.files[3].name
    other.write_bytes(people.files[3].read_bytes() + b"more")
    changed = replace(people, files=(*people.files[:3], other, *people.files[4:]))
    parts.Kept(work).of("mean", changed, mean)
    assert len(seen) == 62
    parts.Kept(work).of("another", people, mean)
    assert len(seen) == 122


def test_everything_that_was_asked_for_stands_in_the_table(
    script, monkeypatch, folder, fold_weights, teacher, tmp_path, capsys
):
    given = ["--data", folder, "--work", tmp_path / "work.npz", "--json", tmp_path / "f.json", "--bootstrap", "20"]
    run(script, monkeypatch, *given, "--fold-weights", fold_weights, "--teacher", teacher, "--model", "seagull-mini",
        "--ridge-of", SHIPPED / "seagull-mini.safetensors")  # fmt: skip
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "f.json").read_text())
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["NIQE", "PIQE", "BRISQUE", "BRISQUE, retrained", "MobileNetV2",
                          "frozen seagull-mini.safetensors", "seagull-mini", "folds"]  # fmt: skip
    assert (found["partial"], found["folds"]) == (False, [EACH] * 5)
    assert all(name in said for name in rows) and "PARTIAL" not in said
    assert rows["seagull-mini"]["mean_srocc"] > 0.4 > abs(rows["folds"]["pooled_srocc"]["value"])  # of noise it knows
    assert 0 <= rows["folds"]["inside_80"] <= 1 and rows["PIQE"]["inside_80"] is None
    assert rows["NIQE"]["photographs"] == 0 and rows["NIQE"]["mean_srocc"] is None  # smaller than its patches
    monkeypatch.setattr(script, "brisque_features", None)
    run(script, monkeypatch, *given, "--photos", "10")
    again = capsys.readouterr().out
    assert "50 photographs in 5 folds, PARTIAL" in again
    assert "MobileNetV2: not run: no --teacher was given" in again


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--data", "nowhere"], "nowhere holds no mos.csv"),
        (["--photos", "9"], "fold0 has 9 photographs"),
        (["--fold-weights", "here.safetensors"], "names one file for all folds"),
        (["--fold-weights", "no{n}.safetensors"], "no weights of fold 0: no0.safetensors"),
        (["--model", "nobody"], "There is no model 'nobody'"),
        (["--teacher", "nowhere.pt"], "nowhere.pt holds no MobileNetV2"),
        (["--ridge-of", "nowhere.safetensors"], "nowhere.safetensors is not a safetensors file"),
        (["--json", "nowhere/f.json"], "There is no folder nowhere"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(script, monkeypatch, folder, given, told):
    with pytest.raises(SystemExit, match=told) as stopped:
        run(script, monkeypatch, "--data", folder, *given)
    assert "\n" not in str(stopped.value)


def test_weights_of_two_folds_that_are_the_same_are_refused(script, fold_weights, tmp_path):
    for number in range(5):
        source = str(fold_weights).replace("{n}", str(max(1, number)))
        (tmp_path / f"{number}.safetensors").write_bytes(Path(source).read_bytes())
    with pytest.raises(SeagullError, match="Two folds have the same weights"):
        script.fold_files(str(tmp_path / "{n}.safetensors"))


def test_a_photograph_of_two_folds_and_one_that_is_missing_are_refused(parts, folder, tmp_path):
    (tmp_path / "images").symlink_to(folder / "images")
    lines = (folder / "mos.csv").read_text().splitlines()
    (tmp_path / "mos.csv").write_text("\n".join([*lines, "0.png,50,1,fold3"]))
    with pytest.raises(SeagullError, match=r"0\.png stands in more than one row"):
        parts.People.read(tmp_path)
    (tmp_path / "mos.csv").write_text("\n".join([*lines, "gone.png,50,1,fold3"]))
    with pytest.raises(SeagullError, match=r"gone\.png is not there"):
        parts.People.read(tmp_path)


def test_a_work_file_of_another_kind_is_refused(parts, tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("text.npz", "other.npz"):
        with pytest.raises(SeagullError, match=f"{name} holds no figures"):
            parts.Kept(tmp_path / name)
