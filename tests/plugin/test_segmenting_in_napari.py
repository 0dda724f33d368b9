"""A real napari, a real server process, mouse and keys: pointing at regions as a person does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_seagull.connection.backend import Backend, ConnectionState, Patience, RemoteServer
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller.controller import Controller
from napari_seagull.layers.geometry import plane_matrix
from napari_seagull.session.records import RegionState
from napari_seagull.views.panel import Panel
from napari_seagull.views.segment_bar import PointTool

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

TOY = Path(__file__).parents[1] / "backend" / "toy_server.py"
WAIT_MS = 150_000
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def blocks() -> np.ndarray:
    """Dark, with a bright block at rows 10 to 30 and columns 20 to 50, brighter in its middle, and a gray one."""
    made = np.full((64, 100, 3), 51, dtype=np.uint8)
    made[10:30, 20:50] = 204
    made[15:25, 25:35] = 214
    made[35:60, 60:90] = 128
    return made


def own_server(**options) -> LocalServer:
    return LocalServer(command=(sys.executable, str(TOY), "0", json.dumps({"exit_with_stdin": True, **options})))


class Sitting:
    """A viewer with the panel docked, its server up, a mouse and keys."""

    def __init__(self, qtbot, viewer, server: LocalServer | RemoteServer) -> None:
        self.qtbot, self.viewer = qtbot, viewer
        self.panel = Panel()
        self.bar = self.panel.finding.bar
        self.backend = Backend(server, patience=Patience(leave_s=3.0))
        self.dock = viewer.window.add_dock_widget(self.panel, name="SEAGULL region quality")
        self.controller = Controller(viewer, self.panel, backend=self.backend)
        self.controller.start()
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.image = None

    @property
    def pointer(self):
        return self.controller.segmenter.pointer

    @property
    def records(self) -> list:
        return list(self.controller.session.regions.values())

    def until(self, holds) -> None:
        self.qtbot.waitUntil(holds, timeout=WAIT_MS)

    def settle(self) -> None:
        for _again in range(2):
            self.qtbot.wait(60)
            self.until(lambda: self.controller.is_idle)

    def open(self, pixels, **keywords):
        self.image = self.viewer.add_image(pixels, name="image", **keywords)
        self.until(lambda: self.controller.backend.client is not None)
        self.settle()
        self.viewer.reset_view()
        self.qtbot.wait(50)
        return self.image

    def choose(self, tool: PointTool) -> None:
        self.press(self.bar.buttons[tool])

    def press(self, button) -> None:
        self.qtbot.mouseClick(button, LEFT)
        self.settle()

    def place(self, row: float, column: float) -> QPoint:
        """Of a px of the image on the canvas, through our own matrix and napari's camera."""
        plane = self.controller.images.on_screen
        world = (plane_matrix(self.image, plane) @ (row, column, 1.0))[:2]
        camera = self.viewer.scene.camera
        size = np.array([self.canvas.height(), self.canvas.width()])
        at = (world - np.asarray(camera.center)[-2:]) * camera.zoom + size / 2
        return QPoint(round(at[1]), round(at[0]))

    def click(self, row: float, column: float, modifier=NONE, button=LEFT) -> None:
        place = self.place(row, column)
        QTest.mouseMove(self.canvas, place)
        QTest.mouseClick(self.canvas, button, modifier, place)
        self.settle()

    def drag(self, *corners: tuple[float, float], modifier=NONE) -> None:
        places = [self.place(*corner) for corner in corners]
        QTest.mouseMove(self.canvas, places[0])
        QTest.mousePress(self.canvas, LEFT, modifier, places[0])
        for first, last in pairwise(places):
            for step in range(1, 6):
                QTest.mouseMove(self.canvas, first + (last - first) * step / 5)
                self.qtbot.wait(5)
        QTest.mouseRelease(self.canvas, LEFT, modifier, places[-1])
        self.settle()

    def key(self, key, modifier=NONE) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        self.settle()

    def close(self) -> None:
        self.controller.close()
        self.until(lambda: self.backend.status.state is ConnectionState.STOPPED)
        self.viewer.window.remove_dock_widget(self.dock)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server process for all tests that do not harm it."""
    command = (sys.executable, str(TOY), "0", json.dumps({"exit_with_stdin": True}))
    places = {**os.environ, "SEAGULL_CACHE": str(tmp_path_factory.mktemp("kept looks"))}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=places)
    hello = json.loads(process.stdout.readline())
    yield RemoteServer(hello["url"], hello["token"])
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


@pytest.fixture
def sitting(qtbot, make_napari_viewer_proxy, server):
    made = Sitting(qtbot, make_napari_viewer_proxy(show=True).__wrapped__, server)
    yield made
    made.close()


@pytest.fixture
def own_sitting(qtbot, make_napari_viewer_proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("SEAGULL_CACHE", str(tmp_path / "kept looks"))
    made = Sitting(qtbot, make_napari_viewer_proxy(show=True).__wrapped__, own_server())
    yield made
    made.close()


def test_a_click_a_correction_and_enter_make_a_region_that_is_scored(sitting):
    sitting.open(blocks())
    sitting.choose(PointTool.CLICK)
    sitting.click(20, 30)
    assert [mask.area for mask in sitting.pointer.shown.masks] == [100, 600]
    sitting.canvas.window().activateWindow()
    sitting.canvas.setFocus()
    sitting.until(sitting.canvas.hasFocus)
    indices = []
    for key in (Qt.Key.Key_N, Qt.Key.Key_Tab):
        indices.append(sitting.pointer.shown.index)
        sitting.key(key)
    assert sorted(indices) == [0, 1]
    assert sitting.pointer.shown.index == indices[0]
    sitting.click(5, 5, CONTROL)
    assert len(sitting.pointer.sketch.prompts.positive) == len(sitting.pointer.sketch.prompts.negative) == 1
    sitting.key(Qt.Key.Key_Z, CONTROL)
    assert not sitting.pointer.sketch.prompts.negative
    sitting.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert sitting.pointer.sketch.prompts.negative
    sitting.key(Qt.Key.Key_Return)
    (record,) = sitting.records
    assert record.state is RegionState.SCORED
    assert record.region.mask.pixels[20, 30]
    assert not record.region.mask.pixels[5, 5]
    assert sitting.pointer.sketch.is_empty
    sitting.click(50, 70, button=Qt.MouseButton.RightButton)
    sitting.click(50, 80)
    sitting.key(Qt.Key.Key_Escape)
    assert sitting.pointer.sketch.is_empty
    assert len(sitting.records) == 1


def test_two_quick_clicks_are_two_marks_and_do_not_zoom(sitting):
    sitting.open(blocks())
    sitting.choose(PointTool.CLICK)
    zoom = sitting.viewer.scene.camera.zoom
    for column in (25, 45):
        place = sitting.place(20, column)
        QTest.mouseMove(sitting.canvas, place)
        QTest.mousePress(sitting.canvas, LEFT, NONE, place)
        QTest.mouseRelease(sitting.canvas, LEFT, NONE, place)
    QTest.mouseDClick(sitting.canvas, LEFT, NONE, sitting.place(25, 30))
    sitting.settle()
    assert sitting.viewer.scene.camera.zoom == zoom
    assert len(sitting.pointer.sketch.prompts.positive) >= 2
    assert len(sitting.controller.segmenter.prompts.layer.data) == len(sitting.pointer.sketch.prompts.positive)


def test_a_box_and_a_scribble_are_dragged_and_leave_the_camera_alone(sitting):
    sitting.open(blocks())
    centre = tuple(sitting.viewer.scene.camera.center)
    sitting.choose(PointTool.BOX)
    sitting.drag((8, 17), (32, 53))
    assert sitting.pointer.sketch.prompts.box == pytest.approx((8.5, 17.5, 32.5, 53.5), abs=0.6)
    assert sitting.pointer.shown is not None
    sitting.key(Qt.Key.Key_Return)
    sitting.choose(PointTool.SCRIBBLE)
    sitting.drag((40, 65), (45, 80), (55, 85))
    sitting.drag((5, 60), (5, 90), modifier=CONTROL)
    assert len(sitting.pointer.sketch.prompts.strokes) == 1
    assert sitting.pointer.sketch.prompts.negative
    sitting.key(Qt.Key.Key_Return)
    assert len(sitting.records) == 2
    assert all(record.state is RegionState.SCORED for record in sitting.records)
    assert tuple(sitting.viewer.scene.camera.center) == centre


def test_the_wheel_zooms_and_the_space_bar_moves_the_image_while_one_points(sitting):
    sitting.open(blocks())
    sitting.choose(PointTool.CLICK)
    zoom, place = sitting.viewer.scene.camera.zoom, sitting.place(20, 30)
    where = QPointF(place), QPointF(sitting.canvas.mapToGlobal(place))
    turn, no_button, no_phase = QPoint(0, 120), Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(sitting.canvas, QWheelEvent(*where, turn, turn, no_button, NONE, no_phase, False))
    sitting.until(lambda: sitting.viewer.scene.camera.zoom > zoom)
    centre = tuple(sitting.viewer.scene.camera.center)
    QTest.keyPress(sitting.canvas, Qt.Key.Key_Space)
    sitting.drag((20, 30), (35, 60))
    QTest.keyRelease(sitting.canvas, Qt.Key.Key_Space)
    sitting.settle()
    assert tuple(sitting.viewer.scene.camera.center) != centre
    assert sitting.pointer.sketch.is_empty
    sitting.click(20, 30)
    assert len(sitting.pointer.sketch.prompts.positive) == 1


TRANSFORMS = (
    {"scale": (0.3, 0.6), "translate": (50, -20)},
    {"rotate": 35, "shear": [0.3], "scale": (2, 1.5)},
    {"affine": np.array([[0.0, -2.0, 10.0], [1.5, 0.4, -30.0], [0.0, 0.0, 1.0]])},
)


def test_a_click_lands_on_its_pixel_at_any_transform_and_zoom(sitting):
    for number, keywords in enumerate(TRANSFORMS):
        sitting.open(blocks(), **keywords)
        sitting.controller.images.choose(sitting.image)
        sitting.settle()
        low, high = np.asarray(sitting.image.extent.world)
        sitting.viewer.scene.camera.center = (0.0, *(low + high) / 2)
        sitting.viewer.scene.camera.zoom = 400 / (high - low).max()
        sitting.choose(PointTool.CLICK)
        sitting.click(45, 75)
        ((row, column),) = sitting.pointer.sketch.prompts.positive
        assert (row, column) == pytest.approx((45, 75), abs=0.8)
        preview = sitting.pointer.preview.layer
        box = sitting.pointer.shown.mask.box
        there = np.asarray(sitting.image.data_to_world((box[0], box[1])))
        assert np.allclose(preview.world_to_data(there), (1, 1), atol=1e-6)  # one px of margin
        sitting.key(Qt.Key.Key_Return)
        assert len(sitting.records) == number + 1
        assert sitting.records[-1].region.mask.pixels[45, 75]
        segments = sitting.controller.segments.layer
        assert segments.get_value(sitting.image.data_to_world((45, 75)), world=True) > 0
        sitting.choose(PointTool.CLICK)  # puts the tool away


def test_everything_is_cancelled_found_filtered_kept_and_taken_back(sitting):
    sitting.open(blocks())
    form = sitting.panel.finding.everything
    sitting.qtbot.mouseClick(sitting.bar.everything, LEFT)
    sitting.until(form.stop_button.isVisible)
    sitting.qtbot.mouseClick(form.stop_button, LEFT)
    sitting.settle()
    assert not form.isVisible() or form.keep_button.isVisible()
    sitting.controller.segmenter.everything.drop()
    sitting.press(sitting.bar.everything)
    sitting.until(form.keep_button.isVisible)
    form.area.setValue((0, 200))
    form.overlap.setValue(100)
    found = int(form.keep_button.text().split()[-1])
    assert found >= 1
    form.area.setValue((199, 200))
    assert int(form.keep_button.text().split()[-1]) < found
    form.area.setValue((0, 200))
    sitting.press(form.keep_button)
    assert len(sitting.records) == found
    assert all(record.state is RegionState.SCORED for record in sitting.records)
    sitting.press(sitting.bar.undo)
    assert not sitting.records


def test_a_backend_killed_between_look_and_click_answers_the_next_click_and_loses_no_region(own_sitting):
    own_sitting.open(blocks())
    own_sitting.choose(PointTool.CLICK)
    own_sitting.click(20, 30)
    own_sitting.key(Qt.Key.Key_Return)
    (kept,) = own_sitting.records
    own_sitting.backend._visit.process.process.kill()
    place = own_sitting.place(45, 75)
    QTest.mouseMove(own_sitting.canvas, place)
    QTest.mouseClick(own_sitting.canvas, LEFT, NONE, place)
    own_sitting.until(lambda: own_sitting.pointer.shown is not None)
    assert own_sitting.pointer.shown.mask.pixels[45, 75]
    own_sitting.settle()
    own_sitting.key(Qt.Key.Key_Return)
    own_sitting.settle()
    assert [record.state for record in own_sitting.records] == [RegionState.SCORED] * 2
    assert own_sitting.records[0].id == kept.id


def test_a_region_is_carried_to_the_next_planes_until_it_gets_lost(sitting):
    stack = np.full((6, 64, 100), 51, dtype=np.uint8)
    for plane in range(4):
        stack[plane, 10 + plane : 30 + plane, 20 + plane : 50 + plane] = 204
    sitting.open(stack, contrast_limits=(0, 255))
    sitting.viewer.dims.set_point(0, 0)
    sitting.settle()
    sitting.choose(PointTool.CLICK)
    sitting.click(20, 30)
    sitting.key(Qt.Key.Key_Return)
    assert sitting.records[0].plane == (0,)
    sitting.bar.carry_planes.setValue(5)
    sitting.key(Qt.Key.Key_K)
    assert [record.plane for record in sitting.records] == [(0,), (1,), (2,), (3,)]
    third = next(record for record in sitting.records if record.plane == (3,))
    assert third.region.mask.box[0] == 13
    assert sitting.viewer.dims.current_step[0] == 3
    assert "carried over 3 planes, and got lost on plane 4" in sitting.panel.status.text()


def test_after_a_restart_a_click_is_answered_from_the_look_that_was_kept(qtbot, own_sitting):
    own_sitting.open(blocks())
    own_sitting.choose(PointTool.CLICK)
    own_sitting.controller.close()
    own_sitting.until(lambda: own_sitting.backend.status.state is ConnectionState.STOPPED)
    own_sitting.viewer.window.remove_dock_widget(own_sitting.dock)
    blind = Sitting(qtbot, own_sitting.viewer, own_server(blind=True))  # its engine cannot look at images any more
    blind.image = own_sitting.image
    blind.until(lambda: blind.controller.backend.client is not None)
    blind.settle()
    blind.choose(PointTool.CLICK)
    blind.click(20, 30)
    assert blind.pointer.shown is not None, blind.panel.status.text()
    blind.controller.close()
    own_sitting.dock, own_sitting.controller, own_sitting.backend = blind.dock, blind.controller, blind.backend


def test_a_large_plane_is_pointed_at_in_a_window_and_lands_in_place(sitting):
    large = np.zeros((4200, 4400), dtype=np.uint8)
    large[::2] = 20
    large[3000:3040, 3500:3560] = 220
    sitting.open(large, contrast_limits=(0, 255))
    sitting.viewer.scene.camera.center = (0.0, 3020.0, 3530.0)
    sitting.viewer.scene.camera.zoom = 5.0
    sitting.choose(PointTool.CLICK)
    sitting.click(3020, 3530)
    ground = sitting.controller.segmenter.grounds
    assert ground._kept.image.shape <= (2048, 2048)
    assert sitting.pointer.shown.mask.shape == (4200, 4400)
    assert sitting.pointer.shown.mask.pixels[3020, 3530]
    assert sitting.pointer.shown.masks[0].box == (3000, 3500, 3040, 3560)
    sitting.key(Qt.Key.Key_Return)
    assert sitting.records[0].state is RegionState.SCORED
