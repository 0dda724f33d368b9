"""`seagull doctor`: what is installed, where it computes and why, and what to do next."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from rich.table import Table
from rich.text import Text

from seagull_iqa.cli import console
from seagull_iqa.cli.demo_window import why_no_window
from seagull_iqa.cli.models import fitting
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.hub.amounts import gigabytes
from seagull_iqa.hub.catalogue import offers
from seagull_iqa.hub.downloads import is_offline
from seagull_iqa.hub.segmenters import engine_states, segmenter_offers
from seagull_iqa.registry import choose_device
from seagull_iqa.settings import looks_home

_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")
_SHOWN = ("numpy", "fastapi", "uvicorn", "safetensors", "napari")
_FULL = ("transformers", "sentencepiece", "bitsandbytes")
_SAM = ("segment-anything", "torchvision", "transformers", "timm")


def doctor() -> None:
    """Say what is installed, which device computes and why, which models are present, and what to do next."""
    torch, trouble = _torch()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [*_host(), *_packages(torch, trouble), ("device", _device(torch)), *_models(torch)]
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    out = console.output()
    out.print(table)
    for line in next_steps(torch_is_there=torch is not None, trouble=trouble):
        out.print(Text(f"next: {line}"), soft_wrap=True)


def _host() -> Iterator[tuple[str, str]]:
    yield "napari-seagull", version("napari-seagull")
    yield "python", f"{platform.python_version()} at {sys.executable}"
    yield "system", f"{platform.platform()}, {os.cpu_count()} cores"


def _packages(torch: ModuleType | None, trouble: str) -> Iterator[tuple[str, str]]:
    yield "torch", str(torch.__version__) if torch else trouble
    for name in _SHOWN:
        yield name, installed(name) or "not installed"
    full = [f"{name} {installed(name) or 'not installed'}" for name in _FULL]
    yield "for seagull-7b", ", ".join(full)
    yield "for SAM", ", ".join(f"{name} {installed(name) or 'not installed'}" for name in _SAM)
    bindings = [f"{name} {installed(name)}" for name in _BINDINGS if installed(name)]
    yield "Qt binding", ", ".join(bindings) or "not installed"
    yield "screen", why_no_window() or "napari can open a window here"


def installed(package: str) -> str:
    """The version of a package; empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _torch() -> tuple[ModuleType | None, str]:
    """torch, or why there is none."""
    try:
        return importlib.import_module("torch"), ""
    except ModuleNotFoundError:
        return None, "not installed"
    except (ImportError, OSError, RuntimeError) as error:
        # A build for another system is found but cannot be loaded.
        return None, f"installed but broken: {error}"


def _device(torch: ModuleType | None) -> str:
    if torch is None:
        return "none, since torch cannot be used"
    device = choose_device()
    threads = f" with {torch.get_num_threads()} threads" if device.name == "cpu" else ""
    return f"{device.name}{threads}: {device.why}"


def _models(torch: ModuleType | None) -> Iterator[tuple[str, str]]:
    for one in offers():
        here = f"{gigabytes(one.present_bytes)}{' (not all of it)' if one.state is OfferState.PARTIAL else ''}"
        cost = f"not here, {gigabytes(one.download_bytes)} to download" if one.download_bytes else "weights are missing"
        lies = cost if one.state is OfferState.ABSENT else here
        fits = fitting(one) if torch else ""
        yield "model", f"{one.name}, {lies}, {one.path}" + (f". {fits}" if fits else "")
    # Here, so that `seagull --help` need not wait for numpy.
    from seagull_iqa.segmenting.look_store import LookStore

    store = LookStore(looks_home(os.environ))
    looks, nbytes = store.held()
    yield "looks kept", f"{looks}, {gigabytes(nbytes)}, {store.folder}"
    yield "finds regions", ", ".join(_engines())
    if is_offline():
        yield "offline", "nothing is downloaded"


def _engines() -> Iterator[str]:
    """Those that can be used, and those whose weights are here but lack something."""
    here = {one.name for one in segmenter_offers() if one.state is not OfferState.ABSENT}
    for state in engine_states():
        if state.ready:
            yield state.name
        elif state.name in here:
            yield f"{state.name} ({state.why_not})"


def next_steps(*, torch_is_there: bool, trouble: str) -> list[str]:
    """What to do next, most urgent first."""
    steps = []
    if not torch_is_there:
        again = "reinstall torch: `pip install --force-reinstall torch`" if "broken" in trouble else ""
        steps.append(again or 'install the backend: `pip install "napari-seagull[backend]"`')
    if not any(one.state in (OfferState.SHIPPED, OfferState.READY) for one in offers()):
        steps.append("this install holds no weights: install napari-seagull again, or run `seagull train`")
    if not installed("napari"):
        steps.append('for the window, `pip install "napari-seagull[napari]"`')
    elif not any(installed(name) for name in _BINDINGS):
        steps.append('napari needs a Qt binding: `pip install "napari-seagull[napari]"`')
    return steps or ["`seagull demo`, or `napari` and Plugins > SEAGULL region quality"]
