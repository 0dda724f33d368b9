"""Where the server's models come from: how they are listed, checked, loaded, downloaded and removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seagull_iqa.domain.model_offer import ModelOffer
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ProgressCallback
from seagull_iqa.errors import ModelError, UnknownModelError
from seagull_iqa.models.interface import QualityModel


@dataclass(frozen=True)
class Choice:
    """A model by name, where it shall compute ("auto", "cpu", "cuda:0"), and in what numbers."""

    name: str
    device: str = "auto"
    precision: Precision = Precision.AUTO


@dataclass(frozen=True)
class Room:
    """A device, and the bytes that are free on it."""

    device: str
    free_bytes: int


def _ignored() -> None:
    return


def _as_asked(_choice: Choice) -> str:
    return "as asked"


def _nothing_to_remark(_choice: Choice, _held: Choice | None) -> str:
    return ""


def _no_offers() -> list[ModelOffer]:
    return []


def _no_download(name: str, _progress: ProgressCallback) -> None:
    raise UnknownModelError(f"This server has no model '{name}' to download.", "Use the one it was started with.")


def _no_removal(name: str) -> int:
    raise ModelError(f"This server cannot remove '{name}'.", "Remove it on the server's own machine.")


def _no_room(_held: Choice | None) -> Room:
    return Room("", 0)


def _always_offline() -> bool:
    return True


def _no_doubts(_name: str) -> str:
    return ""


@dataclass(frozen=True)
class ModelSource:
    """The functions by which the server comes by models; those of `hub_source`, or a test's own.

    Attributes
    ----------
    first : Choice
        What is loaded at the start.
    load : callable
        Choice and progress -> the model; on the model's thread. Progress may raise to give the load up.
    check : callable
        Choice, and the choice in use whose memory would be free by then -> a remark for a person, mostly "". Raises at
        once, and without loading anything, where the choice cannot work.
    why : callable
        Choice -> why it computes where it does; called once it is loaded.
    release : callable
        Gives memory back to the device after a model has been let go.
    offers : callable
        The models that can be had.
    more_offers : callable
        What else can be downloaded and removed: engines that find regions.
    download : callable
        Name and progress in bytes; cancelled by what progress raises, and taken up again by a later call.
    remove : callable
        Name -> bytes freed on the disk.
    room : callable
        The choice in use, or None -> the device that models go to, and what is free there once that one is let go.
    offline : callable
        True where nothing is ever fetched.
    doubts : callable
        Name -> why a model should not be used without a second thought; "" for none.
    """

    first: Choice
    load: Callable[[Choice, ProgressCallback], QualityModel]
    check: Callable[[Choice, Choice | None], str] = _nothing_to_remark
    why: Callable[[Choice], str] = _as_asked
    release: Callable[[], None] = _ignored
    offers: Callable[[], list[ModelOffer]] = _no_offers
    more_offers: Callable[[], list[ModelOffer]] = _no_offers
    download: Callable[[str, ProgressCallback], object] = _no_download
    remove: Callable[[str], int] = _no_removal
    room: Callable[[Choice | None], Room] = _no_room
    offline: Callable[[], bool] = _always_offline
    doubts: Callable[[str], str] = _no_doubts


def one_model(load: Callable[[], QualityModel], name: str = "the model") -> ModelSource:
    """A source of a single model that cannot be exchanged for another."""

    def check(choice: Choice, _held: Choice | None) -> str:
        if choice.name != name:
            raise UnknownModelError(f"This server has no model '{choice.name[:100]}'.", f"Use '{name}'.")
        return ""

    return ModelSource(Choice(name), lambda _choice, _progress: load(), check=check)
