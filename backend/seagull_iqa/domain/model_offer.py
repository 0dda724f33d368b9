"""A model that can be had: what it is, where it comes from, what it costs in bytes, and whether it is here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seagull_iqa.domain.precision import Precision


class OfferState(StrEnum):
    """Where a model's weights are."""

    SHIPPED = "shipped"
    READY = "ready"
    PARTIAL = "partial"
    ABSENT = "absent"


@dataclass(frozen=True)
class MemoryNeed:
    """Memory, in bytes, that a model takes on its device at that precision, with one image looked at."""

    precision: Precision
    nbytes: int


@dataclass(frozen=True)
class ModelOffer:
    """A model that can be had by name.

    Attributes
    ----------
    name : str
        "seagull-mini", "seagull-7b".
    title : str
        One line for a person.
    licence : str
        What may be done with the weights, in a sentence; said before a download.
    source : str
        Where a download comes from; empty where there is none.
    revision : str
        The revision that is pinned; empty where there is none.
    state : OfferState
    path : str
        Folder or file of the weights, also where a download would yet have to bring them.
    download_bytes : int
        Of the whole download.
    present_bytes : int
        Of what is on this disk.
    needs : tuple of MemoryNeed
        By precision, largest first.
    """

    name: str
    title: str
    licence: str
    state: OfferState
    source: str = ""
    revision: str = ""
    path: str = ""
    download_bytes: int = 0
    present_bytes: int = 0
    needs: tuple[MemoryNeed, ...] = ()
