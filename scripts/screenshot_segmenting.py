"""Click, correct and cut everything in a real napari with the mouse; take the pictures of docs/segmentation.md.

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1000x24"`:

    python scripts/screenshot_segmenting.py docs/images [--theme dark] [--sample girl] [--size 1400x900]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import napari
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from screenshot import Hand, wait_for

from napari_seagull.controller.dock import SeagullDock
from napari_seagull.views.segment_bar import PointTool

LEFT, NONE, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier

MOST_COLOURS = 256


class Sitting:
    """A person before the panel: clicks, keys, and pictures of the window."""

    def __init__(self, viewer: napari.Viewer, dock: SeagullDock, out: Path, theme: str) -> None:
        self.viewer, self.dock, self.out, self.theme = viewer, dock, out, theme
        self.controller = dock.controller
        self.hand = Hand(viewer, self.controller.images.layer)
        self.canvas = viewer.window._qt_viewer.canvas.native

    def settle(self) -> None:
        """Wait until nothing is under way."""
        for _again in range(2):
            QTest.qWait(80)
            wait_for("everything to be done", lambda: self.controller.is_idle)

    def choose(self, tool: PointTool) -> None:
        """Press the button of a tool."""
        QTest.mouseClick(self.dock.finding.bar.buttons[tool], LEFT)
        self.settle()

    def click(self, row: float, column: float, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Click at a place given in shares of the image."""
        place = self.hand.place((row, column))
        QTest.mouseMove(self.canvas, place)
        QTest.qWait(30)
        QTest.mouseClick(self.canvas, LEFT, modifier, place)
        self.settle()

    def drag(self, *corners: tuple[float, float]) -> None:
        """Drag over places given in shares of the image."""
        self.hand.drag(corners)
        self.settle()

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key on the canvas."""
        QTest.keyClick(self.canvas, key, modifier)
        self.settle()

    def picture(self, name: str) -> None:
        """Take the whole window, in few colours, so that the file stays small."""
        self.settle()
        self.dock.status.clear()
        self.dock.tour.hide()
        QTest.qWait(300)
        self.out.mkdir(parents=True, exist_ok=True)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        shot = Picture.fromarray(pixels[..., :3])
        shot.quantize(MOST_COLOURS, dither=Picture.Dither.NONE).save(self.out / f"segmenting-{name}.png", optimize=True)


def point(sitting: Sitting) -> None:
    """A box round the telephone, kept; then the face, corrected by clicks."""
    sitting.choose(PointTool.CLICK)
    sitting.drag((0.36, 0.1), (0.7, 0.37))
    sitting.key(Qt.Key.Key_Return)
    sitting.drag((0.14, 0.56), (0.56, 0.87))
    sitting.click(0.34, 0.7)
    sitting.click(0.75, 0.6, CONTROL)
    sitting.picture(f"click-{sitting.theme}")


def cut(sitting: Sitting) -> None:
    """Everything at once, with its filters."""
    bar, form = sitting.dock.finding.bar, sitting.dock.finding.everything
    QTest.mouseClick(bar.everything, LEFT)
    sitting.settle()
    form.area.setValue((90, 190))
    sitting.picture(f"everything-{sitting.theme}")


def main() -> None:
    """Take the pictures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("out", type=Path)
    asked.add_argument("--theme", default="dark")
    asked.add_argument("--sample", default="girl")
    asked.add_argument("--size", default="1400x900")
    options = asked.parse_args()
    os.environ["SEAGULL_SESSIONS"] = tempfile.mkdtemp()  # no earlier session is offered, and none is left
    viewer = napari.Viewer(show=True)
    viewer.theme = options.theme
    width, height = (int(value) for value in options.size.split("x"))
    viewer.window.resize(width, height)
    viewer.open_sample("napari-seagull", options.sample)
    _dock, dock = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    QTest.qWait(500)
    viewer.reset_view()
    wait_for("the backend", lambda: dock.controller.backend.client is not None)
    sitting = Sitting(viewer, dock, options.out, options.theme)
    point(sitting)
    cut(sitting)
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
