"""The panel "Fine-tune" on a viewer without a window and a server of a few lines: from labels to a model, and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.layers._source import layer_source
from PIL import Image
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QFileDialog, QMainWindow

from napari_seagull.controller.tuning_watch import TOPIC
from napari_seagull.session.commands import Prefer
from napari_seagull.session.records import RegionState
from napari_seagull.views.rate_panel import RatePanel
from napari_seagull.views.tune_panel import TunePanel
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.fine_tuning import CurvePoint, FineTuneSpec, TuneRun, TuneState
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import BackendUnreachableError, SeagullError
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.formats.session_file import write_session
from seagull_iqa.imaging.files import read_image

BOXES = [[[r, c], [r, c + 10], [r + 10, c + 10], [r + 10, c]] for r in (2, 18, 34, 50) for c in (2, 18, 54, 70)]
FEW = 10


class Window:
    """The panel with a rating panel beside it, over an image with regions."""

    def __init__(self, qtbot, controller, settle, shapes) -> None:
        self.qtbot, self.controller = qtbot, controller
        self.toy = controller.backend.client.tuning
        shapes.add_rectangles(BOXES)
        settle()
        self.rate = RatePanel()
        qtbot.addWidget(self.rate)
        self.rater = controller.rate_in(self.rate)
        self.rate.show()
        self.panel = self.open()

    def open(self) -> TunePanel:
        panel = TunePanel()
        self.qtbot.addWidget(panel)
        panel.resize(460, 900)
        self.tuner = self.controller.tune_in(panel, lambda: self.rater)
        panel.show()
        self.panel = panel
        self.settle()
        return panel

    def settle(self) -> None:
        """Until nothing is under way but a run."""
        main = self.controller
        parts = (main.images, main.shapes, main.safe, main.scorer, main.display, self.tuner)
        for _again in range(3):
            self.qtbot.wait(30)
            self.qtbot.waitUntil(lambda: all(part.is_idle for part in parts), timeout=30_000)
            self.qtbot.waitUntil(lambda: main.tasks.running <= self.tuner.run.is_training, timeout=30_000)

    @property
    def ids(self) -> list[str]:
        return list(self.controller.session.regions)

    def label(self, many: int = FEW) -> None:
        for number, key in enumerate(self.ids[:many]):
            self.controller.verdicts.say_of_all([key], lambda draft, n=number: replace(draft, quality=10.0 * (n % 10)))
        self.settle()

    def train(self) -> None:
        """To the end."""
        self.panel.train.train_button.click()
        self.qtbot.waitUntil(lambda: self.tuner.run.run is not None and self.tuner.run.run.state.ended)
        self.settle()

    def framed(self) -> QMainWindow:
        """The panel of the regions in a main window, as in napari."""
        self.frame = QMainWindow()
        self.qtbot.addWidget(self.frame)
        self.frame.setCentralWidget(self.controller.panel)
        self.frame.show()
        return self.frame

    def close(self) -> None:
        self.tuner.close()


@pytest.fixture
def window(qtbot, controller, settle, shapes, monkeypatch):
    monkeypatch.setattr("napari_seagull.controller.tuning_gather.SETTLE_MS", 30)  # for the sake of haste
    made = Window(qtbot, controller, settle, shapes)
    yield made
    made.close()


def test_what_was_labelled_is_counted_and_training_waits_until_there_is_enough(window):
    assert "Nothing is labelled yet" in window.panel.stock.empty.text()
    assert not window.panel.train.train_button.isEnabled()
    window.label(4)
    assert window.panel.stock.short.text() == "4 regions on 1 image"
    assert "4 of 8 so far" in window.panel.train.plan.text()
    window.label()
    assert window.panel.train.train_button.isEnabled()
    assert "about 2 min and 900 MB" in window.panel.train.plan.text()


def test_comparisons_count_as_labels(window):
    one, two, *_rest = window.ids
    window.controller.session.do(Prefer(Preference(one, two)))
    window.settle()
    assert window.panel.stock.short.text() == "0 regions on 0 images, 1 comparison"


def test_a_suggestion_is_one_click_away_from_the_rating_mode(window):
    window.label()
    rows = window.panel.suggested.rows
    assert len(rows) == 6 and rows[0].image_name == "halves"
    assert not window.panel.suggested.lines[0].picture.is_empty
    window.panel.suggested.lines[2].button.click()
    assert window.rater.is_on and window.rater.current == (rows[2].region,)
    window.panel.suggested.lines[1].button.click()
    assert window.rater.current == (rows[1].region,)


def test_a_contradiction_leads_to_its_regions_even_where_they_have_labels(window):
    window.label()
    conflicts = window.panel.stock.conflicts
    conflicts.list.setCurrentRow(0)
    window.settle()
    assert not any(picture.is_empty for picture in conflicts.pictures)
    assert window.controller.session.selection == (conflicts.row.regions[0],)
    conflicts.buttons[1].click()
    assert window.rater.current == (conflicts.row.regions[1],)


def test_a_run_shows_its_curves_and_ends_with_before_and_after(window):
    window.label()
    window.toy.go.clear()
    window.panel.train.train_button.click()
    window.qtbot.waitUntil(lambda: window.panel.train.pause_button.isVisible() and not window.tuner.run.asked)
    assert not window.panel.train.train_button.isVisible()
    window.toy.go.set()
    window.qtbot.waitUntil(lambda: window.panel.result.banner.head.text() == "Closer to your eye")
    window.settle()
    assert [point.held_out for point in window.tuner.run.points] == [20.0 - step for step in range(1, 11)]
    changed = window.panel.result.changed
    assert len(changed.regions) == FEW and not changed.cards[0].picture.is_empty
    changed.region_wished.emit(changed.regions[3].image, changed.regions[3].region)
    assert window.controller.session.selection == (changed.regions[3].region,)


def test_a_run_begins_from_the_full_model_where_that_answers(window, monkeypatch):
    client = window.controller.backend.client
    small = client.models()
    monkeypatch.setattr(client, "models", lambda: small.model_copy(update={"in_use": "seagull-7b"}))
    window.label()
    assert "seagull-7b" in window.panel.train.plan.text()
    window.train()
    assert window.tuner.run.run.spec.base == "seagull-7b"


def test_scores_and_labels_go_on_while_a_run_is_under_way(window):
    window.label()
    window.toy.go.clear()
    window.panel.train.train_button.click()
    window.qtbot.waitUntil(lambda: window.tuner.run.is_training)
    window.controller.shapes.layer.add_rectangles([[[30, 30], [30, 60], [44, 60], [44, 30]]])
    window.controller.verdicts.say_of_all([window.ids[-1]], lambda draft: replace(draft, quality=33.0))
    window.qtbot.waitUntil(lambda: window.controller.session.record(window.ids[-1]).state is RegionState.SCORED)
    window.qtbot.waitUntil(lambda: window.panel.stock.short.text() == f"{FEW + 1} regions on 1 image")


def test_a_run_is_paused_resumed_and_cancelled(window):
    window.label()
    window.toy.go.clear()
    train = window.panel.train
    train.train_button.click()
    window.qtbot.waitUntil(lambda: train.pause_button.isVisible() and train.pause_button.isEnabled())
    train.pause_button.click()
    window.qtbot.waitUntil(lambda: train.resume_button.isVisible() and train.resume_button.isEnabled())
    assert "goes on from here" in train.phase.text()
    train.resume_button.click()
    window.qtbot.waitUntil(lambda: train.pause_button.isVisible() and train.pause_button.isEnabled())
    train.cancel_button.click()
    window.qtbot.waitUntil(lambda: train.train_button.isVisible() and train.train_button.isEnabled())
    assert "nothing was changed" in train.phase.text()


def test_a_refused_run_is_told_in_a_sentence_and_can_be_tried_again(window):
    window.label()
    window.toy.fails = SeagullError("Another run is going on.", "Wait for it.")
    window.panel.train.train_button.click()
    window.qtbot.waitUntil(lambda: "Another run" in window.panel.status.text())
    window.toy.fails = None
    window.train()
    assert window.tuner.run.run.state is TuneState.DONE


def test_a_server_that_goes_away_leaves_the_run_interrupted_and_offers_it_when_it_is_back(window):
    window.label()
    window.toy.go.clear()
    window.panel.train.train_button.click()
    window.qtbot.waitUntil(lambda: window.tuner.run.is_training)
    backend, run = window.controller.backend, window.tuner.run.run
    backend._backend.toy.fails = BackendUnreachableError("The server died.", "Restart it.")
    backend.look_again()
    window.qtbot.waitUntil(lambda: window.panel.train.resume_button.isVisible())
    backend._backend.toy.fails = None
    window.toy.known[run.id] = replace(window.toy.known[run.id], state=TuneState.INTERRUPTED)
    backend.restart()
    window.qtbot.waitUntil(lambda: window.panel.question.topic == TOPIC)
    window.toy.go.set()
    window.panel.question.buttons[0].click()
    window.qtbot.waitUntil(lambda: window.tuner.run.run.state is TuneState.DONE)


def test_an_interrupted_run_is_offered_when_the_panel_opens_and_can_be_forgotten(window):
    window.close()
    spec, point = FineTuneSpec("Ann's eye"), CurvePoint("Learning", 4, 10, 1.0, 12.0)
    window.toy.known["old"] = TuneRun("old", spec, TuneState.INTERRUPTED, point)
    window.controller.backend.ready.emit()
    window.qtbot.waitUntil(lambda: window.controller.panel.question.topic == TOPIC)
    panel = window.open()
    assert not window.controller.panel.question.topic
    window.qtbot.waitUntil(lambda: panel.question.topic == TOPIC)
    assert "“Ann's eye” stopped at 40 %" in panel.question.words.text()
    panel.question.buttons[2].click()
    window.qtbot.waitUntil(lambda: window.toy.known["old"].state is TuneState.CANCELLED)


def test_a_run_goes_on_while_the_panel_is_closed_and_is_taken_up_when_it_opens(window):
    window.label()
    window.toy.go.clear()
    window.panel.train.train_button.click()
    window.qtbot.waitUntil(lambda: window.tuner.run.is_training and not window.tuner.run.asked)
    window.close()
    window.open()
    window.qtbot.waitUntil(lambda: window.panel.train.pause_button.isVisible())
    window.toy.go.set()
    window.qtbot.waitUntil(lambda: window.panel.result.use_button.isVisible())


def test_closing_the_window_while_a_run_goes_on_asks_first_and_pauses_it(window):
    window.label()
    frame = window.framed()
    window.toy.go.clear()
    window.panel.train.train_button.click()
    window.qtbot.waitUntil(lambda: window.tuner.run.is_training and not window.tuner.run.asked)
    frame.close()
    box = window.controller.tuning.gate.question
    assert frame.isVisible() and "is being trained" in box.text()
    stay, pause = (next(b for b in box.buttons() if word in b.text()) for word in ("Stay", "Pause"))
    stay.click()
    assert frame.isVisible() and window.controller.tuning.gate.question is None
    frame.close()
    pause = next(b for b in window.controller.tuning.gate.question.buttons() if "Pause" in b.text())
    pause.click()
    window.qtbot.waitUntil(lambda: not frame.isVisible())
    assert next(iter(window.toy.known.values())).state is TuneState.PAUSED


def test_a_window_closes_without_a_question_while_nothing_is_trained(window):
    frame = window.framed()
    event = QCloseEvent()
    QApplication.sendEvent(frame, event)
    assert event.isAccepted() and window.controller.tuning.gate.question is None


def test_the_new_model_is_used_the_scores_change_and_rolling_back_brings_the_old_ones_back(window, controller):
    window.label()
    window.train()

    def scores() -> dict[str, float]:
        records = controller.session.regions.values()
        return {one.report.model: one.report.quality for one in records if one.state is RegionState.SCORED}

    (old, before), *_rest = scores().items()
    window.panel.result.use_button.click()
    window.qtbot.waitUntil(lambda: set(scores()) == {"My eye-1"})
    window.settle()
    assert scores()["My eye-1"] == pytest.approx(before + 10.0)
    assert "answers from now on" in window.panel.result.decided.text()
    assert not window.panel.result.use_button.isVisible()
    models = window.panel.models
    window.qtbot.waitUntil(lambda: models.back_button.isEnabled())
    assert "toy-small" in models.back_button.toolTip() and "My eye answers" in models.short.text()
    models.back_button.click()
    window.qtbot.waitUntil(lambda: set(scores()) == {old})
    assert scores()[old] == pytest.approx(before)


def test_scores_of_the_former_model_are_named_and_one_click_makes_them_anew(window, controller):
    controller.pixels.score_live(False)
    window.label()
    window.train()
    window.panel.result.use_button.click()
    stale = window.panel.models.stale
    said = f"{len(BOXES)} scores on the table are of a model that answers no more."
    window.qtbot.waitUntil(lambda: stale.text() == said)
    window.qtbot.waitUntil(lambda: window.panel.models.back_button.isEnabled())
    window.panel.models.rescore_button.click()
    window.qtbot.waitUntil(lambda: not stale.text(), timeout=10_000)


def test_a_model_that_is_kept_or_discarded_leaves_the_one_that_answers(window, controller):
    for decide, kept in (("keep_button", 1), ("discard_button", 1)):
        window.label()
        window.train()
        getattr(window.panel.result, decide).click()
        window.qtbot.waitUntil(lambda: bool(window.panel.result.decided.text()))
        window.settle()
        assert len(window.toy.kept) == kept
        assert controller.models._facts.in_use in ("", "toy-small")


def test_a_model_is_exported_deleted_and_taken_in_again(window, tmp_path, monkeypatch):
    window.label()
    window.train()
    window.panel.result.keep_button.click()
    models, file = window.panel.models, tmp_path / "mine.seagull-model"
    window.qtbot.waitUntil(lambda: models.table.rowCount() == 2)
    window.panel.unfold("models")
    models.select("My eye-1")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(file), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(file), ""))
    models.export_button.click()
    window.qtbot.waitUntil(lambda: "Written" in window.panel.status.text())
    models.delete_button.click()
    models.yes_button.click()
    window.qtbot.waitUntil(lambda: models.table.rowCount() == 1)
    models.import_button.click()
    window.qtbot.waitUntil(lambda: models.table.rowCount() == 2)
    assert "is there now" in window.panel.status.text()


def test_a_worse_model_is_used_only_after_a_second_question(window):
    window.toy.better = False
    window.label()
    window.train()
    result = window.panel.result
    assert result.banner.head.text() == "Not better than before"
    result.use_button.click()
    window.settle()
    assert result.question.isVisible() and not window.toy.kept
    result.yes_button.click()
    window.qtbot.waitUntil(lambda: bool(window.toy.kept))


def test_labels_of_other_images_are_learned_from_too_and_their_regions_come_up(window, controller, qtbot):
    window.label()
    other = np.full((64, 100, 3), 120, dtype=np.uint8)
    other[:32] = 30
    layer = controller.viewer.add_image(other, name="other")
    controller.safe.turn_to(layer)
    window.settle()
    assert not controller.session.regions
    assert window.panel.stock.short.text() == f"{FEW} regions on 1 image"
    controller.shapes.layer.add_rectangles(BOXES[:3])
    window.settle()
    window.label(2)
    assert window.panel.stock.short.text() == f"{FEW + 2} regions on 2 images"
    row = next(row for row in window.panel.suggested.rows if row.image_name == "halves")
    window.panel.suggested.rate_wished.emit(row.image, row.region)
    qtbot.waitUntil(lambda: window.rater.current == (row.region,), timeout=10_000)
    assert controller.images.layer.name == "halves"
    window.settle()
    window.train()
    assert {export.pixels.name for export in window.toy.labels} == {"halves", "other"}


def test_a_region_of_a_session_file_is_shown_in_its_image_which_is_opened_for_it(
    window, controller, tmp_path, monkeypatch
):
    def open_file(viewer, path):  # napari's own readers are not there without its window
        with layer_source(path=path):
            return [viewer.add_image(read_image(Path(path)).rgb, name=Path(path).stem)]

    monkeypatch.setattr(type(controller.viewer), "open", open_file)
    file = tmp_path / "Bilder ä" / "photo.png"
    file.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 100, 3), dtype=np.uint8)).save(file)
    image = read_image(file)
    mask = RegionMask.from_box(image.shape, (10, 10, 30, 40))
    regions = tuple(SessionRegion(Region(mask, name, id=name)) for name in ("lake", "hill"))
    facts = SessionImage(image.shape, "photo.png", str(file), "photo.png", image.sha256, image.pixels)
    said = (Annotation("lake", "Ben", 40.0),)
    write_session(file.with_name("photo.png.seagull.json"), SessionDocument(facts, regions, annotations=said))
    window.tuner.gatherer.add([file.parent])
    window.qtbot.waitUntil(lambda: "1 region on 1 image" in window.panel.stock.short.text())
    window.settle()
    assert window.tuner.regions.image_name("hill") == "photo.png"
    window.panel.suggested.rate_wished.emit(image.sha256, "hill")
    window.qtbot.waitUntil(lambda: window.rater.current == ("hill",), timeout=10_000)
    assert len(controller.session.regions) == 2 and controller.images.layer.name == "photo"
    window.settle()
    assert window.panel.stock.short.text() == "1 region on 1 image"  # counted once, though it lies on the table now


def test_a_session_whose_image_is_gone_is_told_in_one_sentence_and_can_be_left_out(window, tmp_path):
    path = tmp_path / "gone.png.seagull.json"
    write_session(path, SessionDocument(SessionImage((8, 8), "gone.png", sha256="ab")))
    (tmp_path / "broken.seagull.json").write_text("{")
    window.tuner.gatherer.add([tmp_path])
    window.settle()
    window.qtbot.waitUntil(lambda: len(window.tuner.gatherer.found) == 2)
    window.settle()
    sources = window.panel.stock.sources
    assert "broken.seagull.json" in sources.list.item(1).text()
    sources.removal_wished.emit([str(tmp_path / "broken.seagull.json")])
    window.settle()
    window.qtbot.waitUntil(lambda: len(window.tuner.gatherer.found) == 1)
