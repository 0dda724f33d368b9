"""The models in the panel: which one answers, what comes of another choice, downloads, coarse maps."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_seagull.controller.desk import role_of
from napari_seagull.session.records import RegionState
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.errors import OutOfMemoryError, SeagullError

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]
"""Rectangles in the dark and in the bright half of the image."""


@pytest.fixture
def form(controller):
    controller.panel.models.open()
    return controller.panel.model_form


def records(controller) -> list:
    return list(controller.session.regions.values())


def models(controller) -> list[str]:
    return [record.report.model for record in records(controller)]


def maps_shown(controller) -> list[str]:
    return [layer.name for layer in controller.viewer.layers if role_of(layer) == "map" and layer.visible]


def choose(form, name: str) -> None:
    form.list.setCurrentIndex(form.list.findData(name))
    form.list.activated.emit(form.list.currentIndex())


def shown(part) -> bool:
    return part.isVisibleTo(part.window())


def test_the_panel_says_which_model_answers_and_how_warm_it_is(controller, form, use_large):
    assert form.now.text() == "int8, 2 images kept, 1.2 of 8 GB"
    assert form.answering.text() == "toy-large-1, int8 on cuda:0; 2 images kept, 1.2 of 8 GB"
    assert form.list.itemText(1) == "toy-large: in use"


def test_what_a_download_would_cost_is_said_before_it(controller, form, settle):
    settle()
    choose(form, "toy-large")
    assert form.weights.text() == "14 GB from hub.example/toys/large, revision 3705ca7"
    assert form.licence.text() == "The card says MIT."
    assert form.memory.text() == "bf16 16 GB, int8 9 GB, int4 6 GB; 12 GB free on cuda:0. int8 and int4 fit."
    assert form.folder.text() == "/home/ann/models of today/toy-large"
    assert form.download_button.text() == "Download 14 GB"
    assert not shown(form.use_button)


def test_nothing_is_downloaded_before_it_was_asked_once(controller, form, settle, toy, qtbot):
    settle()
    choose(form, "toy-large")
    qtbot.mouseClick(form.download_button, Qt.MouseButton.LeftButton)
    assert "Download 14 GB of toy-large? The card says MIT." in form.question.text()
    assert not toy.toys.downloads
    qtbot.mouseClick(form.no_button, Qt.MouseButton.LeftButton)
    settle()
    assert not toy.toys.downloads
    qtbot.mouseClick(form.download_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(form.yes_button, Qt.MouseButton.LeftButton)
    settle()
    assert toy.toys.downloads == ["toy-large"]
    assert shown(form.use_button)
    assert form.list.currentText() == "toy-large: here"


def test_a_download_that_is_cancelled_is_resumed_later(controller, form, settle, toy, qtbot):
    settle()
    choose(form, "toy-large")
    toy.toys.download_go.clear()
    form.download_wished.emit("toy-large")
    qtbot.waitUntil(lambda: form.bar.text() == "5 of 14 GB")
    assert form.bar.value() == round(1000 * 5 / 14)
    assert not shown(form.download_button)
    qtbot.mouseClick(form.stop_button, Qt.MouseButton.LeftButton)
    settle()
    assert not shown(form.bar)
    assert controller.panel.status.text() == ""
    assert form.list.currentText() == "toy-large: partly here"
    assert form.weights.text().startswith("5 of 14 GB here; the rest from hub.example")
    assert form.download_button.text() == "Resume download"
    toy.toys.download_go.set()
    form.download_wished.emit("toy-large")
    settle()
    assert toy.toys.offers["toy-large"].state is OfferState.READY


def test_an_offline_server_says_so_and_downloads_nothing(controller, form, settle, toy):
    toy.toys.offline = True
    controller.models.refresh()
    settle()
    choose(form, "toy-large")
    assert "offline" in form.weights.text()
    assert not form.download_button.isEnabled()


def test_a_failed_download_leaves_one_sentence(controller, form, settle, toy):
    def broken(_name, *, progress):
        raise SeagullError("The disk is full.", "Free 14 GB.")

    toy.download = broken
    form.download_wished.emit("toy-large")
    settle()
    assert controller.panel.status.text() == "The disk is full. Free 14 GB."
    assert not shown(form.bar)


def test_a_model_is_removed_after_a_question(controller, form, have_large, toy, qtbot, settle):
    choose(form, "toy-large")
    qtbot.mouseClick(form.remove_button, Qt.MouseButton.LeftButton)
    assert "free 14 GB" in form.question.text()
    qtbot.mouseClick(form.yes_button, Qt.MouseButton.LeftButton)
    settle()
    assert toy.toys.offers["toy-large"].state is OfferState.ABSENT
    assert form.list.currentText() == "toy-large: to download"


def test_only_the_precisions_of_the_offer_are_listed(controller, form, have_large):
    choose(form, "toy-large")
    lines = [form.precision.itemText(line) for line in range(form.precision.count())]
    assert lines == ["auto", "bf16: 16 GB, too much", "int8: 9 GB", "int4: 6 GB"]
    choose(form, "toy-small")
    assert not shown(form.precision)


def test_every_region_is_scored_anew_by_another_model(controller, form, shapes, have_large, settle, toy, qtbot):
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    assert models(controller) == ["toy-1", "toy-1"]
    toy.toys.load_go.clear()
    choose(form, "toy-large")
    form.precision.setCurrentIndex(form.precision.findData("int4"))
    qtbot.mouseClick(form.use_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: controller.backend.client is None)
    qtbot.waitUntil(lambda: all(record.state is not RegionState.SCORED for record in records(controller)))
    assert models(controller) == ["toy-1", "toy-1"]
    assert not form.use_button.isEnabled()
    toy.toys.load_go.set()
    settle()
    assert models(controller) == ["toy-large-1", "toy-large-1"]
    assert all(record.state is RegionState.SCORED for record in records(controller))
    assert toy.toys.precision == "int4"
    assert "Model: toy-large-1" in controller.panel.card.source.text()
    assert len(toy.asked) == 2


def test_a_choice_that_is_refused_changes_nothing(controller, form, shapes, have_large, settle, toy):
    shapes.add_rectangles([LEFT])
    settle()
    asked = len(toy.asked)
    toy.toys.refuses = OutOfMemoryError("It needs 16 GB, and 12 GB are free.", "Choose int8.")
    form.use_wished.emit("toy-large", "bf16")
    settle()
    assert controller.panel.status.text() == "It needs 16 GB, and 12 GB are free. Choose int8."
    assert len(toy.asked) == asked
    assert records(controller)[0].state is RegionState.SCORED
    assert form.answering.text().startswith("toy-1")


def test_what_a_model_failed_on_is_asked_of_the_next_one(controller, form, shapes, have_large, settle, toy):
    toy.fails = OutOfMemoryError("The device is full.", "Choose a smaller model.")
    shapes.add_rectangles([LEFT])
    settle()
    assert records(controller)[0].state is RegionState.ERROR
    toy.fails = None
    form.use_wished.emit("toy-large", "auto")
    settle()
    assert models(controller) == ["toy-large-1"]


def test_a_model_that_somebody_else_chose_is_noticed(controller, shapes, settle, toy, backend):
    shapes.add_rectangles([LEFT])
    settle()
    toy.toys.choose("toy-large", "bf16")
    backend.start()  # tells who answers, as an inquiry does
    settle()
    assert models(controller) == ["toy-large-1"]


def test_only_the_maps_of_the_model_are_offered(controller, settle, use_large):
    bar = controller.panel.map_bar.list
    assert [bar.itemData(line) for line in range(bar.count())] == ["quality", "weight"]
    controller.panel.model_form.use_wished.emit("toy-small", "auto")
    settle()
    assert bar.count() == 9


def test_a_map_of_another_model_says_whose_it_is(controller, shapes, have_large, settle, qtbot):
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.waitUntil(lambda: bool(controller.session.maps), timeout=10_000)
    controller.panel.model_form.use_wished.emit("toy-large", "auto")
    settle()
    assert maps_shown(controller) == ["Quality map of toy-1: halves"]
    assert not controller.session.maps
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.waitUntil(lambda: bool(controller.session.maps), timeout=10_000)
    assert maps_shown(controller) == ["Quality map: halves"]


def test_a_map_comes_coarse_first_and_becomes_fine_in_place(controller, shapes, use_large, toy, qtbot):
    toy.map_go.clear()
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.waitUntil(lambda: maps_shown(controller) == ["Quality map (coarse): halves"], timeout=10_000)
    layer = next(layer for layer in controller.viewer.layers if role_of(layer) == "map")
    image = controller.images.layer
    assert layer.data.shape == (4, 6)
    assert shown(controller.panel.map_bar.stop_button)
    assert np.allclose(layer.extent.world[0] - layer.scale / 2, image.extent.world[0] - 0.5)
    toy.map_go.set()
    qtbot.waitUntil(lambda: controller.mapper.is_idle, timeout=10_000)
    assert maps_shown(controller) == ["Quality map: halves"]
    assert layer in controller.viewer.layers
    assert layer.data.shape == (16, 25)
    assert np.allclose(layer.extent.world[0] - layer.scale / 2, image.extent.world[0] - 0.5)


def test_a_cancelled_map_keeps_the_coarse_one_and_says_so(controller, shapes, use_large, toy, qtbot):
    toy.map_go.clear()
    controller.panel.map_bar.map_wished.emit("quality")
    qtbot.waitUntil(lambda: bool(maps_shown(controller)), timeout=10_000)
    controller.panel.map_bar.stop_wished.emit()
    qtbot.waitUntil(lambda: controller.mapper.is_idle, timeout=10_000)
    assert maps_shown(controller) == ["Quality map (coarse): halves"]
    assert not controller.session.maps
    assert controller.panel.status.text() == ""


def test_notes_of_a_report_stand_beneath_its_sentence(controller, shapes, settle):
    shapes.add_rectangles([np.asarray(LEFT) / 5])
    settle()
    card = controller.panel.card
    assert card.remarks.text() == "The region is small."
    assert card.remarks.font().pointSizeF() < card.sentence.font().pointSizeF()
    shapes.add_rectangles([RIGHT])
    settle()
    assert not shown(card.remarks)
