"""Pointing at regions: marks, proposals, keeping and taking back, on a viewer without a window and a toy engine."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_seagull.controller.desk import PREVIEW, PROMPTS, SEGMENTS, role_of
from napari_seagull.session.prompting import Sketch
from napari_seagull.session.records import RegionState, SegmentSource, ShapeSource
from napari_seagull.views.segment_bar import PointTool, Purpose
from seagull_iqa.domain.region import RegionOrigin
from seagull_iqa.errors import BackendUnreachableError, RegionError


def blocks() -> np.ndarray:
    """Dark, with a bright block at rows 10 to 30, columns 20 to 50, that has a hole, and a gray one to its right."""
    made = np.full((64, 100, 3), 51, dtype=np.uint8)
    made[10:30, 20:50] = 204
    made[18:22, 30:36] = 51
    made[35:60, 60:90] = 128
    return made


@pytest.fixture
def engine(toy):
    return toy.segmenting


@pytest.fixture
def segmenter(controller, settle):
    """The image is open, and the tool Click chosen."""
    controller.viewer.add_image(blocks(), name="blocks")
    settle()
    controller.panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    settle()
    return controller.segmenter


@pytest.fixture
def click(segmenter, settle):
    def at(row: float, column: float, *, inside: bool = True) -> None:
        segmenter.prompts.clicked.emit((float(row), float(column)), inside)
        settle()

    return at


def layer_of(controller, role: str):
    return next((layer for layer in controller.viewer.layers if role_of(layer) == role), None)


def records(controller) -> list:
    return list(controller.session.regions.values())


def test_a_click_is_proposed_kept_and_scored(controller, segmenter, click, settle):
    click(15, 25)
    bar = controller.panel.finding.bar
    assert segmenter.pointer.shown.mask.area == 20 * 30 - 4 * 6
    assert "Mask 1 of 3" in bar.sentence.text()
    assert layer_of(controller, PREVIEW).visible
    bar.keep_wished.emit()
    settle()
    (record,) = records(controller)
    assert record.region.origin is RegionOrigin.SEGMENTED
    assert record.state is RegionState.SCORED
    assert record.report.quality == pytest.approx(80)
    segments = layer_of(controller, SEGMENTS)
    assert np.array_equal(segments.data > 0, record.region.mask.pixels)
    assert segmenter.pointer.sketch.is_empty
    assert not layer_of(controller, PREVIEW).visible
    assert controller.session.selection == (record.id,)


def test_a_negative_click_corrects_and_each_step_is_taken_back_and_made_again(segmenter, click, engine, settle):
    click(15, 25)
    click(20, 32, inside=False)
    assert [len(prompts.negative) for _image, prompts, _priority in engine.asked] == [0, 1]
    segmenter.pointer.undo()
    settle()
    assert segmenter.pointer.sketch.prompts.negative == ()
    segmenter.pointer.redo()
    settle()
    assert segmenter.pointer.sketch.prompts.negative == ((20.0, 32.0),)
    segmenter.pointer.undo()
    segmenter.pointer.undo()
    settle()
    assert segmenter.pointer.shown is None
    assert segmenter.pointer.sketch.can_redo


def test_the_candidates_go_round(segmenter, click):
    click(15, 25)
    areas = []
    for _turn in range(4):
        areas.append(segmenter.pointer.shown.mask.area)
        segmenter.pointer.cycle()
    assert areas[0] < areas[1] < areas[2]
    assert areas[3] == areas[0]


def test_escape_drops_the_marks_then_leaves_the_tool(controller, segmenter, click, settle):
    click(15, 25)
    segmenter.prompts.rejected.emit()
    settle()
    assert segmenter.pointer.sketch.is_empty
    assert segmenter.prompts.tool is PointTool.CLICK
    segmenter.prompts.rejected.emit()
    settle()
    assert segmenter.prompts.tool is None
    assert not layer_of(controller, PROMPTS).visible
    assert not records(controller)


def test_marks_that_contradict_are_told_and_stay_to_be_corrected(controller, segmenter, click):
    click(15, 25)
    click(15, 26, inside=False)
    assert "contradict" in controller.panel.status.text()
    assert not segmenter.pointer.sketch.is_empty
    click(40, 70)
    assert len(segmenter.pointer.sketch.prompts.positive) == 2


def test_a_mask_is_added_to_and_taken_from_the_selected_region_and_that_is_undone(controller, segmenter, click, settle):
    click(15, 25)
    segmenter.pointer.keep(Purpose.NEW)
    bar = controller.panel.finding.bar
    assert [bar.purpose.itemText(line) for line in (1, 2)] == ["Add to “Region 1”", "Take away from “Region 1”"]
    click(40, 70)
    segmenter.pointer.keep(Purpose.ADD)
    settle()
    (record,) = records(controller)
    assert record.region.mask.area == 576 + 750
    assert record.report.quality == pytest.approx((576 * 80 + 750 * 128 / 2.55) / 1326, abs=0.1)
    click(15, 25)
    segmenter.pointer.keep(Purpose.TAKE)
    settle()
    assert records(controller)[0].region.mask.area == 750
    for expected in (1326, 576):
        segmenter.pointer.undo()
        settle()
        assert records(controller)[0].region.mask.area == expected
    segmenter.pointer.undo()
    assert not records(controller)
    segmenter.pointer.redo()
    settle()
    assert records(controller)[0].region.mask.area == 576
    assert records(controller)[0].state is RegionState.SCORED


def test_taking_everything_away_is_refused_with_a_sentence(controller, segmenter, click, settle):
    click(15, 25)
    segmenter.pointer.keep(Purpose.NEW)
    click(15, 25)
    segmenter.pointer.keep(Purpose.TAKE)
    settle()
    assert controller.panel.status.text()
    assert records(controller)[0].region.mask.area == 576


def test_a_drawn_region_that_is_added_to_becomes_a_segment_and_comes_back(controller, shapes, settle):
    shapes.add_rectangles([[5, 5], [15, 15]])
    settle()
    (drawn,) = records(controller)
    controller.session.do_all([])
    segmenter = controller.segmenter
    controller.panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    settle()
    segmenter.prompts.clicked.emit((30.0, 80.0), True)
    settle()
    segmenter.pointer.keep(Purpose.ADD)
    settle()
    (joined,) = records(controller)
    assert joined.id == drawn.id
    assert joined.region.mask.area == drawn.region.mask.area + 64 * 50
    assert isinstance(joined.source, SegmentSource)
    assert shapes.nshapes == 0
    segmenter.pointer.undo()
    settle()
    (back,) = records(controller)
    assert back.region.mask.area == drawn.region.mask.area
    assert isinstance(back.source, ShapeSource)
    assert shapes.nshapes == 1


def test_masks_that_overlap_are_kept_exactly(controller, segmenter, click, settle):
    for turns in (0, 2):
        click(15, 25)
        for _turn in range(turns):
            segmenter.pointer.cycle()
        segmenter.pointer.keep(Purpose.NEW)
        settle()
    small, large = records(controller)
    assert (small.region.mask.pixels & large.region.mask.pixels).sum() == small.region.mask.area
    segments = layer_of(controller, SEGMENTS)
    values = np.unique(segments.data[segments.data > 0])
    assert {controller.segments.region_at(int(value)) for value in values} == {small.id, large.id}


def test_holes_are_filled_and_a_polygon_says_what_it_costs(controller, segmenter, click, settle):
    form = controller.panel.finding.refining
    click(15, 25)
    form.holes.setChecked(True)
    form.polygon.setChecked(True)
    form.tolerance.setValue(0.5)
    assert "IoU 1.000" in form.cost.text()
    segmenter.pointer.keep(Purpose.NEW)
    settle()
    (record,) = records(controller)
    assert record.region.mask.area == 600
    assert isinstance(record.source, ShapeSource)
    assert controller.shapes.layer.nshapes == 1
    assert record.region.origin is RegionOrigin.SEGMENTED
    segmenter.pointer.undo()
    settle()
    assert controller.shapes.layer.nshapes == 0
    assert not records(controller)
    segmenter.pointer.redo()
    settle()
    assert controller.shapes.layer.nshapes == 1
    assert len(records(controller)) == 1


def test_a_polygon_with_a_hole_stays_a_polygon_with_a_hole(controller, segmenter, click, settle):
    controller.panel.finding.refining.polygon.setChecked(True)
    for _again in range(2):
        click(15, 25)
        segmenter.pointer.keep(Purpose.NEW)
        settle()
    assert [record.region.mask.area for record in records(controller)] == [576, 576]
    assert [record.id for record in records(controller)] == list(controller.shapes.layer.features["region"])


def test_a_click_made_while_the_image_is_prepared_is_kept_and_answered(controller, engine, settle, qtbot):
    engine.look_go.clear()
    controller.viewer.add_image(blocks(), name="blocks")
    qtbot.waitUntil(lambda: controller.images.is_current)
    bar = controller.panel.finding.bar
    bar.tool_wished.emit(PointTool.CLICK)
    qtbot.waitUntil(lambda: "Preparing the image … 30 %" in bar.sentence.text())
    controller.segmenter.prompts.clicked.emit((15.0, 25.0), True)
    controller.segmenter.prompts.clicked.emit((40.0, 70.0), True)
    assert "kept" in bar.sentence.text()
    assert not engine.asked
    engine.look_go.set()
    settle()
    assert len(engine.asked) == 1
    assert len(engine.asked[0][1].positive) == 2
    assert controller.segmenter.pointer.shown is not None


def test_only_the_newest_of_many_clicks_is_answered(controller, segmenter, engine, settle, qtbot):
    engine.propose_go.clear()
    for column in (21, 22, 23, 24):
        segmenter.prompts.clicked.emit((15.0, float(column)), True)
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    engine.propose_go.set()
    settle()
    assert [len(prompts.positive) for _image, prompts, _priority in engine.asked] == [1, 4]


def test_what_lies_under_the_pointer_is_shown_and_no_region(controller, segmenter, engine, settle):
    segmenter.prompts.hovered.emit((15.0, 25.0))
    settle()
    assert engine.asked[0][2] < 10
    assert layer_of(controller, PREVIEW).visible
    assert segmenter.pointer.shown is None
    segmenter.pointer.keep(Purpose.NEW)
    assert not records(controller)


def test_an_engine_that_is_too_slow_for_it_is_not_asked_while_the_pointer_moves(controller, segmenter, engine, settle):
    controller.panel.finding.engines.engine_wished.emit("slow")
    settle()
    segmenter.prompts.hovered.emit((15.0, 25.0))
    settle()
    assert not engine.asked


def test_another_engine_answers_the_same_marks_anew(controller, segmenter, engine, click, settle):
    click(15, 25)
    looked = len(engine.prepared)
    controller.panel.finding.engines.engine_wished.emit("slow")
    settle()
    assert engine.in_use == "slow"
    assert len(engine.prepared) == looked + 1
    assert len(engine.asked) == 2


def test_an_engine_without_weights_says_what_is_missing_and_is_not_chosen(controller, segmenter, engine):
    form = controller.panel.finding.engines
    assert form.list.count() == 3
    form.engine_wished.emit("sam-vit-b")
    assert "weights" in controller.panel.status.text()
    assert engine.in_use == "region-tree"


def test_kept_embeddings_are_cleared_and_the_next_click_prepares_anew(controller, segmenter, engine, click, settle):
    click(15, 25)
    form = controller.panel.finding.engines
    assert form.clear.text() == "Clear kept embeddings (3 MB)"
    looked = len(engine.prepared)
    form.clear_wished.emit()
    settle()
    assert not form.clear.isEnabled()
    assert len(engine.prepared) == looked + 1


def test_a_click_outlives_a_backend_that_goes_away(controller, segmenter, engine, toy, backend, click, settle):
    click(15, 25)
    segmenter.pointer.keep(Purpose.NEW)
    settle()
    gone = BackendUnreachableError("Nobody answers.", "Start it.")
    engine.fails.append(gone)
    toy.fails = gone  # found out when the backend is looked at
    click(40, 70)
    toy.fails = None
    assert segmenter.pointer.shown.mask.area == 750
    assert len(records(controller)) == 1


def test_what_the_engine_cannot_answer_is_told_once(controller, segmenter, engine, click):
    engine.fails.append(RegionError("Nothing is there.", "Click elsewhere."))
    click(15, 25)
    assert controller.panel.status.text() == "Nothing is there. Click elsewhere."


def test_a_stroke_and_a_box_are_prompts_too(segmenter, engine, settle):
    stroke = tuple((12.0, 22.0 + step) for step in range(20))
    segmenter.prompts.scribbled.emit(stroke, True)
    segmenter.prompts.scribbled.emit(stroke, False)
    settle()
    prompts = engine.asked[-1][1]
    assert prompts.strokes == (stroke,)
    assert 2 <= len(prompts.negative) <= 12
    segmenter.prompts.boxed.emit((10.0, 20.0, 30.0, 50.0))
    segmenter.prompts.boxed.emit((11.0, 21.0, 31.0, 51.0))
    settle()
    assert engine.asked[-1][1].box == (11.0, 21.0, 31.0, 51.0)


def test_without_an_image_the_bar_says_what_to_do(controller, settle):
    bar = controller.panel.finding.bar
    assert "Open an image" in bar.sentence.text()
    bar.tool_wished.emit(PointTool.BOX)
    assert "no image" in controller.panel.status.text()
    assert not bar.buttons[PointTool.BOX].isChecked()


def test_our_layers_are_no_images_to_choose_and_no_regions(controller, segmenter, click):
    click(15, 25)
    assert controller.panel.image_bar.list.count() == 1
    assert not records(controller)
    assert layer_of(controller, PROMPTS).locked
    assert layer_of(controller, PREVIEW).locked


def test_another_active_layer_ends_the_tool_and_leaves_no_marks(controller, segmenter, click, settle):
    click(15, 25)
    controller.viewer.layers.selection.active = controller.viewer.layers["blocks"]
    settle()
    assert segmenter.prompts.tool is None
    assert segmenter.pointer.sketch.is_empty
    assert not layer_of(controller, PREVIEW).visible


def test_a_view_that_cannot_be_pointed_at_puts_the_tool_away(controller, segmenter, click, settle):
    controller.viewer.dims.order = (1, 0)
    assert segmenter.prompts.tool is None
    assert segmenter.pointer.sketch.is_empty
    controller.panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    assert "in 2D" in controller.panel.status.text()


def test_marks_and_segments_belong_to_their_plane_of_a_stack_with_named_axes(controller, engine, settle):
    stack = np.stack([blocks()[..., 0], np.roll(blocks()[..., 0], 7, axis=0)])
    names = ("depth", "row", "column")
    controller.viewer.add_image(stack, scale=(2, 1, 1), axis_labels=names, contrast_limits=(0, 255))
    controller.viewer.dims.set_point(0, 0)
    settle()
    controller.panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    settle()
    controller.segmenter.prompts.clicked.emit((15.0, 25.0), True)
    settle()
    controller.segmenter.pointer.keep(Purpose.NEW)
    settle()
    controller.segmenter.prompts.clicked.emit((15.0, 25.0), True)
    controller.viewer.dims.set_point(0, 2)
    assert controller.segmenter.pointer.sketch.is_empty
    settle()
    assert not layer_of(controller, SEGMENTS).data.any()
    controller.segmenter.prompts.clicked.emit((22.0, 25.0), True)
    settle()
    controller.segmenter.pointer.keep(Purpose.NEW)
    settle()
    assert [record.plane for record in records(controller)] == [(0,), (1,)]
    assert [record.region.mask.box[0] for record in records(controller)] == [10, 17]
    assert [record.state for record in records(controller)] == [RegionState.SCORED] * 2


def test_of_a_lazy_pyramid_only_a_window_is_read_and_the_region_lies_in_place(controller, engine, settle):
    dask = pytest.importorskip("dask.array")
    read = []

    def chunk(block_info=None):
        place = block_info[None]["array-location"]
        read.append(place)
        rows, columns = (np.arange(*ends) for ends in place)
        return (((rows[:, None] // 40 + columns[None, :] // 40) % 5) * 40).astype(np.uint8)

    fine = dask.map_blocks(chunk, chunks=((1000,) * 20, (1000,) * 12), dtype=np.uint8)
    coarse = np.zeros((200, 120), np.uint8)
    controller.viewer.add_image([fine, coarse], multiscale=True, contrast_limits=(0, 255))
    settle()
    controller.panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    settle()
    read.clear()
    controller.segmenter.prompts.clicked.emit((15_050.0, 9_010.0), True)
    settle()
    assert 4 <= len(read) <= 16
    assert controller.segmenter.pointer.shown.mask.pixels[15_050, 9_010]
    assert controller.segmenter.pointer.shown.mask.box == (15_040, 9_000, 15_080, 9_040)
    controller.segmenter.prompts.clicked.emit((15_100.0, 9_010.0), True)
    settle()
    assert len({image.sha256 for image, _prompts, _priority in engine.asked}) == 1  # the window serves both
    controller.segmenter.pointer.keep(Purpose.NEW)
    settle()
    assert records(controller)[0].region.mask.shape == (20_000, 12_000)


def test_the_next_image_of_the_list_is_prepared_while_nobody_waits(controller, engine, settle, qtbot):
    controller.viewer.add_image(blocks()[::-1], name="below")
    controller.viewer.add_image(blocks(), name="above")
    settle()
    controller.panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    qtbot.waitUntil(lambda: len(engine.prepared) == 2, timeout=10_000)
    assert [image.name for image, _near in engine.prepared] == ["above", "below"]


def test_everything_is_filtered_live_and_kept_as_one_deed(controller, segmenter, engine, settle):
    box = controller.panel.finding
    box.bar.everything_wished.emit()
    settle()
    assert box.everything.keep_button.text() == "Keep these 4"
    box.everything.area.setValue((121, 200))  # from 1 % of the image: without the hole
    assert box.everything.keep_button.text() == "Keep these 3"
    box.everything.keep_wished.emit()
    settle()
    assert [record.state for record in records(controller)] == [RegionState.SCORED] * 3
    segmenter.pointer.undo()
    assert not records(controller)


def test_everything_is_cancelled_and_asked_for_again(controller, segmenter, engine, settle, qtbot):
    box = controller.panel.finding
    engine.everything_go.clear()
    box.bar.everything_wished.emit()
    qtbot.waitUntil(lambda: box.everything.bar.value() == 2)
    box.everything.stop_wished.emit()
    settle()
    assert box.everything.isHidden()
    assert not controller.panel.status.text()
    engine.everything_go.set()
    box.bar.everything_wished.emit()
    settle()
    assert not box.everything.isHidden()


def test_a_panel_that_is_opened_again_finds_the_segments_with_their_very_masks(
    controller, segmenter, click, settle, qtbot, toy, backend
):
    from napari_seagull.controller.controller import Controller
    from napari_seagull.views.panel import Panel

    for turns in (2, 0):
        click(15, 25)
        for _turn in range(turns):
            segmenter.pointer.cycle()
        segmenter.pointer.keep(Purpose.NEW)
        settle()
    before = records(controller)
    controller.close()
    panel = Panel()
    qtbot.addWidget(panel)
    again = Controller(controller.viewer, panel, backend=type(backend)(toy))
    again.start()
    qtbot.waitUntil(lambda: again.is_idle and len(again.session.regions) == 2, timeout=30_000)
    assert [record.id for record in records(again)] == [record.id for record in before]
    assert [record.region.mask.area for record in records(again)] == [r.region.mask.area for r in before]
    panel.finding.bar.tool_wished.emit(PointTool.CLICK)
    roles = [role_of(layer) for layer in again.viewer.layers]
    assert len(roles) == len(set(roles))
    qtbot.waitUntil(lambda: all(record.state is RegionState.SCORED for record in records(again)), timeout=30_000)
    again.close()


def test_a_click_on_a_segment_selects_its_region(controller, segmenter, click, settle):
    click(15, 25)
    segmenter.pointer.keep(Purpose.NEW)
    click(40, 70)
    segmenter.pointer.keep(Purpose.NEW)
    settle()
    first, second = records(controller)
    assert controller.session.selection == (second.id,)
    layer = layer_of(controller, SEGMENTS)
    press = SimpleNamespace(type="mouse_press", pos=(5, 5), position=(15.0, 25.0))
    gesture = controller.segments._on_press(layer, press)
    next(gesture)
    press.type = "mouse_release"
    assert next(gesture, None) is None
    assert controller.session.selection == (first.id,)


def test_the_sketch_forgets_what_was_undone_once_a_new_mark_is_made():
    sketch = Sketch().pointed((1, 2), inside=True).pointed((3, 4), inside=True).undone()
    assert sketch.can_redo
    assert not sketch.pointed((5, 6), inside=False).can_redo
    assert sketch.pointed((5, 6), inside=False).prompts.positive == ((1, 2),)
    assert Sketch().undone() == Sketch()
