"""The benchmark of what finds regions measures what it says: looks are kept where it says so, and anew where not."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seagull_iqa.service.source import one_model
from seagull_iqa.service.workbench import Workbench

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("segmentation")


@pytest.fixture
def engines(engine_module: Any) -> Any:
    return engine_module.EngineShop()


@pytest.fixture
def bench(toy: Any, engines: Any, tmp_path: Path) -> Iterator[Workbench]:
    bench = Workbench(one_model(lambda: toy), engines=engines.source(folder=tmp_path))
    bench.start()
    yield bench
    bench.stop()


def test_one_look_an_image_then_clicks_without_then_one_a_click(
    benchmark: ModuleType, bench: Workbench, engines: Any, client_of: Any
) -> None:
    client = client_of(bench)
    figures = benchmark.measure(client, benchmark.pictures(48, 3), clicks=7)
    assert (len(figures.first), len(figures.click), len(figures.anew)) == (3, 7, 5)
    assert len(engines.made[0].looks) == 3 + 5
    assert len(engines.made[0].asked) == 3 + 7 + 5
    assert figures.look_bytes == 48 * 48 * 4
    assert figures.found > 1


def test_pictures_differ_and_places_do_not(benchmark: ModuleType) -> None:
    pictures = benchmark.pictures(40, 3)
    assert len({picture.sha256 for picture in pictures}) == 3
    assert benchmark.places(pictures[0], 5) == benchmark.places(pictures[1], 5)
    assert len(set(benchmark.places(pictures[0], 5))) == 5


def test_the_table_says_medians_and_the_ratio(benchmark: ModuleType) -> None:
    figures = benchmark.Figures([1.0, 2.0, 9.0], [0.01] * 19 + [0.5], [1.0], 3.0, 12, 5_300_000)
    assert figures.ratio == pytest.approx(100)
    said = benchmark.row("an-engine", figures, 0.04, 70_000_000)
    p95 = f"{1000 * np.percentile(figures.click, 95):.1f}"
    assert said == f"| an-engine | 2000 | 10.0 | {p95} | 1000 | 100 x | 40 | 3000 (12) | 5.3 | 70 |"
    assert said.count("|") == benchmark.HEAD.splitlines()[1].count("|")
