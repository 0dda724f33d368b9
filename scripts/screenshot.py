"""Drive a real napari with the mouse, as a person would, and take the picture of the README.

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1000x24"`:

    python scripts/screenshot.py docs/images/napari.png [--theme dark] [--sample girl] [--no-map]
    python scripts/screenshot.py docs/images/models.png --no-map --model seagull-7b   # the panel alone, its models open
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import napari
import numpy as np
from napari.layers import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_seagull.controller.dock import SeagullDock
from napari_seagull.views.draw_bar import Tool

Outline = Sequence[tuple[float, float]]
"""(row, column) in shares of the image's height and width."""

DRAWINGS: dict[str, list[tuple[Tool, Outline]]] = {
    "girl": [
        (Tool.ELLIPSE, [(0.13, 0.56), (0.55, 0.87)]),
        (Tool.RECTANGLE, [(0.38, 0.11), (0.68, 0.36)]),
        (Tool.POLYGON, [(0.42, 0.50), (0.55, 0.60), (0.74, 0.72), (0.83, 0.60), (0.74, 0.45)]),
    ]
}
OTHERWISE: list[tuple[Tool, Outline]] = [
    (Tool.RECTANGLE, [(0.10, 0.10), (0.40, 0.40)]),
    (Tool.ELLIPSE, [(0.15, 0.55), (0.50, 0.92)]),
    (Tool.POLYGON, [(0.60, 0.20), (0.58, 0.70), (0.90, 0.80), (0.92, 0.30)]),
]


class Hand:
    """A mouse over the canvas of a viewer."""

    def __init__(self, viewer: napari.Viewer, image: Image) -> None:
        self._viewer, self._image = viewer, image
        self._canvas = viewer.window._qt_viewer.canvas.native

    def place(self, share: tuple[float, float]) -> QPoint:
        """Where a place of the image lies on the canvas, in px."""
        shape = self._image.data.shape[:2] if self._image.rgb else self._image.data.shape[-2:]
        lead = [0] * (self._image.ndim - 2)
        world = np.asarray(self._image.data_to_world([*lead, *(np.asarray(share) * shape)]))[-2:]
        camera = self._viewer.scene.camera
        size = np.array([self._canvas.height(), self._canvas.width()])
        row, column = (world - np.asarray(camera.center)[-2:]) * camera.zoom + size / 2
        return QPoint(round(column), round(row))

    def drag(self, outline: Outline) -> None:
        """Press at the first place, move over the others, release at the last."""
        places = [self.place(share) for share in outline]
        QTest.mouseMove(self._canvas, places[0])
        QTest.mousePress(self._canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
        for start, end in pairwise(places):
            for step in range(1, 11):
                QTest.mouseMove(self._canvas, start + (end - start) * step / 10)
                QTest.qWait(8)
        QTest.mouseRelease(self._canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[-1])
        QTest.qWait(50)

    def click(self, outline: Outline) -> None:
        """Click at each place, twice at the last."""
        for share in outline:
            QTest.mouseMove(self._canvas, self.place(share))
            QTest.qWait(30)
            QTest.mouseClick(
                self._canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, self.place(share)
            )
            QTest.qWait(450)  # longer than a double click
        last = self.place(outline[-1])
        QTest.mouseDClick(self._canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, last)
        QTest.qWait(100)


def wait_for(what: str, holds: Callable[[], bool], limit_s: float = 300.0) -> None:
    """Let the window live until that holds; `TimeoutError` if it never does."""
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {limit_s:g} s for {what}.")
        QTest.qWait(20)


def draw(hand: Hand, dock: SeagullDock, drawings: Sequence[tuple[Tool, Outline]]) -> None:
    """Choose each tool in the panel and draw with it."""
    for tool, outline in drawings:
        QTest.mouseClick(dock.draw_bar.buttons[tool], Qt.MouseButton.LeftButton)
        QTest.qWait(300)
        (hand.click if tool is Tool.POLYGON else hand.drag)(outline)
        QTest.qWait(400)


def open_models(dock: SeagullDock, name: str) -> None:
    """Open the group of models, and choose one in its list as a person does."""
    form = dock.model_form
    dock.models.open()
    wait_for("the models", lambda: form.list.findData(name) >= 0)
    form.list.setCurrentIndex(form.list.findData(name))
    form.list.activated.emit(form.list.currentIndex())


def main() -> None:
    """Take the picture."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("out", type=Path)
    asked.add_argument("--theme", default="dark")
    asked.add_argument("--sample", default="girl")
    asked.add_argument("--size", default="1500x940")
    asked.add_argument("--no-map", action="store_true")
    asked.add_argument("--model", help="the panel alone, with that model chosen in its list")
    options = asked.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.theme = options.theme
    width, height = (int(value) for value in options.size.split("x"))
    viewer.window.resize(width, height)
    viewer.open_sample("napari-seagull", options.sample)
    _dock, dock = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    controller = dock.controller
    QTest.qWait(500)
    viewer.reset_view()
    wait_for("the backend", lambda: controller.backend.client is not None)
    drawings = DRAWINGS.get(options.sample, OTHERWISE)
    draw(Hand(viewer, controller.images.layer), dock, drawings)
    wait_for("the scores", lambda: len(controller.session.regions) == len(drawings) and controller.is_idle)
    if not options.no_map:
        QTest.mouseClick(dock.map_bar.make_button, Qt.MouseButton.LeftButton)
        wait_for("the map", lambda: controller.mapper.is_idle and bool(controller.session.maps))
    controller.shapes.layer.mode = "select"
    dock.table.selectRow(0)
    QTest.mouseClick(dock.tour.cross, Qt.MouseButton.LeftButton)
    dock.status.clear()  # says in which folder of this machine the session lies
    wait_for("everything to be shown", lambda: controller.is_idle)
    QTest.qWait(800)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.model:
        open_models(dock, options.model)
        QTest.qWait(800)
        dock.grab().save(str(options.out))
    else:
        viewer.screenshot(str(options.out), canvas_only=False, flash=False)
    for record in controller.session.regions.values():
        print(record.region.name, record.state, record.region.mask.box, record.report and record.report.text)
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
