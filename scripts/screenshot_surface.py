"""A whole sitting in a real napari by mouse and keys: draw, paint, score, rate, undo, map, compare, over time.

Run it where there is a screen, or under `xvfb-run -s "-screen 0 1600x1200x24"`; for twice the scaling,
`QT_SCALE_FACTOR=2 xvfb-run -s "-screen 0 2700x1800x24"`:

    python scripts/screenshot_surface.py FOLDER [--theme light] [--size 1280x800] [--sheet SHEET.webp]

After each deed it is looked up whether what was done is so; ends with 1 and a sentence where it is not. Takes a picture
of every panel, and puts the panels beside each other on one sheet.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget
from screenshot import DRAWINGS, draw
from screenshot_panels import Tourist, take_compare, take_map, take_preferences, take_series, take_tour

from napari_seagull.controller.dock import RateDock
from napari_seagull.controller.docks import CompareDock, ImagesDock, RegionsDock, ReportDock, SeriesDock
from napari_seagull.session.records import RegionState
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.folder_rows import Review
from seagull_iqa.samples import samples

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


PANELS, COLUMNS = ("assess", "images", "regions", "report", "rate", "map", "compare", "series", "tour"), 3


class NotSoError(Exception):
    """Something was done, and is not so."""


class Sitting(Tourist):
    """One person before one napari."""

    def expect(self, what: str, *, holds: bool) -> None:
        """Say that it is so; `NotSoError` where it is not."""
        if not holds:
            raise NotSoError(f"Not so: {what}.")
        print(f"so: {what}")

    def key(self, widget: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
        """Press a key over a widget."""
        QTest.keyClick(widget, key, held)
        self.settle()

    def keys(self, *keys: tuple[Qt.Key, Qt.KeyboardModifier]) -> None:
        """Press keys, as the window system hands them to the window."""
        for key, held in keys:
            QTest.keyClick(self.viewer.window._qt_window.windowHandle(), key, held)
        self.settle()

    def row(self, table: Any, line: int) -> None:  # noqa: ANN401
        """Click on a row."""
        place = table.visualRect(table.model().index(line, 0)).center()
        QTest.mouseClick(table.viewport(), LEFT, NONE, place)
        self.settle()

    def alone(self, kind: type) -> None:
        """Bring a panel to the front and make it large enough to be judged."""
        dock = self.panel(kind).parentWidget()
        dock.show()
        dock.raise_()
        QTest.qWait(300)

    def close(self, kind: type) -> None:
        """Click on the cross of a dock."""
        panel = self.panel(kind)
        dock = panel.parentWidget()
        self.viewer.window.remove_dock_widget(dock)
        self.settle()


def draw_and_paint(sitting: Sitting, folder: Path) -> None:
    """Three shapes and one stroke of the brush; all are scored."""
    draw(sitting.hand, sitting.dock, DRAWINGS["girl"])
    sitting.settle()
    QTest.mouseClick(sitting.dock.draw_bar.buttons[Tool.PAINT], LEFT)
    QTest.qWait(300)
    sitting.controller.labels.layer.brush_size = 60
    sitting.hand.drag([(0.15, 0.1), (0.2, 0.3)])
    sitting.settle()
    records = list(sitting.controller.session.regions.values())
    sitting.expect("four regions were made", holds=len(records) == 4)
    sitting.expect("all of them are scored", holds=all(one.state is RegionState.SCORED for one in records))
    sitting.shoot(folder / "assess.png")


def list_and_read(sitting: Sitting, folder: Path) -> None:
    """Open table and report in panels of their own; select, delete and undo by keys."""
    sitting.open("regions")
    sitting.settle()
    panel, session = sitting.panel(RegionsDock), sitting.controller.session
    sitting.row(panel.box.table, 1)
    chosen = panel.box.table.selected_ids()
    sitting.expect("what is clicked in the table is selected", holds=list(session.selection) == chosen != [])
    sitting.expect("the main panel follows", holds=sitting.dock.table.selected_ids() == chosen)
    sitting.shoot(folder / "regions.png")
    sitting.key(panel.box.table, Qt.Key.Key_Delete)
    sitting.expect("Delete takes the region away", holds=chosen[0] not in session.regions)
    sitting.key(panel.box.table, Qt.Key.Key_Z, CONTROL)
    sitting.expect("Ctrl+Z brings it back", holds=chosen[0] in session.regions)
    sitting.open("report")
    sitting.settle()
    report = sitting.panel(ReportDock)
    sitting.row(panel.box.table, 0)
    sitting.alone(ReportDock)
    (first,) = session.selection
    sitting.expect("the report follows", holds=report.card.title.text() == session.regions[first].region.name)
    sitting.shoot(folder / "report.png")
    sitting.close(ReportDock)
    sitting.close(RegionsDock)


def rate(sitting: Sitting, folder: Path) -> None:
    """Four keys a region."""
    session = sitting.controller.session
    QTest.mouseClick(sitting.dock.regions.deeds.rate_button, LEFT)
    sitting.settle()
    panel = sitting.panel(RateDock)
    sitting.alone(RateDock)
    QTest.mouseClick(panel.banner.start_button, LEFT)
    sitting.settle()
    before = panel.rater.current
    sitting.keys((Qt.Key.Key_2, NONE), (Qt.Key.Key_4, SHIFT), (Qt.Key.Key_B, NONE))
    sitting.shoot(folder / "rate.png")
    sitting.keys((Qt.Key.Key_Return, NONE))
    (said,) = session.regions[before[0]].verdicts
    sitting.expect("four keys give quality, importance and a distortion",
                   holds=(said.quality, said.importance) == (25.0, 75.0) and len(said.findings) == 1)  # fmt: skip
    sitting.expect("the next region is shown", holds=panel.rater.current != before)
    sitting.keys((Qt.Key.Key_5, NONE), (Qt.Key.Key_0, NONE), (Qt.Key.Key_Return, NONE), (Qt.Key.Key_Z, CONTROL))
    rated = sum(bool(record.verdicts) for record in session.regions.values())
    sitting.expect("Ctrl+Z takes the last label back", holds=rated == 1)
    sitting.keys((Qt.Key.Key_Escape, NONE))
    sitting.expect("Esc ends the rating", holds=not panel.rater.is_on)
    sitting.close(RateDock)


def map_and_compare(sitting: Sitting, folder: Path) -> None:
    """The map with a threshold, and the image before and after an edit."""
    before = len(sitting.controller.session.regions)
    take_map(sitting, folder)
    after = len(sitting.controller.session.regions)
    sitting.expect("regions cut out of the map were taken back", holds=after == before)
    take_compare(sitting, folder)
    rows = sitting.panel(CompareDock).row_words()
    sitting.expect("regions are compared", holds=len(rows) == len(sitting.controller.session.regions))
    sitting.close(CompareDock)


def take_along(sitting: Sitting, folder: Path) -> None:
    """Export the regions as GeoJSON, delete them, and take them in again."""
    session, exporter = sitting.controller.session, sitting.controller.exchange.exporter
    before = {key: one.geometry for key, one in session.regions.items()}
    sitting.open("export")
    dialog = exporter.dialog
    line = next(n for n in range(dialog.formats.count()) if dialog.formats.item(n).text().startswith("GeoJSON"))
    place = dialog.formats.visualItemRect(dialog.formats.item(line)).center()
    QTest.mouseClick(dialog.formats.viewport(), LEFT, NONE, place)
    path = Path(tempfile.mkdtemp()) / "girl.geojson"
    dialog.path.setText(str(path))
    QTest.mouseClick(dialog.every, LEFT)
    QTest.mouseClick(dialog.export_button, LEFT)
    sitting.settle(lambda: "Written" in dialog.outcome.text())
    dialog.path.setText("girl.geojson")  # without a folder of this machine on the picture
    dialog.outcome.setText("Written: girl.geojson.")
    dialog.grab().save(str(folder / "export.png"))
    QTest.mouseClick(dialog.close_button, LEFT)
    sitting.dock.table.selectAll()
    sitting.key(sitting.dock.table, Qt.Key.Key_Delete)
    sitting.expect("all regions are deleted", holds=not session.regions)
    sitting.controller.exchange.importer.take_in(path)
    sitting.settle(lambda: bool(session.regions))
    after = {key: one.geometry for key, one in session.regions.items()}
    sitting.expect("the exported file brings every region back to the pixel", holds=after == before)


def work_through(sitting: Sitting, folder: Path) -> None:
    """A folder of images: score all, mark one as reviewed, go to the next by key."""
    photos = Path(tempfile.mkdtemp()) / "photographs"
    photos.mkdir()
    for sample in samples():
        Picture.fromarray(sample.read().rgb).save(photos / f"{sample.name}.png")
    sitting.open("images")
    panel = sitting.panel(ImagesDock)
    panel.folder_wished.emit(photos, False)
    sitting.settle(lambda: panel.desk.is_idle and bool(panel.table.images.rows))
    QTest.mouseClick(panel.score_button, LEFT)
    sitting.settle(lambda: panel.desk.is_idle)
    rows = panel.table.images.rows
    sitting.expect("every image of the folder is scored", holds=all(row.quality is not None for row in rows))
    sitting.key(panel.table, Qt.Key.Key_Home)
    panel.table.choose(rows[0].path)
    sitting.key(panel.table, Qt.Key.Key_Return)
    sitting.settle(lambda: panel.desk.is_idle)
    draw(sitting.hand, sitting.dock, [(Tool.RECTANGLE, [(0.3, 0.3), (0.6, 0.6)])])
    sitting.settle(lambda: panel.desk.is_idle)
    sitting.alone(ImagesDock)
    canvas = sitting.viewer.window._qt_viewer.canvas.native
    sitting.viewer.window._qt_window.activateWindow()  # what a window manager does
    QTest.qWait(300)
    for key in (Qt.Key.Key_R, Qt.Key.Key_Right):
        sitting.key(canvas, key, Qt.KeyboardModifier.AltModifier)
        sitting.settle(lambda: panel.desk.is_idle)
    rows = panel.table.images.rows
    sitting.expect("Alt+R marks an image as reviewed", holds=rows[0].review is Review.DONE)
    sitting.expect("Alt+Right opens the next one", holds=sitting.controller.images.layer.name == rows[1].path.stem)
    sitting.expect("the regions of the first are put away, and counted", holds=rows[0].regions == 1)
    panel.where.setText("photographs")
    panel.status.clear()
    sitting.shoot(folder / "images.png")
    sitting.close(ImagesDock)


def plot_over_time(sitting: Sitting, folder: Path) -> None:
    """One region over a stack; the slider goes where the line is clicked."""
    take_series(sitting, folder)
    points = sitting.panel(SeriesDock).series.points
    sitting.expect("the quality falls along a stack that is blurred", holds=points[0].value > points[-1].value)
    sitting.expect("a click on the line moves the slider", holds=sitting.controller.images.plane == (4,))


def make_sheet(folder: Path, out: Path) -> None:
    """The panels of all pictures on one page, each cut out of its window."""
    taken = [Picture.open(folder / f"{name}.png").convert("RGB") for name in PANELS]
    cut = [one.crop((one.width * 5 // 8, 0, one.width, one.height * 31 // 32)) for one in taken]
    width, height = cut[0].size
    sheet = Picture.new("RGB", (COLUMNS * width, -(-len(cut) // COLUMNS) * height))
    for number, panel in enumerate(cut):
        sheet.paste(panel.resize((width, height)), (number % COLUMNS * width, number // COLUMNS * height))
    sheet.save(out, quality=80, method=6)


def main() -> None:
    """Go through the whole sitting."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--theme", default="dark")
    asked.add_argument("--size", default="1280x800")
    asked.add_argument("--sheet", type=Path)
    asked.add_argument("--start", type=int, default=0, choices=(0, 1, 2), help="leave out so many windows")
    options = asked.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    first = (take_tour, draw_and_paint, list_and_read, rate, take_along, map_and_compare)
    for steps in (first, (work_through,), (plot_over_time, take_preferences))[options.start :]:
        # A window of its own for the stack: napari can crash on redrawing after layers were deleted (napari#6472).
        sitting = Sitting(options.theme, options.size)
        sitting.end_tour()
        try:
            for step in steps:
                step(sitting, options.folder)
        except NotSoError as error:
            sitting.shoot(options.folder / "not-so.png")
            sys.exit(str(error))
        finally:
            sitting.viewer.close()
            QApplication.processEvents()
    if options.sheet is not None:
        make_sheet(options.folder, options.sheet)
    print("All of it is so.")


if __name__ == "__main__":
    main()
