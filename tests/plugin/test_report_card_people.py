"""The report card: the picture of the region, the person's verdict beside the model's, and the form to correct it."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_seagull.layers.thumbnails import is_quick, region_picture
from napari_seagull.views.agreement import agreement
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.picture import PictureView
from napari_seagull.views.report_card import ReportCard
from napari_seagull.views.rows import RegionRow, RowState
from napari_seagull.views.verdict_draft import VerdictDraft
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.domain.report import QualityReport

BLUR, NOISE = Finding(Distortion.BLUR, Severity.SEVERE), Finding(Distortion.NOISE, Severity.MINOR)
REPORT = QualityReport("a", 62.0, (54.0, 70.0), 40.0, (30.0, 50.0), (BLUR,), "Severe blur.", "toy-1")


def said(quality=None, importance=None, findings=None, author="Ann") -> Annotation:
    return Annotation("a", author, quality, importance, findings)


def row(human: Annotation | None = None, report: QualityReport | None = REPORT) -> RegionRow:
    return RegionRow("a", "face", RowState.SCORED, report, "", human)


@pytest.fixture
def card(qtbot):
    made = ReportCard()
    qtbot.addWidget(made)
    made.resize(460, 500)
    made.show()
    return made


@pytest.mark.parametrize(
    ("human", "words"),
    [
        (said(75.0), "Ann differs by 13 on quality (75 against 62)."),
        (said(50.0), "Ann agrees on quality (50 against 62)."),
        (said(None, 100.0), "Ann differs by 60 on importance (100 against 40)."),
        (said(50.0, None, (BLUR,)), "Ann agrees on quality (50 against 62). Both found the same distortions."),
        (said(None, None, (NOISE,), ""), "Only Somebody found noise. Only the model found blur."),
        (said(None, None, ()), "Only the model found blur."),
    ],
)
def test_one_sentence_says_how_person_and_model_go_together(human, words):
    assert agreement(REPORT, human) == words


def test_a_verdict_that_came_before_the_models_says_so():
    assert agreement(None, said(75.0)) == "Ann has said so before the model."


def test_the_card_shows_the_persons_score_beside_the_models(card):
    card.show_row(row())
    assert card.human.bar.isHidden()
    card.show_row(row(said(25.0)))
    assert card.human.words.text() == "25  poor"
    assert "differs by 37" in card.verdict.words.text()
    assert "Ann says" in card.verdict.words.toolTip()


def test_a_region_without_a_score_can_be_judged_too(card):
    card.show_row(RegionRow("a", "face", human=said(25.0)))
    assert card.human.words.text() == "25  poor"
    assert card.quality.bar.isHidden()
    assert not card.verdict.isHidden()


def test_the_form_is_filled_with_clicks_and_kept(qtbot, card):
    card.show_row(row())
    form = card.verdict
    form.fold.open()
    left = Qt.MouseButton.LeftButton
    assert not form.save_button.isEnabled()
    qtbot.mouseClick(form.fields.quality.buttons[1], left)
    qtbot.mouseClick(form.fields.importance.buttons[3], left)
    for _again in range(2):
        qtbot.mouseClick(form.fields.distortions.chips[Distortion.NOISE], left)
    qtbot.keyClicks(form.fields.comment, "grain")
    with qtbot.waitSignal(form.verdict_wished) as told:
        qtbot.mouseClick(form.save_button, left)
    region, draft = told.args
    assert region == "a"
    assert (draft.quality, draft.importance, draft.comment) == (25.0, 75.0, "grain")
    assert draft.findings == (Finding(Distortion.NOISE, Severity.SEVERE),)


def test_what_is_being_filled_in_stays_while_scores_arrive_and_goes_with_the_region(qtbot, card):
    card.show_row(row(report=None))
    qtbot.mouseClick(card.verdict.fields.quality.buttons[4], Qt.MouseButton.LeftButton)
    card.show_row(row())
    assert card.verdict.fields.draft.quality == 100.0
    card.show_row(RegionRow("b", "sky"))
    assert card.verdict.fields.draft == VerdictDraft()


def test_discard_goes_back_to_what_was_said(qtbot, card):
    own = said(25.0, None, (BLUR,))
    card.show_row(row(own), own)
    fields = card.verdict.fields
    assert fields.draft.severities == {Distortion.BLUR: Severity.SEVERE}
    qtbot.mouseClick(fields.distortions.clean, Qt.MouseButton.LeftButton)
    assert fields.draft.findings == ()
    qtbot.mouseClick(card.verdict.discard_button, Qt.MouseButton.LeftButton)
    assert fields.draft.findings == (BLUR,)


def test_a_right_click_takes_a_distortion_back(qtbot, card):
    card.show_row(row())
    chip = card.verdict.fields.distortions.chips[Distortion.BLUR]
    card.verdict.fold.open()
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert chip.said == "moderate"
    qtbot.mouseClick(chip, Qt.MouseButton.RightButton)
    assert card.verdict.fields.draft.findings is None


# Pictures --------------------------------------------------------------------------------------------------------


def test_the_outline_lies_outside_the_region_and_covers_none_of_its_pixels():
    rgb = np.full((60, 80, 3), 90, dtype=np.uint8)
    rgb[20:40, 30:50] = (10, 200, 30)
    picture = region_picture(rgb, RegionMask.from_box((60, 80), (20, 30, 40, 50)), 280)
    assert max(picture.shape) <= 280
    green = (picture == (10, 200, 30)).all(axis=2)
    scale = picture.shape[0] / 28  # 20 px and a margin of 4 on each side
    assert green.sum() == round(20 * scale) ** 2
    rows, columns = np.flatnonzero(green.any(axis=1)), np.flatnonzero(green.any(axis=0))
    assert (picture[rows[0] - 1, columns[0] : columns[-1]] == 255).all()
    assert (picture[rows[0] - 4, columns[0] : columns[-1]] != 255).all()


def test_a_region_at_the_edge_and_one_of_a_single_pixel_have_a_picture():
    rgb = np.zeros((30, 40, 3), dtype=np.uint8)
    for box in ((0, 0, 1, 1), (29, 39, 30, 40), (0, 0, 30, 40)):
        picture = region_picture(rgb, RegionMask.from_box((30, 40), box), 200)
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.size


def test_only_large_regions_are_drawn_elsewhere():
    assert is_quick(RegionMask.from_box((5000, 5000), (0, 0, 500, 500)))
    assert not is_quick(RegionMask.whole((5000, 5000)))


def test_a_picture_keeps_its_proportions(qtbot):
    view = PictureView(100)
    qtbot.addWidget(view)
    view.resize(200, 100)
    view.show_pixels(np.full((10, 10, 3), (250, 0, 0), dtype=np.uint8))
    image = view.grab().toImage()
    red = [image.pixelColor(x, 50).red() > 240 for x in range(200)]
    assert sum(red) == pytest.approx(100, abs=2)
    assert red[100] and not red[10]


LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]


def test_the_card_shows_the_pixels_of_the_selected_region(controller, shapes, settle):
    card = controller.panel.card
    assert card.picture.is_empty
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    picture = card.picture.grab().toImage()
    middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
    assert abs(middle.red() - 204) < 3  # the bright half
    controller.panel.table.selectRow(0)
    picture = card.picture.grab().toImage()
    assert abs(picture.pixelColor(picture.width() // 2, picture.height() // 2).red() - 51) < 3


def test_a_huge_region_is_drawn_elsewhere_and_arrives(controller, settle, qtbot):
    pixels = np.full((1600, 1600, 3), 77, dtype=np.uint8)
    pixels[::2] = 99
    controller.viewer.add_image(pixels, name="large")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([[[0, 0], [0, 1500], [1500, 1500], [1500, 0]]])
    settle()
    assert not controller.panel.card.picture.is_empty


def test_a_verdict_given_on_the_card_is_kept_under_ones_name_and_can_be_undone(controller, shapes, settle, qtbot):
    shapes.add_rectangles([LEFT])
    settle()
    form = controller.panel.card.verdict
    form.fold.open()
    qtbot.keyClicks(form.author, "Ann")
    qtbot.mouseClick(form.fields.quality.buttons[3], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(form.save_button, Qt.MouseButton.LeftButton)
    settle()
    (record,) = controller.session.regions.values()
    assert [(one.author, one.quality) for one in record.verdicts] == [("Ann", 75.0)]
    assert "differs by 55" in form.words.text()
    assert not form.save_button.isEnabled()
    controller.session.undo()
    settle()
    assert form.words.isHidden()
