"""The journal: an acknowledged event is on the disk, whatever happens next, and the fold of all is the document."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats import events as happened
from seagull_iqa.formats.events import KINDS, Event, event_of, event_values
from seagull_iqa.formats.folding import fold
from seagull_iqa.formats.journal import Journal, read_journal, recover
from seagull_iqa.formats.session_document import RegionSource, SessionDocument, SourceKind
from seagull_iqa.formats.session_file import read_session, write_session
from tests.backend.formats_session import DOCUMENT, REGIONS, SHAPE, same_document, same_regions

BOX = RegionMask.from_box(SHAPE, (1, 2, 5, 9))
ID = REGIONS[0].id

assert DOCUMENT.image is not None
EVENTS: tuple[Event, ...] = (
    happened.ImageOpened(DOCUMENT.image),
    happened.AnnotatorNamed("Zoë"),
    *(happened.RegionAdded(region) for region in REGIONS),
    *(happened.ReportAccepted(report) for report in DOCUMENT.reports),
    *(happened.Annotated(annotation) for annotation in DOCUMENT.annotations),
    *(happened.Preferred(preference) for preference in DOCUMENT.preferences),
)
MORE: tuple[Event, ...] = (
    happened.RegionEdited(ID, BOX, RegionSource(SourceKind.POLYGON, "Shapes", ((1.5, 2.5),) * 3), (3, 0)),
    happened.RegionRenamed(ID, "ein Gesicht\n"),
    happened.RegionDeleted(REGIONS[2].id),
    happened.ReportsOutdated((ID,)),
    happened.ReportsOutdated(None),
    happened.ReportRemoved(REGIONS[1].id),
    happened.AnnotationRemoved("n1"),
    happened.PreferenceRemoved("p1"),
)


def test_the_events_of_a_session_fold_to_its_document(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "a.journal", DOCUMENT.session) as journal:
        for event in EVENTS:
            journal.append([event])
    contents = read_journal(tmp_path / "a.journal")
    assert contents.session == DOCUMENT.session and not contents.torn and not contents.damaged
    folded = fold((record.event for record in contents.records), SessionDocument(session=DOCUMENT.session))
    same_document(replace(folded, journal=DOCUMENT.journal), DOCUMENT)


@pytest.mark.parametrize("event", [*EVENTS, *MORE], ids=lambda event: type(event).__name__)
def test_every_event_comes_back_from_its_json(event: Event) -> None:
    values = json.loads(json.dumps(event_values(event)))
    assert event_values(event_of(values, "here")) == event_values(event)


def test_no_kind_of_event_was_forgotten() -> None:
    assert {type(event).__name__ for event in (*EVENTS, *MORE)} == set(KINDS)


def test_edits_deletions_and_returns_are_folded_in_order() -> None:
    whole = fold(EVENTS)
    after = fold(MORE, whole)
    first = after.regions[0]
    assert first.region.mask.box == BOX.box and first.region.name == "ein Gesicht\n" and first.plane == (3, 0)
    assert [one.id for one in after.regions] == [ID, REGIONS[1].id, REGIONS[3].id]
    assert after.report_of[ID].stale and list(after.report_of) == [ID]
    assert "n1" not in {one.id for one in after.annotations} and not after.preferences
    back = fold([happened.RegionDeleted(ID), happened.RegionAdded(REGIONS[0])], whole)
    assert back.annotations_of[ID] == whole.annotations_of[ID], "what people said survives an undone deletion"
    assert fold([happened.RegionRenamed("nobody", "x"), happened.ReportRemoved("nobody")], whole).regions


def test_what_a_person_says_last_is_what_counts() -> None:
    first, second = Annotation("a", "Zoë", 10.0, id="1"), Annotation("a", "Zoë", 20.0, id="2")
    said = [happened.Annotated(one) for one in (first, second, replace(first, quality=30.0))]
    (counts,) = fold(said).counting("a")
    assert counts.quality == 30.0


@pytest.mark.parametrize("cut", [1, 2, 30, 100])
def test_a_torn_last_line_is_left_out_and_the_journal_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.journal"
    with Journal.open(path, "s") as journal:
        journal.append(EVENTS[:3])
    whole = path.stat().st_size
    with Journal.open(path, "s") as journal:
        journal.append(EVENTS[3:4])
    os.truncate(path, max(whole + 1, path.stat().st_size - cut))
    torn = read_journal(path)
    assert torn.torn and torn.last == 3 and torn.whole == whole
    with Journal.open(path, "s") as journal:
        assert journal.append(EVENTS[3:5]) == 5
    assert [record.number for record in read_journal(path).records] == [1, 2, 3, 4, 5]


def test_a_damaged_line_costs_only_itself_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with Journal.open(path, "s") as journal:
        journal.append(EVENTS)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"drawn", b"tiled")
    path.write_bytes(b"".join(lines))
    contents = read_journal(path)
    assert contents.damaged == 1 and len(contents.records) == len(EVENTS) - 1
    found = recover(tmp_path / "none.json", path)
    assert found.document is not None and "1 lines" in found.notes[0]
    lines[0] = b"rubbish\n"
    path.write_bytes(b"".join(lines))
    assert read_journal(path).damaged == 2 and recover(tmp_path / "none.json", path).replayed == len(EVENTS) - 1


def test_the_side_car_and_the_rest_of_the_journal_are_the_session(tmp_path: Path) -> None:
    car, path = tmp_path / "a.seagull.json", tmp_path / "a.journal"
    with Journal.open(path, DOCUMENT.session) as journal:
        last = journal.append(EVENTS)
        write_session(car, replace(fold(EVENTS), session=DOCUMENT.session, journal=last))
        # Killed between the side-car and the compaction: nothing is done twice.
        same_regions(recover(car, path).document or DOCUMENT, fold(EVENTS))
        assert recover(car, path).replayed == 0
        journal.append(MORE[:1])
        journal.compact(last)
        journal.append(MORE[1:3])
    assert [record.number for record in read_journal(path).records] == [last + 1, last + 2, last + 3]
    found = recover(car, path)
    assert found.replayed == 3 and not found.notes and found.document is not None
    same_regions(found.document, fold(MORE[:3], fold(EVENTS)))
    assert found.document.journal == last + 3
    car.unlink()
    assert "older" in recover(car, path).notes[0]


def test_the_journal_of_another_session_is_left_alone(tmp_path: Path) -> None:
    car, path = tmp_path / "a.seagull.json", tmp_path / "a.journal"
    with Journal.open(path, "another") as journal:
        journal.append(MORE)
    write_session(car, DOCUMENT)
    found = recover(car, path)
    assert "another session" in found.notes[0]
    same_document(found.document or SessionDocument(), read_session(car))
    with pytest.raises(SeagullError, match="another session"):
        Journal.open(path, DOCUMENT.session)
    path.write_bytes(b"not a journal\n")
    with pytest.raises(SeagullError, match="no journal"):
        Journal.open(path, DOCUMENT.session)
    assert path.read_bytes() == b"not a journal\n"


def test_a_full_disk_is_told_and_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.journal"
    with Journal.open(path, "s") as journal:
        journal.append(EVENTS[:2])
        with monkeypatch.context() as patch:

            def full(_handle: int) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr("os.fsync", full)
            with pytest.raises(SeagullError, match="No space left"):
                journal.append(EVENTS[2:4])
        assert journal.append(EVENTS[4:5]) == 3
    contents = read_journal(path)
    assert [record.number for record in contents.records] == [1, 2, 3] and not contents.damaged


WRITER = """
import sys
from pathlib import Path
from seagull_iqa.formats.events import AnnotatorNamed
from seagull_iqa.formats.journal import Journal
journal = Journal.open(Path(sys.argv[1]), "s")
while True:
    print(journal.append([AnnotatorNamed("x" * (journal.last % 5000))]), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    for stop in (1, 7, 40):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(stop)]
        process.kill()
        said += [int(line) for line in process.stdout.read().splitlines() if line.isdigit()]
        process.wait()
        contents = read_journal(path)
        assert contents.last >= said[-1] and not contents.damaged
        assert [record.number for record in contents.records] == list(range(1, contents.last + 1))
