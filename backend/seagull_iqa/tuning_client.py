"""Fine-tuning on a server, from the client's side: labels go there once, runs are followed, models come and go."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from seagull_iqa import wire_tuning as wire
from seagull_iqa.domain.fine_tuning import Estimate, FineTuneSpec, LabelStock, Suggestion, TuneRun
from seagull_iqa.domain.tuned_model import TunedModel
from seagull_iqa.errors import SeagullError, UnknownJobError
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.label_set import label_set_of, packed, write_label_set
from seagull_iqa.formats.label_stock import stock_of
from seagull_iqa.transport import Door

LOOK_S = 0.3
LATE_S = 30.0
"""So much later than it says itself a server may still answer, in s."""

_PIECE = 2**20

Reply = TypeVar("Reply")


class Tuning:
    """The verbs of fine-tuning; each blocks, may be called on any thread, and raises `SeagullError`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    @cached_property
    def _kept(self) -> tempfile.TemporaryDirectory[str]:
        """Where images wait from one set of labels to the next; gone with this object."""
        return tempfile.TemporaryDirectory(prefix="seagull-labels-", ignore_cleanup_errors=True)

    def stock(self, labels: Sequence[Export]) -> LabelStock:
        """What there is to learn from; asks no server."""
        return stock_of(label_set_of(labels))

    def suggest(self, labels: Sequence[Export], *, base: str, count: int) -> Sequence[Suggestion]:
        """The regions without a label that would teach most, best first."""
        if not _with_pixels(labels):
            return ()
        wish = wire.SuggestionWish(base=base, count=count)

        def ask(known: str) -> wire.Suggestions:
            path = f"/v1/label-sets/{known}/suggestions"
            return self._door.slow_message(wire.Suggestions, path, wish, silence_s=wire.SUGGEST_S + LATE_S)

        return self._with_labels(labels, ask).found

    def estimate(self, labels: Sequence[Export], spec: FineTuneSpec) -> Estimate:
        """What a run would take; the methods that are tried take about the same."""
        base = quote(spec.base, safe="")

        def ask(known: str) -> wire.EstimateReply:
            return self._door.message(wire.EstimateReply, "GET", f"/v1/label-sets/{known}/estimate?base={base}")

        return self._with_labels(labels, ask).estimate

    def start(self, labels: Sequence[Export], spec: FineTuneSpec) -> TuneRun:
        """Begin a run; refused where one is under way."""

        def ask(known: str) -> wire.RunMessage:
            wish = wire.RunWish(labels=known, spec=spec)
            return self._door.message(wire.RunMessage, "POST", "/v1/fine-tunes", wish)

        return self._with_labels(labels, ask).run

    def follow(self, run: str, heard: Callable[[TuneRun], None]) -> TuneRun:
        """Until it ends or rests; what `heard` raises ends the following, not the run."""
        while True:
            known = self._read(run)
            heard(known)
            if known.state.ended or known.state.goes_on:
                return known
            time.sleep(LOOK_S)

    def pause(self, run: str) -> TuneRun:
        """Rest at the next step."""
        return self._deed(run, "pause")

    def resume(self, run: str) -> TuneRun:
        """Go on from the checkpoint."""
        return self._deed(run, "resume")

    def cancel(self, run: str) -> TuneRun:
        """End it, and forget what was learned."""
        return self._deed(run, "cancel")

    def keep(self, run: str, *, keep: bool) -> str:
        """Keep the model that was made, or delete it; either way the run is not listed any more. The model's id."""
        decision = wire.Decision(keep=keep)
        return self._door.message(wire.Decided, "POST", f"/v1/fine-tunes/{run}/decision", decision).model

    def runs(self) -> Sequence[TuneRun]:
        """Runs that were not decided on, the newest first."""
        return self._door.message(wire.RunList, "GET", "/v1/fine-tunes").runs

    def models(self) -> Sequence[TunedModel]:
        """Models in the registry, the newest first."""
        return self._door.message(wire.TunedList, "GET", "/v1/tuned").models

    def remove(self, model: str) -> None:
        """Delete a model."""
        self._door.bytes("DELETE", f"/v1/models/{model}")

    def export(self, model: str, path: Path) -> None:
        """Write a model to one file."""
        from seagull_iqa.imaging.saving import save_bytes

        save_bytes(path, self._door.bytes("GET", f"/v1/tuned/{model}/file"))

    def take_in(self, path: Path) -> str:
        """Take in a file that was exported; its id."""
        try:
            length = path.stat().st_size
        except OSError as error:
            raise SeagullError(f"{path} cannot be read ({error.strerror or error}).", "Check the path.") from error
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        reply = self._door.bytes("PUT", "/v1/tuned/file", body=_pieces(path), headers=headers)
        return wire.Decided.model_validate_json(reply).model

    def _read(self, run: str) -> TuneRun:
        return self._door.message(wire.RunMessage, "GET", f"/v1/fine-tunes/{run}").run

    def _deed(self, run: str, deed: str) -> TuneRun:
        return self._door.message(wire.RunMessage, "POST", f"/v1/fine-tunes/{run}/{deed}").run

    def _with_labels(self, labels: Sequence[Export], ask: Callable[[str], Reply]) -> Reply:
        """Ask about labels that the server holds; one that has forgotten them gets them once more."""
        try:
            return ask(self._sent(labels))
        except UnknownJobError:
            return ask(self._sent(labels))

    def _sent(self, labels: Sequence[Export]) -> str:
        """The labels are there, sent where they were not; the id under which."""
        pixels = Path(self._kept.name)
        with tempfile.TemporaryDirectory(dir=pixels) as place:
            folder, archive = Path(place) / "labels", Path(place) / "labels.zip"
            write_label_set(folder, labels, pixels)
            sha256 = packed(folder, archive)
            path = f"/v1/label-sets/{sha256}"
            if not self._door.exists(path):
                headers = {"Content-Type": "application/octet-stream", "Content-Length": str(archive.stat().st_size)}
                self._door.bytes("PUT", path, body=_pieces(archive), headers=headers)
        return sha256


def _with_pixels(labels: Sequence[Export]) -> bool:
    return any(one.image is not None for one in labels)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
