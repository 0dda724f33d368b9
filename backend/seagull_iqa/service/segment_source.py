"""Where the server's engines come from that find regions: how they are listed and loaded, and where looks are kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.domain.model_offer import ModelOffer
from seagull_iqa.domain.prompts import EngineName, EngineState
from seagull_iqa.errors import SeagullError
from seagull_iqa.segmenting.interface import SegmentEngine
from seagull_iqa.segmenting.look_store import DISK_BYTES
from seagull_iqa.service.hub_source import release
from seagull_iqa.settings import looks_home

MEMORY_BYTES = 2**29


@dataclass(frozen=True)
class Pick:
    """An engine by name, and where it shall compute ("auto", "cpu", "cuda:0")."""

    name: str
    device: str = "auto"


@dataclass(frozen=True)
class SegmentSource:
    """The functions by which the server comes by engines; those of this machine, or a test's own.

    Attributes
    ----------
    make : callable
        Loads an engine; a `SeagullError` says why it cannot.
    states : callable
        All engines that can be had.
    offers : callable
        What those cost that can be downloaded.
    release : callable
        Gives memory back that nothing refers to any more.
    first : Pick
        Which one answers until another is chosen; loaded when it is first asked. Its device is also that of "auto".
    memory_bytes, disk_bytes : int
        Most bytes of looks that are kept.
    folder : Path or None
        Where looks are kept on disk; None keeps none.
    """

    make: Callable[[Pick], SegmentEngine]
    states: Callable[[], Sequence[EngineState]]
    offers: Callable[[], Sequence[ModelOffer]] = tuple
    release: Callable[[], None] = release
    first: Pick = Pick(EngineName.TREE)
    memory_bytes: int = MEMORY_BYTES
    disk_bytes: int = DISK_BYTES
    folder: Path | None = None


def machine_engines(device: str = "auto", *, disk_bytes: int = DISK_BYTES, keep: bool = True) -> SegmentSource:
    """The engines of this machine; looks are kept in the user's folder for caches, if at all."""
    return SegmentSource(
        make=machine_engine,
        states=lambda: _states(device),
        offers=_offers,
        first=Pick(EngineName.TREE, device),
        disk_bytes=disk_bytes,
        folder=looks_home(os.environ) if keep else None,
    )


# What needs torch or the hub is imported in the functions, so that the hand-shake need not wait for it.


def machine_engine(pick: Pick, *, paths: bool = False) -> SegmentEngine:
    """The engine of that name on this machine; `UnknownModelError` where there is none, or its weights are not here.

    A server takes names only; who started it decides what is read. With `paths` also that of weights.
    """
    from seagull_iqa.segmenting.engines import make_engine

    if pick.name == EngineName.TREE:
        return make_engine(pick.name)
    from seagull_iqa.hub.segmenters import engine_folder
    from seagull_iqa.registry import choose_device

    device = choose_device(pick.device).name
    if paths and Path(pick.name).expanduser().exists():
        return make_engine(pick.name, device=device)
    return make_engine(pick.name, device=device, folder=engine_folder(pick.name))


def _offers() -> Sequence[ModelOffer]:
    from seagull_iqa.hub.segmenters import segmenter_offers

    return segmenter_offers()


def _states(device: str) -> Sequence[EngineState]:
    from seagull_iqa.hub.segmenters import engine_states
    from seagull_iqa.registry import choose_device

    try:
        quick = choose_device(device).name.startswith("cuda")
    except SeagullError:
        # No torch, or no such device: what needs them says so itself.
        quick = False
    return engine_states(quick=quick)
