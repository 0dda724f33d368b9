"""What the model writes becomes findings by its words; what it expects becomes scores with a spread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.full.answers import findings_in, finished
from seagull_iqa.models.full.reports import scored


def named(text: str) -> dict[str, str] | None:
    found = findings_in(text)
    return None if found is None else {one.distortion.value: one.severity.word for one in found}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("With minor colorfulness and trivial contrast distortions.", {"colorfulness": "minor", "contrast": "trivial"}),
        ("Blur.", {"blur": "moderate"}),
        ("The region is in compression.", {"compression": "moderate"}),
        ("With severe blur and noise distortions.", {"blur": "severe", "noise": "severe"}),
        ("The blur is severe, the noise mild.", {"blur": "severe", "noise": "minor"}),
        ("Blur (severe), noise (mild).", {"blur": "severe", "noise": "minor"}),
        ("Blur and noise are extreme.", {"blur": "extreme", "noise": "extreme"}),
        ("With blur and severe noise.", {"blur": "moderate", "noise": "severe"}),
        ("With considerable exposure distortion.", {"exposure": "severe"}),
        ("With extreme noise. With trivial noise.", {"noise": "extreme"}),
        ("With light blur and mild saturation.", {"blur": "minor", "colorfulness": "minor"}),
        ("WITH MODERATE SHARPNESS DISTORTION", {"sharpness": "moderate"}),
        ("Underexposed, slightly noisy.", {"exposure": "moderate", "noise": "minor"}),
        ("It is not blurry but has severe noise.", {"noise": "severe"}),
        ("No blur, with minor contrast distortion.", {"contrast": "minor"}),
        ("There is no visible distortion.", {}),
        ("Without blur or noise.", {}),
        ("No blur, noise or compression.", {}),
        ("It is noise-free.", {}),
        ("No noise, severe blur.", {"blur": "severe"}),
        ("No distortions except minor blur.", {"blur": "minor"}),
        ("Not only blur but also noise.", {"blur": "moderate", "noise": "moderate"}),
        ("It isn't blurry.", {}),
        ("This region is not clean.", None),
        ("This region is clean.", {}),
        ("None.", {}),
        ("A dog in the light of the sun.", None),
        ("", None),
        ("The quality is good.", None),
    ],
)
def test_findings_are_read_by_words(text, expected):
    assert named(text) == expected


@given(st.dictionaries(st.sampled_from(list(Distortion)), st.sampled_from(list(Severity)), min_size=1))
def test_every_sentence_of_the_known_grammar_is_read_back(faults):
    parts = [f"{severity.word} {distortion.value}" for distortion, severity in faults.items()]
    found = findings_in(f"With {' and '.join(parts)} distortions.")
    assert set(found) == {Finding(distortion, severity) for distortion, severity in faults.items()}
    assert [one.severity for one in found] == sorted((one.severity for one in found), reverse=True)


@given(st.text(max_size=300))
def test_any_text_at_all_is_read_without_an_error(text):
    findings_in(finished(text))


def test_a_repeated_sentence_ends_the_answer():
    # The blank before the second sentence makes it another one, for the original too.
    assert finished("It is bad. It is bad. It is bad. It is") == "It is bad. It is bad."


def test_a_certain_level_has_its_value_and_no_spread():
    score = scored(Aspect.QUALITY, np.array([0, 0, 0, 0.9, 0], np.float32))
    assert (score.value, score.interval, score.sentence) == (75.0, (75.0, 75.0), "The quality is good.")
    assert score.mass == pytest.approx(0.9)


def test_doubt_between_levels_lies_between_them_and_spreads():
    score = scored(Aspect.IMPORTANCE, np.array([0, 0.2, 0.3, 0, 0], np.float32))
    assert score.value == 40.0 and score.interval[0] < 30 and score.interval[1] > 50
    assert score.sentence == "This region is normal to the overall quality."


@given(st.lists(st.floats(0, 0.1875, width=32), min_size=5, max_size=5))
def test_a_score_and_its_interval_stay_on_the_scale(shares):
    score = scored(Aspect.QUALITY, np.array(shares, np.float32))
    assert 0 <= score.interval[0] <= score.value <= score.interval[1] <= 100 or sum(shares) == 0
