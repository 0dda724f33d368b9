"""A region over all planes of a stack: plane by plane, with gaps, with a way to stop, and the slider in step."""

from __future__ import annotations

import threading

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest

from napari_seagull.session.commands import SelectRegions
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.series_panel import SeriesPanel

COUNT = 6


def plane(index):
    """Brighter and brighter on the left; nothing at all on plane 3."""
    made = np.full((64, 100), 200, dtype=np.uint8)
    made[:, :50] = 51 + 10 * index
    return made if index != 3 else np.zeros_like(made)


@pytest.fixture
def read():
    return []


@pytest.fixture
def panel(qtbot, controller, settle, read):
    def block(block_info=None):
        index = block_info[None]["chunk-location"][1]
        if threading.current_thread().name.startswith("seagull"):
            read.append(index)
        return np.stack([plane(index)] * 2)[:, None]

    stack = da.map_blocks(block, chunks=((2,), (1,) * COUNT, (64,), (100,)), dtype=np.uint8)
    controller.viewer.add_image(
        stack, name="series", contrast_limits=(0, 255), axis_labels=("c", "t", "y", "x"), scale=(1, 2, 1, 1)
    )
    controller.viewer.dims.set_current_step(0, 0)
    controller.viewer.dims.set_current_step(1, 0)
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    lead = [0, 0]
    corners = [[10, 10], [10, 40], [40, 40], [40, 10]]
    controller.shapes.layer.add_rectangles([[[*lead, *corner] for corner in corners]])
    settle()
    made = SeriesPanel()
    qtbot.addWidget(made)
    controller.series_in(made)
    made.show()
    return made


def series_of(controller):
    return controller.served[-1]


def test_every_slider_of_more_than_one_plane_is_offered(panel):
    assert [panel.axis.itemText(line) for line in range(panel.axis.count())] == ["c (2)", "t (6)"]
    assert panel.subject.text().startswith("Region 1: press")


def test_a_region_is_scored_on_every_plane_and_an_empty_one_is_a_gap(panel, controller, settle):
    panel.axis.setCurrentIndex(1)
    panel.button.click()
    settle()
    points = series_of(controller).points
    assert [point.index for point in points] == [0, 1, 2, 4, 5]
    assert [round(point.value) for point in points] == [round((51 + 10 * i) / 2.55) for i in (0, 1, 2, 4, 5)]
    assert "1 plane has no score" in panel.status.text()
    assert not controller.session.regions[series_of(controller)._run.region.id].error
    panel.copy_button.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "index\tquality\tlow\thigh"
    assert len(lines) == 6


def test_a_click_on_the_line_moves_the_slider_and_the_slider_moves_the_mark(panel, controller, settle):
    panel.axis.setCurrentIndex(1)
    panel.button.click()
    settle()
    place = panel.plot.place_of(4, 50).toPoint()
    QTest.mouseClick(panel.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(place))
    settle()
    assert controller.images.plane == (0, 4)
    assert panel.plot._present == 4


def test_a_series_can_be_stopped_and_keeps_what_is_there(panel, controller, settle, toy, qtbot):
    toy.go.clear()
    panel.axis.setCurrentIndex(1)
    panel.button.click()
    qtbot.waitUntil(lambda: panel.stop_button.isVisible())
    panel.stop_button.click()
    toy.go.set()
    settle()
    assert panel.button.isVisible()
    assert len(series_of(controller).points) < 5
    assert "Stopped" in panel.status.text()


def test_planes_are_read_one_by_one(panel, controller, settle, read):
    read.clear()
    panel.axis.setCurrentIndex(1)
    import dask

    with dask.config.set(scheduler="synchronous"):
        panel.button.click()
        settle()
    assert read == list(range(COUNT))


def test_without_a_region_or_a_stack_the_panel_says_what_to_do(panel, controller, settle):
    controller.session.do(SelectRegions(()))
    assert "Select a region" in panel.subject.text()
    assert not panel.button.isEnabled()


def test_a_region_that_changed_since_says_so(panel, controller, settle):
    panel.axis.setCurrentIndex(1)
    panel.button.click()
    settle()
    shapes = controller.shapes.layer
    shapes.data = [np.asarray(shapes.data[0]) + np.array([0, 0, 5, 5])]
    settle()
    controller.session.do(SelectRegions(tuple(controller.session.regions)))
    assert "has changed since" in panel.subject.text()
