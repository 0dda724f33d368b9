"""What people made survives: the session is bound to a file of its image, resumed from it, and it is said where."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.canvas import Canvas, bring_up
from napari_seagull.controller.desk import Desk, origin_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.safe_words import found_sentence, turn_question
from napari_seagull.safekeeping.finding import Claim, Found, claim, look
from napari_seagull.safekeeping.places import Origin, Places, Why
from napari_seagull.safekeeping.recorder import News, Recorder
from napari_seagull.safekeeping.translating import events_of, events_of_table, matters, recall_of
from napari_seagull.safekeeping.unseen import recorder_unseen
from napari_seagull.session.commands import Change, DeleteRegion, PutAway
from napari_seagull.session.records import RegionRecord
from napari_seagull.session.session import LogEntry
from napari_seagull.views.panel import Panel
from napari_seagull.views.sizes import counted
from seagull_iqa.domain.annotation import now_utc
from seagull_iqa.errors import RegionError, SeagullError
from seagull_iqa.formats.events import AnnotatorNamed
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

LONGEST_WAIT_S = 2.0
"""What is not on the disk by then is shown all the same, and that it is not is said."""

RESUME, PLACE, TURN = "resume", "place", "turn"
"""What may be asked."""


class Safe(QObject):
    """Hands every command to the recorder of the image's file; nobody is asked before working."""

    kept = Signal()  # another session file was begun
    leaving = Signal()  # the table is about to be that of another image: what is not done yet is done now

    def __init__(self, desk: Desk, images: ImageWatch, canvas: Canvas, panel: Panel, places: Places) -> None:
        super().__init__(images)
        self._desk, self._images, self._canvas, self._places = desk, images, canvas, places
        self._bar, self._strip = panel.question, panel.status
        self._layer: Image | None = None
        self._origin: Origin | None = None
        self._recorder: Recorder | None = None
        self._ended: list[Recorder] = []
        self._found: Found | None = None
        self._looking: object = None
        self._held_since, self._annotator = 0.0, ""
        self._muted = self._slow = self._closed = self._turning = False
        self.side_cars: list[Path] = []
        desk.session.accepted.connect(self._on_accepted)
        desk.session.image_changed.connect(self._on_image_changed)
        self._bar.answered.connect(self._on_answered)

    @property
    def is_written(self) -> bool:
        """True when everything that was done is on the disk, or it was said that it is not."""
        recorder = self._recorder
        written = recorder is None or recorder.is_failing or recorder.durable >= recorder.last
        return self._looking is None and written

    @property
    def is_idle(self) -> bool:
        """True when nothing is looked for or written."""
        return self.is_written

    @property
    def side_car(self) -> Path | None:
        """Where the session on the table is saved; None before anything was."""
        return self.side_cars[-1] if self._recorder is not None and self.side_cars else None

    @property
    def holds_another(self) -> bool:
        """True while the regions on the table are those of another image than the one that is looked at."""
        return self._recorder is not None and self._images.layer is not self._layer

    def turn_to(self, layer: Image) -> None:
        """Look at that image: regions of another one are put away, saved as they are, and its own are brought back."""
        if self._recorder is not None and self._layer is layer:
            return
        self.leaving.emit()
        self._turning = True
        if layer is not self._images.layer:
            self._images.choose(layer)
        elif self._images.is_current and self._looking is None and self._found is not None:
            self._turn(self._found)  # else it is looked for once its pixels are there

    def may_show(self) -> bool:
        """Whether what was done may be shown as done; a disk that takes too long holds nobody back, and is named."""
        if self.is_written:
            self._held_since = 0.0
            return True
        now = time.monotonic()
        self._held_since = self._held_since or now
        if now - self._held_since < LONGEST_WAIT_S:
            return False
        if not self._slow:
            self._slow = True
            self._desk.tell("The disk is slow: your last steps are shown, but not saved yet. Wait before you quit.")
        return True

    def name_annotator(self, name: str) -> None:
        """Say in the session who sits here."""
        if name != self._annotator and self._recorder is not None:
            self._recorder.record(lambda: [AnnotatorNamed(name)])
        self._annotator = name

    def close(self) -> None:
        """Write everything, and let go of the file."""
        self._closed = True
        self._desk.session.accepted.disconnect(self._on_accepted)
        self._desk.session.image_changed.disconnect(self._on_image_changed)
        if self._looking is not None and self._found is not None:
            self._on_found(self._found)
        elif isinstance(self._looking, Origin) and self._recorder is None:
            self._recorder = recorder_unseen(self._places, self._looking, self._desk.session.table)
        self._looking = None
        self._bar.clear()
        self._leave()
        for recorder in self._ended:
            recorder.close()

    def _on_image_changed(self) -> None:
        image, layer = self._desk.session.image, self._images.layer
        if image is None or layer is None or layer is self._layer:
            return
        if self._recorder is not None and self._origin is not None and self._origin.same_as(origin_of(layer, image)):
            self._layer = layer  # the same image was opened again, or another layer of its file
            self._turning = False
            return
        if self._bar.topic == RESUME:
            self._bar.clear()
        if not self._desk.session.regions:
            self._leave()
        if self._recorder is None:
            self._layer = layer
        self._look(image, layer)

    def _look(self, image: PreparedImage, layer: Image) -> None:
        places, origin = self._places, origin_of(layer, image)
        planes, ended = dict(self._desk.session.table.planes), tuple(self._ended)
        self._found = None
        self._looking = origin

        def find() -> Found:
            for recorder in ended:
                recorder.close()  # what it still holds may be what is looked for
            return look(places, origin, image.shape, planes)

        self._desk.tasks.start(
            "session",
            lambda _task: find(),
            done=lambda found: self._on_found(found) if origin is self._looking else None,
            failed=lambda error: self._on_not_found(error) if origin is self._looking else None,
        )

    def _on_not_found(self, error: SeagullError) -> None:
        self._looking, self._turning = None, False
        self._desk.tell(str(error))

    def _on_found(self, found: Found) -> None:
        self._looking, self._found = None, found
        regions, document = self._desk.session.regions, found.document
        if self._turning:
            self._turn(found)
            return
        if self._recorder is None and document is not None and regions and _all_in(regions.values(), document):
            self._resume(found)  # a panel that is opened again finds its regions still on the canvas
            return
        if regions and self._recorder is None:
            self._begin(found, resumed=False)
        if found.holder is not None and self._recorder is None:
            self._desk.note(f"Another window works on this image ({found.holder}). Yours saves to a file of its own.")
        elif document is not None:
            self._bar.ask(
                RESUME,
                " ".join([found_sentence(document), *found.notes]),
                (
                    ("Resume", "Bring these regions back, with scores and labels"),
                    ("Start new", "Begin without them; they are kept in a file of their own"),
                ),
            )
        elif self.holds_another and regions:
            former, now = ("" if one is None else str(one.name) for one in (self._layer, self._images.layer))
            self._bar.ask(TURN, *turn_question(len(regions), former, now))
        elif found.notes:
            self._desk.note(" ".join(found.notes))

    def _turn(self, found: Found) -> None:
        """Bring back what there is of the image that is looked at; else put away what is of another one."""
        self._turning = False
        self._bar.clear()
        if found.document is not None and found.holder is None:
            self._resume(found)
            self._found = replace(found, document=None)
        elif self.holds_another:
            self._put_away(found)
        self._bring_up()

    def _bring_up(self) -> None:
        if self._images.layer is not None:
            bring_up(self._desk.viewer.layers, self._images.layer)

    def _put_away(self, found: Found) -> None:
        session = self._desk.session
        away = [Change(record, None) for record in session.regions.values()]
        self._leave()
        self._found, self._layer = found, self._images.layer
        self._muted = True
        session.do_all([PutAway()], step=False)
        self._muted = False
        self._canvas.follow(away)

    def _on_answered(self, topic: str, number: int) -> None:
        self.leaving.emit()
        if topic == RESUME and self._found is not None:
            if number == 0:
                self._resume(self._found)
            self._found = replace(self._found, document=None)
        elif topic == TURN and number == 0 and self._found is not None:
            self._put_away(self._found)
            self._bring_up()
        elif topic == PLACE:
            try:
                self._places.choose(beside=number == 0)
            except SeagullError as error:
                self._desk.tell(str(error))
            if number == 1:
                self._desk.note(f"From the next image on, sessions lie in {self._places.folder}.")

    def _on_accepted(self, entries: tuple[LogEntry, ...]) -> None:
        if self._muted:
            return
        if self._recorder is not None:
            here = self._images.layer is self._layer
            layer = self._desk.session.image_layer if here else ""
            path = "" if self._origin is None else self._origin.path
            self._recorder.record(lambda: [event for entry in entries for event in events_of(entry, layer, path)])
            if not here and not self._desk.session.regions:
                self._go_on_with_this_image()
        elif self._looking is None and self._found is not None and any(matters(entry) for entry in entries):
            # What is added may be what an earlier panel has left on the canvas: its session is taken up then.
            self._looking, found = (key := object()), self._found
            self._desk.tasks.post(lambda: self._on_found(found) if key is self._looking else None)
        # While one looks nothing is lost: all that is on the table is written down as soon as it is known where.

    def _go_on_with_this_image(self) -> None:
        """Nothing of the former image is left: what comes now belongs to the one that is looked at."""
        image, layer = self._desk.session.image, self._images.layer
        self._leave()
        if image is not None and layer is not None:
            self._layer = layer
            self._look(image, layer)

    def _begin(self, found: Found, *, resumed: bool) -> None:
        """Take a file for this image, and write down all that is on the table."""
        places, post = self._places, self._desk.tasks.post

        def open_place() -> Claim:
            taken = claim(places, found, resumed=resumed)
            places.remember(found.origin.sha256, taken.place)
            return taken

        self._layer, self._origin = self._images.layer, found.origin
        self._recorder = Recorder(open_place, lambda news: post(lambda: self._on_news(news)))
        table, path = self._desk.session.table, found.origin.path
        named = [AnnotatorNamed(self._annotator)] if self._annotator else []
        self._recorder.record(lambda: [*events_of_table(table, path, now_utc(), only_image=resumed), *named])

    def _leave(self) -> None:
        """The file is closed beside the window's loop; what comes next has a file of its own."""
        recorder, self._recorder, self._found, self._layer = self._recorder, None, None, None
        if recorder is not None:
            recorder.leave()
            self._ended = [*(one for one in self._ended if not one.has_ended), recorder]

    def _resume(self, found: Found) -> None:
        """Bring the regions of an earlier session back; what is on the table of the same image stays."""
        session, document = self._desk.session, found.document
        if document is None:
            return
        command, away = recall_of(document), list[Change]()
        if self.holds_another:
            away = [Change(record, None) for record in session.regions.values()]
            self._leave()
            self._found = found
        taken_up = self._recorder is None
        present = {} if away else {one.id: session.regions.get(one.id) for one in command.records}
        doubled = [DeleteRegion(key) for key, record in present.items() if record is not None]
        self._muted = taken_up
        try:
            session.do_all([*([PutAway()] if away else doubled), command], step=False)
        except RegionError as error:
            self._desk.tell(str(error))
            return
        finally:
            self._muted = False
        if taken_up:
            self._begin(found, resumed=True)
        self._canvas.follow(away)
        back = [session.regions[record.id] for record in command.records]
        self._canvas.follow([Change(present.get(record.id), record) for record in back])
        if away:
            self._bring_up()
        self._desk.note(f"Resumed {counted(len(command.records), 'region')}.")

    def _on_news(self, news: News) -> None:
        if self._closed:
            return  # nobody is there to be told
        if news.problem is not None:
            self._desk.tell(f"Your work is not saved at present: {news.problem}")
        elif news.recovered:
            self._desk.note("Everything is saved again.")
        elif news.claim is not None:
            self.side_cars.append(news.claim.place.side_car)
            self._say_where(news.claim)
            self.kept.emit()

    def _say_where(self, taken: Claim) -> None:
        place = taken.place
        where = place.side_car.name if place.why is Why.BESIDE else str(place.side_car)
        if taken.notes or not self._strip.text():
            self._desk.note(" ".join([f"Your work is saved {place.why}, as {where}.", *taken.notes]))
        if place.why is Why.BESIDE and self._places.beside is None and not self._bar.topic:
            self._bar.ask(
                PLACE,
                f"Regions, scores and labels are saved beside the image, as {where}. May such files lie there?",
                (
                    ("Yes", "They go along when the folder is copied or moved"),
                    ("Keep them elsewhere", f"From the next image on in {self._places.folder}"),
                ),
            )


def _all_in(records: Iterable[RegionRecord], document: SessionDocument) -> bool:
    """Whether every one of these regions is in a document, with the same pixels."""
    known = {record.id: record.geometry for record in recall_of(document).records}
    return all(known.get(record.id) == record.geometry for record in records)
