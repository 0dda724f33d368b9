"""Going from one image to another, closing, and two windows on one image: nothing is lost, and nothing is mixed up."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
from napari.layers._source import layer_source

from napari_seagull.controller import safe
from napari_seagull.safekeeping import finding
from napari_seagull.session.commands import Annotate, RenameRegion
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.rate_panel import RatePanel
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.formats.session_file import read_session


def _beside(name: str):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


one_window = _beside("test_safe")
file, windows, LEFT, RIGHT = one_window.file, one_window.windows, one_window.LEFT, one_window.RIGHT
SIDE = "halves.png.seagull.json"


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)


def add(w, path, shape, name, seed=0):
    with layer_source(path=str(path)):
        layer = w.viewer.add_image(noise(*shape, 3, seed=seed), name=name)
    w.settle()
    return layer


def choose(w, layer, *, turn=False):
    (w.safe.turn_to if turn else w.controller.images.choose)(layer)
    w.qtbot.wait(1000)
    w.settle()


def earlier_session(windows, file):
    first = windows()
    first.open(file)
    first.draw(LEFT)
    first.close()


def test_a_late_resume_does_not_write_over_what_another_window_did_meanwhile(windows, file):
    earlier_session(windows, file)
    a, b = windows(), windows()
    a.open(file)
    b.open(file)
    assert a.question.topic == b.question.topic == "resume"
    a.answer(0)
    a.draw(RIGHT)
    a.close()
    assert len(read_session(file.with_name(SIDE)).regions) == 2
    b.answer(0)
    b.close()
    found = [len(read_session(p).regions) for p in file.parent.glob("*.json")]
    assert max(found) == 2, found


def test_a_late_resume_keeps_what_another_window_began_anew(windows, file):
    earlier_session(windows, file)
    b = windows()
    b.open(file)
    a = windows()
    a.open(file)
    a.answer(1)
    a.draw(RIGHT)
    a.close()  # start new: old set aside, side-car has RIGHT
    b.answer(0)
    b.close()
    boxes = [one.region.mask.box for path in file.parent.glob("*.json") for one in read_session(path).regions]
    assert any(column > 50 for _row, column, _row1, _column1 in boxes), boxes


def test_an_image_whose_name_is_too_long_for_a_neighbour_is_saved_in_the_own_folder(windows, tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    file = folder / ("ä" * 119 + ".png")  # 242 bytes: a legal name
    file.write_bytes(b"p")
    w = windows()
    w.open(file)
    w.draw(LEFT, RIGHT)
    w.close()
    assert list(Path(os.environ["SEAGULL_SESSIONS"]).glob("*.seagull.json"))


def test_painted_regions_are_resumed_on_a_stack_that_has_fewer_planes_now(windows, file):
    def open_stack(w, planes):
        with layer_source(path=str(file)):
            w.viewer.add_image(noise(planes, 64, 100), name="s")
        w.viewer.dims.set_point(0, planes - 1)
        w.settle()

    a = windows()
    open_stack(a, 6)
    a.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    a.settle()
    layer = a.controller.labels.layer
    layer.paint((5, 30, 30), layer.selected_label)
    a.qtbot.wait(500)
    a.settle()
    assert len(a.session.regions) == 1
    a.close()
    b = windows()
    open_stack(b, 3)
    assert b.question.topic == "resume"
    b.answer(0)
    assert len(b.session.regions) == 1


def test_a_painted_and_rated_region_survives_a_look_at_a_smaller_image(windows, file):
    w = windows()
    one = add(w, file, (64, 100), "one")
    w.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    w.settle()
    layer = w.controller.labels.layer
    layer.paint((50, 80), layer.selected_label)
    w.qtbot.wait(500)
    w.settle()
    (key,) = w.session.regions
    w.session.do(Annotate(Annotation(key, "ann", 70.0)))
    w.session.do(RenameRegion(key, "face"))
    two = add(w, file.with_name("two.png"), (32, 50), "two", 1)
    choose(w, two)
    choose(w, one)
    assert [(k, len(r.annotations)) for k, r in w.session.regions.items()] == [(key, 1)]


def test_what_was_drawn_a_moment_before_another_image_belongs_to_the_first(windows, file):
    w = windows()
    one = add(w, file, (64, 100), "one")
    w.draw(LEFT)
    two = add(w, file.with_name("two.png"), (64, 100), "two", 1)
    choose(w, one)
    w.controller.shapes.layer.add_rectangles([np.asarray(RIGHT, float)])
    w.qtbot.wait(60)
    choose(w, two, turn=True)
    choose(w, one, turn=True)
    assert len(w.session.regions) == 2


def test_what_was_drawn_a_moment_before_the_panel_closes_is_saved(windows, file):
    w = windows()
    add(w, file, (64, 100), "one")
    w.draw(LEFT)
    w.controller.shapes.layer.add_rectangles([np.asarray(RIGHT, float)])
    w.qtbot.wait(60)
    w.close()
    assert len(read_session(file.with_name(SIDE)).regions) == 2


def test_what_was_drawn_while_the_session_was_looked_for_is_saved_when_the_panel_closes(windows, file, monkeypatch):
    real, gate = safe.look, threading.Event()
    monkeypatch.setattr(safe, "look", lambda *a: (gate.wait(20), real(*a))[1])
    w = windows()
    with layer_source(path=str(file)):
        w.viewer.add_image(noise(64, 100, 3))
    w.qtbot.wait(300)
    w.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    w.controller.shapes.layer.add_rectangles([np.asarray(LEFT, float)])
    w.qtbot.wait(600)
    assert len(w.session.regions) == 1
    w.close()
    gate.set()
    w.qtbot.wait(300)
    assert list(file.parent.glob("*.seagull*"))


def test_a_rating_that_was_begun_is_kept_when_one_turns_to_another_image(windows, file, qtbot):
    w = windows()
    one = add(w, file, (64, 100), "one")
    w.draw(LEFT)
    two = add(w, file.with_name("two.png"), (64, 100), "two", 1)
    choose(w, one)
    panel = RatePanel()
    qtbot.addWidget(panel)
    rater = w.controller.rate_in(panel)
    rater.start()
    assert rater.is_on and len(rater.current) == 1
    rater.do(("quality", 4))
    choose(w, two, turn=True)
    choose(w, one, turn=True)
    (r,) = w.session.regions.values()
    assert len(r.annotations) == 1


def test_a_look_that_fails_late_does_not_cancel_that_for_the_next_image(windows, file, monkeypatch):
    real = safe.look

    def slow(places, origin, *a):
        time.sleep(0.8 if origin.path.endswith("two.png") else 0.4)
        if not origin.path.endswith("two.png"):
            raise OSError(107, "Transport endpoint is not connected")
        return real(places, origin, *a)

    monkeypatch.setattr(safe, "look", slow)
    w = windows()
    with layer_source(path=str(file)):
        w.viewer.add_image(noise(64, 100, 3), name="one")
    w.qtbot.wait(150)
    with layer_source(path=str(file.with_name("two.png"))):
        w.viewer.add_image(noise(64, 100, 3, seed=1), name="two")
    w.qtbot.wait(1500)
    w.settle()
    w.draw(LEFT)
    w.close()
    assert list(file.parent.glob("two*.seagull*"))


def test_a_session_in_the_own_folder_is_found_again_where_the_image_s_cannot_be_written(windows, file, monkeypatch):
    """os.access says the folder can be written (Windows says so of every folder), and it cannot."""
    real = finding.Lock.take.__func__

    def take(cls, path):
        if path.parent == file.parent:
            raise PermissionError(13, "Permission denied")
        return real(cls, path)

    monkeypatch.setattr(finding.Lock, "take", classmethod(take))
    a = windows()
    a.open(file)
    a.draw(LEFT)
    a.close()
    b = windows()
    b.open(file)
    assert b.question.topic == "resume"
    b.answer(0)
    assert len(b.session.regions) == 1
