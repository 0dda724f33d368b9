"""Which image and plane a deed is about: the one that was chosen when it was done, whatever is shown by then."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from napari_seagull.controller import importing
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.segment_bar import PointTool

LEFT = [[10, 10], [10, 40], [40, 40], [40, 10]]


def halves(a, b):
    made = np.full((64, 100, 3), a, np.uint8)
    made[:, 50:] = b
    return made


def two_images(controller, settle):
    dark = np.full((64, 100, 3), 20, np.uint8)
    dark[:, 50:] = 30
    bright = np.full((64, 100, 3), 230, np.uint8)
    bright[:, 50:] = 240
    one = controller.viewer.add_image(dark, name="dark")
    controller.viewer.add_image(bright, name="bright")
    settle()
    controller.panel.image_bar.image_wished.emit(1)
    settle()  # the lower one, in the bar
    assert controller.images.layer is one
    return one


def painted_stack(controller, settle):
    """A stroke on the second plane of a stack, a moment ago."""
    controller.viewer.add_image(np.random.default_rng(0).integers(0, 255, (5, 64, 100)).astype(np.uint8), name="stack")
    controller.viewer.dims.set_point(0, 1)
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    settle()
    layer = controller.labels.layer
    layer.paint((1, 30, 30), layer.selected_label)
    return layer


@pytest.mark.parametrize("tool", [Tool.RECTANGLE, Tool.PAINT])
def test_a_tool_does_not_change_the_chosen_image(controller, settle, tool):
    one = two_images(controller, settle)
    controller.panel.draw_bar.tool_wished.emit(tool)
    settle()
    if tool is Tool.RECTANGLE:
        controller.shapes.layer.add_rectangles([np.asarray(LEFT, float)])
        settle()
        (region,) = controller.session.regions.values()
        assert region.report.quality < 15
    assert controller.images.layer is one


def test_pointing_does_not_change_the_chosen_image(controller, settle):
    one = two_images(controller, settle)
    controller.segmenter.choose(PointTool.CLICK)
    settle()
    assert controller.images.layer is one


def test_a_map_does_not_change_the_chosen_image(controller, settle):
    one = two_images(controller, settle)
    controller.panel.map_bar.map_wished.emit("quality")
    settle()
    assert controller.images.layer is one


def test_what_was_painted_a_moment_before_scrolling_is_a_region_of_its_plane(controller, settle, qtbot):
    layer = painted_stack(controller, settle)
    qtbot.wait(100)
    controller.viewer.dims.set_point(0, 2)
    qtbot.wait(1000)
    settle()
    assert layer.data[1].any()
    assert [r.plane for r in controller.session.regions.values()] == [(1,)]


def test_what_was_added_by_paint_a_moment_before_scrolling_is_not_forgotten(controller, settle, qtbot):
    layer = painted_stack(controller, settle)
    qtbot.wait(500)
    settle()
    (rec,) = controller.session.regions.values()
    layer.paint((1, 30, 60), layer.selected_label)
    qtbot.wait(100)
    controller.viewer.dims.set_point(0, 2)
    qtbot.wait(1000)
    settle()
    controller.viewer.dims.set_point(0, 1)
    qtbot.wait(1000)
    settle()
    (rec,) = controller.session.regions.values()
    assert rec.region.mask.area == (layer.data[1] > 0).sum()


def test_masks_of_one_image_never_become_regions_of_another(controller, settle, qtbot, toy):
    one = controller.viewer.add_image(halves(51, 204), name="one")
    other = np.full((64, 100, 3), 10, np.uint8)
    other[20:40] = 240
    two = controller.viewer.add_image(other, name="two")
    settle()
    controller.images.choose(one)
    settle()
    toy.segmenting.everything_go.clear()
    controller.segmenter.everything.search()
    qtbot.waitUntil(lambda: controller.segmenter.everything._task is not None)
    qtbot.wait(100)
    controller.images.choose(two)
    qtbot.wait(300)
    toy.segmenting.everything_go.set()
    settle()
    assert controller.images.layer is two
    controller.panel.finding.everything.keep_wished.emit()
    settle()
    boxes = [r.region.mask.box for r in controller.session.regions.values()]
    assert not boxes, boxes


def test_a_region_that_is_carried_never_lands_on_another_image(controller, settle, qtbot, toy, monkeypatch):
    one = controller.viewer.add_image(np.stack([halves(51, 204)] * 4), name="one", rgb=True)
    settle()
    controller.viewer.dims.set_point(0, 0)
    settle()
    controller.segmenter.choose(PointTool.CLICK)
    settle()
    controller.segmenter.prompts.clicked.emit((30.0, 20.0), True)
    settle()
    controller.segmenter._on_keep_wished()
    settle()
    assert [r.region.mask.box for r in controller.session.regions.values()] == [(0, 0, 64, 50)]
    other = np.stack([halves(10, 240)] * 4)
    other[:, 20:40] = 99
    two = controller.viewer.add_image(other, name="two", rgb=True)
    settle()
    assert controller.images.layer is one
    gate = threading.Event()
    real = toy.segmenting.carry
    monkeypatch.setattr(toy.segmenting, "carry", lambda *a, **k: (gate.wait(20), real(*a, **k))[1])
    controller.segmenter.carrier.carry(2)
    qtbot.wait(100)
    controller.images.choose(two)
    qtbot.wait(400)
    gate.set()
    settle()
    assert len(controller.session.regions) == 1


def test_an_import_lands_on_the_plane_that_was_shown_when_it_was_asked_for(
    controller, settle, qtbot, tmp_path, monkeypatch
):
    stack = np.stack([halves(51, 204)] * 4)
    controller.viewer.add_image(stack, name="one", rgb=True)
    controller.viewer.dims.set_point(0, 1)
    settle()
    path = tmp_path / "x.geojson"
    square = [[[10, 10], [40, 10], [40, 40], [10, 40], [10, 10]]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": square}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    gate = threading.Event()
    real = importing.import_from
    monkeypatch.setattr(importing, "import_from", lambda *a: (gate.wait(20), real(*a))[1])
    controller.exchange.importer.take_in(path)
    qtbot.wait(50)
    controller.viewer.dims.set_point(0, 3)
    qtbot.wait(500)
    gate.set()
    settle()
    assert [r.plane for r in controller.session.regions.values()] == [(1,)]
