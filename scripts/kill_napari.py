"""Kill a real napari while somebody works in it, and see that all its table had shown as done is on the disk.

    xvfb-run -a -s "-screen 0 1600x1200x24" python scripts/kill_napari.py [--kills 10]

A napari of its own opens an image with the panel beside it; shapes are drawn, strokes painted, regions renamed, deleted
and brought back by Ctrl+Z. It says what the session holds after each command, and which of these the table shows. It is
killed (SIGKILL) at a random moment. The files must hold one of the states that are not before the last one shown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QTimer

from napari_seagull.controller.controller import Controller
from napari_seagull.session.session import Session
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.panel import Panel
from seagull_iqa.formats.journal import recover
from seagull_iqa.formats.session_document import SessionDocument

IMAGE, MOST_S, BEGIN_S = "killed ä.png", 4.0, 300.0
WORK_MS, LOOK_MS = 400, 20
DEEDS = ("draw", "draw", "paint", "rename", "delete", "undo", "redo")
State = dict[str, tuple[str, int]]
"""Region id -> its name and its number of pixels."""


class Worker:
    """Somebody who works in napari, and says what the session holds and what the table shows."""

    def __init__(self, path: Path, seed: int) -> None:
        self.chance, self.states, self.shown = random.Random(seed), list[list[str]](), 0
        viewer = napari.Viewer(show=True)
        self.panel, self.session = Panel(), Session()
        self.session.accepted.connect(self.on_accepted)  # before the one who writes it down
        viewer.window.add_dock_widget(self.panel, name="SEAGULL region quality")
        self.controller = Controller(viewer, self.panel, self.session)  # without a backend: nothing is scored
        viewer.open(str(path))
        self.timers = [QTimer(), QTimer()]
        for timer, call, pause_ms in zip(self.timers, (self.work, self.look), (WORK_MS, LOOK_MS), strict=True):
            timer.timeout.connect(call)
            timer.start(pause_ms)

    def on_accepted(self, _entries: object) -> None:
        """Say what the session holds now."""
        now = {key: (one.region.name, one.region.mask.area) for key, one in self.session.regions.items()}
        self.states.append(sorted(name for name, _area in now.values()))
        print("did " + json.dumps(now), flush=True)

    def look(self) -> None:
        """Say that the table shows what the session holds, once."""
        rows = self.panel.table.regions
        listed = sorted(row.name for row in rows.rows())
        if len(self.states) > self.shown and listed == self.states[-1]:
            self.shown = len(self.states)
            print(f"shown {self.shown}", flush=True)

    def work(self) -> None:
        """Do something."""
        ids, what = list(self.session.regions), self.chance.choice(DEEDS)
        if self.session.image is None:
            return
        if what in ("undo", "redo"):
            getattr(self.controller.keeper, what)()
        elif what in ("draw", "paint") or not ids:
            self.make(what)
        elif what == "rename":
            self.panel.table.rename_wished.emit(self.chance.choice(ids), f"Name {self.chance.randrange(1000)}")
        else:
            self.panel.table.delete_wished.emit([self.chance.choice(ids)])

    def make(self, what: str) -> None:
        """Draw a rectangle or paint a stroke."""
        row, column = self.chance.randrange(10, 150), self.chance.randrange(10, 200)
        if what == "paint":
            self.panel.draw_bar.tool_wished.emit(Tool.PAINT)
            labels = self.controller.labels.layer
            labels.paint((row, column), labels.selected_label)
        else:
            self.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
            self.controller.shapes.layer.add_rectangles([[row, column], [row + 20, column + 30]])


def state_of(document: SessionDocument | None) -> State:
    """What the files hold."""
    regions = () if document is None else document.regions
    return {one.id: (one.region.name, one.region.mask.area) for one in regions}


def one_kill(seed: int) -> tuple[int, str]:
    """How many states were shown, and what is wrong; "" for nothing."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kill ä ") as name:
        path = Path(name) / IMAGE
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (200, 260, 3), dtype=np.uint8)).save(path)
        command = [sys.executable, str(Path(__file__)), "--live", str(path), "--seed", str(seed)]
        environment = {**os.environ, "SEAGULL_SESSIONS": str(Path(name) / "own")}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(child.stdout or ()), daemon=True)
        reader.start()
        end = time.monotonic() + BEGIN_S
        while child.poll() is None and not any(line.startswith("shown") for line in lines) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(chance.random() * MOST_S)
        child.kill()
        child.wait()
        reader.join()
        side_car = path.with_name(path.name + ".seagull.json")
        found = recover(side_car, path.with_name(path.name + ".seagull.journal"))
    states: list[State] = [
        {key: (value[0], value[1]) for key, value in json.loads(line[4:]).items()}
        for line in lines
        if line.startswith("did ") and line.endswith("\n")
    ]
    shown = [int(line.split()[1]) for line in lines if line.startswith("shown ") and line.endswith("\n")]
    last = shown[-1] if shown else 0
    if found.notes:
        return len(shown), f"The files are not whole: {found.notes}"
    if not shown:
        return 0, "It did not begin."
    held = state_of(found.document)
    fits = any(state == held for state in states[max(0, last - 1) :])
    return len(shown), "" if fits else f"On the disk is {held}, shown was {states[last - 1] if last else {}}."


def main() -> int:
    """Run the kills; 1 where anything was lost."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=10)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.live is not None:
        _worker = Worker(options.live, options.seed)
        napari.run()
        return 0
    ended = [one_kill(options.seed + number) for number in range(options.kills)]
    for number, (_shown, problem) in enumerate(ended):
        if problem:
            print(f"seed {options.seed + number}: {problem}")
    lost = sum(bool(problem) for _shown, problem in ended)
    print(f"{len(ended)} kills of napari, {sum(shown for shown, _problem in ended)} states shown, {lost} with a loss")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
