"""What every test may ask for, and the count, said aloud, of the tests that could not run here."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from pathlib import Path

import pytest

_WANTS = {
    "data": "the development photographs (set SEAGULL_DATA to their folder)",
    "download": "the network (set SEAGULL_DOWNLOAD=1)",
    "extra": "packages of others (pip install brisque, which wants a compiler)",
    "gpu": "a CUDA device",
}


def _lacking() -> set[str]:
    """The markers whose tests cannot run on this machine."""
    lacking = set()
    folder = os.environ.get("SEAGULL_DATA", "")
    if not folder or not Path(folder).is_dir():
        lacking.add("data")
    if not os.environ.get("SEAGULL_DOWNLOAD"):
        lacking.add("download")
    if importlib.util.find_spec("brisque") is None:
        lacking.add("extra")
    return lacking


def _cuda_is_there() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run."""
    lacking = _lacking()
    if any(item.get_closest_marker("gpu") for item in items) and not _cuda_is_there():
        lacking.add("gpu")
    counts: Counter[str] = Counter()
    for item in items:
        for marker in sorted(lacking):
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"wants {_WANTS[marker]}"))
                counts[marker] += 1
    config.stash[_LEFT_OUT] = counts


_LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many tests did not run, and what they want."""
    counts = config.stash.get(_LEFT_OUT, Counter())
    for marker, count in sorted(counts.items()):
        terminalreporter.write_line(f"did NOT run: {count} test(s) marked {marker}, which want {_WANTS[marker]}")


@pytest.fixture
def photographs() -> Path:
    """The folder of the development photographs; only for tests marked `data`."""
    return Path(os.environ["SEAGULL_DATA"]) / "photos"
