"""The controller, on a viewer without a window and a backend of a few lines: what a person does, what comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seagull.controller.desk import role_of
from napari_seagull.controller.regions_layer import ids_of
from napari_seagull.session.records import RegionState
from napari_seagull.views.draw_bar import Tool
from seagull_iqa.errors import BackendUnreachableError

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]
"""Rectangles in the dark and in the bright half of the image."""


@pytest.fixture
def image():
    """Dark on the left (20 %), bright on the right (80 %)."""
    made = np.full((64, 100, 3), 51, dtype=np.uint8)
    made[:, 50:] = 204
    return made


@pytest.fixture
def shapes(controller, image, settle):
    """Our regions layer over the image, in rectangle mode."""
    controller.viewer.add_image(image, name="halves")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    return controller.shapes.layer


def only(mapping):
    assert len(mapping) == 1, list(mapping)
    return next(iter(mapping.values()))


def qualities(controller) -> list[int]:
    return [round(record.report.quality) for record in controller.session.regions.values()]


def test_a_drawn_rectangle_becomes_a_scored_and_coloured_region(controller, shapes, settle):
    assert shapes.mode == "add_rectangle"
    assert controller.viewer.layers.selection.active is shapes
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    assert qualities(controller) == [20, 80]
    table = controller.panel.table.regions
    assert [table.index(line, 1).data() for line in range(2)] == ["20", "80"]
    assert shapes.features["label"].tolist() == ["20", "80"]
    red, blue = shapes.edge_color[0], shapes.edge_color[1]
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_the_region_just_drawn_is_on_the_card(controller, shapes, settle):
    shapes.add_rectangles([LEFT])
    settle()
    shapes.add_rectangles([RIGHT])
    settle()
    assert controller.panel.card.title.text() == "Region 2"
    assert controller.panel.card.quality.words.text() == "80  good"


def test_a_new_shape_starts_without_the_score_of_the_last_one(controller, shapes, settle, toy):
    shapes.add_rectangles([LEFT])
    settle()
    toy.go.clear()
    shapes.add_rectangles([RIGHT])
    assert np.isnan(shapes.features["quality"].iloc[1])
    assert np.allclose(shapes.edge_color[1][:3], 128 / 255, atol=0.01)
    toy.go.set()
    settle()


def test_only_what_changed_is_asked_again(controller, shapes, settle, toy):
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    before = len(toy.asked)
    moved = [np.asarray(LEFT) + np.array([0, 50]), np.asarray(RIGHT)]
    shapes.data = moved  # napari tells that both changed
    settle()
    assert toy.asked[before:] == [[ids_of(shapes)[0]]]
    assert qualities(controller) == [80, 80]


def test_selected_and_visible_regions_are_asked_before_the_others(controller, shapes, settle, toy, qtbot):
    toy.go.clear()
    controller.scorer.enabled = False
    corners = [[row, column] for row in (2, 30) for column in (2, 30, 60, 80)]
    shapes.add_rectangles([np.array([[0, 0], [0, 12], [12, 12], [12, 0]]) + corner for corner in corners])
    qtbot.waitUntil(lambda: len(controller.session.regions) == len(corners))
    viewer = controller.viewer
    viewer.canvas.size, viewer.scene.camera.zoom, viewer.scene.camera.center = (100, 100), 4.0, (0, 36, 86)
    ids = ids_of(shapes)
    shapes.selected_data = {0}
    controller.scorer.score_all()
    qtbot.waitUntil(lambda: bool(toy.asked))
    assert toy.asked[0][:2] == [ids[0], ids[7]]
    assert sorted(toy.asked[0][2:]) == sorted(ids[1:7])
    toy.go.set()
    settle()


def test_a_request_of_which_nothing_is_wanted_any_more_is_ended_and_no_edit_waits_behind_it(
    controller, shapes, settle, toy, qtbot
):
    toy.go.clear()
    shapes.add_rectangles([LEFT])
    qtbot.waitUntil(lambda: len(toy.asked) == 1)
    for step in range(1, 5):  # more edits than there may be requests at a time
        shapes.data = [np.asarray(LEFT) + np.array([0, 10 * step])]
        qtbot.waitUntil(lambda step=step: len(toy.asked) == step + 1)
    toy.go.set()
    settle()
    assert qualities(controller) == [80]


def test_a_deleted_shape_takes_its_region_along(controller, shapes, settle):
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    shapes.selected_data = {0}
    shapes.remove_selected()
    settle()
    assert qualities(controller) == [80]
    assert controller.panel.table.regions.rowCount() == 1


def test_a_region_deleted_in_the_table_leaves_the_canvas_and_stays_in_the_log(controller, shapes, settle):
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    first = ids_of(shapes)[0]
    controller.panel.table.delete_wished.emit([first])
    settle()
    assert shapes.nshapes == 1
    assert first not in controller.session.regions
    deleted = [entry for entry in controller.session.log if first in entry.after and entry.after[first] is None]
    assert deleted[0].before[first].report is not None


def test_table_and_canvas_select_each_other(controller, shapes, settle):
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    controller.panel.table.selectRow(0)
    assert set(shapes.selected_data) == {0}
    assert controller.panel.card.title.text() == "Region 1"
    shapes.selected_data = {1}
    assert controller.panel.table.selected_ids() == [ids_of(shapes)[1]]
    assert controller.panel.card.title.text() == "Region 2"


def test_a_region_is_renamed_in_the_table(controller, shapes, settle):
    shapes.add_rectangles([LEFT])
    settle()
    controller.panel.table.rename_wished.emit(ids_of(shapes)[0], "shadow")
    settle()
    assert only(controller.session.regions).region.name == "shadow"
    assert shapes.features["name"].tolist() == ["shadow"]
    assert controller.panel.card.title.text() == "shadow"


def test_a_copied_shape_is_a_region_of_its_own(controller, shapes, settle):
    shapes.add_rectangles([LEFT])
    settle()
    shapes.add_rectangles([RIGHT])
    shapes.features.loc[1, "region"] = ids_of(shapes)[0]  # what napari's paste does
    shapes.add_rectangles([LEFT])
    settle()
    assert len(set(ids_of(shapes))) == 3
    assert len(controller.session.regions) == 3


def test_a_region_outside_the_image_says_so_and_is_scored_once_it_is_inside(controller, shapes, settle):
    shapes.add_rectangles([np.asarray(LEFT) + 500])
    settle()
    assert "no pixel of the image" in controller.panel.status.text()
    assert shapes.nshapes == 1
    assert not controller.session.regions
    shapes.data = [np.asarray(LEFT)]
    settle()
    assert qualities(controller) == [20]


def test_a_region_dragged_out_of_the_image_keeps_its_report_and_says_why(controller, shapes, settle):
    shapes.add_rectangles([LEFT])
    settle()
    shapes.data = [np.asarray(LEFT) + 500]
    settle()
    record = only(controller.session.regions)
    assert record.state is RegionState.ERROR
    assert record.report is not None
    controller.panel.table.selectRow(0)
    assert "no pixel of the image" in controller.panel.card.note.text()


def test_regions_of_a_deleted_layer_are_kept_and_brought_back(controller, shapes, settle):
    shapes.add_rectangles([LEFT])
    shapes.add_ellipses([RIGHT])
    settle()
    ids = ids_of(shapes)
    controller.viewer.layers.remove(shapes)
    settle()
    assert list(controller.session.regions) == ids
    assert controller.panel.restore_button.isVisibleTo(controller.panel)
    assert "Restore regions layer" in controller.panel.status.text()
    controller.panel.restore_wished.emit()
    settle()
    again = controller.shapes.layer
    assert ids_of(again) == ids
    assert list(again.shape_type) == ["rectangle", "ellipse"]
    assert np.allclose(again.data[0], LEFT)
    assert qualities(controller) == [20, 80]
    assert not controller.panel.restore_button.isVisibleTo(controller.panel)


def test_a_layer_deleted_while_it_is_scored_loses_nothing(controller, shapes, settle, toy, qtbot):
    toy.go.clear()
    shapes.add_rectangles([LEFT])
    qtbot.waitUntil(lambda: bool(toy.asked))
    controller.viewer.layers.remove(shapes)
    toy.go.set()
    settle()
    assert qualities(controller) == [20]
    controller.panel.draw_bar.tool_wished.emit(Tool.ELLIPSE)
    assert controller.shapes.layer.nshapes == 1
    assert controller.shapes.layer.mode == "add_ellipse"


def test_an_answer_for_a_region_that_is_gone_is_dropped(controller, shapes, settle, toy, qtbot):
    toy.go.clear()
    shapes.add_rectangles([LEFT])
    qtbot.waitUntil(lambda: bool(toy.asked))
    shapes.remove([0])
    toy.go.set()
    settle()
    assert not controller.session.regions
    said = controller.panel.status.text()
    assert not said or said.startswith("Your work is saved")


def test_a_backend_that_dies_leaves_one_sentence_and_scores_when_it_is_back(controller, shapes, settle, toy):
    toy.fails = BackendUnreachableError("The server went away.", "Start it again.")
    shapes.add_rectangles([LEFT])
    settle()
    record = only(controller.session.regions)
    assert record.state is RegionState.ERROR
    assert controller.panel.status.text() == "The server went away. Start it again."
    assert "The server went away" in controller.panel.backend_bar.reason.text()
    assert controller.panel.backend_bar.restart_button.isVisibleTo(controller.panel.backend_bar)
    toy.fails = None
    controller.panel.backend_bar.restart_wished.emit()
    settle()
    assert qualities(controller) == [20]
    assert controller.panel.backend_bar.words.text() == "Ready: toy-1 on cpu"


def test_regions_drawn_before_the_backend_is_ready_are_scored_then(controller, shapes, settle, backend):
    ready = backend.status
    backend.tell(type(ready)(type(ready.state).STARTING, "The model is being loaded."))
    shapes.add_rectangles([LEFT])
    settle()
    assert only(controller.session.regions).state is RegionState.QUEUED
    assert "being loaded" in controller.panel.backend_bar.words.text()
    backend.tell(ready)
    settle()
    assert qualities(controller) == [20]


def test_scale_and_translate_do_not_move_a_region(controller, image, settle, toy):
    controller.viewer.add_image(image, name="placed", scale=(0.5, 0.25), translate=(100, -30))
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    shapes = controller.shapes.layer
    assert np.allclose(shapes.scale, (0.5, 0.25))
    shapes.add_rectangles([RIGHT])
    settle()
    assert only(controller.session.regions).region.mask.box == (10, 60, 40, 90)
    assert qualities(controller) == [80]


def test_a_16_bit_image_is_scored_as_it_is_shown(controller, settle):
    gray = np.zeros((64, 100), dtype=np.uint16)
    gray[:, 50:] = 1000
    layer = controller.viewer.add_image(gray, name="deep", contrast_limits=(0, 1000))
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([RIGHT])
    settle()
    assert qualities(controller) == [100]
    layer.contrast_limits = (0, 2000)
    settle()
    assert qualities(controller) == [50]
    assert only(controller.session.regions).report.pixels.contrast_limits == (0, 2000)
    assert "stretched from 0 to 2000" in controller.panel.card.source.text()


@pytest.mark.parametrize("kind", ["gray", "rgba", "float", "16-bit rgb"])
def test_every_kind_of_image_is_scored(controller, image, settle, kind):
    pixels = {
        "gray": image[..., 0],
        "rgba": np.concatenate([image, np.full_like(image[..., :1], 255)], axis=2),
        "float": image[..., 0].astype(np.float32) / 255,
        "16-bit rgb": image.astype(np.uint16) * 257,
    }[kind]
    controller.viewer.add_image(pixels, name=kind)
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([LEFT, RIGHT])
    settle()
    dark, bright = qualities(controller)
    assert dark < bright


def test_an_image_without_numbers_says_what_to_do(controller, settle):
    controller.viewer.add_image(np.full((64, 100), np.nan, dtype=np.float32), name="holes")
    settle()
    assert "not finite" in controller.panel.status.text()
    assert controller.session.image is None


def test_each_plane_of_a_stack_has_its_own_regions(controller, image, settle, toy):
    stack = np.stack([image[..., 0], 255 - image[..., 0], image[..., 0] // 2])
    viewer = controller.viewer
    viewer.add_image(stack, name="stack")
    viewer.dims.set_point(0, 1)
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([np.insert(np.asarray(LEFT, float), 0, 1, axis=1)])
    settle()
    record = only(controller.session.regions)
    assert record.plane == (1,)
    assert qualities(controller) == [80]
    asked = len(toy.asked)
    viewer.dims.set_point(0, 0)
    settle()
    assert len(toy.asked) == asked
    assert only(controller.session.regions).state is RegionState.SCORED
    controller.zoom_to(record.id)
    assert viewer.dims.point[0] == 1


def test_a_removed_image_is_told_and_loses_no_region(controller, shapes, settle, image):
    shapes.add_rectangles([LEFT])
    settle()
    controller.viewer.layers.remove("halves")
    settle()
    assert "halves" in controller.panel.status.text()
    assert only(controller.session.regions).report is not None
    controller.viewer.add_image(255 - image, name="negative")
    settle()
    assert qualities(controller) == [80]


def test_the_image_list_follows_the_layers(controller, image, settle):
    first = controller.viewer.add_image(image, name="first")
    controller.viewer.add_image(image[:, ::-1], name="second")
    settle()
    bar = controller.panel.image_bar.list
    assert [bar.itemText(line) for line in range(bar.count())] == ["second", "first"]
    assert bar.currentText() == "second"
    bar.activated.emit(1)
    settle()
    assert controller.images.layer is first
    first.name = "renamed"
    assert bar.currentText() == "renamed"


def test_a_painted_label_becomes_a_region_in_the_colour_of_its_score(controller, image, settle):
    controller.viewer.add_image(image, name="halves")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    labels = controller.labels.layer
    labels.brush_size = 10
    labels.paint((30, 75), 1)
    settle()
    record = only(controller.session.regions)
    assert round(record.report.quality) == 80
    assert record.region.mask.pixels[30, 75]
    color = labels.colormap.color_dict[1]
    assert color[2] > color[0]
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    assert labels.selected_label == 2
    labels.paint((30, 20), 2)
    settle()
    assert qualities(controller) == [80, 20]
    labels.data_setitem(np.nonzero(labels.data == 1), 0)
    settle()
    assert qualities(controller) == [20]


def test_colours_that_change_choose_no_painted_region(controller, image, shapes, settle):
    shapes.add_rectangles([RIGHT])
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    labels = controller.labels.layer
    labels.paint((20, 20), labels.selected_label)
    settle()
    drawn = ids_of(shapes)[0]
    controller.panel.table.selection_wished.emit([drawn])
    settle()
    controller.display.show_plain(plain=True)  # what the rating mode does: every colour changes
    settle()
    assert controller.session.selection == (drawn,)


def test_a_label_painted_over_another_changes_both(controller, image, settle):
    controller.viewer.add_image(image, name="halves")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    labels = controller.labels.layer
    labels.data_setitem(np.nonzero(np.ones((64, 100), dtype=bool)), 1)
    settle()
    area = only(controller.session.regions).region.mask.area
    labels.brush_size = 20
    labels.paint((30, 75), 2)
    settle()
    first, second = controller.session.regions.values()
    assert first.region.mask.area + second.region.mask.area == area
    assert round(second.report.quality) == 80


def test_a_painted_region_survives_its_layer(controller, image, settle):
    controller.viewer.add_image(image, name="halves")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    controller.labels.layer.brush_size = 10
    controller.labels.layer.paint((30, 75), 1)
    settle()
    before = controller.labels.layer.data.copy()
    controller.viewer.layers.remove(controller.labels.layer)
    settle()
    controller.panel.restore_wished.emit()
    settle()
    assert np.array_equal(controller.labels.layer.data, before)
    assert qualities(controller) == [80]


def test_the_quality_map_lies_over_its_image_with_fixed_limits(controller, image, settle, qtbot):
    layer = controller.viewer.add_image(image, name="halves", scale=(2, 3), translate=(5, 7))
    settle()
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.waitUntil(lambda: controller.mapper.is_idle and bool(controller.session.maps), timeout=10_000)
    made = next(other for other in controller.viewer.layers if role_of(other) == "map")
    assert tuple(made.contrast_limits) == (0.0, 100.0)
    assert made.colorbar.visible
    for over, under in ((made.extent, layer.extent),):
        edges = np.array([[-0.5], [0.5]])
        assert np.allclose(over.world + edges * over.step, under.world + edges * under.step)
    assert made.data[0, 0] == pytest.approx(20, abs=0.5)
    assert controller.viewer.layers.index(made) == controller.viewer.layers.index(layer) + 1


def test_a_second_map_costs_no_second_pass(controller, shapes, settle, qtbot):
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.waitUntil(lambda: controller.mapper.is_idle and bool(controller.session.maps), timeout=10_000)
    controller.panel.map_bar.map_wished.emit("blur")
    shown = [layer.name for layer in controller.viewer.layers if role_of(layer) == "map" and layer.visible]
    assert shown == ["Blur map: halves"]
    assert controller.viewer.layers.selection.active is shapes


def test_a_map_that_is_stopped_leaves_nothing_behind(controller, shapes, settle, toy, qtbot):
    toy.go.clear()
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.wait(100)
    assert controller.panel.map_bar.stop_button.isVisibleTo(controller.panel.map_bar)
    controller.panel.map_bar.stop_wished.emit()
    qtbot.waitUntil(lambda: controller.mapper.is_idle, timeout=10_000)
    toy.go.set()
    assert not [layer for layer in controller.viewer.layers if role_of(layer) == "map"]
    assert controller.panel.status.text() == ""


def test_without_an_image_a_tool_says_what_to_do(controller):
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    assert "no image" in controller.panel.status.text()
    assert controller.shapes.layer is None
    assert not any(button.isChecked() for button in controller.panel.draw_bar.buttons.values())


def test_many_regions_are_all_scored(controller, shapes, settle, toy):
    corners = np.random.default_rng(0).integers(0, 50, (200, 2))
    shapes.add_rectangles([[corner, corner + 8] for corner in corners])
    settle()
    records = controller.session.regions.values()
    assert len(records) == 200
    assert all(record.state is RegionState.SCORED for record in records)
    assert sum(len(asked) for asked in toy.asked) == 200
    assert not shapes.text.visible


def test_a_closed_panel_lets_go_of_the_viewer(controller, shapes, settle, image):
    shapes.add_rectangles([LEFT])
    settle()
    controller.close()
    shapes.add_rectangles([RIGHT])
    controller.viewer.add_image(image, name="later")
    controller.viewer.layers.clear()
    assert len(controller.session.regions) == 1


def test_a_panel_opened_again_takes_over_the_regions_on_the_canvas(controller, shapes, settle, backend, qtbot):
    from napari_seagull.controller.controller import Controller
    from napari_seagull.views.panel import Panel

    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    controller.close()
    qtbot.waitUntil(lambda: backend.stops == 1)
    panel = Panel()
    qtbot.addWidget(panel)
    second = Controller(controller.viewer, panel, backend=backend)
    qtbot.waitUntil(
        lambda: len(second.session.regions) == 2
        and all(record.state is RegionState.SCORED for record in second.session.regions.values()),
        timeout=10_000,
    )
    assert list(second.session.regions) == ids_of(shapes)
    second.close()
    qtbot.waitUntil(lambda: backend.stops == 2)
    backend.stops = 1
