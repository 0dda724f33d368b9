"""Teach a model a person's eye in a real napari, by mouse and keys, and go back: the pictures of docs/fine-tuning.md.

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1000x24"`, with SEAGULL_SESSIONS, SEAGULL_CONFIG,
SEAGULL_CACHE and SEAGULL_MODELS set to folders that may be thrown away:

    python scripts/screenshot_tuning.py docs/images [--theme dark] [--size 1500x940]

Draws five regions on each of the six sample images, rates all 30 by keys as somebody would who is stricter than the
model (a made-up person: 1.3 times the model's score, less 45, and a little chance), fine-tunes, uses what comes of it,
sees the scores change, and rolls back. Says the figures, and ends with an error where a step did not do what it should.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import napari
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget
from screenshot import Hand, draw, wait_for

from napari_seagull.controller.dock import SeagullDock, open_rate
from napari_seagull.controller.docks import TuneDock
from napari_seagull.views.draw_bar import Tool
from seagull_iqa.domain.levels import level_value

LEFT = Qt.MouseButton.LeftButton
SAMPLES = ("girl", "guitar", "night", "bulb", "baby", "sunset")
DRAWINGS = [
    (Tool.RECTANGLE, [(0.06, 0.06), (0.36, 0.36)]),
    (Tool.ELLIPSE, [(0.10, 0.55), (0.50, 0.90)]),
    (Tool.RECTANGLE, [(0.55, 0.08), (0.90, 0.40)]),
    (Tool.ELLIPSE, [(0.60, 0.50), (0.92, 0.75)]),
    (Tool.RECTANGLE, [(0.40, 0.40), (0.58, 0.62)]),
]
DIGITS = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5)
NUDGE, MOST_COLOURS = 5, 256


class Sitting:
    """A person before the panels: clicks, keys, and pictures of the window."""

    def __init__(self, viewer: napari.Viewer, dock: SeagullDock, options: argparse.Namespace) -> None:
        self.viewer, self.dock, self.out = viewer, dock, options.out
        self.suffix = "" if options.theme == "dark" else f"-{options.theme}"
        self.controller = dock.controller
        self.chance = random.Random(0)

    def settle(self) -> None:
        """Wait until nothing is under way but a training."""
        main = self.controller
        for _again in range(3):
            QTest.qWait(80)
            parts = (main.images, main.shapes, main.safe, main.scorer, main.display)
            wait_for("the panels", lambda: all(part.is_idle for part in parts))  # noqa: B023

    def click(self, widget: QWidget) -> None:
        """Press a button."""
        if not widget.isVisible() or not widget.isEnabled():
            raise RuntimeError(f"{widget.objectName() or type(widget).__name__} cannot be pressed.")
        QTest.mouseClick(widget, LEFT)
        self.settle()

    def key(self, key: Qt.Key) -> None:
        """Press a key, as the window system hands it to the window."""
        QTest.keyClick(self.viewer.window._qt_window.windowHandle(), key)

    def picture(self, name: str) -> None:
        """Take the whole window, in few colours, so that the file stays small."""
        self.settle()
        self.dock.status.clear()
        QTest.qWait(400)
        self.out.mkdir(parents=True, exist_ok=True)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        shot = Picture.fromarray(pixels[..., :3]).quantize(MOST_COLOURS, dither=Picture.Dither.NONE)
        shot.save(self.out / f"tuning-{name}{self.suffix}.png", optimize=True)

    def scores(self) -> dict[str, float]:
        """What the model says of the regions on the table."""
        records = self.controller.session.regions.values()
        return {one.id: one.report.quality for one in records if one.report and one.report.quality is not None}

    def models(self) -> set[str]:
        """Who said it."""
        return {one.report.model for one in self.controller.session.regions.values() if one.report}

    def open_image(self, name: str) -> None:
        """Open a sample, and begin anew with it."""
        self.viewer.open_sample("napari-seagull", name)
        self.settle()
        if self.controller.session.regions:
            images = self.dock.image_bar.list
            images.setCurrentIndex(0)  # the newest
            images.activated.emit(0)
            self.settle()
            self.click(self.dock.question.buttons[0])
        QTest.qWait(300)
        self.viewer.reset_view()
        draw(Hand(self.viewer, self.controller.images.layer), self.dock, DRAWINGS)
        wait_for("the scores", lambda: len(self.scores()) == len(DRAWINGS) and self.controller.is_idle)

    def rate(self) -> int:
        """Rate every region of the image by keys; how many keys that took."""
        self.click(self.dock.regions.deeds.rate_button)
        panel = open_rate(self.viewer)
        rater = panel.rater
        if not rater.is_on:
            self.click(panel.banner.start_button)
        keys = 0
        while rater.current:
            report = self.controller.session.record(rater.current[0]).report
            wanted = min(100.0, max(0.0, 1.3 * report.quality - 45.0 + self.chance.gauss(0.0, 4.0)))
            level = round(wanted / 25.0)
            nudges = round((wanted - level_value(level)) / NUDGE)
            nudge = Qt.Key.Key_Up if nudges > 0 else Qt.Key.Key_Down
            pressed = [DIGITS[level], *[nudge] * abs(nudges), Qt.Key.Key_Return]
            for key in pressed:
                self.key(key)
            keys += len(pressed)
            QTest.qWait(10)
        self.key(Qt.Key.Key_Escape)
        self.settle()
        return keys


def label(sitting: Sitting) -> None:
    """Five regions on each sample, and a name for who rates."""
    keys, began = 0, time.monotonic()
    for number, name in enumerate(SAMPLES):
        sitting.open_image(name)
        if number == 0:
            panel = open_rate(sitting.viewer)
            panel.setup.author.setText("Ann")
            panel.setup.author.textEdited.emit("Ann")
        keys += sitting.rate()
    print(f"{len(SAMPLES) * len(DRAWINGS)} regions rated with {keys} keys in {time.monotonic() - began:.0f} s")


def open_tuning(sitting: Sitting) -> TuneDock:
    """Open the panel with its button, beside the panel of the regions."""
    sitting.click(sitting.dock.regions.deeds.tune_button)
    panel = next(dock for dock in sitting.viewer.window.dock_widgets.values() if isinstance(dock, TuneDock))
    wait_for("the labels", lambda: panel.tuner.is_idle and "30 regions on 6 images" in panel.stock.short.text())
    sitting.settle()
    return panel


def train(sitting: Sitting, panel: TuneDock) -> None:
    """Press Train, watch the curves, pause and go on, and wait for the end."""
    form, run = panel.train, panel.tuner.run
    print("proposed:", form.name.text(), "|", form.plan.text())
    began = time.monotonic()
    panel.unfold("stock", "train", only=True)
    sitting.click(form.train_button)
    wait_for("curves", lambda: len(run.points) >= 4 or (run.run is not None and run.run.state.ended))
    if run.is_training:
        panel.look_at("train")
        sitting.picture("curves")
    wait_for("the end", lambda: run.run is not None and run.run.state.ended, 900.0)
    print(f"trained in {time.monotonic() - began:.0f} s: {run.run.state}, {run.run.error or run.run.result.verdict}")
    if run.run.result is None:
        raise RuntimeError("The training came to nothing.")
    for name, before, after in panel.result.table.words():
        print(f"  {name}: {before} -> {after}")


def use_and_go_back(sitting: Sitting, panel: TuneDock) -> None:
    """Use the new model, see the scores change, and roll back."""
    before, who = sitting.scores(), sitting.models()
    panel.unfold("result", only=True)
    panel.look_at("result")
    wait_for("pictures", lambda: not panel.result.changed.cards[0].picture.is_empty)
    sitting.picture("before-after")
    sitting.click(panel.result.use_button)
    if panel.result.question.isVisible():
        sitting.click(panel.result.yes_button)
    wait_for("the scores of the new model", lambda: bool(sitting.models()) and not sitting.models() & who)
    sitting.settle()
    after = sitting.scores()
    changed = [abs(after[key] - before[key]) for key in before]
    print(f"used: {', '.join(sitting.models())}; scores changed by {sum(changed) / len(changed):.1f} points on average")
    panel.unfold("models", only=True)
    panel.look_at("models")
    wait_for("the list of models", lambda: panel.models.back_button.isEnabled())
    sitting.picture("models")
    sitting.click(panel.models.back_button)
    wait_for("the old scores", lambda: sitting.models() == who)
    sitting.settle()
    again = sitting.scores()
    apart = max(abs(again[key] - before[key]) for key in before)
    print(f"rolled back: {', '.join(sitting.models())}; scores at most {apart:.2g} points from what they were")
    if not any(value > 0.5 for value in changed) or apart > 0.5:
        raise RuntimeError("The scores did not change, or did not come back.")


def main() -> None:
    """Take the pictures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("out", type=Path)
    asked.add_argument("--theme", default="dark")
    asked.add_argument("--size", default="1500x940")
    options = asked.parse_args()
    viewer = napari.Viewer(show=True)
    viewer.theme = options.theme
    viewer.window.resize(*(int(value) for value in options.size.split("x")))
    _dock, dock = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    wait_for("the backend", lambda: dock.controller.backend.client is not None)
    QTest.mouseClick(dock.tour.cross, LEFT)
    sitting = Sitting(viewer, dock, options)
    label(sitting)
    panel = open_tuning(sitting)
    wait_for("suggestions", lambda: panel.tuner.is_idle)
    sitting.picture("labels")
    train(sitting, panel)
    use_and_go_back(sitting, panel)
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
