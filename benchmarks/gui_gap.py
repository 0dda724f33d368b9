"""How long napari's window stands still while 500 regions are being scored, over the same script with scoring off.

    xvfb-run -s "-screen 0 1600x1000x24" python benchmarks/gui_gap.py

The script pans the canvas every 30 ms over an image with 500 regions that have just been drawn; a timer of 5 ms
measures the longest time between two turns of the window's loop. With and without scoring take turns, in one process,
with the model that ships. Goal: the longest gap grows by at most 30 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from statistics import median

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest

from napari_seagull.controller.dock import SeagullDock
from napari_seagull.session.records import RegionState
from seagull_iqa.samples import samples

REGIONS, SIDE, PAN_MS, TICK_MS = 500, 24, 30, 5


class Gaps:
    """The longest time, in ms, between two turns of the window's loop."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, (now - self._last) * 1e3)
        self._last = now

    def start(self) -> None:
        """Measure from now on."""
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer.start(TICK_MS)

    def stop(self) -> float:
        """The longest gap, in ms."""
        self._timer.stop()
        return self.longest


def until(holds: Callable[[], bool], limit_s: float = 300.0) -> None:
    """Let the window live until that holds."""
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("The script did not come to its end.")
        QTest.qWait(10)


def draw(dock: SeagullDock) -> None:
    """Put 500 small regions without a score onto the canvas, in place of those before; wait until they are listed."""
    controller = dock.controller
    controller.scorer.enabled = False
    shapes = controller.shapes.ensure(controller.images.layer)
    shapes.remove(list(range(shapes.nshapes)))
    height, width = controller.session.image.shape
    corners = np.random.default_rng(0).integers(0, (height - SIDE, width - SIDE), (REGIONS, 2))
    shapes.add_rectangles([[corner, corner + SIDE] for corner in corners])
    until(lambda: len(controller.session.regions) == REGIONS and controller.is_idle)


def one_run(viewer: napari.Viewer, dock: SeagullDock, seconds: float, *, scoring: bool) -> tuple[float, float]:
    """Pan until all is scored, or for so many seconds where scoring is off: longest gap in ms, and duration in s."""
    controller = dock.controller
    draw(dock)
    pan, gaps, steps = QTimer(), Gaps(), iter(range(10**9))

    def move() -> None:
        angle = next(steps) / 10
        viewer.scene.camera.center = (0.0, 288 + 40 * np.sin(angle), 288 + 40 * np.cos(angle))

    def is_scored() -> bool:
        records = controller.session.regions.values()
        return controller.is_idle and all(record.state is RegionState.SCORED for record in records)

    pan.timeout.connect(move)
    pan.start(PAN_MS)
    QTest.qWait(500)
    start = time.monotonic()
    gaps.start()
    controller.scorer.enabled = scoring
    controller.scorer.wake()
    until(is_scored if scoring else lambda: time.monotonic() - start > seconds)
    pan.stop()
    return gaps.stop(), time.monotonic() - start


def main() -> None:
    """Print one line a run and the difference of the medians."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=5)
    options = asked.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1500, 940)
    viewer.add_image(samples()[0].read().rgb, name="sample")
    _dock, dock = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    until(lambda: dock.controller.backend.client is not None and dock.controller.session.image is not None)
    _gap, seconds = one_run(viewer, dock, 0.0, scoring=True)  # warms up, and says how long to pan without scoring
    found: dict[bool, list[float]] = {True: [], False: []}
    for _run in range(options.runs):
        for scoring in (False, True):
            gap, seconds = one_run(viewer, dock, seconds, scoring=scoring)
            found[scoring].append(gap)
            print(f"scoring {'on ' if scoring else 'off'}: longest gap {gap:6.1f} ms in {seconds:5.1f} s")
    off, on = median(found[False]), median(found[True])
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"median of {options.runs}: off {off:.1f} ms, on {on:.1f} ms, grows by {on - off:+.1f} ms (load {load:.1f})")
    print(json.dumps({"regions": REGIONS, "off_ms": off, "on_ms": on, "grows_ms": on - off, "load": load}))
    viewer.close()


if __name__ == "__main__":
    main()
