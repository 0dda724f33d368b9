"""The second part of `seagull models list`: the engines that find regions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.hub.amounts import gigabytes

if TYPE_CHECKING:
    from rich.console import Console

    from seagull_iqa.domain.model_offer import ModelOffer

_SHOWN_LETTERS = 12
_WHERE = {
    OfferState.SHIPPED: "in this package",
    OfferState.READY: "here",
    OfferState.PARTIAL: "here in part",
    OfferState.ABSENT: "not here",
}


def engines_document() -> list[dict[str, Any]]:
    """Every engine for JSON: offer and state, and the weights' SHA-256 as far as it is known."""
    from seagull_iqa.hub.segmenters import checksum, engine_states, segmenter_offers

    states = {one.name: one for one in engine_states()}
    return [
        {**asdict(one), **asdict(states[one.name]), "sha256": checksum(one.name)} for one in segmenter_offers()
    ]


def print_engines(out: Console) -> None:
    """The table, the licences that are not Apache's, and what is missing for the engines whose weights are here."""
    from seagull_iqa.hub.segmenters import checksum, engine_states, segmenter_offers

    table = Table(title="for finding regions", title_justify="left", title_style="bold")
    for column in ("engine", "where", "size", "SHA-256", "licence"):
        table.add_column(column, no_wrap=column in ("engine", "where", "size"))
    found = segmenter_offers()
    for one in found:
        known = checksum(one.name)[:_SHOWN_LETTERS] or ("told by the hub" if one.download_bytes else "")
        licence = one.licence.partition(":")[0].partition(",")[0].rstrip(".")
        table.add_row(one.name, _WHERE[one.state], _size(one), known, licence)
    out.print(table)
    for state in engine_states():
        here = next(one.state for one in found if one.name == state.name)
        if state.why_not and here is not OfferState.ABSENT:
            out.print(Text(f"{state.name}: {state.why_not}"), soft_wrap=True)


def _size(one: ModelOffer) -> str:
    if not one.download_bytes:
        return ""
    size = gigabytes(one.download_bytes)
    return f"{gigabytes(one.present_bytes)} of {size}" if one.state is OfferState.PARTIAL else size
