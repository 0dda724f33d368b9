"""The models of this machine: what ships, what is or can be downloaded, and the path given at the start."""

from __future__ import annotations

import gc
import importlib.util
import sys
from pathlib import Path

from seagull_iqa.domain.model_offer import ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ProgressCallback
from seagull_iqa.errors import OutOfMemoryError, UnknownModelError
from seagull_iqa.models.interface import QualityModel
from seagull_iqa.service.source import Choice, ModelSource, Room

# What needs torch or the hub is imported in the functions, so that the hand-shake need not wait for it.


def hub_source(first: Choice) -> ModelSource:
    """All offers of the catalogue, and `first`, which alone may be a path: nobody makes the server read another."""
    return ModelSource(
        first=first,
        load=_load,
        check=lambda choice, held: _check(first, choice, held),
        why=_why,
        release=release,
        offers=lambda: _offers(first),
        more_offers=_engine_offers,
        download=_download,
        remove=_remove,
        room=lambda held: _room(first, held),
        offline=_offline,
        doubts=_doubts,
    )


def release() -> None:
    """Give back what nothing refers to any more, on the devices too."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _load(choice: Choice, progress: ProgressCallback) -> QualityModel:
    from seagull_iqa.registry import load_model

    return load_model(choice.name, choice.device, choice.precision, progress=progress)


def _why(choice: Choice) -> str:
    from seagull_iqa.registry import choose_device

    return choose_device(choice.device).why


def _offers(first: Choice) -> list[ModelOffer]:
    from seagull_iqa.hub.catalogue import offers
    from seagull_iqa.hub.tuned import tuned_offers

    known = [*offers(), *tuned_offers()]
    if first.name in {offer.name for offer in known}:
        return known
    return [*known, _offer_of_path(first.name)]


def _engine_offers() -> list[ModelOffer]:
    from seagull_iqa.hub.segmenters import segmenter_offers

    return segmenter_offers()


def _offer_of_path(path: str) -> ModelOffer:
    there = Path(path).expanduser().exists()
    return ModelOffer(
        name=path,
        title="What this server was started with",
        licence="As its maker says.",
        state=OfferState.READY if there else OfferState.ABSENT,
        path=path,
    )


def _check(first: Choice, choice: Choice, held: Choice | None) -> str:
    from seagull_iqa.registry import choose_device, plan_load

    offers = {offer.name: offer for offer in _offers(first)}
    if choice != first and choice.name not in offers:
        raise UnknownModelError(f"There is no model '{choice.name[:100]}' here.", f"Use one of {', '.join(offers)}.")
    try:
        plan = plan_load(choice.name, choice.device, choice.precision)
    except OutOfMemoryError:
        device = choose_device(choice.device).name
        freed = _held_bytes(first, held, device)
        wants = offers[choice.name].needs if choice.name in offers else ()
        if not freed or not wants:
            raise
        from seagull_iqa.hub.memory import choose_precision, free_bytes

        choose_precision(device, wants, free_bytes(device) + freed, choice.precision, name=choice.name)
        return ""
    return "" if plan is None else plan.remark


def _held_bytes(first: Choice, held: Choice | None, device: str) -> int:
    """What the model in use would give back on that device, as far as can be known."""
    if held is None:
        return 0
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.memory_reserved(torch.device(device)))
    if importlib.util.find_spec("psutil") is None:
        return 0
    import psutil

    needs = {offer.name: offer.needs for offer in _offers(first)}.get(held.name, ())
    wanted = Precision.FP32 if held.precision is Precision.AUTO else held.precision
    most = max((need.nbytes for need in needs if need.precision is wanted), default=0)
    return min(most, int(psutil.Process().memory_info().rss))


def _room(first: Choice, held: Choice | None) -> Room:
    from seagull_iqa.hub.memory import free_bytes
    from seagull_iqa.registry import choose_device

    device = choose_device(first.device).name
    free = free_bytes(device)
    return Room(device, free + _held_bytes(first, held, device) if free else 0)


def _download(name: str, progress: ProgressCallback) -> object:
    from seagull_iqa.hub.downloads import download

    return download(name, progress=progress)


def _remove(name: str) -> int:
    from seagull_iqa.hub.downloads import remove
    from seagull_iqa.hub.tuned import is_tuned, remove_model

    return remove_model(name) if is_tuned(name) else remove(name)


def _doubts(name: str) -> str:
    from seagull_iqa.hub.tuned import is_tuned, tuned_model

    if not is_tuned(name):
        return ""
    known = tuned_model(name)
    return known.verdict or "It is worse than the model it began from." if known.better is False else ""


def _offline() -> bool:
    from seagull_iqa.hub.downloads import is_offline

    return is_offline()
