"""Drive the panels "Quality map", "Compare" and the Preferences of a real napari by mouse and keys, and take pictures.

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1200x24"`:

    python scripts/screenshot_panels.py FOLDER [--theme dark] [--size 1280x800] [--only map,compare,preferences]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import napari
import numpy as np
from PIL import Image as Picture
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog
from scipy import ndimage

from napari_seagull.controller.docks import CompareDock, MapDock, SeriesDock
from napari_seagull.views.draw_bar import Tool

WAYS = ("tour", "map", "compare", "series", "preferences")


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


shots = _beside("screenshot")


class Tourist:
    """One napari with one sample, driven by hand."""

    def __init__(self, theme: str, size: str) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.theme = theme
        self.width, self.height = (int(value) for value in size.split("x"))
        self.viewer.window.resize(self.width, self.height)
        self.viewer.open_sample("napari-seagull", "girl")
        _dock, self.dock = self.viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
        self.controller = self.dock.controller
        QTest.qWait(500)
        self.viewer.window.resize(self.width, self.height)
        self.viewer.reset_view()
        shots.wait_for("the backend", lambda: self.controller.backend.client is not None)

    @property
    def hand(self) -> Any:  # noqa: ANN401
        """A mouse over the canvas."""
        return shots.Hand(self.viewer, self.controller.images.layer)

    def open(self, wish: str) -> None:
        """Choose in the menu of the panel, as a person does."""
        menu = self.dock.menu.menu()
        action = next(action for action in menu.actions() if action.data() == wish)
        menu.popup(self.dock.menu.mapToGlobal(QPoint(0, self.dock.menu.height())))
        QTest.qWait(150)
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
        QTest.qWait(400)

    def panel(self, kind: type) -> Any:  # noqa: ANN401
        """The open panel of that kind."""
        return next(w for w in self.viewer.window.dock_widgets.values() if isinstance(w, kind))

    def settle(self, idle: Callable[[], bool] = lambda: True) -> None:
        """Wait until nothing is under way."""
        for _again in range(2):
            QTest.qWait(300)
            shots.wait_for("all to be done", lambda: self.controller.is_idle and idle())
        QTest.qWait(400)

    def shoot(self, path: Path) -> None:
        """The window, small enough for a page."""
        self.dock.status.clear()  # says in which folder of this machine the session lies
        QTest.qWait(300)
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        shrink(path)

    def end_tour(self) -> None:
        """Click on the cross of the tour."""
        if self.dock.tour.isVisible():
            QTest.mouseClick(self.dock.tour.cross, Qt.MouseButton.LeftButton)
            QTest.qWait(100)


def shrink(path: Path, limit: int = 250_000) -> None:
    """At most so many bytes: fewer colours first, fewer px only after that."""
    picture = Picture.open(path).convert("RGB")
    for colors, share in ((0, 1.0), (255, 1.0), (160, 1.0), (255, 0.8), (160, 0.7), (96, 0.6)):
        if path.stat().st_size <= limit:
            return
        made = picture.resize((round(picture.width * share), round(picture.height * share)), Picture.Resampling.LANCZOS)
        (made.quantize(colors, kmeans=2) if colors else made).save(path, optimize=True)


def take_tour(tourist: Tourist, folder: Path) -> None:
    """The first step as it comes, and the last one."""
    tourist.dock.tour.start()
    tourist.shoot(folder / "tour.png")
    tourist.end_tour()


def take_map(tourist: Tourist, folder: Path) -> None:
    """Show the map, drag the line, make regions."""
    tourist.open("map")
    panel = tourist.panel(MapDock)
    QTest.mouseClick(panel.bar.make_button, Qt.MouseButton.LeftButton)
    tourist.settle(lambda: panel.desk.is_idle and bool(tourist.controller.session.maps))
    at = QPoint(round(panel.histogram.place_of(45)), 40)
    QTest.mouseClick(panel.histogram, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    tourist.settle(lambda: panel.desk.is_idle)
    canvas = tourist.hand
    QTest.mouseMove(canvas._canvas, canvas.place((0.35, 0.7)))
    QTest.qWait(300)
    tourist.shoot(folder / "map.png")
    QTest.mouseClick(panel.form.make_button, Qt.MouseButton.LeftButton)
    tourist.settle()
    print("regions made:", len(tourist.controller.session.regions), "|", panel.status.text())
    tourist.shoot(folder / "map-regions.png")
    tourist.controller.keeper.undo()
    tourist.settle()
    print("after undo:", len(tourist.controller.session.regions))
    for layer in tourist.controller.mapper.layers:
        layer.visible = False


def take_compare(tourist: Tourist, folder: Path) -> None:
    """Draw regions, open a sharpened copy, and compare."""
    shots.draw(tourist.hand, tourist.dock, shots.DRAWINGS["girl"])
    tourist.settle()
    image = tourist.controller.images.layer
    soft = ndimage.gaussian_filter(image.data.astype(float), (1, 1, 0))
    edited = image.data.copy()
    half = edited.shape[1] // 2
    sharp = image.data + 1.2 * (image.data - soft)
    worse = ndimage.gaussian_filter(image.data.astype(float), (2.5, 2.5, 0))
    edited[:, :half], edited[:, half:] = np.clip(worse, 0, 255)[:, :half], np.clip(sharp, 0, 255)[:, half:]
    tourist.viewer.add_image(edited, name="girl edited", rgb=True)
    tourist.settle()
    tourist.open("compare")
    panel = tourist.panel(CompareDock)
    QTest.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    tourist.settle(lambda: panel.comparer.is_idle)
    print("compared:", panel.row_words(), panel.summary.text(), panel.status.text())
    tourist.shoot(folder / "compare.png")
    for layer in list(tourist.viewer.layers):
        if layer.metadata.get("seagull", {}).get("role") == "difference" or layer.name == "girl edited":
            tourist.viewer.layers.remove(layer)


def take_series(tourist: Tourist, folder: Path) -> None:
    """A stack that is blurred more and more, and a region over it."""
    data = tourist.controller.images.layer.data
    gray = data.mean(axis=-1)
    stack = np.stack([ndimage.gaussian_filter(gray, 0.5 * step) for step in range(10)]).astype(np.uint8)
    tourist.viewer.layers.clear()
    for record in list(tourist.controller.session.regions):
        tourist.dock.table.delete_wished.emit([record])
    tourist.viewer.add_image(stack, name="blurred more and more", axis_labels=("t", "y", "x"))
    tourist.viewer.dims.set_current_step(0, 0)
    tourist.settle()
    shots.draw(tourist.hand, tourist.dock, [(Tool.RECTANGLE, [(0.38, 0.11), (0.68, 0.36)])])
    tourist.settle()
    tourist.open("series")
    panel = tourist.panel(SeriesDock)
    QTest.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    tourist.settle(lambda: panel.series._task is None)
    place = panel.plot.place_of(4, 50).toPoint()
    QTest.mouseClick(panel.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    tourist.settle()
    print("series:", [round(point.value) for point in panel.series.points], tourist.controller.images.plane)
    tourist.shoot(folder / "series.png")


def take_preferences(tourist: Tourist, folder: Path) -> None:
    """napari's own dialog, at our page."""
    tourist.open("preferences")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        QTest.qWait(200)
        dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
        if dialogs:
            break
    dialog = dialogs[0]
    QTest.qWait(800)
    path = folder / "preferences.png"
    dialog.grab().save(str(path))
    shrink(path)
    dialog.reject()


TAKEN: dict[str, Callable[[Tourist, Path], None]] = {
    "tour": take_tour,
    "map": take_map,
    "compare": take_compare,
    "series": take_series,
    "preferences": take_preferences,
}


def main() -> None:
    """Take the pictures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--theme", default="dark")
    asked.add_argument("--size", default="1280x800")
    asked.add_argument("--only", default=",".join(WAYS))
    options = asked.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tourist = Tourist(options.theme, options.size)
    tourist.end_tour()
    for way in WAYS:
        if way in options.only.split(","):
            TAKEN[way](tourist, options.folder)
    tourist.viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
