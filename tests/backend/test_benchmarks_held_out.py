"""Maps, scales and false alarms of held-out pictures are measured as they say: on models whose answer is known."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from seagull_iqa.data.distort import Applied, distort
from seagull_iqa.data.protocol import EVERYWHERE, Case, Protocol, to_rgb
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.domain.report import ALL_ASPECTS, QUALITY_MAP, QualityReport, ScoreMap

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


class Look:
    def __init__(self, rgb: np.ndarray) -> None:
        self.rgb, self.shape, self.nbytes = rgb, rgb.shape[:2], rgb.nbytes


class Meter:
    """Quality is a function of a region's mean brightness, and so is the map; finds exposure in what is dark."""

    device = "cpu"

    def __init__(self, quality=lambda bright, _side: bright) -> None:
        self.card, self.quality = ModelCard("meter-1"), quality

    def look(self, image):
        return Look(image)

    def assess(self, look, regions, aspects=ALL_ASPECTS):
        reports = []
        for region in regions:
            bright = float(look.rgb[region.mask.pixels].mean()) / 2.55
            quality = self.quality(bright, max(look.shape))
            found = (Finding(Distortion.EXPOSURE, Severity.SEVERE),) if bright < 30 else ()
            reports.append(QualityReport(region.id, quality, None, bright, None, found, "", "meter-1"))
        return reports

    def maps(self, look, *, progress=None, partial=None):
        rows, columns = (-(-side // 8) for side in look.shape)
        padded = np.pad(look.rgb.mean(2), ((0, 8 * rows - look.shape[0]), (0, 8 * columns - look.shape[1])), "edge")
        values = padded.reshape(rows, 8, columns, 8).mean((1, 3)).astype(np.float32) / 2.55
        return {QUALITY_MAP: ScoreMap(QUALITY_MAP, values, look.shape, 8.0, 64.0, "meter-1")}


class KnowsMaps(Meter):
    """Its map is the formula's, of whichever case's image it looks at; `sign` -1 turns it round."""

    def __init__(self, heatmap, protocol, sign: float = 1.0) -> None:
        super().__init__()
        self.known = {}
        for case in protocol.cases:
            scene = protocol.scene(case.photo)
            spoiled = scene.render(case)
            values = sign * heatmap.full_reference(scene, case, spoiled).astype(np.float32)
            self.known[to_rgb(spoiled).tobytes()] = values

    def maps(self, look, *, progress=None, partial=None):
        values = self.known[look.rgb.tobytes()]
        return {QUALITY_MAP: ScoreMap(QUALITY_MAP, values, look.shape, 8.0, 64.0, "meter-1")}


@pytest.fixture(scope="module")
def protocol(toy_protocol_folder):
    return Protocol.load(toy_protocol_folder)


def test_who_knows_the_full_reference_map_reaches_one_and_its_negative_minus_one(benchmark, protocol):
    heatmap = benchmark("heatmap")
    for sign in (1.0, -1.0):
        found = heatmap.figures(list(heatmap.measure(protocol, KnowsMaps(heatmap, protocol, sign), None)), 10)
        correlations = [line for line in found if line.what.startswith("map SROCC")]
        assert {line.what.split(", ")[1] for line in correlations} == {"confined", "everywhere", "pooled"}
        assert [line.value.value for line in correlations] == pytest.approx([sign] * len(correlations))
        (below,) = (line.value.value for line in found if line not in correlations)
        assert below == pytest.approx((1 + sign) / 2)


def test_the_full_reference_map_is_clean_where_nothing_was_changed_and_low_where_it_was(benchmark, protocol):
    scene = protocol.scene("a.png")
    case = Case(0, "a.png", "r0", "r0", 3, (Applied(Distortion.NOISE, 4.0),))
    found = benchmark("heatmap").full_reference(scene, case, scene.render(case))
    assert found.shape == (12, 14)
    assert found[3:6, 2:5].max() < 70  # rows 10..60, columns 8..50 are spoiled
    assert (found[:, 10:] == 100).all()


def test_an_images_map_without_any_damage_has_no_correlation(benchmark, protocol):
    heatmap = benchmark("heatmap")
    found = list(heatmap.measure(protocol, Meter(), None))
    clean = [one for one in found if not one.case.distortions]
    assert clean and all(np.isnan(one.srocc) for one in clean)
    assert all(one.predicted.shape == one.label.shape for one in found)


def of(figures, what: str):
    return next(line.value for line in figures if line.what == what)


def test_a_region_is_scaled_with_its_image(benchmark):
    mask = np.zeros((96, 112), bool)
    mask[8:24, 4:40] = True
    rgb = np.where(mask[..., None], 255, 0).astype(np.uint8).repeat(3, axis=2)
    for factor in (0.5, 0.71, 2.0):
        image, (region,) = benchmark("scales").scaled(rgb, [mask], factor)
        assert image.shape[:2] == region.mask.shape == (round(96 * factor), round(112 * factor))
        assert image[region.mask.pixels].mean() > 235
        assert image[~region.mask.pixels].mean() < 5


def test_brightness_keeps_the_order_of_regions_at_every_scale(benchmark, protocol):
    scales = benchmark("scales")
    found = scales.figures(list(scales.measure(protocol, Meter(), None)), 10)
    for factor in ("0.5x", "0.71x", "1.41x", "2x"):
        assert of(found, f"patchwork, {factor}: quality SROCC, in photo").value == pytest.approx(1.0)
        assert abs(of(found, f"patchwork, {factor}: shift of quality").value) < 2


def test_a_model_that_turns_round_when_the_image_grows_is_found_out(benchmark, protocol):
    scales = benchmark("scales")
    model = Meter(lambda bright, side: 100 - bright if side > 112 else bright)
    found = scales.figures(list(scales.measure(protocol, model, None)), 10)
    assert of(found, "patchwork, 0.5x: quality SROCC, in photo").value == pytest.approx(1.0)
    assert of(found, "patchwork, 2x: quality SROCC, in photo").value == pytest.approx(-1.0)
    assert of(found, "patchwork, 2x: importance SROCC, in photo").value == pytest.approx(1.0)


def test_a_patchwork_spoils_every_second_region_each_in_another_way(benchmark, protocol):
    scene = protocol.scene("b.png")
    cases = [case for case in protocol.cases if case.photo == "b.png" and case.where == EVERYWHERE]
    spoiled = benchmark("scales").patchwork(scene, cases)
    first, second = (torch.from_numpy(mask) for mask in scene.masks.values())
    alone = distort(scene.pixels, cases[0].distortions, seed=cases[0].seed, where=first)
    assert torch.equal(spoiled, alone)
    assert torch.equal(spoiled[:, second & ~first], scene.pixels[:, second & ~first])


def test_false_alarms_are_counted_by_kind_and_the_worst_are_drawn(benchmark):
    alarms, pictures = benchmark("false_alarms"), benchmark("clean_pictures")
    dark, light = (np.full((40, 60, 3), value, np.uint8) for value in (20, 200))
    half = light.copy()
    half[:, :30] = 20
    left = RegionMask.from_box((40, 60), (0, 0, 40, 30))
    seen = [pictures.Clean("plates", "dark", dark), pictures.Clean("plates", "light", light, [left]),
            pictures.Clean("halves", "half", half, [left])]  # fmt: skip
    verdicts = [one for picture in seen for one in alarms.judge(Meter(), picture)]
    rows = {row.kind: row for row in alarms.rows(verdicts)}
    assert (rows["plates"].count, rows["plates"].clean) == (2, 0.5)
    assert rows["plates"].named == {"exposure": 1}
    assert rows["plates"].median == pytest.approx((20 + 200) / 2 / 2.55)
    assert rows["halves, regions"].clean == 0.0
    assert [one.name for one in alarms.worst(verdicts)] == ["dark", "half", "light"]
    assert len(alarms.sheet(alarms.worst(verdicts), "x").axes) == 3


def test_the_clean_pictures_are_of_many_kinds_and_always_the_same(benchmark, toy_protocol_folder, protocol):
    pictures = benchmark("clean_pictures")
    made, again = ({one.name: one.rgb for one in pictures.drawings(1)} for _ in range(2))
    assert len(made) == len(pictures.DRAWINGS) + 2
    assert all(rgb.shape == (512, 512, 3) and rgb.dtype == np.uint8 for rgb in made.values())
    assert all(np.array_equal(made[name], again[name]) for name in made)
    others = list(pictures.all_clean(toy_protocol_folder, protocol, 1, 1))
    assert {"photographs", "posters", "samples"} <= {one.kind for one in others}


def test_a_command_prints_its_figures_and_writes_them(benchmark, monkeypatch, toy_protocol_folder, tmp_path, capsys):
    script, held_out = benchmark("scales"), benchmark("held_out")
    monkeypatch.setattr(held_out, "load_model", lambda _name, _device: Meter())
    given = ["scales.py", "--data", str(toy_protocol_folder), "--photos", "2", "--json", str(tmp_path / "f.json")]
    monkeypatch.setattr(sys, "argv", given)
    script.main()
    said = capsys.readouterr().out
    assert "meter-1" in said and "(goal 0.9: met)" in said
    assert json.loads((tmp_path / "f.json").read_text())["photographs"] == 2
