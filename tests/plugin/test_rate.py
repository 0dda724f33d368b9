"""The rating mode on a viewer without a window: keys in, annotations out, and the next region in the middle."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.keys_form import PRESS
from napari_seagull.views.rate_panel import RatePanel
from napari_seagull.views.rate_settings import Order, RateSettings
from napari_seagull.views.rating_keys import Act
from seagull_iqa.domain.distortion import Distortion, Finding, Severity

BOXES = [[[r, c], [r, c + 14], [r + 14, c + 14], [r + 14, c]] for r, c in ((4, 4), (4, 60), (40, 4), (40, 60))]
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(qtbot, controller, shapes, settle):
    """Four scored regions, and the panel, not yet started."""
    shapes.add_rectangles(BOXES)
    settle()
    controller.session.do(select(()))
    made = RatePanel()
    qtbot.addWidget(made)
    made.resize(440, 700)
    controller.rate_in(made)
    made.settings_wished.emit(RateSettings("Ann", Order.LISTED))
    made.show()
    yield made
    controller.raters[0].close()


def select(ids):
    from napari_seagull.session.commands import SelectRegions

    return SelectRegions(tuple(ids))


@pytest.fixture
def rater(controller, panel):
    panel.banner.start_button.click()
    return controller.raters[0]


def keys(panel, *pressed) -> None:
    for key in pressed:
        named, held = key if isinstance(key, tuple) else (key, NONE)
        QTest.keyClick(panel, named, held)


def said(controller) -> list[tuple]:
    records = controller.session.regions.values()
    return [(v.quality, v.importance, v.findings) for record in records for v in record.verdicts]


def test_nothing_is_taken_before_the_start(panel, controller):
    keys(panel, Qt.Key.Key_1, Qt.Key.Key_Return)
    assert said(controller) == []
    assert "1 to 5" in panel.message.text()
    assert panel.banner.start_button.isVisible() and not panel.buttons[Act.NEXT].isVisible()


def test_four_keys_give_quality_importance_and_a_distortion_and_show_the_next_region(panel, rater, controller):
    first = rater.current
    keys(panel, Qt.Key.Key_2, (Qt.Key.Key_4, SHIFT), Qt.Key.Key_B, Qt.Key.Key_Return)
    assert said(controller) == [(25.0, 75.0, (Finding(Distortion.BLUR, Severity.MODERATE),))]
    assert rater.current != first
    assert controller.session.selection == rater.current
    assert panel.single.title.text() == "Region 2"
    assert panel.single.fields.draft.quality is None
    assert panel.progress.value() == 1 and panel.progress.text() == "1 of 4 rated"


def test_the_name_stands_beside_the_label(panel, rater, controller):
    keys(panel, Qt.Key.Key_5, Qt.Key.Key_Return)
    assert next(iter(controller.session.regions.values())).verdicts[0].author == "Ann"


def test_the_panel_shows_what_the_keys_have_said(panel, rater):
    keys(panel, Qt.Key.Key_3, (Qt.Key.Key_5, SHIFT), Qt.Key.Key_T, Qt.Key.Key_T, Qt.Key.Key_Up)
    fields = panel.single.fields
    assert [button.isChecked() for button in fields.quality.buttons] == [False, False, True, False, False]
    assert fields.quality.slider.value() == 55
    assert fields.importance.buttons[4].isChecked()
    assert fields.distortions.chips[Distortion.CONTRAST].said == "severe"


def test_zero_says_that_it_is_clean(panel, rater, controller):
    keys(panel, Qt.Key.Key_B, Qt.Key.Key_0, Qt.Key.Key_Return)
    assert said(controller) == [(None, None, ())]


def test_the_slider_gives_what_lies_between_the_levels(panel, rater, controller):
    panel.single.fields.quality.slider.setValue(63)
    keys(panel, Qt.Key.Key_Return)
    assert said(controller) == [(63.0, None, None)]


def test_skipping_says_nothing_and_what_was_skipped_does_not_come_back(panel, rater, controller):
    seen = [rater.current]
    while rater.current:
        keys(panel, Qt.Key.Key_4, Qt.Key.Key_Space)
        seen.append(rater.current)
    assert said(controller) == []
    assert len(seen) == 5 and len(set(seen[:4])) == 4
    assert "All 4 regions" in panel.message.text()


def test_back_goes_to_the_last_one_and_changing_it_leaves_one_verdict(panel, rater, controller):
    first = rater.current
    keys(panel, Qt.Key.Key_1, Qt.Key.Key_Return, Qt.Key.Key_Backspace)
    assert rater.current == first
    assert panel.single.fields.draft.quality == 0.0
    keys(panel, Qt.Key.Key_5, Qt.Key.Key_Return)
    assert said(controller) == [(100.0, None, None)]
    assert len(controller.session.record(first[0]).annotations) == 1


def test_undo_takes_back_what_is_not_kept_first_and_then_the_last_label(panel, rater, controller):
    first = rater.current
    keys(panel, Qt.Key.Key_1, Qt.Key.Key_Return, Qt.Key.Key_5, Qt.Key.Key_U)
    assert panel.single.fields.draft.quality is None
    assert said(controller) == [(0.0, None, None)]
    keys(panel, Qt.Key.Key_U)
    assert said(controller) == []
    assert rater.current == first
    keys(panel, (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | SHIFT))
    assert said(controller) == [(0.0, None, None)]


def test_the_order_is_that_of_uncertainty_where_it_is_wished(panel, controller, settle):
    from dataclasses import replace

    from napari_seagull.session.commands import AcceptReports, QueueRegions

    ids = list(controller.session.regions)
    controller.scorer.enabled = False
    controller.session.do(QueueRegions(tuple(ids)))
    tickets = controller.session.tickets(ids)
    report = controller.session.record(ids[0]).report
    ends = dict(zip(ids, ((40, 45), (0, 90), (40, 60), (50, 50)), strict=True))
    made = [(tickets[key], replace(report, region=key, quality_interval=ends[key])) for key in ids]
    controller.session.do(AcceptReports(tuple(made)))
    panel.settings_wished.emit(RateSettings("Ann", Order.UNCERTAIN))
    panel.banner.start_button.click()
    seen = []
    while controller.raters[0].current:
        seen.append(ids.index(controller.raters[0].current[0]))
        keys(panel, Qt.Key.Key_3, Qt.Key.Key_Return)
    assert seen == [1, 2, 0, 3]


def test_quick_goes_on_with_the_quality(panel, rater, controller):
    panel.setup.quick.click()
    keys(panel, Qt.Key.Key_N, Qt.Key.Key_2, Qt.Key.Key_4)
    assert [quality for quality, _importance, _found in said(controller)] == [25.0, 75.0]
    assert panel.single.title.text() == "Region 3"


def test_regions_without_a_score_are_rated_too(panel, controller, shapes, settle, toy):
    toy.go.clear()
    shapes.add_rectangles([[[22, 80], [22, 95], [36, 95], [36, 80]]])
    while len(controller.session.regions) < 5:
        QTest.qWait(20)
    panel.banner.start_button.click()
    assert panel.single.title.text() == "Region 5"  # what is selected comes first
    keys(panel, Qt.Key.Key_M)
    assert panel.single.model.text() in ("The model is at it …", "The model has no score yet.")
    keys(panel, Qt.Key.Key_2, Qt.Key.Key_Return)
    assert said(controller) == [(25.0, None, None)]
    toy.go.set()
    settle()


def test_what_the_model_says_is_shown_only_when_it_is_asked_for(panel, rater, controller, shapes, settle):
    settle()
    assert not shapes.text.visible
    assert (shapes.face_color[:, 3] == 0).all()
    assert panel.single.model.isHidden()
    keys(panel, Qt.Key.Key_M)
    assert panel.single.model.text().startswith("Model: quality 20 poor")
    keys(panel, Qt.Key.Key_Escape)
    settle()
    assert shapes.text.visible
    assert (shapes.face_color[:, 3] > 0).all()


def test_a_click_on_another_region_keeps_what_was_said_and_goes_there(panel, rater, controller):
    ids = list(controller.session.regions)
    keys(panel, Qt.Key.Key_2)
    controller.panel.table.selectRow(2)
    assert rater.current == (ids[2],)
    assert said(controller) == [(25.0, None, None)]


def test_the_end_keeps_what_was_said_and_gives_the_tool_back(panel, rater, controller, shapes):
    assert shapes.mode == "pan_zoom"
    keys(panel, Qt.Key.Key_2, Qt.Key.Key_Escape)
    assert said(controller) == [(25.0, None, None)]
    assert shapes.mode == "add_rectangle"
    keys(panel, Qt.Key.Key_5, Qt.Key.Key_Return)
    assert said(controller) == [(25.0, None, None)]


def test_a_region_that_is_deleted_while_it_is_rated_gives_way_to_the_next(panel, rater, controller):
    gone = rater.current[0]
    controller.panel.table.delete_wished.emit([gone])
    assert rater.current and rater.current[0] != gone
    assert panel.progress.text() == "0 of 3 rated"


def test_another_person_rates_all_of_them_anew(panel, rater, controller):
    keys(panel, Qt.Key.Key_2, Qt.Key.Key_Return, Qt.Key.Key_2)
    QTest.keyClicks(panel.setup.author, "e")
    assert controller.verdicts.author == "Anne"
    assert [verdict.author for r in controller.session.regions.values() for verdict in r.verdicts] == ["Ann", "Ann"]
    assert panel.progress.text() == "0 of 4 rated"


def test_rated_ones_come_again_where_that_is_wished(panel, rater, controller):
    for _region in range(4):
        keys(panel, Qt.Key.Key_2, Qt.Key.Key_Return)
    assert rater.current == ()
    panel.setup.again.click()
    assert len(rater.current) == 1
    assert panel.single.fields.draft.quality == 25.0


def test_words_are_typed_into_the_fields_and_rate_nothing(panel, rater, controller):
    panel.activateWindow()
    comment = panel.single.fields.comment
    comment.setFocus()
    QTest.keyClicks(comment, "b1 noise")
    assert comment.text() == "b1 noise"
    assert panel.single.fields.draft.severities == {}
    assert panel.single.fields.draft.quality is None


def test_two_regions_are_compared_by_arrows(panel, controller):
    panel.setup.mode.activated.emit(1)
    panel.banner.start_button.click()
    rater = controller.raters[0]
    (left, right) = rater.current
    assert controller.session.selection == (left, right)
    assert panel.stack.currentWidget() is panel.pair
    assert not panel.pair.left.is_empty and not panel.pair.right.is_empty
    keys(panel, Qt.Key.Key_Right)
    (given,) = controller.session.preferences
    assert (given.better, given.worse, given.equal, given.author) == (right, left, False, "Ann")
    assert set(rater.current) != {left, right}
    keys(panel, Qt.Key.Key_Down)
    assert controller.session.preferences[-1].equal
    keys(panel, Qt.Key.Key_U)
    assert len(controller.session.preferences) == 1
    assert "1 compared" in panel.progress.text()


def test_two_regions_of_different_planes_are_compared_each_with_the_pixels_of_its_plane(
    controller, settle, qtbot
):
    stack = np.zeros((3, 64, 100), np.uint8)
    stack[:, :50] = np.array([60, 120, 240])[:, None, None]
    controller.viewer.add_image(stack, name="stack", contrast_limits=(0, 255))
    for plane in (0, 2):
        controller.viewer.dims.set_current_step(0, plane)
        settle()
        controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
        controller.shapes.layer.add_rectangles([[[plane, *corner] for corner in BOXES[0]]])
        settle()
    made = RatePanel()
    qtbot.addWidget(made)
    made.resize(440, 700)
    controller.rate_in(made)
    made.show()
    made.setup.mode.activated.emit(1)
    made.banner.start_button.click()
    settle()
    (rater,) = controller.raters
    assert [controller.session.regions[key].plane for key in rater.current] == [(0,), (2,)]
    assert [name.text() for name in made.pair.names] == ["Region 1 (plane 0)", "Region 2 (plane 2)"]
    dark, bright = (view.grab().toImage() for view in (made.pair.left, made.pair.right))
    middles = [image.pixelColor(image.width() // 2, image.height() // 2).red() for image in (dark, bright)]
    assert middles == [60, 240]
    rater.close()


def test_all_pairs_come_once_and_then_it_says_so(panel, controller):
    panel.setup.mode.activated.emit(1)
    panel.banner.start_button.click()
    seen = []
    while controller.raters[0].current:
        seen.append(frozenset(controller.raters[0].current))
        keys(panel, Qt.Key.Key_Left if len(seen) % 2 else Qt.Key.Key_Space)
    assert len(seen) == len(set(seen)) == 6
    assert "no pair left" in panel.message.text()


def test_a_key_is_changed_by_pressing_another_and_a_clash_is_told(panel, controller, qtbot):
    panel.keys_fold.open()
    table = panel.keys.table
    table.listen("blur")
    assert table.item(10, 1).text() == PRESS
    QTest.keyClick(table, Qt.Key.Key_N)
    assert "taken by “Noise" in panel.keys.problem.text()
    assert controller.verdicts.settings.keys.keys["blur"] == "B"
    table.listen("blur")
    QTest.keyClick(table, Qt.Key.Key_X)
    assert controller.verdicts.settings.keys.keys["blur"] == "X"
    panel.banner.start_button.click()
    keys(panel, Qt.Key.Key_X, Qt.Key.Key_Return)
    assert said(controller)[0][2] == (Finding(Distortion.BLUR, Severity.MODERATE),)
    panel.keys.reset_button.click()
    assert controller.verdicts.settings.keys.keys["blur"] == "B"


def test_a_key_is_changed_while_one_rates_without_rating(panel, rater, controller):
    panel.keys_fold.open()
    panel.keys.table.listen("blur")
    QTest.keyClick(panel.keys.table, Qt.Key.Key_1)
    assert panel.single.fields.draft.quality is None
    assert "taken" in panel.keys.problem.text()


def test_without_regions_the_panel_says_what_to_do(qtbot, controller):
    made = RatePanel()
    qtbot.addWidget(made)
    controller.rate_in(made)
    assert "no region to rate" in made.banner.words.text()
    assert not made.banner.start_button.isEnabled()
    controller.raters[0].close()


def test_a_panel_that_is_closed_gives_the_keys_back(panel, rater, controller):
    keys(panel, Qt.Key.Key_2)
    rater.close()
    assert not rater.gate.is_open
    assert said(controller) == [(25.0, None, None)]


@pytest.mark.parametrize("width", [320, 440, 900])
def test_no_word_is_cut_off_at_any_width(panel, rater, qtbot, width):
    panel.resize(width, 700)
    qtbot.wait(20)
    work = panel.single.parentWidget().parentWidget()
    assert work.minimumSizeHint().width() <= width
