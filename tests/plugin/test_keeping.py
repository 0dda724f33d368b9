"""What was acknowledged is on the disk, and comes back: journal, side-car, places, locks, and whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_seagull.safekeeping import recorder as recording
from napari_seagull.safekeeping.finding import Found, claim, look
from napari_seagull.safekeeping.locks import Holder, Lock, LockHeldError, born, holder_of
from napari_seagull.safekeeping.places import Origin, Place, Places, Why
from napari_seagull.safekeeping.recorder import News, Recorder
from napari_seagull.safekeeping.translating import events_of, events_of_table, matters, recall_of
from napari_seagull.session.commands import (
    AcceptReports,
    AddRegion,
    Annotate,
    ChangeModel,
    DeleteRegion,
    EditRegion,
    OpenImage,
    Prefer,
    QueueRegions,
    RemoveAnnotation,
    RenameRegion,
    SelectRegions,
)
from napari_seagull.session.records import LabelSource, RegionRecord, RegionState, SegmentSource, ShapeSource
from napari_seagull.session.session import Session
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.folding import fold
from seagull_iqa.formats.journal import recover
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.formats.session_file import read_session
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (6, 8)
IMAGE = PreparedImage(np.full((*SHAPE, 3), 7, dtype=np.uint8), name="girl")
PLANES = {(): IMAGE.sha256}
SOURCES = (
    ShapeSource("SEAGULL regions", "rectangle", ((0.0, 0.5), (0.0, 2.5), (2.0, 2.5), (2.0, 0.5))),
    LabelSource("SEAGULL painted", 3),
    SegmentSource("SEAGULL segments"),
    None,
)


def mask_at(row: int) -> RegionMask:
    return RegionMask.from_box(SHAPE, (row, 0, row + 2, 2))


def score(session: Session, region: str, quality: float = 5.0) -> None:
    session.do(QueueRegions((region,)))
    findings = (Finding(Distortion.BLUR, Severity.MINOR),)
    report = QualityReport(region, quality, (1.0, 90.0), None, None, findings, "x", "toy")
    session.do(AcceptReports(((session.tickets([region])[region], report),)))


def worked(session: Session) -> None:
    """A bit of everything."""
    session.do(OpenImage(IMAGE, "girl"))
    regions = [Region(mask_at(row), f"{row}") for row in range(4)]
    session.do_all([AddRegion(one, source) for one, source in zip(regions, SOURCES, strict=True)])
    for region in regions:
        score(session, region.id)
    first, second, third, fourth = (region.id for region in regions)
    session.do(EditRegion(first, mask_at(3), SOURCES[0]))
    session.do(RenameRegion(second, "nose"))
    session.do(Annotate(Annotation(third, "ann", 40.0, comment="Ä, really", id="said")))
    session.do(Annotate(Annotation(third, "bob", 41.0, id="withdrawn")))
    session.do(RemoveAnnotation(third, "withdrawn"))
    session.do(Prefer(Preference(first, second)))
    session.do(Prefer(Preference(second, third)))
    session.undo()
    session.do(DeleteRegion(fourth))
    session.undo()
    score(session, first, 77.25)


def people_and_models(records: dict[str, RegionRecord]) -> dict[str, tuple]:
    return {
        key: (r.region.name, r.geometry, r.region.origin, r.source, r.plane, r.state, r.report, r.annotations)
        for key, r in records.items()
    }


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "own folder")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "Bilder ä" / "girl 1.png"
    made.parent.mkdir()
    made.write_bytes(b"pixels")
    return made


@pytest.fixture
def origin(file: Path) -> Origin:
    return Origin(str(file), False, IMAGE.sha256)


def look_at(places: Places, origin: Origin) -> Found:
    return look(places, origin, SHAPE, PLANES)


class Desk:
    """A session whose every command is recorded, as the plugin does it."""

    def __init__(self, places: Places, origin: Origin, *, resumed: bool = False) -> None:
        self.found, self.news = look_at(places, origin), list[News]()
        self.session = Session()
        self.session.do(OpenImage(IMAGE, "girl"))
        self.recorder = Recorder(lambda: claim(places, self.found, resumed=resumed), self.news.append)
        if resumed and self.found.document is not None:
            self.session.do(recall_of(self.found.document))
        self.path = origin.path
        table = self.session.table
        self.recorder.record(lambda: [] if resumed else events_of_table(table, self.path, ""))
        self.session.accepted.connect(self._on_accepted)

    def _on_accepted(self, entries: tuple) -> None:
        self.recorder.record(lambda: [event for one in entries for event in events_of(one, "girl", self.path)])

    def settle(self) -> None:
        assert self.recorder.wait(self.recorder.last, 10)


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    made: list[Desk] = []
    yield made
    for desk in made:
        assert desk.recorder.close()


def test_the_events_of_every_command_lead_to_the_same_regions():
    session, events = Session(), []
    session.accepted.connect(lambda entries: events.extend(e for one in entries for e in events_of(one, "girl", "")))
    worked(session)
    session.do(ChangeModel())
    document = fold(events)
    again = Session()
    again.do(OpenImage(IMAGE, "girl"))
    again.do(recall_of(document))
    assert people_and_models(dict(again.regions)) == people_and_models(dict(session.regions))
    assert again.preferences == session.preferences
    assert document.image.sha256 == IMAGE.sha256


def test_the_table_at_once_says_the_same_as_its_history():
    session = Session()
    worked(session)
    again = Session()
    again.do(OpenImage(IMAGE, "girl"))
    again.do(recall_of(fold(events_of_table(session.table, "", ""))))
    assert people_and_models(dict(again.regions)) == people_and_models(dict(session.regions))


def test_looking_at_another_image_writes_nothing_into_the_file_of_this_one():
    session = Session()
    worked(session)
    entry = session.do(OpenImage(PreparedImage(IMAGE.rgb + 1), "another"))
    assert not events_of(entry, "girl")
    assert not matters(session.do(SelectRegions(())))


def test_what_is_acknowledged_is_in_the_journal_and_soon_in_the_side_car(places, origin, file, desks, monkeypatch):
    monkeypatch.setattr(recording, "SAVE_S", 0.05)
    desks.append(desk := Desk(places, origin))
    worked(desk.session)
    desk.settle()
    place = desk.news[0].claim.place
    assert place.side_car == file.with_name("girl 1.png.seagull.json")
    recovered = recover(place.side_car, place.journal).document
    assert [one.id for one in recovered.regions] == [*list(desk.session.regions)]
    assert desk.recorder.close()
    assert {one.name for one in file.parent.iterdir()} == {"girl 1.png", "girl 1.png.seagull.json"}
    written = read_session(place.side_car)
    assert len(written.regions) == 4 and written.image.path == str(file)


def test_a_session_is_resumed_with_scores_labels_and_places_on_the_canvas(places, origin, desks):
    first = Desk(places, origin)
    worked(first.session)
    assert first.recorder.close()
    desks.append(second := Desk(places, origin, resumed=True))
    assert people_and_models(dict(second.session.regions)) == people_and_models(dict(first.session.regions))
    second.session.do(RenameRegion(next(iter(second.session.regions)), "renamed"))
    second.settle()
    place = second.news[0].claim.place
    assert place == first.news[0].claim.place
    assert recover(place.side_car, place.journal).document.regions[0].region.name == "renamed"


def test_an_earlier_session_that_is_not_resumed_is_put_aside_under_a_number(places, origin, file, desks):
    first = Desk(places, origin)
    worked(first.session)
    assert first.recorder.close()
    desks.append(second := Desk(places, origin))
    second.session.do(AddRegion(Region(mask_at(0), "new")))
    second.settle()
    aside = file.with_name("girl 1.png.2.seagull.json")
    assert len(read_session(aside).regions) == 4
    assert second.news[0].claim.notes == (f"The earlier session is kept as {aside.name}.",)
    place = second.news[0].claim.place
    assert [one.region.name for one in recover(place.side_car, place.journal).document.regions] == ["new"]


def test_a_session_of_which_nothing_is_left_leaves_no_files(places, origin, file):
    desk = Desk(places, origin)
    desk.session.do(AddRegion(Region(mask_at(0))))
    desk.session.undo()
    assert desk.recorder.close()
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_two_windows_on_one_image_are_told_and_write_two_files(places, origin, desks):
    desks.append(first := Desk(places, origin))
    first.session.do(AddRegion(Region(mask_at(0), "first")))
    first.settle()
    assert look_at(places, origin).holder.pid == os.getpid()
    desks.append(second := Desk(places, origin))
    second.session.do(AddRegion(Region(mask_at(0), "second")))
    second.settle()
    one, two = first.news[0].claim, second.news[0].claim
    assert two.place.side_car.name == "girl 1.png.2.seagull.json"
    assert "Another window works on this image" in two.notes[0]
    assert [recover(c.place.side_car, c.place.journal).document.regions[0].region.name for c in (one, two)] == [
        "first",
        "second",
    ]


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path):
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    path = tmp_path / "a.seagull.lock"
    me = Holder.me()
    for stale in (replace(me, pid=done.pid), replace(me, born=me.born - 1000)):
        path.write_text(json.dumps(stale.__dict__))
        assert holder_of(path) is None
        Lock.take(path).release()
    path.write_text("torn")
    lock = Lock.take(path)
    with pytest.raises(LockHeldError):
        Lock.take(path)
    lock.release()
    assert not path.exists()


def test_the_lock_of_another_machine_counts_while_it_is_touched(tmp_path):
    path = tmp_path / "a.seagull.lock"
    path.write_text(json.dumps(replace(Holder.me(), host="elsewhere").__dict__))
    assert holder_of(path).host == "elsewhere"
    os.utime(path, (1, 1))
    assert holder_of(path) is None
    assert born(os.getpid()) > 0


def test_where_a_session_lies_is_decided_by_what_the_image_is(places, file, tmp_path):
    sha256 = "ab" * 32
    cases = {
        Origin(str(file), False, sha256): (Why.BESIDE, file.with_name("girl 1.png.seagull.json")),
        Origin("", False, sha256): (Why.NO_FILE, places.folder / f"{sha256[:24]}.seagull.json"),
        Origin("https://example.org/a.png", False, sha256): (Why.REMOTE, places.folder / f"{sha256[:24]}.seagull.json"),
        Origin("", True, sha256): (Why.SAMPLE, places.folder / f"{sha256[:24]}.seagull.json"),
    }
    for origin, (why, path) in cases.items():
        place = places.place_of(origin)
        assert (place.why, place.side_car) == (why, path)
    gone = places.place_of(Origin(str(tmp_path / "no folder" / "a.png"), False, sha256))
    assert gone.why is Why.READ_ONLY and gone.side_car.parent == places.folder
    assert places.beside is None
    places.choose(beside=False)
    assert Places(places.folder).place_of(Origin(str(file), False, sha256)).why is Why.CHOSEN


def test_a_folder_that_turns_out_to_be_read_only_is_no_reason_to_lose_anything(places, origin, desks, monkeypatch):
    taken = Lock.take

    def refuse(path: Path) -> Lock:
        if path.parent != places.folder:
            raise PermissionError(13, "Permission denied")
        return taken(path)

    monkeypatch.setattr(Lock, "take", refuse)
    desks.append(desk := Desk(places, origin))
    desk.session.do(AddRegion(Region(mask_at(0))))
    desk.settle()
    place = desk.news[0].claim.place
    assert place.why is Why.READ_ONLY and place.side_car.parent == places.folder
    assert len(recover(place.side_car, place.journal).document.regions) == 1


def test_a_full_disk_is_told_once_and_everything_is_written_when_there_is_room(places, origin, desks, monkeypatch):
    monkeypatch.setattr(recording, "RETRY_S", 0.05)
    desks.append(desk := Desk(places, origin))
    desk.session.do(AddRegion(Region(mask_at(0), "before")))
    desk.settle()
    full = True
    synced = os.fsync

    def fsync(handle: int) -> None:
        if full:
            raise OSError(28, "No space left on device")
        synced(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    desk.session.do(AddRegion(Region(mask_at(1), "during")))
    assert not desk.recorder.wait(desk.recorder.last, 0.4)
    assert desk.recorder.is_failing
    desk.session.do(AddRegion(Region(mask_at(2), "during too")))
    full = False
    desk.settle()
    problems = [news.problem for news in desk.news if news.problem is not None]
    assert len(problems) == 1 and "No space left on device" in str(problems[0])
    assert [news.recovered for news in desk.news][-1]
    place = desk.news[0].claim.place
    names = [one.region.name for one in recover(place.side_car, place.journal).document.regions]
    assert names == ["before", "during", "during too"]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_goes_on_to_the_next_image_while_the_disk_is_full_loses_nothing_of_the_last_one(
    places, origin, desks, monkeypatch
):
    monkeypatch.setattr(recording, "RETRY_S", 0.05)
    desks.append(desk := Desk(places, origin))
    desk.session.do(AddRegion(Region(mask_at(0), "before")))
    desk.settle()
    full, tries = True, []
    synced = os.fsync

    def fsync(handle: int) -> None:
        tries.append(handle)
        if full:
            raise OSError(28, "No space left on device")
        synced(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    desk.session.do(AddRegion(Region(mask_at(1), "during")))
    desk.recorder.leave()
    tried = len(tries)
    until(lambda: len(tries) >= tried + 3)
    assert not desk.recorder.has_ended
    full = False
    until(lambda: desk.recorder.has_ended)
    place = desk.news[0].claim.place
    assert [one.region.name for one in read_session(place.side_car).regions] == ["before", "during"]
    assert not place.journal.exists()


def test_who_closes_the_window_while_the_disk_is_full_is_not_held_for_ever(places, origin, desks, monkeypatch):
    desks.append(desk := Desk(places, origin))
    desk.session.do(AddRegion(Region(mask_at(0), "before")))
    desk.settle()

    def fsync(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    desk.session.do(AddRegion(Region(mask_at(1), "during")))
    desk.recorder.leave()
    assert desk.recorder.close()


def test_an_image_that_was_moved_finds_its_session_by_what_it_shows(places, origin, file):
    desk = Desk(places, origin)
    worked(desk.session)
    assert desk.recorder.close()
    places.remember(IMAGE.sha256, desk.news[0].claim.place)
    moved = file.parent.parent / "elsewhere" / "woman.png"
    moved.parent.mkdir()
    file.rename(moved)
    found = look_at(places, Origin(str(moved), False, IMAGE.sha256))
    assert len(found.document.regions) == 4
    assert "was moved" in found.notes[0]
    claimed = claim(places, found, resumed=True)
    assert claimed.place.side_car == moved.with_name("woman.png.seagull.json")
    claimed.lock.release()


def test_what_is_remembered_of_images_is_bounded_and_what_was_met_last_stays(places, origin, tmp_path, monkeypatch):
    from napari_seagull.safekeeping import places as where

    monkeypatch.setattr(where, "MOST_KNOWN", 20)
    side_car = tmp_path / "a.png.seagull.json"
    side_car.write_text("{}", encoding="utf-8")
    names = [f"{number:024x}" for number in range(40)]
    for number, name in enumerate(names):
        places.remember(name, Place(side_car))
        note = places.folder / "known" / f"{name}.txt"
        if note.exists():
            os.utime(note, (number, number))
        assert number == 0 or places.remembered(names[0]) == Place(side_car)  # met again each time
    left = sorted(path.stem for path in (places.folder / "known").iterdir())
    assert len(left) <= 20
    assert names[0] in left and names[-1] in left and names[1] not in left


def test_an_image_that_was_changed_is_told_and_its_reports_no_longer_hold(places, origin):
    desk = Desk(places, origin)
    worked(desk.session)
    assert desk.recorder.close()
    changed = PreparedImage(IMAGE.rgb + 1)
    found = look(places, origin, SHAPE, {(): changed.sha256})
    assert "has changed since" in found.notes[0]
    session = Session()
    session.do(OpenImage(changed, "girl"))
    session.do(recall_of(found.document))
    assert {record.state for record in session.regions.values()} == {RegionState.STALE}
    other_size = look(places, origin, (9, 9), {(): "x"})
    assert other_size.document is None and "6x8 px" in other_size.notes[0]


def test_a_file_that_cannot_be_read_is_told_and_put_aside_whole(places, origin, file, desks):
    side_car = file.with_name("girl 1.png.seagull.json")
    side_car.write_text("{ torn")
    found = look_at(places, origin)
    assert found.document is None and "cannot be read" in found.notes[0]
    desks.append(desk := Desk(places, origin))
    desk.session.do(AddRegion(Region(mask_at(0))))
    desk.settle()
    assert file.with_name("girl 1.png.2.seagull.json").read_text() == "{ torn"


def test_a_place_where_nothing_can_be_written_is_said_in_one_sentence(tmp_path, origin, monkeypatch):
    def refuse(_path: Path) -> Lock:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Lock, "take", refuse)
    places = Places(tmp_path / "nowhere")
    with pytest.raises(SeagullError, match="cannot be saved at"):
        claim(places, look_at(places, origin), resumed=False)
    assert Place(tmp_path / "a.seagull.json").lock.name == "a.seagull.lock"
    assert SessionDocument().image is None
