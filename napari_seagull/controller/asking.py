"""Free questions about a region: the answer is shown as it comes, and the last one of each region is remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.layers.large import native
from napari_seagull.session.records import RegionRecord
from napari_seagull.tasks import Task
from napari_seagull.views.ask_box import AskBox, Conversation
from seagull_iqa.client import Client
from seagull_iqa.domain.region import Region
from seagull_iqa.errors import BackendError, SeagullError
from seagull_iqa.imaging.prepared import PreparedImage

STOPPED = "You stopped it."


@dataclass(frozen=True)
class Remembered:
    """What was said of a region, when it had those pixels, and the call that still brings more."""

    said: Conversation
    model: str
    geometry: str
    task: Task | None = None


class Asker(QObject):
    """Asks the model what a person wants to know of the selected region; kept in memory only."""

    def __init__(self, desk: Desk, backend: BackendDesk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._backend = desk, backend
        self._boxes: list[AskBox] = []
        self._allowed = False
        self._kept: dict[str, Remembered] = {}
        desk.session.selection_changed.connect(self._show)
        desk.session.regions_changed.connect(self._on_regions_changed)

    def close(self) -> None:
        """Listen no more."""
        self._desk.session.selection_changed.disconnect(self._show)
        self._desk.session.regions_changed.disconnect(self._on_regions_changed)

    def serve(self, box: AskBox) -> None:
        """Take questions in that box, too; every box shows the same conversation."""
        self._boxes.append(box)
        box.question_wished.connect(self._on_question_wished)
        box.stop_wished.connect(self._on_stop_wished)
        self._show()

    def leave(self, box: AskBox) -> None:
        """The box is about to go."""
        if box in self._boxes:
            self._boxes.remove(box)

    def allow(self, *, allowed: bool) -> None:
        """Whether the model answers questions at all; the box is hidden where it does not."""
        self._allowed = allowed
        self._show()

    def stop_all(self) -> None:
        """Another model takes over: no answer goes on."""
        for region in list(self._kept):
            self._end(region, "Stopped, because another model took over.")
        self._show()

    def _chosen(self) -> RegionRecord | None:
        """The region on the card."""
        session = self._desk.session
        return next((session.regions[key] for key in session.selection if key in session.regions), None)

    def _on_regions_changed(self, _ids: tuple[str, ...]) -> None:
        for gone in [region for region in self._kept if region not in self._desk.session.regions]:
            self._end(gone, STOPPED)
            del self._kept[gone]
        self._show()

    def _show(self, *_change: object) -> None:
        record = self._chosen()
        kept = None if record is None else self._kept.get(record.id)
        for box in self._boxes:
            box.setVisible(self._allowed and record is not None)
            if record is not None:
                box.show_conversation(Conversation(record.id) if kept is None else _as_shown(kept, record))

    def _on_question_wished(self, question: str) -> None:
        record, image, client = self._chosen(), self._desk.session.image, self._backend.client
        if record is None:
            return
        if image is None or record.plane != image.pixels.plane or record.region.mask.shape != image.shape:
            self._desk.tell("The region lies on another image or plane. Show that one, and ask again.")
        elif client is None:
            self._desk.tell(NOT_READY)
        else:
            self._end(record.id, STOPPED)
            self._start(client, image, record, question)

    def _start(self, client: Client, image: PreparedImage, record: RegionRecord, question: str) -> None:
        region = record.id
        task = self._desk.tasks.start(
            "answer",
            lambda task: _listen(task, client, image, record.region, question),
            done=lambda _nothing: self._on_done(region),
            failed=lambda error: self._on_failed(region, error),
            progressed=lambda piece: self._on_piece(region, piece),
        )
        said = Conversation(region, question, asking=True)
        self._kept[region] = Remembered(said, self._backend.model, record.geometry, task)
        self._show()

    def _on_stop_wished(self) -> None:
        record = self._chosen()
        if record is not None:
            self._end(record.id, STOPPED)
            self._show()

    def _on_piece(self, region: str, piece: str) -> None:
        self._say(region, answer=self._kept[region].said.answer + piece)

    def _on_done(self, region: str) -> None:
        self._kept[region] = replace(self._kept[region], task=None)
        empty = not self._kept[region].said.answer.strip()
        self._say(region, asking=False, note="The model said nothing. Ask in other words." if empty else "")

    def _on_failed(self, region: str, error: SeagullError) -> None:
        self._kept[region] = replace(self._kept[region], task=None)
        self._say(region, asking=False, note=str(error))
        if isinstance(error, BackendError):
            self._backend.look_again()

    def _say(self, region: str, *, answer: str | None = None, asking: bool = True, note: str = "") -> None:
        kept = self._kept[region]
        said = replace(kept.said, answer=kept.said.answer if answer is None else answer, asking=asking, note=note)
        self._kept[region] = replace(kept, said=said)
        chosen = self._chosen()
        if chosen is not None and chosen.id == region:
            self._show()

    def _end(self, region: str, note: str) -> None:
        """Hear no more of the answer about a region; the server stops at its next word."""
        kept = self._kept.get(region)
        if kept is not None and kept.task is not None:
            kept.task.drop()
            self._kept[region] = replace(kept, said=replace(kept.said, asking=False, note=note), task=None)


def _as_shown(kept: Remembered, record: RegionRecord) -> Conversation:
    """With who answered, and whether the region has changed since."""
    if kept.said.asking:
        return kept.said
    changed = "The region has changed since this question." if kept.geometry != record.geometry else ""
    who = f"Answered by {kept.model}." if kept.model and kept.said.answer else ""
    return replace(kept.said, note=" ".join(part for part in (kept.said.note, who, changed) if part))


def _listen(task: Task, client: Client, image: PreparedImage, region: Region, question: str) -> None:
    """Hand each piece on as it comes; on a worker thread. Leaving closes the stream, which ends the work."""
    pieces = client.answer(*native(image, region), question)
    try:
        for piece in pieces:
            task.report(piece)
    finally:
        pieces.close()
