"""The forms that find regions: what they show, what they say, at any width."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_seagull.controller.marks import DISC, MINUS, PLUS, marks_of
from napari_seagull.session.prompting import Sketch
from napari_seagull.views.engine_form import EngineFacts, EngineForm
from napari_seagull.views.everything_form import EverythingForm
from napari_seagull.views.refine_form import RefineForm
from napari_seagull.views.segment_bar import PointTool, Purpose, SegmentBar, SegmentFacts
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import EngineState, EverythingFilter
from seagull_iqa.imaging.refine import RefineSpec

TREE = EngineState("region-tree", "Regions by colour", hover=True)
SAM = EngineState("sam-vit-b", "SAM ViT-B", ready=False, why_not="Its weights are not here: download them.")


@pytest.fixture
def bar(qtbot):
    made = SegmentBar()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_narrow_bar_drops_words_and_keys_that_tooltips_still_have(bar, qtbot):
    bar.show_facts(SegmentFacts(PointTool.CLICK, "Click.", 1, 3, marks=True, can_undo=True))
    bar.resize(700, 300)
    qtbot.waitUntil(lambda: bar.keep.text() == "Keep (Enter)")
    assert bar.everything.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextUnderIcon
    bar.resize(220, 300)
    qtbot.waitUntil(lambda: bar.keep.text() == "Keep")
    assert bar.everything.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly
    assert "Enter" in bar.keep.toolTip()
    for button in (bar.keep, bar.next, bar.drop, bar.undo):
        assert button.fontMetrics().horizontalAdvance(button.text()) <= button.width()


def test_buttons_are_offered_only_where_they_do_something(bar):
    bar.show_facts(SegmentFacts())
    assert not bar.keep.isVisible()
    assert not bar.minus.isEnabled()
    bar.show_facts(SegmentFacts(PointTool.BOX, "", 1, 1, marks=True, can_undo=True, planes=4))
    assert bar.keep.isEnabled()
    assert not bar.next.isEnabled()
    assert bar.carry.isVisible()
    assert bar.carry_planes.maximum() == 4
    assert bar.buttons[PointTool.BOX].isChecked()


def test_a_pressed_tool_is_released_by_a_second_click(bar, qtbot):
    wished = []
    bar.tool_wished.connect(wished.append)
    qtbot.mouseClick(bar.buttons[PointTool.CLICK], Qt.MouseButton.LeftButton)
    bar.show_facts(SegmentFacts(PointTool.CLICK))
    qtbot.mouseClick(bar.buttons[PointTool.CLICK], Qt.MouseButton.LeftButton)
    assert wished == [PointTool.CLICK, None]


def test_what_a_kept_mask_is_for_follows_the_selected_region(bar):
    bar.show_facts(SegmentFacts(PointTool.CLICK))
    assert not bar.purpose.isVisible()
    bar.offer_purposes("face")
    bar.purpose.setCurrentIndex(2)
    assert bar.wanted_purpose() is Purpose.TAKE
    bar.offer_purposes("hair")
    assert bar.wanted_purpose() is Purpose.TAKE
    assert bar.purpose.currentText() == "Take away from “hair”"
    bar.offer_purposes("")
    assert bar.wanted_purpose() is Purpose.NEW


def test_sliders_say_what_the_filter_is_and_end_at_all_and_nothing(qtbot):
    form = EverythingForm()
    qtbot.addWidget(form)
    wish = form.filter()
    default = EverythingFilter()
    assert wish.least_share == pytest.approx(default.least_share, rel=0.1)
    assert wish.most_share == pytest.approx(default.most_share, rel=0.1)
    assert wish.most_overlap == default.most_overlap
    changes = []
    form.filter_changed.connect(lambda: changes.append(form.filter()))
    form.area.setValue((0, 200))
    assert (changes[-1].least_share, changes[-1].most_share) == (0.0, 1.0)
    form.stability.setValue(75)
    assert changes[-1].least_stability == 0.75
    assert form.stability_words.text() == "≥ 75 %"


def test_the_search_shows_progress_then_what_it_found(qtbot):
    form = EverythingForm()
    qtbot.addWidget(form)
    form.show()
    form.show_progress(Progress(3, 10, "Searching"))
    assert form.bar.isVisible()
    assert form.bar.value() == 3
    assert not form.keep_button.isVisible()
    form.show_count(0, 12)
    assert not form.bar.isVisible()
    assert not form.keep_button.isEnabled()
    form.show_progress(None)
    assert not form.isVisible()


def test_engines_that_lack_something_say_what(qtbot):
    form = EngineForm()
    qtbot.addWidget(form)
    assert "backend is ready" in form.lack.text()
    form.show_facts(EngineFacts([TREE, SAM], "region-tree", kept_bytes=3_200_000, kept_looks=2))
    assert form.list.currentText() == "region-tree"
    assert form.lack.text() == "Regions by colour. 1 more need their weights: choose one to see what is missing."
    assert "download" in form.list.itemData(1, Qt.ItemDataRole.ToolTipRole)
    assert form.clear.text() == "Clear kept embeddings (3 MB)"
    form.list.setCurrentIndex(1)
    assert form.lack.text() == SAM.why_not


def test_tidying_is_off_until_it_is_asked_for(qtbot):
    form = RefineForm()
    qtbot.addWidget(form)
    assert form.spec() == RefineSpec()
    assert form.wanted_tolerance() is None
    form.polygon.setChecked(True)
    form.holes.setChecked(True)
    assert form.wanted_tolerance() == 1.5
    form.show_cost(0.987)
    assert form.cost.text() == "Polygon and mask: IoU 0.987, so 1.3 % is lost."
    form.reset()
    assert form.spec() == RefineSpec()


def test_marks_are_signs_and_dots_of_the_same_size_on_the_screen():
    sketch = Sketch().pointed((10, 10), inside=True).pointed((20, 20), inside=False).boxed((0, 0, 40, 60))
    sketch = sketch.scribbled(((5, 5), (5, 25)), inside=False)
    near, far = marks_of(sketch.now, 0.5), marks_of(sketch.now, 4.0)
    for marks in (near, far):
        assert marks.symbols.count(PLUS) == 1
        assert marks.symbols.count(MINUS) == 1  # the points that stand for the stroke are no signs
        assert marks.symbols.count(DISC) > 10
    assert near.sizes.max() * 8 == pytest.approx(far.sizes.max())
    assert len(near.places) > len(far.places)
    assert near.places[:, 0].min() == -0.5  # the box is drawn round its pixels
