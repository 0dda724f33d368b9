"""The list of images: opened one by one with their regions, marked as reviewed, and scored all together."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from npe2 import PluginManager
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_seagull.safekeeping.image_list import REVIEW_FILE, TABLE_FILE, ImageList
from napari_seagull.safekeeping.places import Places
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.folder_panel import FolderPanel
from napari_seagull.views.folder_rows import Review
from napari_seagull.views.folder_table import Column
from seagull_iqa.formats.session_file import read_session

LEFT = [[10, 10], [10, 40], [40, 40], [40, 10]]


@pytest.fixture
def folder(tmp_path):
    """Three images of unequal sizes, one brighter than the other, and a file that is none."""
    made = tmp_path / "photos"
    made.mkdir()
    for number, shape in enumerate([(64, 100), (70, 60), (90, 50)]):
        pixels = np.full((*shape, 3), 51 * (number + 1), dtype=np.uint8)
        pixels[:2] = 0
        Image.fromarray(pixels).save(made / f"{'abc'[number]}.png")
    (made / "notes.txt").write_text("no image", encoding="utf-8")
    return made


@pytest.fixture
def panel(controller, qtbot):
    PluginManager.instance().discover()  # what a window does: napari's own readers
    made = FolderPanel()
    qtbot.addWidget(made)
    controller.folder_in(made)
    made.resize(520, 560)
    made.show()
    return made


@pytest.fixture
def desk(controller, panel):
    return controller.served[-1]


@pytest.fixture
def calm(qtbot, controller, desk):
    def until_calm() -> None:
        for _again in range(3):
            qtbot.wait(40)
            qtbot.waitUntil(lambda: controller.is_idle and desk.is_idle, timeout=30_000)

    return until_calm


@pytest.fixture
def listed(panel, folder, calm):
    panel.folder_wished.emit(folder, False)
    calm()
    return panel


def cells(panel, column: Column) -> list[str]:
    return [str(panel.table.order.index(line, column).data()) for line in range(panel.table.order.rowCount())]


def draw(controller, calm) -> None:
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([LEFT])
    calm()


def test_an_empty_panel_says_what_to_do_and_offers_nothing_else(panel):
    assert not panel.next_button.isEnabled() and not panel.score_button.isEnabled()
    assert not panel.reviewed.isEnabled()


def test_a_folder_is_listed_with_pictures_and_what_is_known(listed):
    assert cells(listed, Column.NAME) == ["a.png", "b.png", "c.png"]
    assert cells(listed, Column.REVIEW) == ["new"] * 3
    assert "3 images; 0 reviewed" in listed.summary.text()
    icons = [listed.table.images.index(line, 0).data(Qt.ItemDataRole.DecorationRole) for line in range(3)]
    assert all(icon is not None for icon in icons)


def test_a_folder_without_images_is_one_sentence(panel, tmp_path, calm):
    (tmp_path / "empty").mkdir()
    panel.folder_wished.emit(tmp_path / "empty", False)
    calm()
    assert "holds no image" in panel.status.text()


def test_images_are_opened_one_after_the_other_and_their_regions_come_and_go_with_them(
    listed, controller, folder, calm
):
    listed.table.open_wished.emit(folder / "a.png")
    calm()
    assert [layer.name for layer in controller.viewer.layers if type(layer).__name__ == "Image"] == ["a"]
    draw(controller, calm)
    QTest.mouseClick(listed.next_button, Qt.MouseButton.LeftButton)
    calm()
    images = [layer.name for layer in controller.viewer.layers if type(layer).__name__ == "Image"]
    assert images == ["b"]
    assert not controller.session.regions
    assert controller.session.image.shape == (70, 60)
    assert len(read_session(folder / "a.png.seagull.json").regions) == 1
    draw(controller, calm)
    QTest.mouseClick(listed.back_button, Qt.MouseButton.LeftButton)
    calm()
    (record,) = controller.session.regions.values()
    assert record.region.mask.shape == (64, 100)
    assert round(record.report.quality) == 20
    assert cells(listed, Column.REGIONS) == ["1", "1", ""]
    assert cells(listed, Column.REVIEW) == ["in work", "in work", "new"]
    assert listed.table.chosen == folder / "a.png"


def test_an_earlier_session_of_another_image_that_was_not_resumed_does_not_come_with_the_image_of_the_list(
    listed, controller, folder, calm
):
    listed.table.open_wished.emit(folder / "b.png")
    calm()
    draw(controller, calm)
    listed.table.open_wished.emit(folder / "a.png")
    calm()
    other = controller.viewer.add_image(np.asarray(Image.open(folder / "b.png")), name="b")
    other.metadata["seagull"] = {"file": str(folder / "b.png")}
    controller.images.choose(other)
    calm()
    assert controller.panel.question.topic == "resume"
    listed.table.open_wished.emit(folder / "c.png")
    calm()
    assert controller.session.image.shape == (90, 50)
    assert not controller.session.regions


def test_the_ends_of_the_list_say_so(listed, controller, folder, calm):
    listed.table.open_wished.emit(folder / "c.png")
    calm()
    QTest.mouseClick(listed.next_button, Qt.MouseButton.LeftButton)
    calm()
    assert "last image" in listed.status.text()
    assert controller.session.image.shape == (90, 50)


def test_the_order_of_the_table_is_the_order_of_the_steps(listed, controller, folder, calm):
    listed.table.sortByColumn(Column.NAME, Qt.SortOrder.DescendingOrder)
    listed.step_wished.emit(1)
    calm()
    assert controller.session.image.shape == (90, 50)
    listed.step_wished.emit(1)
    calm()
    assert controller.session.image.shape == (70, 60)


def test_what_was_reviewed_is_kept_in_a_readable_file_of_the_folder(listed, controller, folder, calm):
    controller.verdicts.change_author("Ann")
    listed.table.choose(folder / "b.png")
    QTest.keyClick(listed.table, Qt.Key.Key_Space)
    calm()
    assert cells(listed, Column.REVIEW) == ["new", "reviewed", "new"]
    assert listed.reviewed.isChecked()
    values = json.loads((folder / REVIEW_FILE).read_text(encoding="utf-8"))
    assert list(values["reviewed"]) == ["b.png"] and values["reviewed"]["b.png"]["by"] == "Ann"
    again = ImageList(folder, Places(folder.parent / "own"))
    assert [one.reviewed for one in again.read()] == [False, True, False]
    QTest.mouseClick(listed.reviewed, Qt.MouseButton.LeftButton)
    calm()
    assert cells(listed, Column.REVIEW) == ["new", "new", "new"]


def test_all_images_are_scored_into_a_table_and_shown_as_they_come(listed, folder, calm):
    QTest.mouseClick(listed.score_button, Qt.MouseButton.LeftButton)
    calm()
    shown = [int(text) for text in cells(listed, Column.QUALITY)]
    assert shown == sorted(shown) and shown[0] in (19, 20) and len(shown) == 3
    assert (folder / TABLE_FILE).is_file()
    assert "median quality" in listed.summary.text()
    assert TABLE_FILE in listed.status.text()


def test_scoring_is_stopped_and_goes_on_without_asking_twice(listed, toy, folder, calm, qtbot, monkeypatch):
    asked, gate, assess = [], threading.Semaphore(2), toy.assess

    def slow(image, regions, **given):
        gate.acquire(timeout=20)
        asked.append(image.name)
        return assess(image, regions, **given)

    monkeypatch.setattr(toy, "assess", slow)
    QTest.mouseClick(listed.score_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(asked) == 2)
    QTest.mouseClick(listed.stop_button, Qt.MouseButton.LeftButton)
    gate.release()
    calm()
    assert "goes on from here" in listed.status.text()
    before = list(asked)
    for _more in range(5):
        gate.release()
    QTest.mouseClick(listed.score_button, Qt.MouseButton.LeftButton)
    calm()
    assert asked[: len(before)] == before
    assert len(asked) <= 4 and set(asked) == {"a.png", "b.png", "c.png"}
    assert all(cells(listed, Column.QUALITY))


def test_a_search_shows_what_it_finds_and_the_steps_stay_within_it(listed, controller, calm):
    listed.search.setText("B")
    assert cells(listed, Column.NAME) == ["b.png"]
    listed.step_wished.emit(1)
    calm()
    assert controller.session.image.shape == (70, 60)


def test_a_closed_panel_hears_no_more(listed, controller, desk, calm):
    listed.closed.emit()
    draw_was = controller.session.regions
    desk.close()
    assert controller.session.regions == draw_was


def test_an_image_in_work_says_how_many_regions_it_has_at_once(listed, controller, folder, calm, qtbot):
    listed.table.open_wished.emit(folder / "a.png")
    calm()
    draw(controller, calm)
    qtbot.waitUntil(lambda: cells(listed, Column.REGIONS)[0] == "1", timeout=10_000)
    assert listed.table.images.rows[0].review is Review.WORK
