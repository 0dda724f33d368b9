"""The panel and the file of an image: saved without being asked, resumed when asked, told when two windows meet."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_seagull.controller.regions_layer import ids_of
from napari_seagull.session.commands import AddRegion, Annotate, EditRegion, RenameRegion
from napari_seagull.session.records import RegionState, SegmentSource
from napari_seagull.views.draw_bar import Tool
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.formats.journal import recover
from seagull_iqa.formats.session_file import read_session

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]


def halves(value: int = 204) -> np.ndarray:
    made = np.full((64, 100, 3), 51, dtype=np.uint8)
    made[:, 50:] = value
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "Bilder ä" / "halves.png"
    made.parent.mkdir()
    made.write_bytes(b"pixels")
    return made


class Window:
    """A panel on a viewer without a window."""

    def __init__(self, qtbot, backend) -> None:
        from napari.components import ViewerModel

        from napari_seagull.controller.controller import Controller
        from napari_seagull.views.panel import Panel

        self.qtbot, self.panel = qtbot, Panel()
        qtbot.addWidget(self.panel)
        self.viewer = ViewerModel()
        self.controller = Controller(self.viewer, self.panel, backend=backend)
        self.session, self.safe, self.question = self.controller.session, self.controller.safe, self.panel.question
        self.controller.start()
        qtbot.waitUntil(lambda: self.controller.backend.client is not None)

    def open(self, file: Path | None, value: int = 204, name: str = "halves"):
        from napari.layers._source import layer_source

        with layer_source(path=None if file is None else str(file)):
            layer = self.viewer.add_image(halves(value), name=name)
        self.settle()
        return layer

    def draw(self, *corners) -> None:
        self.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
        self.controller.shapes.layer.add_rectangles([np.asarray(one, dtype=float) for one in corners])
        self.settle()

    def settle(self) -> None:
        for _again in range(2):
            self.qtbot.wait(30)
            self.qtbot.waitUntil(lambda: self.controller.is_idle, timeout=30_000)

    def answer(self, number: int) -> None:
        self.question.buttons[number].click()
        self.settle()

    def close(self) -> None:
        self.controller.close()


@pytest.fixture
def windows(qtbot, backend) -> Iterator:
    made: list[Window] = []

    def open_window() -> Window:
        made.append(Window(qtbot, backend))
        return made[-1]

    yield open_window
    for window in made:
        window.close()
        qtbot.waitUntil(lambda window=window: window.controller.tasks.running == 0)


def known(window: Window) -> dict[str, tuple]:
    return {
        key: (r.region.name, r.geometry, r.source, r.state, r.report, r.annotations)
        for key, r in window.session.regions.items()
    }


def test_work_is_saved_beside_the_image_and_said_so_and_comes_back_with_one_click(windows, file):
    first = windows()
    first.open(file)
    assert not list(file.parent.glob("*.seagull*"))  # looking leaves nothing behind
    first.draw(LEFT, RIGHT)
    assert "beside the image, as halves.png.seagull.json" in first.panel.status.text()
    one, two = first.session.regions
    first.session.do(RenameRegion(one, "shadow"))
    first.session.do(Annotate(Annotation(two, "ann", 70.0)))
    first.settle()
    first.close()
    assert {path.name for path in file.parent.iterdir()} == {"halves.png", "halves.png.seagull.json"}
    second = windows()
    second.open(file)
    assert "holds 2 regions" in second.question.words.text()
    assert not second.question.isHidden()
    second.answer(0)
    assert known(second) == known(first)
    assert sorted(ids_of(second.controller.shapes.layer)) == sorted([one, two])
    assert {record.state for record in second.session.regions.values()} == {RegionState.SCORED}
    assert second.question.topic != "resume" and not second.session.can_undo


def test_who_sits_here_is_named_in_the_session(windows, file):
    window = windows()
    window.open(file)
    window.controller.verdicts.change_author("Ann")
    assert not list(file.parent.glob("*.seagull*"))  # a name alone leaves nothing behind
    window.draw(LEFT)
    window.controller.verdicts.change_author("Zoë")
    window.close()
    assert read_session(file.with_name("halves.png.seagull.json")).annotator == "Zoë"
    again = windows()
    again.open(file)
    again.answer(0)
    again.close()
    assert read_session(file.with_name("halves.png.seagull.json")).annotator == "Zoë"


def test_where_files_lie_is_asked_only_once(windows, file):
    first = windows()
    first.open(file)
    first.draw(LEFT)
    assert first.question.topic == "place"
    first.answer(1)
    first.close()
    other = file.with_name("other.png")
    other.write_bytes(b"pixels")
    second = windows()
    second.open(other, 180)
    second.draw(LEFT)
    assert second.question.topic == ""
    assert second.controller.safe._recorder.durable
    assert list((Path(os.environ["SEAGULL_SESSIONS"])).glob("other.png-*.journal"))


def test_starting_new_keeps_the_earlier_session_aside(windows, file):
    first = windows()
    first.open(file)
    first.draw(LEFT, RIGHT)
    first.close()
    second = windows()
    second.open(file)
    second.answer(1)
    second.draw(LEFT)
    second.close()
    assert len(read_session(file.with_name("halves.png.seagull.json")).regions) == 1
    assert len(read_session(file.with_name("halves.png.2.seagull.json")).regions) == 2


def test_who_works_before_answering_can_still_resume(windows, file):
    first = windows()
    first.open(file)
    first.draw(LEFT)
    first.close()
    second = windows()
    second.open(file)
    second.draw(RIGHT)
    assert second.question.topic == "resume"
    second.answer(0)
    assert len(second.session.regions) == 2
    assert second.controller.shapes.layer.nshapes == 2
    second.close()
    assert len(read_session(file.with_name("halves.png.seagull.json")).regions) == 2


def test_two_windows_on_one_image_are_told(windows, file):
    first, second = windows(), windows()
    first.open(file)
    first.draw(LEFT)
    second.open(file)
    assert "Another window works on this image" in second.panel.status.text()
    second.draw(RIGHT)
    first.close()
    second.close()
    files = [file.with_name(f"halves.png.{name}") for name in ("seagull.json", "2.seagull.json")]
    assert [len(read_session(path).regions) for path in files] == [1, 1]


def test_a_panel_that_is_opened_again_takes_its_session_up_by_itself(qtbot, backend, windows, file):
    from napari_seagull.controller.controller import Controller
    from napari_seagull.views.panel import Panel

    first = windows()
    first.open(file)
    first.draw(LEFT)
    (one,) = first.session.regions
    first.session.do(RenameRegion(one, "shadow"))
    first.settle()
    before = known(first)
    first.close()
    panel = Panel()
    qtbot.addWidget(panel)
    again = Controller(first.viewer, panel, backend=backend)
    again.start()
    qtbot.waitUntil(lambda: again.is_idle and "shadow" in [r.region.name for r in again.session.regions.values()])
    qtbot.waitUntil(lambda: again.is_idle)
    assert {key: (r.region.name, r.report) for key, r in again.session.regions.items()} == {
        key: (value[0], value[4]) for key, value in before.items()
    }
    again.close()
    qtbot.waitUntil(lambda: again.tasks.running == 0)
    assert not list(file.parent.glob("*.2.*"))


def test_an_image_that_is_closed_and_opened_again_goes_on_in_the_same_file(windows, file):
    window = windows()
    layer = window.open(file)
    window.draw(LEFT)
    window.viewer.layers.remove(layer)
    window.settle()
    window.controller.images.choose(window.open(file))
    window.settle()
    assert window.question.topic != "resume"
    window.draw(RIGHT)
    window.close()
    assert len(read_session(file.with_name("halves.png.seagull.json")).regions) == 2
    assert not list(file.parent.glob("*.2.*"))


def test_an_image_without_a_file_is_known_by_what_it_shows(windows):
    first = windows()
    first.open(None)
    first.draw(LEFT)
    assert "in your own folder, since the image comes from no file" in first.panel.status.text()
    first.close()
    second = windows()
    second.open(None)
    second.answer(0)
    assert len(second.session.regions) == 1
    third = windows()
    third.open(None, 90)
    assert third.question.topic == ""


def test_what_is_done_while_one_looks_for_a_session_is_written_too(windows, file):
    window = windows()
    window.open(file)
    window.session.do_all([])
    region = Region(RegionMask.from_box((64, 100), (0, 0, 9, 9)), "quick")
    window.safe._looking = object()  # as just after the image was opened
    window.session.do(AddRegion(region, SegmentSource("SEAGULL segments")))
    assert not window.safe.is_written
    window.safe._on_found(window.safe._found)
    window.session.do(EditRegion(region.id, RegionMask.from_box((64, 100), (0, 0, 5, 5))))
    window.settle()
    place = file.with_name("halves.png.seagull.json")
    document = recover(place, place.with_name("halves.png.seagull.journal")).document
    assert [one.region.mask.box for one in document.regions] == [(0, 0, 5, 5)]


def test_another_image_with_a_session_of_its_own_takes_the_table_over(windows, file):
    other = file.with_name("other.png")
    other.write_bytes(b"pixels")
    first = windows()
    first.open(other, 90, "other")
    first.draw(RIGHT)
    first.close()
    second = windows()
    second.open(file)
    second.draw(LEFT)
    (mine,) = second.session.regions
    layer = second.open(other, 90, "other")
    second.controller.images.choose(layer)
    second.settle()
    assert second.question.topic == "resume"
    second.answer(0)
    assert list(second.session.regions) == list(first.session.regions)
    assert ids_of(second.controller.shapes.layer) == list(first.session.regions)
    second.close()
    assert [one.id for one in read_session(file.with_name("halves.png.seagull.json")).regions] == [mine]
    assert len(read_session(other.with_name("other.png.seagull.json")).regions) == 1


def test_a_disk_that_hangs_holds_the_table_back_for_a_moment_only_and_is_named(windows, file, monkeypatch):
    window = windows()
    window.open(file)
    window.draw(LEFT)
    go, synced = threading.Event(), os.fsync

    def hang(handle: int) -> None:
        go.wait(30)
        synced(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", hang)
        window.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
        window.controller.shapes.layer.add_rectangles([np.asarray(RIGHT, dtype=float)])
        window.qtbot.waitUntil(lambda: len(window.session.regions) == 2)
        window.qtbot.wait(300)
        assert window.panel.table.model().rowCount() == 1  # not shown as done before it is
        window.qtbot.waitUntil(lambda: window.panel.table.model().rowCount() == 2)
        assert "not saved yet" in window.panel.status.text()
        go.set()
        window.settle()


def test_a_disk_that_is_full_is_said_and_shown_regions_are_not_held_back_for_ever(windows, file, monkeypatch):
    window = windows()
    window.open(file)
    window.draw(LEFT)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        window.draw(RIGHT)
        window.qtbot.waitUntil(lambda: "No space left on device" in window.panel.status.text())
        window.qtbot.waitUntil(lambda: window.panel.table.model().rowCount() == 2)
    window.qtbot.waitUntil(lambda: "saved again" in window.panel.status.text(), timeout=10_000)


def test_a_second_image_may_begin_anew_and_the_regions_of_the_first_come_back_with_it(windows):
    window = windows()
    first = window.open(None)
    window.draw(LEFT)
    second = window.open(None, 120, "other")
    window.panel.image_bar.image_wished.emit(0)
    window.settle()
    assert window.question.topic == "turn"
    assert "1 region on the table is of “halves”" in window.question.words.text()
    window.answer(0)
    assert not window.session.regions and window.controller.shapes.layer.nshapes == 0
    window.draw(LEFT, RIGHT)
    assert len(window.safe.side_cars) == 2
    for layer, many in ((first, 1), (second, 2)):
        window.safe.turn_to(layer)
        window.settle()
        assert len(window.session.regions) == window.controller.shapes.layer.nshapes == many
        assert all(record.state is RegionState.SCORED for record in window.session.regions.values())
        assert list(window.viewer.layers)[-2:] == [layer, window.controller.shapes.layer]
    assert [len(read_session(path).regions) for path in window.safe.side_cars[:2]] == [1, 2]


def test_who_keeps_the_regions_on_a_second_image_goes_on_with_them(windows):
    window = windows()
    window.open(None)
    window.draw(LEFT)
    window.open(None, 120, "other")
    window.panel.image_bar.image_wished.emit(0)
    window.settle()
    window.answer(1)
    assert len(window.session.regions) == 1 and not window.question.topic
