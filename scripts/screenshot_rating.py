"""List, correct and rate regions in a real napari with mouse and keys; take the pictures of docs/rating.md.

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1000x24"`:

    python scripts/screenshot_rating.py docs/images [--theme dark] [--sample girl] [--size 1500x940] [--all]

Writes regions.png and rate.png, with `--all` also the filters, the form of the card, the pair and the keys.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget
from screenshot import DRAWINGS, OTHERWISE, Hand, draw, wait_for

from napari_seagull.controller.dock import SeagullDock, open_rate
from napari_seagull.views.draw_bar import Tool

LEFT = Qt.MouseButton.LeftButton
MORE = [
    (Tool.RECTANGLE, [(0.05, 0.05), (0.3, 0.3)]),
    (Tool.ELLIPSE, [(0.75, 0.05), (0.97, 0.35)]),
    (Tool.RECTANGLE, [(0.02, 0.85), (0.2, 0.98)]),
]
MOST_COLOURS = 256


class Sitting:
    """A person before the panels: clicks, keys, and pictures of the window."""

    def __init__(self, viewer: napari.Viewer, dock: SeagullDock, out: Path) -> None:
        self.viewer, self.dock, self.out = viewer, dock, out
        self.window = viewer.window._qt_window

    def settle(self) -> None:
        """Wait until nothing is under way."""
        for _again in range(2):
            QTest.qWait(80)
            wait_for("everything to be done", lambda: self.dock.controller.is_idle)

    def click(self, widget: QWidget) -> None:
        """Press a button."""
        QTest.mouseClick(widget, LEFT)
        self.settle()

    def keys(self, *keys: Qt.Key | tuple[Qt.Key, Qt.KeyboardModifier]) -> None:
        """Press keys, as the window system hands them to the window."""
        for key in keys:
            named, held = key if isinstance(key, tuple) else (key, Qt.KeyboardModifier.NoModifier)
            QTest.keyClick(self.window.windowHandle(), named, held)
        self.settle()

    def picture(self, name: str) -> None:
        """Take the whole window, in few colours, so that the file stays small."""
        self.settle()
        self.dock.status.clear()
        QTest.qWait(300)
        self.out.mkdir(parents=True, exist_ok=True)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        shot = Picture.fromarray(pixels[..., :3])
        shot.quantize(MOST_COLOURS, dither=Picture.Dither.NONE).save(self.out / f"{name}.png", optimize=True)


def show_table(sitting: Sitting, *, everything: bool) -> None:
    """Label some regions in the table, and look at one of them on its card."""
    dock = sitting.dock
    area = dock.findChild(QWidget, "qt_scrollarea_viewport").parentWidget()
    table = dock.table
    for line, quality in ((0, 25.0), (3, 75.0)):
        table.selectRow(line)
        dock.regions.deeds.rating_wished.emit(quality)
        sitting.settle()
    table.selectRow(0)
    sitting.settle()
    area.ensureWidgetVisible(dock.card)
    sitting.picture("regions")
    if everything:
        sitting.click(dock.regions.filter.more)
        table.selectAll()
        sitting.click(dock.regions.deeds.rename_button)
        dock.regions.deeds.pattern.setText("Part {nn}")
        area.ensureWidgetVisible(dock.regions)
        sitting.picture("regions-filter")
        sitting.click(dock.regions.filter.more)
        table.selectRow(0)
        dock.card.verdict.fold.open()
        sitting.settle()
        area.ensureWidgetVisible(dock.card.verdict)
        sitting.picture("regions-card")


def rate(sitting: Sitting, *, everything: bool) -> None:
    """Open the labelling mode and rate by keys."""
    sitting.click(sitting.dock.regions.deeds.rate_button)
    panel = open_rate(sitting.viewer)
    if everything:
        sitting.picture("rate-off")
    sitting.click(panel.banner.start_button)
    panel.setup.author.setText("Ann")
    panel.setup.author.textEdited.emit("Ann")
    shift = Qt.KeyboardModifier.ShiftModifier
    sitting.keys(Qt.Key.Key_5, Qt.Key.Key_0, Qt.Key.Key_Return)
    sitting.keys(Qt.Key.Key_2, (Qt.Key.Key_5, shift), Qt.Key.Key_B, Qt.Key.Key_B)
    sitting.picture("rate")
    if everything:
        sitting.keys(Qt.Key.Key_M)
        sitting.picture("rate-model")
        panel.keys_fold.open()
        sitting.picture("rate-keys")
        panel.keys_fold.heading.setChecked(False)
        panel.setup.pairs_wished.emit(True)
        sitting.settle()
        sitting.picture("rate-pair")


def main() -> None:
    """Take the pictures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("out", type=Path)
    asked.add_argument("--theme", default="dark")
    asked.add_argument("--sample", default="girl")
    asked.add_argument("--size", default="1500x940")
    asked.add_argument("--all", action="store_true")
    options = asked.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.theme = options.theme
    viewer.window.resize(*(int(value) for value in options.size.split("x")))
    viewer.open_sample("napari-seagull", options.sample)
    _dock, dock = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    QTest.qWait(500)
    viewer.reset_view()
    wait_for("the backend", lambda: dock.controller.backend.client is not None)
    drawings = [*DRAWINGS.get(options.sample, OTHERWISE), *MORE]
    draw(Hand(viewer, dock.controller.images.layer), dock, drawings)
    wait_for("the scores", lambda: len(dock.controller.session.regions) == len(drawings) and dock.controller.is_idle)
    sitting = Sitting(viewer, dock, options.out)
    show_table(sitting, everything=options.all)
    rate(sitting, everything=options.all)
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
