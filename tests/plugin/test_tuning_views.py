"""The steps of the panel "Fine-tune": what they show, what they ask, and what they tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_seagull.views.tune_panel import TunePanel
from napari_seagull.views.tune_rows import ConflictRow, SourceRow, TunedRow
from napari_seagull.views.tune_train import TrainState
from napari_seagull.views.tune_words import duration_words, estimate_words, people_words, stock_words
from seagull_iqa.domain.fine_tuning import (
    BeforeAfter,
    ChangedRegion,
    CurvePoint,
    Estimate,
    FineTuneResult,
    FineTuneSpec,
    LabelStock,
    Method,
    TuneRun,
    TuneState,
)

STOCK = LabelStock(32, 6, 14, (("Ann", 24), ("Ben", 8)), (3, 4, 2, 0, 6, 5, 3, 2, 4, 3), {"blur": 8, "clean": 9}, 1)
RUN = TuneRun("r", FineTuneSpec("mine"), TuneState.RUNNING, CurvePoint("Trying the scale", 61, 100), 44.0)
BETTER = FineTuneResult(
    "mine-1",
    Method.HEADS,
    figures=(
        BeforeAfter("SROCC", 0.52, 0.74, (0.31, 0.7), (0.58, 0.86)),
        BeforeAfter("mean absolute error", 21.4, 11.2, (17.0, 26.0), (9.0, 14.0), larger_is_better=False),
        BeforeAfter("type F1", None, None),
    ),
    changed=tuple(ChangedRegion("i", f"r{n}", 20.0, 70.0, 30.0) for n in range(8)),
    better=True,
    verdict="It is closer.",
    seconds=70.0,
)
WORSE = replace(BETTER, better=False)


@pytest.fixture
def panel(qtbot):
    made = TunePanel()
    qtbot.addWidget(made)
    made.resize(460, 900)
    made.unfold(*made.folds)
    made.show()
    return made


def test_without_labels_the_panel_says_what_to_do(panel):
    panel.stock.show_stock(LabelStock(0, 0), (), ())
    assert "Rate …" in panel.stock.empty.text() and panel.stock.rate_button.isVisible()
    assert not panel.stock.spread.isVisible()


def test_what_there_is_is_said_in_a_line_and_what_is_missing_in_sentences(panel):
    panel.stock.show_stock(replace(STOCK, missing=("Rate some noisy regions.",)), (), ())
    assert panel.stock.short.text() == "32 regions on 6 images, 14 comparisons"
    assert panel.stock.missing.text() == "• Rate some noisy regions."
    assert "blur 8" in panel.stock.chips.words() and "noise 0" in panel.stock.chips.words()
    assert not panel.stock.conflict_fold.isVisible()


def test_people_who_see_differently_are_told(panel):
    assert "Too few regions" in people_words(STOCK)
    assert "they see alike" in people_words(replace(STOCK, agreement=0.8))
    assert "do not see alike" in people_words(replace(STOCK, agreement=0.1))
    assert people_words(replace(STOCK, annotators=(("", 3),))) == "By without a name (3)."


def test_a_contradiction_that_is_clicked_shows_its_regions_and_either_can_be_rated_again(panel, qtbot):
    rows = [ConflictRow(("a", "b"), ("Face", "Head"), "Not both."), ConflictRow(("c",), ("Sky",), "So.")]
    panel.stock.show_stock(STOCK, rows, ())
    conflicts = panel.stock.conflicts
    panel.stock.conflict_fold.open()
    assert not conflicts.pair.isVisible()
    with qtbot.waitSignal(conflicts.chosen):
        conflicts.list.setCurrentRow(0)
    assert [name.text() for name in conflicts.names] == ["Face", "Head"]
    with qtbot.waitSignal(conflicts.rate_wished) as wished:
        conflicts.buttons[1].click()
    assert wished.args == ["b"]
    conflicts.list.setCurrentRow(1)
    assert conflicts.buttons[0].isVisible() and not conflicts.buttons[1].isVisible()


def test_only_files_can_be_left_out(panel, qtbot):
    sources = panel.stock.sources
    panel.stock.show_stock(STOCK, (), [SourceRow("", "girl", "8"), SourceRow("/a.seagull.json", "a", "gone", False)])
    panel.stock.source_fold.open()
    sources.list.item(0).setSelected(True)
    assert not sources.remove_button.isEnabled()
    sources.list.item(1).setSelected(True)
    with qtbot.waitSignal(sources.removal_wished) as wished:
        sources.remove_button.click()
    assert wished.args == [["/a.seagull.json"]]
    assert sources.list.item(1).text().endswith("gone")


def test_the_buttons_of_a_run_follow_its_state(panel):
    train = panel.train
    train.show_state(TrainState(None, "A plan.", True))
    assert train.train_button.isEnabled() and train.train_button.isVisible()
    shown = {}
    for state in TuneState:
        train.show_state(TrainState(replace(RUN, state=state, error="The disk is full."), "A plan.", True))
        buttons = (train.train_button, train.pause_button, train.resume_button, train.cancel_button)
        shown[state] = [button.isVisible() for button in buttons]
    begin, going, waiting = [True, False, False, False], [False, True, False, True], [False, False, True, True]
    assert shown == {
        TuneState.QUEUED: going, TuneState.RUNNING: going, TuneState.PAUSED: waiting, TuneState.INTERRUPTED: waiting,
        TuneState.DONE: begin, TuneState.FAILED: begin, TuneState.CANCELLED: begin,
    }  # fmt: skip
    train.show_state(TrainState(replace(RUN, state=TuneState.FAILED, error="The disk is full."), "", True))
    assert train.phase.text() == "The disk is full."


def test_a_run_says_its_phase_the_time_left_and_how_far_it_is(panel):
    points = [CurvePoint("", 10, 100, 2.0, 20.0), CurvePoint("", 60, 100, 1.0, 12.0)]
    panel.train.show_state(TrainState(RUN, points=points))
    assert panel.train.phase.text() == "Trying the scale, about 45 s left"
    assert panel.train.bar.text() == "61 %" and panel.train.short.text() == "61 %"
    assert panel.train.plot.series(lambda point: point.held_out) == [(0.1, 20.0), (0.6, 12.0)]


def test_a_name_that_a_person_typed_is_not_replaced_by_a_proposal(panel, qtbot):
    panel.train.propose_name("one")
    panel.train.name.setText("mine")
    panel.train.name.textEdited.emit("mine")
    panel.train.propose_name("two")
    panel.train.show_state(TrainState(None, "", True))
    with qtbot.waitSignal(panel.train.train_wished) as wished:
        panel.train.train_button.click()
    assert wished.args == ["mine"]


def test_before_and_after_stand_side_by_side_and_what_is_not_known_is_left_out(panel):
    panel.result.show_result(BETTER)
    assert panel.result.table.words() == [
        ("Order of the regions", "0.52  [0.31, 0.70]", "0.74  [0.58, 0.86]"),
        ("Error in points", "21.4  [17.0, 26.0]", "11.2  [9.0, 14.0]"),
    ]
    assert panel.result.banner.head.text() == "Closer to your eye"
    assert sum(card.isVisible() for card in panel.result.changed.cards) == 6
    panel.result.changed.more_button.click()
    assert sum(card.isVisible() for card in panel.result.changed.cards) == 8


def test_a_better_model_is_used_at_once_and_a_worse_one_only_after_a_second_question(panel, qtbot):
    wished = []
    panel.result.use_wished.connect(lambda: wished.append("use"))
    panel.result.show_result(BETTER)
    panel.result.use_button.click()
    assert wished == ["use"]
    panel.result.show_result(WORSE)
    panel.result.use_button.click()
    assert wished == ["use"] and "further from your eye" in panel.result.question.text()
    panel.result.no_button.click()
    assert panel.result.use_button.isVisible() and not panel.result.question.isVisible()
    panel.result.use_button.click()
    panel.result.yes_button.click()
    assert wished == ["use", "use"]


def test_a_model_whose_use_cannot_be_shown_says_so(panel):
    panel.result.show_result(replace(BETTER, better=None))
    assert panel.result.banner.head.text() == "Whether it is better cannot be shown"


def test_models_are_used_deleted_and_rolled_back_each_where_it_can_be(panel, qtbot):
    models = panel.models
    rows = [
        TunedRow("seagull-mini", "seagull-mini", active=True),
        TunedRow("a", "Ann's eye", "seagull-mini", "2026-11-26", "32 of 6", "fine", better=True),
        TunedRow("b", "Ben's eye", "seagull-mini", better=False),
    ]
    models.show_rows(rows, "")
    assert models.chosen == rows[0]
    assert not (models.use_button.isEnabled() or models.delete_button.isEnabled() or models.back_button.isEnabled())
    wished = []
    models.use_wished.connect(lambda model: wished.append(("use", model)))
    models.delete_wished.connect(lambda model: wished.append(("delete", model)))
    models.select("a")
    models.use_button.click()
    models.select("b")
    models.use_button.click()
    assert wished == [("use", "a")] and "further from its labels" in models.question.text()
    models.yes_button.click()
    models.delete_button.click()
    assert "Delete “Ben's eye”" in models.question.text()
    models.no_button.click()
    models.delete_button.click()
    models.yes_button.click()
    assert wished == [("use", "a"), ("use", "b"), ("delete", "b")]
    models.show_rows([replace(rows[0], active=False), replace(rows[1], active=True)], "seagull-mini")
    assert models.back_button.isEnabled()
    models.select("a")
    assert not models.delete_button.isEnabled()


def test_times_and_needs_are_said_as_people_say_them():
    assert [duration_words(s) for s in (0.2, 7, 42, 100, 3700)] == ["1 s", "7 s", "40 s", "2 min", "1 h 2 min"]
    words = estimate_words(STOCK, Estimate(130.0, 1_200_000_000), "seagull-mini")
    assert "about 2 min and 1.2 GB" in words and stock_words(STOCK) in words
