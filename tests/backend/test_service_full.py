"""The real models behind a real server: from seagull-mini to a SEAGULL checkpoint of toy size, and back."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seagull_iqa import errors, wire
from seagull_iqa.client import Client
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import MAP_NAMES, ScoreMap
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (150, 200)


@pytest.fixture
def home(tmp_path: Path, toy_checkpoint: Path) -> Path:
    """A folder of models in which seagull-7b lies, at toy size."""
    shutil.copytree(toy_checkpoint, tmp_path / "Möwen zu Hause" / "seagull-7b")
    return tmp_path / "Möwen zu Hause"


@pytest.fixture
def photo() -> PreparedImage:
    return PreparedImage(np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8), name="noise")


@pytest.fixture
def region() -> Region:
    return Region(RegionMask.from_box(SHAPE, (10, 20, 90, 120)), name="a box")


@pytest.fixture
def served(home: Path) -> Iterator[Client]:
    command = [sys.executable, "-m", "seagull_iqa", "serve", "--exit-with-stdin", "--device", "cpu"]
    environ = {"SEAGULL_MODELS": str(home), "SEAGULL_OFFLINE": "1", "OMP_NUM_THREADS": "1", "SEAGULL_TOKEN": ""}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ}
    )
    assert process.stdout is not None
    hand_shake = json.loads(process.stdout.readline())
    client = Client(hand_shake["url"], hand_shake["token"])
    yield client
    client.close()
    process.kill()
    process.communicate()


def _ready(client: Client) -> None:
    until = time.monotonic() + 200
    while not client.health().ready:
        assert client.health().state is not wire.State.FAILED, client.health().message
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_server_goes_from_mini_to_the_full_model_and_back(
    served: Client, home: Path, photo: PreparedImage, region: Region
) -> None:
    _ready(served)
    mini = served.assess(photo, [region]).reports[0]
    assert mini.model.startswith("seagull-mini")

    assert {found.name: found.state for found in served.models().models} == {
        "seagull-mini": OfferState.SHIPPED,
        "seagull-7b": OfferState.READY,
    }
    assert served.models().offline
    assert served.models().device == "cpu"
    assert served.models().free_bytes > 0
    assert served.use_model("seagull-7b").state is wire.State.LOADING
    _ready(served)
    _check_full(served, photo, region)

    served.use_model("seagull-mini")
    _ready(served)
    again = served.assess(photo, [region]).reports[0]
    assert (again.model, again.quality) == (mini.model, mini.quality)
    assert list(served.maps(photo)) == list(MAP_NAMES)
    assert served.remove_model("seagull-7b") > 10_000
    assert served.models().models[1].state is OfferState.ABSENT
    with pytest.raises(errors.ModelError, match="not on this machine"):
        served.use_model("seagull-7b")


def _check_full(served: Client, photo: PreparedImage, region: Region) -> None:
    report = served.assess(photo, [region]).reports[0]
    can = served.capabilities()
    assert can.model is not None
    assert report.model == can.model.id
    assert not report.model.startswith("seagull-mini")
    assert (can.answers, can.maps, can.precision, can.warmth.images) == (True, ["quality", "weight"], "fp32", 1)
    assert 0 < can.warmth.held_bytes <= can.warmth.limit_bytes
    assert "slow" in served.health().message
    pieces = list(served.answer(photo, region, "What is wrong here?", max_tokens=8))
    assert "".join(pieces)
    coarse: list[dict[str, ScoreMap]] = []
    maps = served.maps(photo, partial=coarse.append)
    assert list(maps) == ["quality", "weight"]
    assert maps["quality"].model == report.model
    for before in coarse:
        assert before["quality"].values.size < maps["quality"].values.size
    with pytest.raises(errors.ModelError, match="in use"):
        served.remove_model("seagull-7b")


def test_nothing_of_the_full_model_is_left_after_a_change(
    home: Path,
    toy_checkpoint: Path,
    photo: PreparedImage,
    region: Region,
    client_of: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The folder given at the start can be chosen by its path, another folder of this disk cannot."""
    from seagull_iqa.service.hub_source import hub_source
    from seagull_iqa.service.source import Choice
    from seagull_iqa.service.workbench import Workbench

    monkeypatch.setenv("SEAGULL_MODELS", str(home))
    given = str(home / "seagull-7b")
    bench = Workbench(hub_source(Choice(given, "cpu")))
    bench.start()
    bench.settled.result(200)
    client = client_of(bench, hold_s=60.0)
    for other in (str(toy_checkpoint), str(home), str(home / "seagull-7b" / ".." / "seagull-7b")):
        with pytest.raises(errors.UnknownModelError):
            client.use_model(other)
    gone = _weak_parts(bench)
    assert [found.name for found in client.models().models] == ["seagull-mini", "seagull-7b", given]
    assert client.assess(photo, [region]).reports
    foreign = Region(RegionMask.from_box((9, 9), (0, 0, 5, 5)))
    assert client.assess(photo, [foreign]).errors
    answer = client.answer(photo, region, "Why?", max_tokens=30)
    next(piece for piece in answer if piece)
    answer.close()
    client.use_model("seagull-mini")
    bench.settled.result(200)
    assert client.capabilities().model.id.startswith("seagull-mini")  # type: ignore[union-attr]
    assert [part() for part in gone] == [None, None]
    client.use_model(given)
    bench.settled.result(200)
    assert client.health().ready
    bench.stop()


def _weak_parts(bench: Any) -> list[weakref.ref[Any]]:
    gc.collect()
    model = bench._work.resident.ready()
    return [weakref.ref(model.network.vision), weakref.ref(model.network.language)]
