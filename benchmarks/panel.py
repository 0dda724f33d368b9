"""How long the panel takes from the end of an edit to the coloured score, and what many images leave in memory.

    xvfb-run -s "-screen 0 1600x1000x24" python benchmarks/panel.py [--edits 20] [--images 200]

Real napari, the server as a process of its own, the model that ships. An edit moves one region of a sample; its time
runs from the last change of the shape to the outline in the colour of the new score, less the rest after which an edit
has ended. Goal: under 150 ms on two quiet cores. Images of one size are opened and closed in turn, first in napari
alone, which keeps some of each (0.9.2: about 2 MB), then with the panel and a region that is scored. Goal: the panel
lets napari's memory grow by less than 50 MB over 200 images beyond what napari alone does, after ten that warm up.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_seagull.controller.dock import SeagullDock
from napari_seagull.controller.shapes_watch import SETTLE_MS
from napari_seagull.session.records import RegionState
from seagull_iqa.samples import samples

GOAL_MS, GOAL_MB, WARM_UP = 150.0, 50.0, 10
SIDE = 120


def until(holds: Callable[[], bool], limit_s: float = 120.0) -> None:
    """Let the window live until that holds; looked at after every event, so that no ms is lost to sleep."""
    end = time.monotonic() + limit_s
    ticks = QTimer()
    ticks.start(2)  # wakes the loop, should nothing else
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("The script did not come to its end.")
        QApplication.processEvents()
        time.sleep(0.001)
    ticks.stop()


def memory_mb() -> float:
    """What this process holds, in MB; without /proc its highest so far."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def edits(dock: SeagullDock, count: int) -> Iterator[tuple[float, float]]:
    """Move one region so many times: ms from the last change to the score in the session, and to its colour."""
    controller = dock.controller
    shapes = controller.shapes.ensure(controller.images.layer)
    corner = np.array([60.0, 60.0])
    box = np.array([[0, 0], [0, SIDE], [SIDE, SIDE], [SIDE, 0]], dtype=float)
    shapes.add_rectangles([box + corner])
    until(lambda: bool(controller.session.regions) and controller.is_idle)
    random = np.random.default_rng(0)
    height, width = controller.session.image.shape
    for _edit in range(count):
        (before,) = controller.session.regions.values()
        old = before.report.quality
        place = random.integers(0, (height - SIDE, width - SIDE))
        start = time.perf_counter()
        shapes.data = [box + place]
        until(lambda old=old: _score(controller) not in (None, old))
        scored = time.perf_counter()
        until(lambda: _is_coloured(controller, shapes))
        coloured = time.perf_counter()
        until(lambda: controller.is_idle)
        yield (scored - start) * 1e3 - SETTLE_MS, (coloured - start) * 1e3 - SETTLE_MS


def _score(controller: object) -> float | None:
    (record,) = controller.session.regions.values()
    return record.report.quality if record.state is RegionState.SCORED else None


def _is_coloured(controller: object, shapes: object) -> bool:
    known = shapes.features["quality"].iloc[0]
    return bool(known == known) and abs(known - _score(controller)) < 0.06 and controller.display.is_idle


def alone(viewer: napari.Viewer, count: int) -> Iterator[float]:
    """Open and close so many images without the panel: memory in MB after each."""
    pixels = samples()[0].read().rgb
    for index in range(count):
        viewer.layers.clear()
        viewer.add_image(np.roll(pixels, index, axis=1), name=f"image {index}", rgb=True)
        end = time.monotonic() + 0.15
        until(lambda end=end: time.monotonic() > end)
        gc.collect()
        yield memory_mb()


def open_and_close(viewer: napari.Viewer, dock: SeagullDock, count: int) -> Iterator[float]:
    """Open and close so many images, each with a region that is scored: memory in MB after each."""
    controller = dock.controller
    pixels = samples()[0].read().rgb
    for index in range(count):
        dock.table.delete_wished.emit(list(controller.session.regions))
        until(lambda: controller.is_idle)
        for layer in [one for one in viewer.layers if one.name.startswith("image ")]:
            viewer.layers.remove(layer)
        made = np.roll(pixels, index, axis=1)
        made[0, 0] = index % 256
        viewer.add_image(made, name=f"image {index}", rgb=True)
        until(lambda made=made: controller.is_idle and controller.session.image is not None)
        shapes = controller.shapes.ensure(controller.images.layer)
        shapes.add_rectangles([[[60, 60], [60, 180], [180, 180], [180, 60]]])
        until(lambda: bool(controller.session.regions) and controller.is_idle)
        gc.collect()
        yield memory_mb()


def main() -> None:
    """Print two tables in Markdown."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--edits", type=int, default=20)
    asked.add_argument("--images", type=int, default=200)
    options = asked.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1280, 800)
    before = list(alone(viewer, WARM_UP + options.images))
    _dock, dock = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    until(lambda: dock.controller.backend.client is not None and dock.controller.session.image is not None)
    QTest.qWait(500)
    loads = [os.getloadavg()[0]]
    times = list(edits(dock, options.edits))
    print("| edit end to ... (beyond the rest) | fastest | median | slowest | goal |\n|---|---|---|---|---|")
    for name, column in (("score in the session", 0), ("score in the table and on the canvas", 1)):
        values = [one[column] for one in times]
        goal = f"< {GOAL_MS:g} ms" if column else ""
        print(f"| {name} | {min(values):.0f} ms | {median(values):.0f} ms | {max(values):.0f} ms | {goal} |")
    held = list(open_and_close(viewer, dock, WARM_UP + options.images))
    loads.append(os.getloadavg()[0])
    by_napari, by_both = before[-1] - before[WARM_UP - 1], held[-1] - held[WARM_UP - 1]
    print("\n| images opened and closed | napari alone | with the panel | by the panel | goal |\n|---|---|---|---|---|")
    said = f"{by_napari:+.0f} MB | {by_both:+.0f} MB | {by_both - by_napari:+.0f} MB"
    print(f"| {options.images} | {said} | < {GOAL_MB:g} MB |")
    print(f"\n{os.cpu_count()} cores, load {loads[0]:.1f} to {loads[1]:.1f}")
    viewer.close()


if __name__ == "__main__":
    main()
