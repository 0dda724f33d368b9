"""While the model is at work people go on: nothing that is done in the window waits for an answer."""

from __future__ import annotations

import numpy as np

from napari_seagull.controller.regions_layer import ids_of
from napari_seagull.controller.safe import TURN
from napari_seagull.session.records import RegionState
from napari_seagull.views.draw_bar import Tool

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]


def test_regions_are_drawn_renamed_deleted_and_taken_back_while_the_model_is_at_work(
    controller, shapes, settle, toy, qtbot
):
    toy.go.clear()
    shapes.add_rectangles([LEFT])
    qtbot.waitUntil(lambda: len(toy.asked) == 1)
    (first,) = ids_of(shapes)
    controller.panel.table.rename_wished.emit(first, "shadow")
    shapes.add_rectangles([RIGHT])
    qtbot.waitUntil(lambda: len(controller.session.regions) == 2)
    second = ids_of(shapes)[1]
    controller.panel.table.delete_wished.emit([second])
    qtbot.waitUntil(lambda: second not in controller.session.regions)
    controller.keeper.undoer.undo()
    qtbot.waitUntil(lambda: second in controller.session.regions)
    assert controller.session.regions[first].region.name == "shadow"
    assert controller.session.regions[first].state is RegionState.QUEUED
    assert not toy.go.is_set()
    toy.go.set()
    settle()
    assert sorted(round(record.report.quality) for record in controller.session.regions.values()) == [20, 80]


def test_images_of_unequal_sizes_are_judged_one_after_the_other_each_with_its_own_pixels(controller, settle, toy):
    for number, (height, width) in enumerate([(64, 100), (90, 40), (33, 257)]):
        image = np.zeros((height, width, 3), dtype=np.uint8)
        image[:30] = 60 * (number + 1)
        controller.images.choose(controller.viewer.add_image(image, name=f"image {number}"))
        settle()
        if controller.panel.question.topic == TURN:
            controller.panel.question.buttons[0].click()  # begin anew on this one
            settle()
        controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
        controller.shapes.layer.add_rectangles([[[5, 5], [5, 25], [25, 25], [25, 5]]])
        settle()
        assert toy.images[-1].shape == (height, width)
        newest = list(controller.session.regions.values())[-1]
        assert round(newest.report.quality) == round(60 * (number + 1) / 2.55)
