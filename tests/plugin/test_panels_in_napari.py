"""The further panels in a real napari, by mouse, with a real server: map, regions out of it, comparison."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_seagull.connection.backend import Backend, Patience
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller.controller import Controller
from napari_seagull.controller.desk import role_of
from napari_seagull.views.compare_panel import ComparePanel
from napari_seagull.views.map_panel import MapPanel
from napari_seagull.views.panel import Panel

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

TOY = Path(__file__).parents[1] / "backend" / "toy_server.py"


def test_a_map_is_cut_and_compared_by_mouse_and_closed_panels_leave_nothing(qtbot, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True).__wrapped__
    server = LocalServer(command=(sys.executable, str(TOY), "0", json.dumps({"exit_with_stdin": True})))
    backend, main = Backend(server, patience=Patience(leave_s=3.0)), Panel()
    viewer.window.add_dock_widget(main, name="SEAGULL region quality")
    controller = Controller(viewer, main, backend=backend)
    controller.start()
    image = np.full((64, 100, 3), 51, dtype=np.uint8)
    image[:, 50:] = 204
    viewer.add_image(image, name="before")
    qtbot.waitUntil(lambda: controller.backend.client is not None, timeout=150_000)
    maps, compare = MapPanel(), ComparePanel()
    cutter, comparer = controller.map_in(maps), controller.compare_in(compare)
    docks = [viewer.window.add_dock_widget(panel, name=panel.objectName()) for panel in (maps, compare)]

    def settle():
        for _again in range(3):
            qtbot.wait(100)
            qtbot.waitUntil(
                lambda: controller.is_idle and cutter.is_idle and comparer.is_idle, timeout=150_000
            )

    settle()
    QTest.mouseClick(maps.bar.make_button, Qt.MouseButton.LeftButton)
    settle()
    at = QPoint(round(maps.histogram.place_of(60)), 30)
    QTest.mouseClick(maps.histogram, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    settle()
    assert maps.form.count.text().startswith("1 region,")
    QTest.mouseClick(maps.form.make_button, Qt.MouseButton.LeftButton)
    settle()
    (record,) = controller.session.regions.values()
    assert record.report is not None
    viewer.add_image(255 - image, name="after")
    settle()
    QTest.mouseClick(compare.button, Qt.MouseButton.LeftButton)
    settle()
    assert compare.table.rowCount() == 1
    assert "\N{BLACK UP-POINTING TRIANGLE}" in compare.row_words()[0][3]
    assert [layer for layer in viewer.layers if role_of(layer) == "difference"]
    for dock in docks:
        viewer.window.remove_dock_widget(dock)
    assert not [layer for layer in viewer.layers if role_of(layer) == "threshold"]
    settle()
    controller.close()
    qtbot.waitUntil(lambda: controller.tasks.running == 0, timeout=30_000)
    viewer.window.remove_dock_widget(main.parent())
