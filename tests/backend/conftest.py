"""The toy model, a workbench around it, and clients that reach it without a socket."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seagull_iqa.client import Client
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.imaging.prepared import PreparedImage

TOKEN = "a token for the tests only"


def _module_beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses with postponed annotations look their module up here.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy_module() -> ModuleType:
    return _module_beside("toy_model")


@pytest.fixture(scope="session")
def engine_module() -> ModuleType:
    """An engine that finds regions by flood fill, `FloodEngine`, and an `EngineShop` with some."""
    return _module_beside("toy_engine")


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """What writes checkpoints in the public layout: `write_checkpoint`, `PUBLIC`, `TOY`, `WIDE`."""
    return _module_beside("synthetic_checkpoint")


@pytest.fixture(scope="session")
def reference_module() -> ModuleType:
    """The second forward pass, with `Reference` and the three questions."""
    return _module_beside("reference_seagull")


@pytest.fixture(scope="session")
def toy_checkpoint(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of about 1 MB in the public layout. Copy it before you change it."""
    folder = tmp_path_factory.mktemp("checkpoint") / "toy seagull"
    synthetic.write_checkpoint(folder, synthetic.TOY)
    return folder


@pytest.fixture(scope="session")
def wide_checkpoint(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of about 180 MB in the public layout: true widths before the language model, few layers."""
    folder = tmp_path_factory.mktemp("checkpoint") / "wide seagull"
    synthetic.write_checkpoint(folder, synthetic.WIDE)
    return folder


@pytest.fixture
def toy(toy_module: ModuleType) -> Any:
    return toy_module.ToyModel()


@pytest.fixture
def picture() -> PreparedImage:
    """40 x 60 px, dark on the left and bright on the right."""
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[:, 30:] = 204
    return PreparedImage(rgb, name="two halves")


@pytest.fixture
def box_region() -> Callable[..., Region]:
    def make(*box: int, id: str = "", shape: tuple[int, int] = (40, 60), name: str = "") -> Region:
        mask = RegionMask.from_box(shape, box or (0, 0, 10, 10))
        return Region(mask, name=name, id=id) if id else Region(mask, name=name)

    return make


@pytest.fixture
def bench_of() -> Iterator[Callable[..., Any]]:
    """Make a started workbench around a model; stopped at the end."""
    from seagull_iqa.service.source import one_model
    from seagull_iqa.service.workbench import Workbench

    made = []

    def make(model: Any, **options: Any) -> Any:
        made.append(Workbench(one_model(lambda: model), **options))
        made[-1].start()
        return made[-1]

    yield make
    for bench in made:
        bench.stop()


@pytest.fixture
def shop(toy_module: ModuleType) -> Any:
    return toy_module.ToyShop()


@pytest.fixture
def shop_bench(shop: Any) -> Iterator[Any]:
    """A started workbench around the shop of toys, its first model loaded."""
    from seagull_iqa.service.workbench import Workbench

    bench = Workbench(shop.source())
    bench.start()
    bench.settled.result(10)
    yield bench
    bench.stop()


@pytest.fixture
def on_socket() -> Iterator[Callable[..., Client]]:
    """Serve a workbench on a socket of this process, and give a client for it."""
    import threading

    import uvicorn

    from seagull_iqa.service.app import build_app

    running: list[tuple[Any, threading.Thread, Client]] = []

    def start(bench: Any, *, hold_s: float = 5.0) -> Client:
        server = uvicorn.Server(uvicorn.Config(build_app(bench, TOKEN, (), hold_s), port=0, log_config=None, ws="none"))
        listening = server.config.bind_socket()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        client = Client(f"http://127.0.0.1:{listening.getsockname()[1]}", TOKEN)
        running.append((server, thread, client))
        return client

    yield start
    for server, thread, client in running:
        client.close()
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def http_of() -> Callable[..., Any]:
    """Make a raw HTTP client for the application around a workbench."""
    from starlette.testclient import TestClient

    from seagull_iqa.service.app import build_app

    def make(bench: Any, *, token: str | None = TOKEN, hold_s: float = 5.0, names: tuple[str, ...] = ()) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        app = build_app(bench, TOKEN, names, hold_s)
        return TestClient(app, base_url="http://127.0.0.1:8765", headers=headers, follow_redirects=False)

    return make


@pytest.fixture
def client_of(http_of: Callable[..., Any]) -> Iterator[Callable[..., Client]]:
    """Make a `Client` for the application around a workbench."""
    made: list[Client] = []

    def make(bench: Any, *, token: str = TOKEN, hold_s: float = 5.0) -> Client:
        made.append(Client("http://127.0.0.1:8765", token, transport=http_of(bench, hold_s=hold_s)._transport))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(bench_of: Callable[..., Any], client_of: Callable[..., Client], toy: Any) -> Client:
    return client_of(bench_of(toy))


@pytest.fixture(scope="session")
def toy_protocol_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in the shape of the evaluation protocol's: three held-out pictures of 96 x 112 px, 24 cases."""
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    data = tmp_path_factory.mktemp("data")
    (data / "photos").mkdir()
    (data / "protocol").mkdir()
    rows, regions, cases = ["file,split"], {}, []
    for index, name in enumerate(("a.png", "b.png", "c.png", "learnt.png")):
        generator = np.random.default_rng(index)
        field = sum(gaussian_filter(generator.normal(size=(96, 112, 3)), (s, s, 0)) * s for s in (1, 4, 12))
        Image.fromarray((np.clip(field * 0.15 + 0.5, 0, 1) * 255).astype(np.uint8)).save(data / "photos" / name)
        rows.append(f"{name},{'train' if name == 'learnt.png' else 'heldout'}")
        if name == "learnt.png":
            continue
        left, right = np.zeros((2, 96, 112), bool)
        left[10:60, 8:50] = True
        right[40:90, 60 + 5 * index :] = True
        regions[name] = {"size": [96, 112], "regions": [
            {"id": id, "kind": "box", "area": int(mask.sum()), "counts": _column_runs(mask)}
            for id, mask in (("r0", left), ("r1", right))
        ]}  # fmt: skip
        cases += [{"photo": name, "seed": 7, **case} for case in _toy_cases()]
    cases = [{"case": number, **case} for number, case in enumerate(cases)]
    (data / "photos" / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    (data / "protocol" / "regions.json").write_text(json.dumps(regions), encoding="utf-8")
    (data / "protocol" / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    return data


def _column_runs(mask: np.ndarray) -> list[int]:
    flat = mask.T.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff([0, *edges, flat.size]).tolist()
    return [0, *lengths] if flat[0] else lengths


def _toy_cases() -> list[dict[str, Any]]:
    def one(type: str, strength: float, direction: int = 0) -> dict[str, Any]:
        return {"type": type, "strength": strength, "direction": direction}

    return [
        {"where": "all", "ask": "r0", "distortions": [one("noise", 2.0)]},
        {"where": "all", "ask": "r1", "distortions": [one("noise", 5.5)]},
        {"where": "r0", "ask": "r0", "distortions": [one("noise", 3.6), one("blur", 0.5)]},
        {"where": "r0", "ask": "r1", "distortions": [one("blur", 4.0)]},
        {"where": "all", "ask": "r1", "distortions": []},
        {"where": "all", "ask": "r0", "distortions": [one("exposure", 4.0, -1)]},
        {"where": "all", "ask": "r1", "distortions": [one("contrast", 3.0, 1), one("compression", 3.0)]},
        {"where": "all", "ask": "r0", "distortions": [one("blur", 3.0)]},
    ]
