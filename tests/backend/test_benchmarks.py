"""The benchmarks measure what they say: windows lie where the map's values do, means weigh pixels, bounds are kept."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from seagull_iqa.domain.report import ScoreMap

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def score_map(values: np.ndarray, shape: tuple[int, int], stride: float = 8.0) -> ScoreMap:
    return ScoreMap("quality", values.astype(np.float32), shape, stride, 64.0)


def test_a_maps_mean_in_a_region_weighs_every_pixel_once(benchmark):
    values = np.arange(12.0).reshape(3, 4)
    found = score_map(values, (22, 32))  # the last row of values holds 6 px of the image
    mask = np.zeros((22, 32), bool)
    mask[4:22, 6:20] = True
    by_hand = np.repeat(np.repeat(values, 8, axis=0), 8, axis=1)[:22, :32][mask].mean()
    assert benchmark("map").inside_mean(found, mask) == pytest.approx(by_hand)


def test_windows_are_centred_on_the_maps_values_and_cut_at_the_border(benchmark):
    found = score_map(np.zeros((32, 40)), (256, 320))
    windows = benchmark("map").windows(found, 1)
    assert len(windows) == found.values.size
    assert windows[0].mask.box == (0, 0, 36, 36)
    assert windows[40 * 16 + 20].mask.box == (100, 132, 164, 196)  # value (16, 20) is about (132, 164)
    assert len(benchmark("map").windows(found, 4)) == found.values.size / 16


def test_what_is_compared_takes_turns(benchmark):
    order = []
    benchmark("timing").minima({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3)
    assert "".join(order) == "ababab"


def test_a_missed_goal_says_so_in_every_table(benchmark):
    goal = benchmark("timing").Goal("second request over first", 0.5, 1 / 3)
    assert "NOT met" in str(goal)
    assert "**not met**" in benchmark("run_all").row(goal.to_json(), "regions.py")
    told = benchmark("timing").Goal("a further region", 4, unit="ms")
    row = benchmark("run_all").row(told.to_json(), "x.py")
    assert row == "| a further region |  | 4 ms | `python benchmarks/x.py` |"
    assert benchmark("timing").Goal("times faster", 6, 5, at_least=True).met


def test_regions_of_a_benchmark_are_many_different_ones_inside_the_image(benchmark):
    regions = benchmark("timing").regions(32, 96, 128)
    areas = {region.mask.area for region in regions}
    assert len(areas) > 20
    assert all(region.mask.shape == (96, 128) for region in regions)
