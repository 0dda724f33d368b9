"""What it costs the window that nothing is lost: 2,000 regions added, changed, saved, taken back and taken again.

    python benchmarks/session.py [--regions 2000] [--runs 5]

"On the window's thread" is what a command takes until it returns, with the hand-over to the thread that writes it
down. "Longest stop" is how much later than asked a thread that only sleeps for 1 ms wakes up while the other one writes
journal and side-car, over the same without any writing; beside a thread that only counts it says what any thread of
Python costs on this machine just now. Goal: at most 20 ms each. Prints Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from timing import machine, photograph, regions

from napari_seagull.safekeeping.finding import claim, look
from napari_seagull.safekeeping.places import Origin, Places
from napari_seagull.safekeeping.recorder import Recorder
from napari_seagull.safekeeping.translating import events_of, events_of_table
from napari_seagull.session.commands import AcceptReports, AddRegion, EditRegion, OpenImage, QueueRegions
from napari_seagull.session.records import SegmentSource
from napari_seagull.session.session import Session
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.imaging.prepared import PreparedImage

SIDE, GOAL_MS = 768, 20.0


class Kept:
    """A session with so many scored regions, written down as the panel does it."""

    def __init__(self, folder: Path, image: PreparedImage) -> None:
        self.session = Session()
        self.session.do(OpenImage(image, "image"))
        origin = Origin(str(folder / "image.png"), False, image.sha256)
        places, session = Places(folder / "own"), self.session
        found = look(places, origin, image.shape, {(): image.sha256})
        self.recorder = Recorder(lambda: claim(places, found, resumed=False), lambda _news: None)
        table = session.table
        self.recorder.record(lambda: events_of_table(table, origin.path, ""))
        session.accepted.connect(
            lambda entries: self.recorder.record(
                lambda: [event for one in entries for event in events_of(one, "image", origin.path)]
            )
        )
        self.side_car = found.place.side_car

    def settle(self) -> None:
        """Wait until all is on the disk."""
        if not self.recorder.wait(self.recorder.last, 60):
            raise TimeoutError("The recorder did not come to its end.")

    def score_all(self) -> None:
        """The model says something of every region."""
        findings = (Finding(Distortion.BLUR, Severity.SEVERE),)
        self.session.do(QueueRegions(tuple(self.session.regions)))
        self.session.do(AcceptReports(tuple(
            (ticket, QualityReport(key, 54.321, (27.5, 81.1), 51.4, (18.6, 84.3), findings, "A sentence of it.", "toy"))
            for key, ticket in self.session.tickets(self.session.regions).items()
        )))  # fmt: skip


def masks(count: int, shape: tuple[int, int]) -> list[RegionMask]:
    """Ellipses and boxes as people draw them, smaller than half the image, so many."""
    some = regions(60, *shape)
    return [some[index % len(some)].mask for index in range(count)]


def took_ms(call: Callable[[], object]) -> float:
    """How long a call takes, in ms."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def longest_stop_ms(seconds: float) -> float:
    """How much later than asked a thread that sleeps for 1 ms wakes up, at worst."""
    worst, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        worst = max(worst, took_ms(lambda: time.sleep(0.001)) - 1.0)
    return worst


def beside_a_counting_thread_ms(seconds: float) -> float:
    """The same beside a thread of Python that only counts: what any thread at all costs on this machine just now."""
    stop = threading.Event()

    def count() -> None:
        number = 0
        while not stop.is_set():
            number += 1

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    worst = longest_stop_ms(seconds)
    stop.set()
    thread.join()
    return worst


def one_run(count: int, image: PreparedImage) -> dict[str, float]:
    """Every figure once, in ms; the file in KB."""
    with tempfile.TemporaryDirectory() as name:
        kept, found, counting = Kept(Path(name), image), dict[str, float](), "longest stop beside a counting thread"
        session, drawn = kept.session, masks(count, image.shape)
        quiet = longest_stop_ms(1.0)
        found[counting] = max(0.0, beside_a_counting_thread_ms(1.2) - quiet)
        made = [Region(mask, f"Region {index}") for index, mask in enumerate(drawn)]
        adds = [AddRegion(region, SegmentSource("segments")) for region in made]
        found["add all in one step"] = took_ms(lambda: session.do_all(adds))
        kept.settle()
        kept.score_all()
        found["longest stop while all scores are written"] = max(0.0, longest_stop_ms(2.0) - quiet)
        kept.settle()
        edits = [EditRegion(region.id, drawn[index + 1]) for index, region in enumerate(made[:20])]
        found["one edit, on the window's thread"] = median(took_ms(lambda one=one: session.do(one)) for one in edits)
        kept.settle()
        late = EditRegion(made[0].id, drawn[7])
        found["one edit, until it is on the disk"] = took_ms(lambda: (session.do(late), kept.settle()))
        session.do(EditRegion(made[1].id, drawn[8]))
        found["longest stop while the side-car is written"] = max(0.0, longest_stop_ms(1.2) - quiet)
        for _step in range(22):
            session.undo()
        found["undo of all"] = took_ms(session.undo)
        found["redo of all"] = took_ms(session.redo)
        kept.settle()
        kept.recorder.close(60)
        found["side-car, KB"] = kept.side_car.stat().st_size / 1000
        return found


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--regions", type=int, default=2000)
    asked.add_argument("--runs", type=int, default=5)
    options = asked.parse_args()
    image = PreparedImage(np.ascontiguousarray(photograph(SIDE, SIDE)))
    runs = [one_run(options.regions, image) for _run in range(options.runs)]
    print(f"| {options.regions} regions | least | median | worst of {options.runs} |\n|---|---|---|---|")
    for name in runs[0]:
        values = sorted(run[name] for run in runs)
        unit = "" if "KB" in name else " ms"
        print(f"| {name} | {values[0]:.1f}{unit} | {median(values):.1f}{unit} | {values[-1]:.1f}{unit} |")
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
