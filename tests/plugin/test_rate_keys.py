"""Keys, drafts and orders of the rating mode, without a window."""

from __future__ import annotations

import json

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent

from napari_seagull.controller.rating_order import Candidate, next_pair, next_region
from napari_seagull.controller.rating_store import RatingStore, settings_file
from napari_seagull.views.rate_message import rating_message
from napari_seagull.views.rate_settings import Order, RateSettings
from napari_seagull.views.rating_keys import DEFAULT_KEYS, Act, RatingKeys, key_name
from napari_seagull.views.verdict_draft import VerdictDraft
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.distortion import Distortion, Finding, Severity

BLUR, NOISE = Distortion.BLUR, Distortion.NOISE


def pressed(key: Qt.Key, held=Qt.KeyboardModifier.NoModifier, scan: int = 0) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, key, held, scan, 0, 0)


def test_the_keys_that_the_plugin_comes_with_do_not_clash():
    assert RatingKeys().clashes() == []
    assert RatingKeys().deed("B", pairs=False) is BLUR
    assert RatingKeys().deed("Shift+5", pairs=False) == ("importance", 4)
    assert RatingKeys().deed("Down", pairs=False) is Act.LOWER
    assert RatingKeys().deed("Down", pairs=True) is Act.EQUAL
    assert RatingKeys().deed("B", pairs=True) is None
    letters = [RatingKeys().hint(distortion) for distortion in Distortion]
    assert letters == list("BNCETOS")


@pytest.mark.parametrize(("key", "words"), [("1", "taken by “Quality: bad”"), ("Tab", "cannot"), ("", "cannot")])
def test_a_key_that_is_taken_or_needed_elsewhere_is_refused_with_a_sentence(key, words):
    (problem,) = RatingKeys().with_key("blur", key).clashes()
    assert words in problem


def test_a_key_may_mean_one_thing_for_one_region_and_another_for_two():
    assert RatingKeys().with_key("left", "B").clashes() == []
    assert RatingKeys().with_key("undo", "Left").clashes()


def test_keys_of_a_file_that_clash_are_not_taken():
    assert RatingKeys.read({"blur": "X"}).keys["blur"] == "X"
    assert RatingKeys.read({"blur": "1"}).keys == DEFAULT_KEYS
    assert RatingKeys.read({"blur": 5, "nonsense": "Q"}).keys == DEFAULT_KEYS


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (pressed(Qt.Key.Key_B), "B"),
        (pressed(Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier), "Return"),
        (pressed(Qt.Key.Key_3, Qt.KeyboardModifier.KeypadModifier), "3"),
        (pressed(Qt.Key.Key_4, Qt.KeyboardModifier.ShiftModifier), "Shift+4"),
        (pressed(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier), "Ctrl+Z"),
        (pressed(Qt.Key.Key_Shift, Qt.KeyboardModifier.ShiftModifier), ""),
    ],
)
def test_keys_have_the_names_that_qt_gives_them(event, name):
    assert key_name(event) == name


def test_the_row_of_digits_goes_by_place_where_shift_makes_something_else_of_it(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert key_name(pressed(Qt.Key.Key_Exclam, Qt.KeyboardModifier.ShiftModifier, scan=10)) == "Shift+1"
    assert key_name(pressed(Qt.Key.Key_Eacute, scan=11)) == "2"  # a French keyboard has its digits on Shift
    monkeypatch.setattr("sys.platform", "win32")
    assert key_name(pressed(Qt.Key.Key_Exclam, Qt.KeyboardModifier.ShiftModifier, scan=2)) == "Shift+1"


def test_the_same_letter_again_changes_the_severity_until_it_is_gone():
    draft, seen = VerdictDraft(), []
    for _again in range(6):
        draft = draft.cycled(BLUR)
        seen.append(draft.severities.get(BLUR))
    assert [each and each.word for each in seen] == ["moderate", "severe", "extreme", "trivial", "minor", None]
    assert draft.findings is None


def test_clean_and_distortions_exclude_each_other():
    draft = VerdictDraft().cycled(BLUR).cycled(NOISE)
    assert draft.toggled_clean().findings == ()
    assert draft.toggled_clean().cycled(NOISE).findings == (Finding(NOISE, Severity.MODERATE),)
    assert draft.toggled_clean().toggled_clean().findings is None


def test_a_draft_goes_on_from_what_was_said_and_takes_its_place():
    said = Annotation("a", "Ann", 50.0, None, (Finding(NOISE, Severity.MINOR),), "grain")
    draft = VerdictDraft.of(said)
    assert draft.says_the_same(said)
    changed = draft.nudged(5.0)
    assert not changed.says_the_same(said)
    again = changed.annotation("a", "Ann", said)
    assert (again.id, again.quality, again.comment, again.findings) == (said.id, 55.0, "grain", said.findings)
    assert draft.nudged(-500).quality == 0.0


WIDE = [Candidate("a", 10.0, 40.0), Candidate("b", 30.0, 45.0), Candidate("c"), Candidate("d", 20.0, 90.0)]


def walk(order: Order, start: str = "") -> list[str]:
    found, passed, here = [], {start}, start
    while here := next_region(WIDE, order, here, passed):
        found.append(here)
        passed.add(here)
    return found


def test_the_widest_interval_comes_first_and_what_has_no_score_last():
    assert walk(Order.UNCERTAIN) == ["b", "d", "a", "c"]


def test_in_order_goes_on_from_here_and_round():
    assert walk(Order.LISTED) == ["a", "b", "c", "d"]
    assert walk(Order.LISTED, "c") == ["d", "a", "b"]


def test_pairs_that_are_nearest_in_quality_come_first_and_none_twice():
    asked, skipped = [], []
    while pair := next_pair(WIDE, Order.UNCERTAIN, asked, skipped):
        if len(asked) == 1:
            skipped.append(frozenset(pair))
        else:
            asked.append(Preference(*pair))
        assert len(asked) + len(skipped) < 10
    pairs = [frozenset((one.better, one.worse)) for one in asked] + skipped
    assert pairs[0] == {"a", "b"}
    assert len(set(pairs)) == len(pairs) == 6


def test_one_region_is_no_pair():
    assert next_pair(WIDE[:1], Order.LISTED, [], []) is None


def test_settings_outlive_the_window_in_a_readable_file(tmp_path):
    path = settings_file({"SEAGULL_CONFIG": str(tmp_path / "my settings")})
    kept = RateSettings("Änn", Order.LISTED, again=True, quick=True, keys=RatingKeys().with_key("blur", "X"))
    assert RatingStore(path).write(kept) == ""
    assert RatingStore(path).read() == kept
    assert json.loads(path.read_text(encoding="utf-8"))["keys"] == {"blur": "X"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"author": 5, "order": "backwards", "keys": []}'])
def test_a_file_that_cannot_be_used_counts_as_none(tmp_path, text):
    path = tmp_path / "rating.json"
    path.write_text(text)
    assert RatingStore(path).read() == RateSettings()


def test_a_folder_that_takes_no_file_is_told_in_a_sentence(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    assert "could not be kept" in RatingStore(tmp_path / "taken" / "rating.json").write(RateSettings())


def test_the_words_before_the_start_name_the_keys_as_they_are_set():
    keys = RatingKeys().with_key("next", "G").with_key("quality 1", "A")
    assert "A to 5: how good" in rating_message(keys, 3, on=False, pairs=False)
    assert "G keeps that" in rating_message(keys, 3, on=False, pairs=False)
