"""Ctrl+Z and Ctrl+Shift+Z as a person presses them in a real napari: on our layers, in the panel, and nowhere else."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_seagull.controller.controller import Controller
from napari_seagull.controller.regions_layer import ids_of
from napari_seagull.session.commands import AddRegion, DeleteRegion
from napari_seagull.session.records import RegionState, SegmentSource
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.panel import Panel
from seagull_iqa.domain.region import Region, RegionMask

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]


class Sitting:
    """A viewer with the panel docked, a toy backend, and a keyboard."""

    def __init__(self, qtbot, viewer, backend) -> None:
        self.qtbot, self.viewer = qtbot, viewer
        self.panel = Panel()
        self.dock = viewer.window.add_dock_widget(self.panel, name="SEAGULL region quality")
        pixels = np.full((64, 100, 3), 51, dtype=np.uint8)
        pixels[:, 50:] = 204
        self.image = viewer.add_image(pixels, name="halves")
        self.controller = Controller(viewer, self.panel, backend=backend)
        self.session = self.controller.session
        self.controller.start()
        qtbot.waitUntil(lambda: self.controller.backend.client is not None)
        self.settle()

    def settle(self) -> None:
        for _again in range(2):
            self.qtbot.wait(30)
            self.qtbot.waitUntil(lambda: self.controller.is_idle, timeout=60_000)

    def choose(self, tool: Tool):
        self.panel.draw_bar.tool_wished.emit(tool)
        return self.controller.labels.layer if tool is Tool.PAINT else self.controller.shapes.layer

    def press(self, *, again: bool = False, widget=None) -> None:
        """Ctrl+Z or Ctrl+Shift+Z, on the canvas unless told otherwise."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        modifier = Qt.KeyboardModifier.ControlModifier
        if again:
            modifier |= Qt.KeyboardModifier.ShiftModifier
        QTest.keyClick(widget or canvas, Qt.Key.Key_Z, modifier)
        self.settle()

    def names(self) -> list[str]:
        return [record.region.name for record in self.session.regions.values()]

    def close(self) -> None:
        self.controller.close()
        self.qtbot.waitUntil(lambda: self.controller.tasks.running == 0)
        self.viewer.window.remove_dock_widget(self.dock)


@pytest.fixture
def sitting(qtbot, make_napari_viewer_proxy, backend):
    made = Sitting(qtbot, make_napari_viewer_proxy(show=True).__wrapped__, backend)
    yield made
    made.close()


def test_drawn_moved_renamed_and_deleted_shapes_go_back_and_forth_with_their_scores(sitting):
    shapes = sitting.choose(Tool.RECTANGLE)
    shapes.add_rectangles([LEFT])
    sitting.settle()
    shapes.add_rectangles([RIGHT])
    sitting.settle()
    first, second = ids_of(shapes)
    drawn = sitting.session.record(first).geometry
    shapes.data = [np.asarray(LEFT) + np.array([5.0, 0.0]), np.asarray(RIGHT)]
    sitting.settle()
    sitting.panel.table.rename_wished.emit(first, "shadow")
    sitting.panel.table.delete_wished.emit([first, second])
    sitting.settle()
    assert shapes.nshapes == 0
    sitting.viewer.layers.selection.active = shapes
    sitting.press()
    assert sorted(ids_of(shapes)) == sorted([first, second])
    assert sitting.names() == ["shadow", "Region 2"]
    assert [r.state for r in sitting.session.regions.values()] == [RegionState.SCORED] * 2
    sitting.press()
    assert sitting.names() == ["Region 1", "Region 2"]
    sitting.press()
    moved_back = shapes.data[ids_of(shapes).index(first)]
    assert np.array_equal(moved_back, LEFT)
    assert sitting.session.record(first).geometry == drawn
    assert sitting.session.record(first).state is RegionState.SCORED
    sitting.press()
    assert ids_of(shapes) == [first]
    sitting.press()
    assert shapes.nshapes == 0 and not sitting.session.regions
    for _step in range(5):
        sitting.press(again=True)
    assert shapes.nshapes == 0 and not sitting.session.regions
    assert not sitting.session.can_redo


def test_a_shape_drawn_a_moment_ago_is_taken_back_at_once(sitting):
    shapes = sitting.choose(Tool.ELLIPSE)
    shapes.add_ellipses([LEFT])
    sitting.viewer.layers.selection.active = shapes
    sitting.press()
    assert shapes.nshapes == 0 and not sitting.session.regions
    sitting.press(again=True)
    assert list(shapes.shape_type) == ["ellipse"]
    (record,) = sitting.session.regions.values()
    assert record.state is RegionState.SCORED and ids_of(shapes) == [record.id]


def test_strokes_on_our_labels_go_back_to_the_pixel_and_napari_does_not_undo_them_twice(sitting):
    labels = sitting.choose(Tool.PAINT)
    labels.paint((20, 20), 1)
    sitting.settle()
    first = np.array(labels.data)
    labels.selected_label = 2
    labels.paint((20, 26), 2)  # over a part of the first one
    sitting.settle()
    second = np.array(labels.data)
    assert sitting.names() == ["Label 1", "Label 2"]
    sitting.viewer.layers.selection.active = labels
    sitting.press()
    assert np.array_equal(labels.data, first)
    assert sitting.names() == ["Label 1"]
    sitting.press(again=True)
    assert np.array_equal(labels.data, second)
    sitting.press()
    sitting.press()
    assert not labels.data.any() and not sitting.session.regions
    sitting.press(again=True)
    assert np.array_equal(labels.data, first)
    (record,) = sitting.session.regions.values()
    assert np.array_equal(record.region.mask.pixels, first > 0)


def test_an_erased_label_comes_back(sitting):
    labels = sitting.choose(Tool.PAINT)
    labels.paint((20, 20), 1)
    sitting.settle()
    painted = np.array(labels.data)
    labels.fill((20, 20), 0)
    sitting.settle()
    assert not sitting.session.regions
    sitting.press()
    assert np.array_equal(labels.data, painted)
    assert sitting.names() == ["Label 1"]


def test_found_regions_follow_too(sitting):
    region = Region(RegionMask.from_box((64, 100), (5, 5, 25, 45)), "found")
    sitting.session.do(AddRegion(region, SegmentSource("SEAGULL segments")))
    sitting.settle()
    sitting.session.do(DeleteRegion(region.id))
    sitting.settle()
    segments = sitting.controller.segments.layer
    sitting.viewer.layers.selection.active = segments
    sitting.press()
    assert np.array_equal(segments.data > 0, region.mask.pixels)
    sitting.press()
    assert not segments.data.any()


def test_the_panel_hears_the_keys_and_a_field_of_text_keeps_them(sitting):
    shapes = sitting.choose(Tool.RECTANGLE)
    shapes.add_rectangles([LEFT])
    sitting.settle()
    sitting.viewer.window._qt_window.activateWindow()
    view = sitting.panel.table
    view.setFocus()
    sitting.qtbot.waitUntil(view.hasFocus)
    sitting.press(widget=view)
    assert shapes.nshapes == 0
    sitting.press(widget=view, again=True)
    assert shapes.nshapes == 1
    line = next(line for line in sitting.panel.findChildren(QLineEdit) if line.isVisible() and line.isEnabled())
    line.setFocus()
    sitting.qtbot.waitUntil(line.hasFocus)
    sitting.qtbot.keyClicks(line, "dark")
    sitting.press(widget=line)
    assert line.text() == ""
    assert shapes.nshapes == 1


def test_other_peoples_layers_keep_their_own_undo(sitting):
    shapes = sitting.choose(Tool.RECTANGLE)
    shapes.add_rectangles([LEFT])
    sitting.settle()
    theirs = sitting.viewer.add_labels(np.zeros((64, 100), dtype=np.int32), name="theirs")
    theirs.paint((20, 20), 1)
    sitting.viewer.layers.selection.active = theirs
    sitting.press()
    assert not theirs.data.any()
    assert shapes.nshapes == 1
    sitting.viewer.layers.selection.active = sitting.image
    sitting.press()
    assert shapes.nshapes == 1
