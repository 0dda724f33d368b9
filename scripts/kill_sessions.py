"""Kill a session at a random moment, again and again, and see that every acknowledged command is there afterwards.

    python scripts/kill_sessions.py [--kills 200] [--seed 0]

A process of its own adds, edits, renames, deletes, labels, compares, scores, undoes and redoes regions, as fast as it
can, writes them down as the panel does, and says which of its steps are acknowledged. It is killed (SIGKILL) in the
middle. Then the files must be whole and hold exactly what the session held after some step that is not before the last
acknowledged one. A second life takes the session up, over the lock that the first has left, and is killed too.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_seagull.safekeeping import recorder as recording
from napari_seagull.safekeeping.finding import claim, look
from napari_seagull.safekeeping.places import Origin, Places
from napari_seagull.safekeeping.recorder import Recorder
from napari_seagull.safekeeping.translating import events_of, events_of_table, recall_of
from napari_seagull.session.commands import (
    AcceptReports,
    AddRegion,
    Annotate,
    Command,
    DeleteRegion,
    EditRegion,
    OpenImage,
    Prefer,
    QueueRegions,
    RenameRegion,
)
from napari_seagull.session.records import RegionState, SegmentSource
from napari_seagull.session.session import Session
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.formats.journal import read_journal, recover
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.formats.session_file import read_session
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (40, 60)
IMAGE = PreparedImage(np.arange(40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(*SHAPE, 3), name="killed.png")
STEPS, MOST_S, PAUSE_S = 100_000, 0.6, 0.002


@dataclass(frozen=True)
class Died:
    """How one life ended: steps acknowledged, steps on the disk, whether the side-car was there, what is wrong."""

    acknowledged: int
    held: int
    side_car: bool
    problem: str = ""


def fresh_session(document: SessionDocument | None) -> Session:
    """A session over the image, with what a document holds."""
    session = Session()
    session.do(OpenImage(IMAGE, "killed"))
    if document is not None:
        session.do_all([recall_of(document)], step=False)
    return session


def mask(chance: random.Random) -> RegionMask:
    """Random pixels of a random box."""
    row, column, side = chance.randrange(30), chance.randrange(50), chance.randrange(2, 10)
    inside = np.random.default_rng(chance.randrange(2**32)).random((side, side)) < 0.7
    inside[0, 0] = True
    return RegionMask.from_part(SHAPE, (row, column), inside)


def step(session: Session, chance: random.Random) -> None:
    """One thing that a person or a model does; the same for the same state and chance."""
    what = chance.choice(("add", "add", "edit", "rename", "delete", "label", "prefer", "score", "undo", "redo", "many"))
    if what == "undo":
        session.undo()
    elif what == "redo":
        session.redo()
    elif what == "add" or not session.regions:
        identity = str(uuid.UUID(int=chance.getrandbits(128)))
        session.do(AddRegion(Region(mask(chance), f"Ä {identity[:4]}", id=identity), SegmentSource("segments")))
    elif what == "score":
        score(session, chance)
    else:
        session.do_all(commands(what, list(session.regions), chance))


def score(session: Session, chance: random.Random) -> None:
    """The model says something of a region that waits for it."""
    key = chance.choice(list(session.regions))
    if session.record(key).state is not RegionState.SCORED:
        session.do(QueueRegions((key,)))
        report = QualityReport(key, chance.random() * 100, None, None, None, None, "A word.", "toy")
        session.do(AcceptReports(tuple((ticket, report) for ticket in session.tickets([key]).values())))


def commands(what: str, ids: list[str], chance: random.Random) -> list[Command]:
    """What a person does to regions that are there."""
    key, other = chance.choice(ids), chance.choice(ids)
    said = {"time": "2026-11-26T06:30:00Z", "id": str(uuid.UUID(int=chance.getrandbits(128)))}
    match what:
        case "edit":
            return [EditRegion(key, mask(chance))]
        case "rename":
            return [RenameRegion(key, said["id"][:6])]
        case "delete":
            return [DeleteRegion(key)]
        case "label":
            return [Annotate(Annotation(key, "ann", float(chance.randrange(101)), **said))]
        case "prefer":
            return [Prefer(Preference(key, other, **said))] if other != key else []
        case _:
            return [DeleteRegion(one) for one in ids[:3]]


def state_of(session: Session) -> tuple[object, ...]:
    """All that must survive, comparable."""
    records = {
        key: (r.region.name, r.geometry, r.source, r.report, r.state is RegionState.SCORED, r.annotations)
        for key, r in session.regions.items()
    }
    return records, {one.id: one for one in session.preferences}


def live(folder: Path, seed: int) -> None:
    """What the process does that is killed: steps, written down, and a line for each that is acknowledged."""
    recording.SAVE_S, recording.MOST_RECORDS = 0.03, 20  # so that a kill meets every file while it is written
    places, origin = Places(folder / "own"), Origin(str(folder / IMAGE.name), False, IMAGE.sha256)
    found = look(places, origin, SHAPE, {(): IMAGE.sha256})
    resumed = found.document is not None
    session, chance = fresh_session(found.document), random.Random(seed)
    recorder = Recorder(lambda: claim(places, found, resumed=resumed), lambda _news: None)
    table = session.table
    first = recorder.record(lambda: events_of_table(table, origin.path, "", only_image=resumed))
    session.accepted.connect(
        lambda entries: recorder.record(lambda: [e for one in entries for e in events_of(one, "killed", origin.path)])
    )
    recorder.wait(first, 10)
    print("go", flush=True)
    waiting: list[tuple[int, int]] = []
    for number in range(1, STEPS):
        step(session, chance)
        waiting.append((number, recorder.last))
        if number % 4 == 0:
            recorder.wait(recorder.last, 10)
        while waiting and waiting[0][1] <= recorder.durable:
            print(waiting.pop(0)[0], flush=True)
        time.sleep(PAUSE_S)


def one_life(folder: Path, seed: int, before: SessionDocument | None, after_s: float) -> Died:
    """Let a process live, kill it, and look at what it has left."""
    command = [sys.executable, str(Path(__file__)), "--live", str(folder), "--seed", str(seed)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines: list[str] = []
    if child.stdout is None or child.stdout.readline().strip() != "go":
        child.kill()
        return Died(0, 0, False, "It did not begin.")
    reader = threading.Thread(target=lambda: lines.extend(child.stdout or ()), daemon=True)
    reader.start()
    time.sleep(after_s)
    child.kill()
    child.wait()
    reader.join()
    whole = [line for line in lines if line.endswith("\n")]
    return judge(folder, seed, before, int(whole[-1]) if whole else 0)


def judge(folder: Path, seed: int, before: SessionDocument | None, acknowledged: int) -> Died:
    """Whether the files are whole, and hold what the session held at the last acknowledged step or after."""
    side_car = folder / f"{IMAGE.name}.seagull.json"
    journal = folder / f"{IMAGE.name}.seagull.journal"
    there = side_car.exists()
    if there:
        read_session(side_car)
    found = recover(side_car, journal)
    if read_journal(journal).damaged or found.notes or found.document is None:
        return Died(acknowledged, 0, there, f"The files are not whole: {found.notes}")
    held, session, chance = state_of(fresh_session(found.document)), fresh_session(before), random.Random(seed)
    for number in range(acknowledged + 12):
        if number:
            step(session, chance)
        if number >= acknowledged and state_of(session) == held:
            return Died(acknowledged, number, there)
    return Died(acknowledged, 0, there, "What is on the disk is not what was acknowledged.")


def one_round(seed: int) -> list[Died]:
    """Two lives of one session, each killed at a random moment."""
    chance, died, before = random.Random(seed), list[Died](), None
    with tempfile.TemporaryDirectory(prefix="kill ä ") as name:
        for life in range(2):
            died.append(one_life(Path(name), seed * 2 + life, before, chance.random() * MOST_S))
            if died[-1].problem:
                break
            before = recover(
                Path(name) / f"{IMAGE.name}.seagull.json", Path(name) / f"{IMAGE.name}.seagull.journal"
            ).document
    return died


def main() -> int:
    """Run the rounds; 1 where anything was lost."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.live is not None:
        with contextlib.suppress(BrokenPipeError):
            live(options.live, options.seed)
        return 0
    died: list[Died] = []
    for number in range((options.kills + 1) // 2):
        died += one_round(options.seed + number)
        if died[-1].problem:
            print(f"seed {options.seed + number}: {died[-1]}")
    lost = [one for one in died if one.problem]
    ahead = Counter(one.held - one.acknowledged for one in died if not one.problem)
    steps = sum(one.acknowledged for one in died)
    print(f"{len(died)} kills, {steps} acknowledged steps, {len(lost)} sessions with a loss or a broken file")
    side_cars = sum(one.side_car for one in died)
    print(f"side-car there: {side_cars}; steps on the disk beyond the acknowledged ones: {dict(ahead)}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
