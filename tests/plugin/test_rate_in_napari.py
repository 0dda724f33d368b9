"""The rating mode in a real napari: keys that would delete or paint are pressed, and the user's work stays."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_seagull.controller.controller import Controller
from napari_seagull.controller.dock import controller_of
from napari_seagull.views.panel import Panel
from napari_seagull.views.rate_panel import RatePanel

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

SQUARES = [[[r, c], [r, c + 20], [r + 20, c + 20], [r + 20, c]] for r, c in ((5, 5), (5, 60), (40, 5))]
DIGITS = [Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_6, Qt.Key.Key_7]
HARMFUL = [*DIGITS, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_E, Qt.Key.Key_P, Qt.Key.Key_R, Qt.Key.Key_M]


class Table:
    """A napari window with the panel, three scored regions, and the rating panel beside it."""

    def __init__(self, qtbot, viewer, backend) -> None:
        self.qtbot, self.viewer = qtbot, viewer
        self.panel, self.rate = Panel(), RatePanel()
        self.docks = [viewer.window.add_dock_widget(self.panel), viewer.window.add_dock_widget(self.rate)]
        self.controller = Controller(viewer, self.panel, backend=backend)
        self.controller.start()
        pixels = np.full((64, 100, 3), 51, dtype=np.uint8)
        pixels[:, 50:] = 204
        self.image = viewer.add_image(pixels, name="image")
        self.settle()
        self.shapes = self.controller.shapes.ensure(self.image)
        self.shapes.add_rectangles(SQUARES)
        self.settle()
        self.rater = self.controller.rate_in(self.rate)
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.qtbot.wait(30)

    def settle(self) -> None:
        for _again in range(2):
            self.qtbot.wait(30)
            self.qtbot.waitUntil(lambda: self.controller.is_idle, timeout=60_000)

    def start(self) -> None:
        self.qtbot.mouseClick(self.rate.banner.start_button, Qt.MouseButton.LeftButton)
        assert self.rater.is_on

    def press(self, *keys: Qt.Key) -> None:
        """On the canvas, where napari's own keys are heard."""
        for key in keys:
            QTest.keyClick(self.canvas, key)

    def close(self) -> None:
        self.controller.close()
        for dock in self.docks:
            self.viewer.window.remove_dock_widget(dock)


@pytest.fixture
def table(qtbot, make_napari_viewer_proxy, backend):
    made = Table(qtbot, make_napari_viewer_proxy(show=True).__wrapped__, backend)
    yield made
    made.close()


def test_no_key_of_the_rating_mode_reaches_a_layer_and_after_it_the_keys_are_naparis_again(table):
    viewer, shapes = table.viewer, table.shapes
    points = viewer.add_points(np.array([[5.0, 5.0], [20.0, 20.0]]))
    labels = viewer.add_labels(np.zeros((64, 100), dtype=np.uint8))
    own = viewer.add_shapes(SQUARES)
    viewer.layers.selection.active = shapes
    shapes.mode = "select"
    table.start()
    before = [np.array(data) for data in shapes.data]
    for layer in (shapes, points, labels, own):
        viewer.layers.selection.active = layer
        if layer is not labels:
            layer.selected_data = {0}
        mode = str(layer.mode)
        table.press(*HARMFUL)
        assert str(layer.mode) == mode
    assert all(np.array_equal(old, new) for old, new in zip(before, shapes.data, strict=True))
    assert (len(points.data), own.nshapes, shapes.nshapes, labels.selected_label) == (2, 3, 3, 1)
    assert len(viewer.layers) == 5 and len(table.controller.session.regions) == 3
    table.press(Qt.Key.Key_Escape)
    assert not table.rater.is_on and shapes.mode == "select"
    # What the gate is for: without it the same keys delete what is selected.
    for layer, key in ((shapes, Qt.Key.Key_3), (points, Qt.Key.Key_1)):
        viewer.layers.selection.active = layer
        layer.mode = "select"
        layer.selected_data = {0}
        table.press(key)
    assert (len(points.data), shapes.nshapes) == (1, 2)


def test_keys_rate_wherever_the_focus_is_and_the_region_is_in_the_middle(table):
    labels = table.viewer.add_labels(np.zeros((64, 100), dtype=np.uint8))
    labels.paint((10, 10), 1)
    painted = labels.data.copy()
    table.start()
    window, session = table.viewer.window._qt_window, table.controller.session
    centres = []
    for widget in (table.canvas, table.rate, table.panel.table):
        centres.append(table.viewer.scene.camera.center[-2:])
        QTest.keyClick(widget, Qt.Key.Key_4)
        QTest.keyClick(widget, Qt.Key.Key_Return)
    assert [record.verdicts[0].quality for record in session.regions.values()] == [75.0, 75.0, 75.0]
    assert np.allclose(sorted(centres), [(14.5, 14.5), (14.5, 69.5), (49.5, 14.5)], atol=1.0)
    table.viewer.layers.selection.active = labels
    QTest.keyClick(table.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert sum(bool(record.verdicts) for record in session.regions.values()) == 2
    assert np.array_equal(labels.data, painted)
    # As the window system sends them: shortcuts of napari would come first.
    window.activateWindow()
    table.canvas.setFocus()
    table.qtbot.wait(50)
    for key in (Qt.Key.Key_2, Qt.Key.Key_B, Qt.Key.Key_Return):
        QTest.keyClick(window.windowHandle(), key)
    table.qtbot.waitUntil(lambda: all(record.verdicts for record in session.regions.values()))
    assert sorted(record.verdicts[0].quality for record in session.regions.values()) == [25.0, 75.0, 75.0]


def test_the_rating_panel_opens_from_the_manifest_beside_the_panel_of_the_regions(qtbot, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True).__wrapped__
    rate_dock, rate = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL rate")
    controller = controller_of(viewer)
    assert rate.rater in controller.raters
    assert controller_of(viewer) is controller
    qtbot.mouseClick(controller.panel.regions.deeds.rate_button, Qt.MouseButton.LeftButton)
    assert len(controller.raters) == 1
    viewer.window.remove_dock_widget(rate_dock)
    assert not rate.rater.gate.is_open
    controller.close()
    qtbot.waitUntil(lambda: controller.tasks.running == 0, timeout=60_000)
    for dock in list(viewer.window._wrapped_dock_widgets.values()):
        if "SEAGULL" in dock.name:
            viewer.window.remove_dock_widget(dock)
