"""What the panel "Fine-tune" asks of the server, in the words of the panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from napari_seagull.safekeeping.labelled import Labelled
from napari_seagull.views.sizes import counted
from napari_seagull.views.tune_rows import TunedRow
from seagull_iqa.client import Client
from seagull_iqa.domain.fine_tuning import (
    Estimate,
    FineTuneSpec,
    LabelStock,
    Method,
    Suggestion,
    TuneRun,
    TuneState,
)
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.tuned_model import TunedModel
from seagull_iqa.errors import ProtocolError
from seagull_iqa.formats.export import Export

FULL = "seagull-7b"
USE, KEEP, DISCARD = "use", "keep", "discard"
"""What may become of a model that was made."""


class TuningVerbs(Protocol):
    """What a client's `tuning` offers; each blocks, may be called on any thread, and raises `SeagullError`."""

    def stock(self, labels: Sequence[Export]) -> LabelStock:
        """What there is to learn from."""

    def suggest(self, labels: Sequence[Export], *, base: str, count: int) -> Sequence[Suggestion]:
        """The regions without a label that would teach most, best first."""

    def estimate(self, labels: Sequence[Export], spec: FineTuneSpec) -> Estimate:
        """What a run would take."""

    def start(self, labels: Sequence[Export], spec: FineTuneSpec) -> TuneRun:
        """Begin a run; refused where one goes on."""

    def follow(self, run: str, heard: Callable[[TuneRun], None]) -> TuneRun:
        """Until it ends or rests; what `heard` raises ends the following, not the run."""

    def pause(self, run: str) -> TuneRun:
        """Rest at the next step."""

    def resume(self, run: str) -> TuneRun:
        """Go on from the checkpoint."""

    def cancel(self, run: str) -> TuneRun:
        """End it, and forget what was learned."""

    def keep(self, run: str, *, keep: bool) -> str:
        """Keep the model that was made, or delete it; either way the run is not listed any more. The model's id."""

    def runs(self) -> Sequence[TuneRun]:
        """Runs that were not decided on, the newest first."""

    def models(self) -> Sequence[TunedModel]:
        """Models in the registry, the newest first."""

    def remove(self, model: str) -> None:
        """Delete a model."""

    def export(self, model: str, path: Path) -> None:
        """Write a model to one file."""

    def take_in(self, path: Path) -> str:
        """Take in a file that was exported; its id."""


def tuning_of(client: Client) -> TuningVerbs:
    """The verbs of a server that fine-tunes; `ProtocolError` for one that does not."""
    verbs: TuningVerbs | None = getattr(client, "tuning", None)
    if verbs is None:
        raise ProtocolError("This server does not fine-tune.", "Update it, or choose another one.")
    return verbs


def newest(runs: Sequence[TuneRun]) -> TuneRun | None:
    """The run that a panel shows when it opens: one that goes on, else one that waits, else the newest that is done."""
    wanted = (
        lambda run: not run.state.ended and not run.state.goes_on,
        lambda run: run.state.goes_on,
        lambda run: run.state is TuneState.DONE,
    )
    return next((run for fits in wanted for run in runs if fits(run)), None)


def stock(client: Client, found: Sequence[Labelled]) -> LabelStock:
    """What there is to learn from."""
    return tuning_of(client).stock(_labels(found))


def base(client: Client) -> str:
    """What a run begins from: the full model where that answers, or what was fine-tuned from it; else seagull-mini."""
    in_use = client.models().in_use
    tuned = next((one for one in tuning_of(client).models() if one.id == in_use), None)
    of_full = tuned is not None and tuned.method == Method.ADAPTERS and tuned.base.startswith(FULL)
    return FULL if in_use == FULL or of_full else FineTuneSpec("").base


def suggestions(client: Client, found: Sequence[Labelled], base: str, many: int) -> Sequence[Suggestion]:
    """The regions that would teach most, best first."""
    return tuning_of(client).suggest(_labels(found), base=base, count=many)


def estimate(client: Client, found: Sequence[Labelled], spec: FineTuneSpec) -> Estimate:
    """What a run would take."""
    return tuning_of(client).estimate(_labels(found), spec)


def start(client: Client, found: Sequence[Labelled], spec: FineTuneSpec) -> TuneRun:
    """Begin a run."""
    return tuning_of(client).start(_labels(found), spec)


def _labels(found: Sequence[Labelled]) -> list[Export]:
    return [Export(source.document, image) for source in found if source.document for image in source.images]


def decide(client: Client, run: TuneRun, what: str) -> None:
    """Keep what a run has made, or delete it; either way the run is not offered again."""
    tuning_of(client).keep(run.id, keep=what != DISCARD)


def models(client: Client) -> list[TunedRow]:
    """The models that can answer at once: those that came with the package or were fetched, then the registry's."""
    listed = client.models()
    offers = [message.offer() for message in listed.models]
    tuned = [_row_of(one) for one in tuning_of(client).models()]
    names = {row.id for row in tuned}
    here = [
        TunedRow(one.name, one.name, figures=one.title)
        for one in offers if one.state in (OfferState.SHIPPED, OfferState.READY) and one.name not in names
    ]  # fmt: skip
    return [replace(row, active=row.id == listed.in_use) for row in [*here, *tuned]]


def _row_of(one: TunedModel) -> TunedRow:
    learned = f"{counted(one.regions, 'region')} of {counted(one.images, 'image')}"
    pairs = f", {counted(one.pairs, 'comparison')}" if one.pairs else ""
    return TunedRow(
        one.id, one.name, one.base, one.created, learned + pairs, one.verdict, better=one.better
    )


def delete(client: Client, model: str) -> None:
    """Free the disk of a tuned model."""
    tuning_of(client).remove(model)


def export(client: Client, model: str, path: Path) -> str:
    """Write a tuned model to one file; what is to be told."""
    tuning_of(client).export(model, path)
    return f"Written: {path}."


def take_in(client: Client, path: Path) -> str:
    """Take in a model that was exported; what is to be told."""
    return f"“{tuning_of(client).take_in(path)}” is there now, and can be used."
