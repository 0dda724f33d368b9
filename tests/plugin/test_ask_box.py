"""Questions about a region in the panel: the answer comes in pieces, is kept, stopped, and says who gave it."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from seagull_iqa.errors import BackendUnreachableError

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]
"""Rectangles in the dark and in the bright half of the image."""


def shown(part) -> bool:
    return part.isVisibleTo(part.window())


@pytest.fixture
def box(controller, shapes, use_large, settle):
    """The question's box, with two regions drawn and the second one on the card."""
    shapes.add_rectangles([LEFT])
    settle()
    shapes.add_rectangles([RIGHT])
    settle()
    return controller.panel.card.ask


def ask(qtbot, box, question: str) -> None:
    box.line.setText(question)
    qtbot.keyClick(box.line, Qt.Key.Key_Return)


def test_a_model_without_words_offers_no_question(controller, shapes, settle):
    shapes.add_rectangles([LEFT])
    settle()
    assert not shown(controller.panel.card.ask)


def test_an_answer_comes_in_pieces_and_says_who_gave_it(controller, box, toy, qtbot, settle):
    assert shown(box)
    toy.answer_go.clear()
    ask(qtbot, box, "How bright is it?")
    qtbot.waitUntil(lambda: box.answer.toPlainText() == "It is ")
    assert shown(box.stop_button)
    toy.answer_go.set()
    settle()
    assert box.answer.toPlainText() == "It is bright."
    assert box.note.text() == "Answered by toy-large-1 int8."
    assert not shown(box.stop_button)
    assert toy.questions == ["How bright is it?"]


def test_an_answer_that_is_stopped_keeps_what_was_said(controller, box, toy, qtbot):
    toy.answer_go.clear()
    ask(qtbot, box, "How bright is it?")
    qtbot.waitUntil(lambda: box.answer.toPlainText() == "It is ")
    qtbot.mouseClick(box.stop_button, Qt.MouseButton.LeftButton)
    assert "You stopped it." in box.note.text()
    qtbot.waitUntil(lambda: toy.answers_closed == 1)
    assert box.answer.toPlainText() == "It is "


def test_each_region_keeps_its_last_question_and_answer(controller, box, qtbot, settle):
    ask(qtbot, box, "And this one?")
    settle()
    controller.panel.table.selectRow(0)
    assert box.line.text() == box.answer.toPlainText() == ""
    ask(qtbot, box, "How dark?")
    settle()
    assert box.answer.toPlainText() == "It is dark."
    controller.panel.table.selectRow(1)
    assert box.line.text() == "And this one?"
    assert box.answer.toPlainText() == "It is bright."
    logged = repr([entry.command for entry in controller.session.log])
    assert "And this one?" not in logged


def test_a_question_half_typed_survives_what_arrives_meanwhile(controller, box, shapes, settle):
    box.line.setText("Is it sh")
    controller.session.regions_changed.emit(tuple(controller.session.regions))
    settle()
    assert box.line.text() == "Is it sh"


def test_a_question_that_fails_says_why_in_one_sentence(controller, box, toy, qtbot, settle):
    toy.fails = BackendUnreachableError("The server went away.", "Start it again.")
    ask(qtbot, box, "Are you there?")
    settle()
    assert box.note.text() == "The server went away. Start it again."
    assert not shown(box.stop_button)


def test_an_answer_about_a_region_that_has_moved_says_so(controller, box, shapes, qtbot, settle):
    ask(qtbot, box, "How bright is it?")
    settle()
    shapes.data = [np.asarray(LEFT), np.asarray(RIGHT) + 2]
    settle()
    controller.panel.table.selectRow(1)
    assert "has changed since this question" in box.note.text()


def test_a_region_deleted_while_it_is_asked_about_ends_the_answer(controller, box, toy, qtbot, settle):
    toy.answer_go.clear()
    ask(qtbot, box, "How bright is it?")
    qtbot.waitUntil(lambda: box.answer.toPlainText() == "It is ")
    controller.panel.table.delete_wished.emit(list(controller.session.selection))
    qtbot.waitUntil(lambda: toy.answers_closed == 1)
    settle()
    said = controller.panel.status.text()
    assert not said or said.startswith("Your work is saved")
