"""How fluid 2,000 regions are: the table and its colours refreshed, scrolled, selected; and the next region to rate.

    xvfb-run -s "-screen 0 1600x1000x24" python benchmarks/table.py

Goals: the table refreshed in at most 100 ms, all rows changed; no step of the whole refresh, colours included, longer
than 100 ms; scrolling and selecting hold the window's loop at most 50 ms longer than napari alone does for the same
selections on the same canvas; the next region to rate in the middle, and its picture shown, 100 ms after the key.
Napari alone and the panel take turns in one process; each figure is the median of the runs. Beside the times stands
what the window's thread itself computed, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

import napari
import numpy as np
from gui_gap import Gaps, until
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from timing import Goal, machine

from napari_seagull.controller.dock import open_rate
from napari_seagull.session.commands import AcceptReports, QueueRegions
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.samples import samples

REGIONS, SIDE, STEPS, STEP_MS = 2000, 16, 40, 40


def reports(ids: list[str], shift: float) -> list[QualityReport]:
    """A report a region, other ones for another shift."""
    found = []
    for place, key in enumerate(ids):
        quality = (place * 37 + shift) % 100
        ends = (max(0.0, quality - place % 30), min(100.0, quality + 8))
        findings = (Finding(list(Distortion)[place % 7], Severity(1 + place % 5)),)
        found.append(QualityReport(key, quality, ends, 50.0, (40.0, 60.0), findings, "A sentence.", "toy"))
    return found


@dataclass(frozen=True, order=True)
class Cost:
    """Ms that passed, and ms that the window's thread computed."""

    wall: float
    computed: float


class Clock:
    """Begins to run when it is made."""

    def __init__(self) -> None:
        self._wall, self._computed = time.perf_counter(), time.thread_time()

    def read(self) -> Cost:
        """Since then."""
        return Cost((time.perf_counter() - self._wall) * 1e3, (time.thread_time() - self._computed) * 1e3)


class Room:
    """A window with the panel and 2,000 scored regions, and a second canvas that napari has for itself."""

    def __init__(self) -> None:
        self.viewer, self.alone = napari.Viewer(show=True), napari.Viewer(show=True)
        for viewer in (self.viewer, self.alone):
            viewer.window.resize(1400, 900)
            viewer.add_image(samples()[0].read().rgb, name="sample")
        _dock, self.dock = self.viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
        self.controller = self.dock.controller
        self.session = self.controller.session
        until(lambda: self.session.image is not None and self.controller.backend.client is not None)
        self.controller.scorer.enabled = False
        height, width = self.session.image.shape
        corners = np.random.default_rng(0).integers(0, (height - SIDE, width - SIDE), (REGIONS, 2))
        squares = [[corner, corner + SIDE] for corner in corners]
        self.shapes = self.controller.shapes.ensure(self.controller.images.layer)
        self.shapes.add_rectangles(squares)
        self.own = self.alone.add_shapes(squares, shape_type="rectangle", edge_width=self.shapes.current_edge_width)
        self.own.mode = self.shapes.mode = "select"
        until(lambda: len(self.session.regions) == REGIONS and self.controller.is_idle)
        self.ids = list(self.session.regions)
        self.score(0.0)
        until(lambda: self.controller.is_idle)

    def score(self, shift: float) -> None:
        """Give every region another report."""
        self.session.do(QueueRegions(tuple(self.ids)))
        tickets = self.session.tickets(self.ids)
        self.session.do(AcceptReports(tuple((tickets[report.region], report) for report in reports(self.ids, shift))))

    def refresh(self) -> list[Cost]:
        """What each step costs of showing 2,000 changed rows, painted, and their colours; the table comes first."""
        self.score(time.perf_counter() % 100)
        display, costs = self.controller.display, list[Cost]()
        display._gather.stop()
        display.may_show = lambda: True  # writing to disk is another benchmark's
        display._begin()
        display._turns.stop()
        while display._steps:
            clock = Clock()
            display._step()
            if not costs:
                self.dock.table.viewport().repaint()
            costs.append(clock.read())
        return costs

    def gap(self, viewer: napari.Viewer, step: Callable[[int], object]) -> float:
        """The longest time, in ms, that the loop stands still while something is done again and again."""
        viewer.window.activate()
        QTest.qWait(300)
        steps, gaps, timer = iter(range(10**9)), Gaps(), QTimer()
        timer.timeout.connect(lambda: step(next(steps)))
        timer.start(STEP_MS)
        gaps.start()
        QTest.qWait(STEPS * STEP_MS)
        timer.stop()
        return gaps.stop()

    def scroll(self, step: int) -> None:
        """To another place of the table."""
        if (bar := self.dock.table.verticalScrollBar()) is not None:
            bar.setValue(step * 97 * bar.singleStep() % max(1, bar.maximum()))

    def close(self) -> None:
        """Both windows."""
        self.alone.close()
        self.viewer.close()


def next_regions(room: Room, count: int) -> Iterator[Cost]:
    """From the key that keeps a label to the next region in the middle, painted; of the given number of labels."""
    panel = open_rate(room.viewer)
    panel.settings_wished.emit(replace(panel.rater._parts.verdicts.settings, author="Benchmark"))
    panel.banner.start_button.click()
    until(lambda: room.controller.is_idle)
    canvas = room.viewer.window._qt_viewer.canvas.native
    for _label in range(count):
        QTest.keyClick(canvas, Qt.Key.Key_4)
        QTest.qWait(150)
        until(lambda: room.controller.is_idle)
        before, clock = panel.rater.current, Clock()
        QTest.keyClick(canvas, Qt.Key.Key_Return)
        panel.single.repaint()
        canvas.repaint()
        yield clock.read()
        if panel.rater.current == before:
            raise RuntimeError("The next region did not come.")
        QTest.qWait(STEP_MS)


def both(what: str, costs: list[Cost]) -> list[Goal]:
    """The goal, and what the window's thread computed."""
    return [
        Goal(what, median(cost.wall for cost in costs), 100.0, "ms"),
        Goal(f"{what}: computed", median(cost.computed for cost in costs), None, "ms"),
    ]


def main() -> None:
    """Print one line a goal."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=5)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEAGULL_CONFIG"] = folder
        room = Room()
        refreshed = [room.refresh() for _run in range(options.runs + 1)][1:]
        until(lambda: room.controller.is_idle)
        found: dict[str, list[float]] = {"napari selects": [], "panel selects": [], "still": [], "panel scrolls": []}
        for _run in range(options.runs):
            pick = {
                "napari selects": (room.alone, lambda step: setattr(room.own, "selected_data", {step * 41 % REGIONS})),
                "panel selects": (room.viewer, lambda step: room.dock.table.selectRow(step * 41 % REGIONS)),
                "still": (room.viewer, lambda _step: None),
                "panel scrolls": (room.viewer, room.scroll),
            }
            for name, (viewer, step) in pick.items():
                found[name].append(room.gap(viewer, step))
        rated = list(next_regions(room, 4 * options.runs))
        room.close()
        QApplication.processEvents()
    middle = {name: median(gaps) for name, gaps in found.items()}
    goals = [
        *both("table of 2,000 changed rows, shown", [costs[0] for costs in refreshed]),
        *both("longest step of table and colours", [max(costs) for costs in refreshed]),
        Goal("selecting, beyond napari alone", middle["panel selects"] - middle["napari selects"], 50.0, "ms"),
        Goal("scrolling, beyond standing still", middle["panel scrolls"] - middle["still"], 50.0, "ms"),
        *both("from the key to the next region", rated),
    ]
    print(machine())
    print(", ".join(f"{name} {gap:.1f} ms" for name, gap in middle.items()))
    for goal in goals:
        print(goal)
    print(json.dumps({"goals": [goal.to_json() for goal in goals]}))


if __name__ == "__main__":
    main()
