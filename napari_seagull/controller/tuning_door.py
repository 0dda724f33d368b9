"""What the panel "Fine-tune" asks of the server, in the words of the panel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_seagull.safekeeping.labelled import Labelled
from napari_seagull.views.tune_rows import TunedRow
from seagull_iqa.client import Client
from seagull_iqa.domain.fine_tuning import Estimate, FineTuneSpec, LabelStock, Suggestion, TuneRun
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.formats.export import Export

USE, KEEP, DISCARD = "use", "keep", "discard"
"""What may become of a model that was made."""


def newest(runs: Sequence[TuneRun]) -> TuneRun | None:
    """The run that a panel shows when it opens: one that goes on, else one that waits, else the last one."""
    return next(iter(runs), None)


def stock(client: Client, found: Sequence[Labelled]) -> LabelStock:
    """What there is to learn from."""
    return client.tuning.stock(_labels(found))


def suggestions(client: Client, found: Sequence[Labelled], base: str, many: int) -> Sequence[Suggestion]:
    """The regions that would teach most, best first."""
    return client.tuning.suggest(_labels(found), base=base, count=many)


def estimate(client: Client, found: Sequence[Labelled], spec: FineTuneSpec) -> Estimate:
    """What a run would take."""
    return client.tuning.estimate(_labels(found), spec)


def start(client: Client, found: Sequence[Labelled], spec: FineTuneSpec) -> TuneRun:
    """Begin a run."""
    return client.tuning.start(_labels(found), spec)


def _labels(found: Sequence[Labelled]) -> list[Export]:
    return [Export(source.document, image) for source in found if source.document for image in source.images]


def decide(client: Client, run: TuneRun, what: str) -> None:
    """Keep what a run has made, or delete it; either way the run is not offered again."""
    client.tuning.keep(run.id, keep=what != DISCARD)


def models(client: Client) -> list[TunedRow]:
    """The models that can answer at once: those that came with the package or were fetched, then tuned ones."""
    listed = client.models()
    here = [offer.offer() for offer in listed.models]
    rows = [
        TunedRow(one.name, one.name, figures=one.title, active=one.name == listed.in_use)
        for one in here if one.state in (OfferState.SHIPPED, OfferState.READY)
    ]  # fmt: skip
    return rows + [TunedRow(one, one.removesuffix("-1"), "toy-small", active=one == listed.in_use) for one in client.tuning.tuned()]


def delete(client: Client, model: str) -> None:
    """Free the disk of a tuned model."""


def export(client: Client, model: str, path: Path) -> str:
    """Write a tuned model to one file."""
    return f"Written: {path}."


def take_in(client: Client, path: Path) -> str:
    """Take in a model that was exported."""
    return "ok"
