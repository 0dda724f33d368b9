"""The panel "Quality map": what is shown, histogram, the value under the mouse, and regions out of a threshold."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_seagull.controller.desk import role_of
from napari_seagull.session.records import RegionState
from napari_seagull.views.map_panel import MapPanel


@pytest.fixture
def image():
    """Dark on the left (20 %), bright on the right (80 %), with a dark spot in it."""
    made = np.full((64, 96, 3), 204, dtype=np.uint8)
    made[:, :40] = 51
    made[20:36, 64:80] = 26
    return made


@pytest.fixture
def panel(qtbot, controller, image, settle):
    controller.viewer.add_image(image, name="halves")
    settle()
    made = MapPanel()
    qtbot.addWidget(made)
    controller.map_in(made)
    made.show()
    return made


def desk_of(controller):
    return controller.served[-1]


@pytest.fixture
def calm(qtbot, controller, settle):
    def until_calm():
        settle()
        qtbot.waitUntil(lambda: desk_of(controller).is_idle, timeout=10_000)
        settle()

    return until_calm


@pytest.fixture
def mapped(panel, calm):
    panel.bar.make_button.click()
    calm()
    return panel


def test_without_a_map_the_panel_says_what_to_do(panel):
    assert "Show map" in panel.unit.text()
    assert not panel.histogram.isVisible()
    assert not panel.form.isVisible()


def test_a_map_made_from_either_panel_shows_in_both(controller, panel, calm):
    controller.panel.map_bar.make_button.click()
    calm()
    assert panel.histogram.isVisible()
    assert panel.unit.text().startswith("Quality")
    panel.bar.list.setCurrentIndex(1)
    panel.bar.make_button.click()
    calm()
    assert panel.unit.text().startswith("Importance")
    visible = [layer for layer in controller.mapper.layers if layer.visible]
    assert len(visible) == 1
    assert visible[0].metadata["seagull"]["map"] == "weight"


def test_every_map_is_a_layer_with_fixed_limits_and_a_colour_bar(controller, panel, calm):
    limits = {}
    for index in range(panel.bar.list.count()):
        panel.bar.list.setCurrentIndex(index)
        panel.bar.make_button.click()
        calm()
    for layer in controller.mapper.layers:
        limits[layer.metadata["seagull"]["map"]] = tuple(layer.contrast_limits)
        assert layer.colorbar.visible
    assert limits["quality"] == (0, 100)
    assert limits["weight"] == (0, 4)
    assert limits["blur"] == (0, 5)
    assert len(limits) == panel.bar.list.count() == 9


def test_the_count_follows_the_threshold_and_the_least_area(mapped, calm, controller):
    assert mapped.form.count.text().startswith("2 regions")
    assert controller.served[-1].preview.is_shown
    mapped.form.value.setValue(15)
    calm()
    assert mapped.form.count.text().startswith("1 region,")
    mapped.form.value.setValue(5)
    calm()
    assert mapped.form.count.text() == "No part of the image."
    assert not mapped.form.make_button.isEnabled()
    mapped.form.value.setValue(40)
    mapped.form.area.setValue(1000)
    calm()
    assert mapped.form.count.text().startswith("1 region,")
    assert mapped.form.make_button.text() == "Make 1 region"


def test_the_line_of_the_histogram_is_dragged_with_the_mouse_and_moved_with_the_arrows(mapped, calm):
    at = QPoint(round(mapped.histogram.place_of(15)), 30)
    QTest.mouseClick(mapped.histogram, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    calm()
    assert mapped.form.value.value() == pytest.approx(15, abs=1)
    before = mapped.form.value.value()
    QTest.keyClick(mapped.histogram, Qt.Key.Key_Right)
    calm()
    assert mapped.form.value.value() == before + 1
    assert mapped.histogram.threshold == before + 1


def test_what_is_counted_becomes_scored_regions_in_one_step_that_undo_takes_back(mapped, calm, controller):
    mapped.form.make_button.click()
    calm()
    records = list(controller.session.regions.values())
    assert [record.state for record in records] == [RegionState.SCORED] * 2
    assert [record.region.name for record in records] == ["Below 40, 1", "Below 40, 2"]
    exact = np.zeros((64, 96), dtype=bool)
    exact[:, :40] = True
    assert np.mean(records[0].region.mask.pixels == exact) > 0.95
    assert "2 regions made" in mapped.status.text()
    assert not controller.served[-1].preview.is_shown
    names = [layer.name for layer in controller.viewer.layers]
    assert names.index("SEAGULL segments") > names.index("Quality map: halves")
    controller.keeper.undo()
    calm()
    assert not controller.session.regions
    controller.keeper.redo()
    calm()
    assert len(controller.session.regions) == 2


def test_the_value_under_the_mouse_is_told_whichever_layer_is_chosen(mapped, controller, qtbot):
    move = controller.viewer.mouse_move_callbacks[-1]
    move(controller.viewer, SimpleNamespace(position=(30.0, 70.0)))
    assert mapped.pointed.text() == "Under the mouse: quality 10"
    qtbot.waitUntil(lambda: "quality 10" in str(controller.viewer.status))
    move(controller.viewer, SimpleNamespace(position=(300.0, 70.0)))
    assert mapped.pointed.text().endswith("\N{EN DASH}")


def test_another_image_takes_histogram_and_preview_away(mapped, controller, calm, image):
    controller.viewer.add_image(255 - image, name="other")
    calm()
    assert not mapped.histogram.isVisible()
    assert not controller.served[-1].preview.is_shown


def test_a_coarse_map_says_so_until_it_is_refined(controller, panel, use_large, toy, qtbot, calm):
    toy.map_go.clear()
    panel.bar.make_button.click()
    qtbot.waitUntil(lambda: "coarse" in panel.unit.text())
    assert panel.bar.stop_button.isVisible()
    toy.map_go.set()
    calm()
    assert "coarse" not in panel.unit.text()


def test_a_closed_panel_leaves_no_preview_and_hears_no_more(mapped, controller, calm):
    callbacks = len(controller.viewer.mouse_move_callbacks)
    mapped.closed.emit()
    assert len(controller.viewer.mouse_move_callbacks) == callbacks - 1
    assert not [layer for layer in controller.viewer.layers if role_of(layer) == "threshold"]
    controller.panel.map_bar.make_button.click()
    calm()
