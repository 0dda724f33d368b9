"""Annotate, get killed, resume, export to every format, and open the exports in a fresh napari: is it the same?

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1200x24"`:

    python scripts/screenshot_taking_along.py FOLDER [--theme dark]

Real napari, by mouse and keys, the model that ships. Each step is a process of its own; the first one is killed with
SIGKILL as soon as the panel shows its work as done. Prints the table of what came back from each format, writes
pictures into the folder, and ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from screenshot import DRAWINGS, Hand, draw, wait_for

from napari_seagull.controller.dock import SeagullDock, open_rate
from napari_seagull.files import ENDINGS, format_by
from napari_seagull.views.draw_bar import Tool
from seagull_iqa.formats.catalogue import FORMATS, import_from
from seagull_iqa.formats.session_document import SessionDocument, SessionImage
from seagull_iqa.formats.session_file import read_session
from seagull_iqa.samples import samples

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
DONE = "everything is on the disk"


class Window:
    """A napari with the image and the panel."""

    def __init__(self, image: Path, theme: str) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.theme = theme
        self.viewer.window.resize(1280, 800)
        self.viewer.open(str(image))
        _dock, panel = self.viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
        self.dock: SeagullDock = panel
        self.controller = panel.controller
        QTest.qWait(500)
        self.viewer.window.resize(1280, 800)
        self.viewer.reset_view()
        wait_for("the backend", lambda: self.controller.backend.client is not None)
        if panel.tour.isVisible():
            QTest.mouseClick(panel.tour.cross, LEFT)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is under way."""
        for _again in range(2):
            QTest.qWait(300)
            wait_for("all to be done", lambda: self.controller.is_idle)

    def shoot(self, path: Path) -> None:
        """The whole window."""
        self.dock.status.clear()
        QTest.qWait(400)
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)


def annotate(image: Path, theme: str) -> None:
    """Draw, paint and rate; say when the panel shows it as done, then wait to be killed."""
    window = Window(image, theme)
    controller = window.controller
    draw(Hand(window.viewer, controller.images.layer), window.dock, DRAWINGS["girl"])
    QTest.mouseClick(window.dock.draw_bar.buttons[Tool.PAINT], LEFT)
    QTest.qWait(300)
    controller.labels.layer.brush_size = 60
    Hand(window.viewer, controller.images.layer).drag([(0.15, 0.1), (0.2, 0.3)])
    window.settle()
    QTest.mouseClick(window.dock.regions.deeds.rate_button, LEFT)
    panel = open_rate(window.viewer)
    panel.setup.author.setText("Ann")
    panel.setup.author.textEdited.emit("Ann")
    QTest.mouseClick(panel.banner.start_button, LEFT)
    window.settle()
    for key in (Qt.Key.Key_2, Qt.Key.Key_B, Qt.Key.Key_Return, Qt.Key.Key_4, Qt.Key.Key_Return):
        QTest.keyClick(window.viewer.window._qt_window.windowHandle(), key, NONE)
    window.settle()
    wait_for("the journal", lambda: controller.safe.is_written)
    print(DONE, flush=True)
    QTest.qWait(600_000)


def resume(image: Path, theme: str, folder: Path) -> None:
    """Take the session up by a click, and export it to every format through the window of the panel."""
    window = Window(image, theme)
    controller, question = window.controller, window.dock.question
    wait_for("the question", lambda: question.topic == "resume")
    QTest.mouseClick(question.buttons[0], LEFT)
    window.settle()
    QTest.mouseClick(window.dock.map_bar.make_button, LEFT)
    window.settle()
    wait_for("the map", lambda: bool(controller.session.maps))
    for layer in controller.mapper.layers:
        layer.visible = False
    window.dock.table.selectRow(0)
    window.settle()
    window.shoot(folder / "resumed.png")
    window.dock.menu.wished.emit("export")
    dialog = controller.exchange.exporter.dialog
    dialog.every.setChecked(True)
    for line in range(dialog.formats.count()):
        item = dialog.formats.item(line)
        QTest.mouseClick(dialog.formats.viewport(), LEFT, NONE, dialog.formats.visualItemRect(item).center())
        dialog.path.setText(str(folder / f"girl{dialog.format.suffix}"))
        dialog.outcome.setText("")
        QTest.mouseClick(dialog.export_button, LEFT)
        wait_for(item.text(), lambda: bool(dialog.outcome.text()) and not dialog.outcome.text().startswith("Writing"))
        print(dialog.outcome.text(), flush=True)
    dialog.close()
    window.viewer.close()


def open_fresh(file: Path, image: Path, theme: str, picture: Path) -> None:
    """Open an exported file in a napari without our panel, and keep what its layers hold."""
    viewer = napari.Viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(1280, 800)
    if format_by(file.name) != "session":
        viewer.open(str(image))
    viewer.open(str(file), plugin="napari-seagull")
    QTest.qWait(800)
    viewer.reset_view()
    QTest.qWait(400)
    viewer.screenshot(str(picture), canvas_only=False, flash=False)
    layers = [layer for layer in viewer.layers if type(layer).__name__ == "Labels"]
    masks = [np.asarray(layer.data) == value for layer in layers for value in np.unique(layer.data) if value]
    np.savez_compressed(picture.with_suffix(".npz"), *masks)
    viewer.close()


def known(document: SessionDocument) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Masks, reports and labels by the id of their region."""
    masks = {one.id: one.region.mask.pixels.tobytes() for one in document.regions}
    return masks, dict(document.report_of), {key: list(found) for key, found in document.annotations_of.items()}


def compare(folder: Path, image: Path, theme: str) -> bool:
    """Print the table; False where something was lost."""
    session = read_session(folder / "girl.seagull.json")
    masks, reports, labels = known(session)
    shape = (0, 0) if session.image is None else session.image.shape
    whole = len(masks) == 4 and len(reports) == 4 and sum(map(len, labels.values())) == 2
    print("\n| format | masks | scores | labels | opened in a fresh napari |\n|---|---|---|---|---|")
    for name, form in FORMATS.items():
        if form.writer is None or form.reader is None:
            continue
        path = folder / f"girl{form.suffix}"
        back, _notes = import_from(path, SessionImage(shape, "girl.png"), name)
        there, scores, said = known(back)
        same = [sorted(there.values()) == sorted(masks.values()), scores == reports, said == labels]
        fresh = "-"
        if form.suffix in ENDINGS and path.is_file():
            picture = folder / f"fresh-{name}.png"
            _again("open", str(path), str(image), theme, str(picture))
            seen = sorted(found.astype(bool).tobytes() for found in np.load(picture.with_suffix(".npz")).values())
            same.append(seen == sorted(masks.values()))
            fresh = "the same" if same[-1] else "NOT the same"
        words = ["exact" if one else "NOT" for one in same[:3]]
        if name == "regions":  # has masks and names only
            words[1:], same[1:3] = ["-", "-"], [True, True]
        whole = whole and all(same)
        print(f"| {name} | {' | '.join(words)} | {fresh} |", flush=True)
    return whole


def draw_reports(folder: Path) -> None:
    """The pages of the PDF as pictures."""
    import pypdfium2

    document = pypdfium2.PdfDocument(folder / "girl.pdf")
    for number in range(len(document)):
        document[number].render(scale=1.2).to_pil().save(folder / f"pdf-{number + 1}.png")


def _again(*words: str, until: str = "") -> None:
    """Run a step of this script in a process of its own; killed as soon as it says `until`."""
    command = [sys.executable, __file__, "--step", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            if until and until in line:
                os.kill(child.pid, signal.SIGKILL)
    if child.returncode and not until:
        sys.exit(f"The step {words[0]} ended with {child.returncode}.")


def main() -> None:
    """All steps, or the one that is asked for."""
    if sys.argv[1:2] == ["--step"]:
        step, *words = sys.argv[2:]
        if step == "annotate":
            annotate(Path(words[0]), words[1])
        elif step == "resume":
            resume(Path(words[0]), words[1], Path(words[2]))
        else:
            open_fresh(Path(words[0]), Path(words[1]), words[2], Path(words[3]))
        return
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--theme", default="dark")
    options = asked.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    image = options.folder.absolute() / "girl.png"
    rgb = next(sample for sample in samples() if sample.name == "girl").read().rgb
    Picture.fromarray(rgb).save(image)
    _again("annotate", str(image), options.theme, until=DONE)
    _again("resume", str(image), options.theme, str(options.folder.absolute()))
    draw_reports(options.folder)
    if not compare(options.folder.absolute(), image, options.theme):
        sys.exit("Something was lost.")
    print("\nNothing was lost.")


if __name__ == "__main__":
    main()
