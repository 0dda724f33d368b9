"""The table and the card in panels of their own go along with those of the main panel, and each other."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut

from napari_seagull.controller.regions_layer import ids_of
from napari_seagull.views.region_panels import RegionsPanel, ReportPanel
from napari_seagull.views.verdict_draft import VerdictDraft

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]


@pytest.fixture
def scored(controller, shapes, settle):
    """Two regions, dark and bright; their ids."""
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    return ids_of(shapes)


@pytest.fixture
def regions(controller, scored, settle, qtbot):
    panel = RegionsPanel()
    qtbot.addWidget(panel)
    controller.regions_in(panel)
    panel.resize(760, 320)
    panel.show()
    settle()
    return panel


@pytest.fixture
def report(controller, scored, settle, qtbot):
    panel = ReportPanel()
    qtbot.addWidget(panel)
    controller.report_in(panel)
    panel.resize(480, 420)
    panel.show()
    settle()
    return panel


def names(table) -> list[str]:
    return [str(table.regions.index(line, 0).data()) for line in range(table.regions.rowCount())]


def test_a_panel_that_is_opened_late_shows_what_there_is(controller, scored, regions, report):
    assert names(regions.box.table) == names(controller.panel.table) == ["Region 1", "Region 2"]
    assert report.card.title.text() == controller.panel.card.title.text() == "Region 2"


def test_what_is_selected_in_one_is_selected_in_all(controller, shapes, scored, regions, report, settle):
    regions.box.table.selection_wished.emit([scored[0]])
    settle()
    assert controller.panel.table.selected_ids() == regions.box.table.selected_ids() == [scored[0]]
    assert shapes.selected_data == {0}
    assert report.card.title.text() == "Region 1"
    assert report.card.quality.words.text() == "20  poor"
    shapes.selected_data = {1}
    settle()
    assert regions.box.table.selected_ids() == [scored[1]]
    assert report.card.quality.words.text() == "80  good"


def test_each_table_has_a_filter_of_its_own(controller, scored, regions, settle):
    regions.box.filter.text.setText("2")
    settle()
    assert regions.box.table.regions.counts == (1, 2)
    assert controller.panel.table.regions.counts == (2, 2)


def test_regions_are_renamed_deleted_and_taken_back_in_the_panel_of_their_own(controller, scored, regions, settle):
    regions.box.table.rename_wished.emit(scored[0], "shadow")
    settle()
    assert names(controller.panel.table) == ["shadow", "Region 2"]
    regions.box.table.delete_wished.emit([scored[1]])
    settle()
    assert list(controller.session.regions) == [scored[0]]
    assert names(regions.box.table) == ["shadow"]
    undo = QKeySequence(QKeySequence.StandardKey.Undo)
    (shortcut,) = [one for one in regions.findChildren(QShortcut) if one.key() == undo]
    shortcut.activated.emit()
    settle()
    assert names(regions.box.table) == names(controller.panel.table) == ["shadow", "Region 2"]


def test_a_verdict_given_on_one_card_stands_on_the_other(controller, scored, report, settle):
    report.card.verdict.verdict_wished.emit(scored[1], VerdictDraft(quality=30.0))
    settle()
    assert controller.session.regions[scored[1]].verdicts[0].quality == 30.0
    for card in (report.card, controller.panel.card):
        assert card.human.words.text().startswith("30")


def test_a_question_asked_on_one_card_is_answered_on_both(controller, scored, use_large, report, toy, settle):
    report.card.ask.question_wished.emit("How bright is it?")
    settle()
    assert toy.questions == ["How bright is it?"]
    for card in (report.card, controller.panel.card):
        assert card.ask.answer.toPlainText() == "It is bright."


def test_a_panel_that_is_closed_follows_no_more_and_harms_nothing(controller, shapes, scored, regions, report, settle):
    regions.closed.emit()
    report.closed.emit()
    shapes.selected_data = {0}
    controller.panel.table.rename_wished.emit(scored[0], "shadow")
    settle()
    assert names(regions.box.table) == ["Region 1", "Region 2"]
    assert report.card.title.text() == "Region 2"
    assert controller.panel.card.title.text() == "shadow"
