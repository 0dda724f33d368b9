"""Mini's sentence never contradicts its numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seagull_iqa.domain.distortion import Distortion, Finding, Severity, worst_first
from seagull_iqa.domain.levels import IMPORTANCE_WORDS, QUALITY_WORDS, quality_word
from seagull_iqa.models.mini.grammar import sentence

numbers = st.floats(0, 100)
findings = st.lists(
    st.tuples(st.sampled_from(Distortion), st.sampled_from(Severity)), unique_by=lambda pair: pair[0]
).map(lambda pairs: worst_first([Finding(*pair) for pair in pairs]))


@given(numbers, numbers, findings)
def test_the_sentence_says_the_level_word_of_the_quality_and_no_other(quality, importance, found):
    start = sentence(quality, importance, found).split(",")[0]
    said = [word for word in QUALITY_WORDS if word in start.split()]
    assert said == [quality_word(quality)]


@given(numbers, numbers, findings)
def test_every_finding_is_named_with_its_severity_and_nothing_else_is(quality, importance, found):
    text = sentence(quality, importance, found)
    before = text.split(";")[0]
    words = [level.word for level in Severity for _ in range(before.split("with")[1].count(level.word))]
    assert sorted(words) == sorted(f.severity.word for f in found)
    assert ("no visible distortion" in text) == (not found)


@given(numbers, findings)
def test_every_importance_level_has_words_of_its_own(quality, found):
    endings = {sentence(quality, 25.0 * k, found).split(";")[1] for k in range(len(IMPORTANCE_WORDS))}
    assert len(endings) == 5


def test_an_aspect_that_was_not_asked_is_not_spoken_of():
    assert sentence(None, None, None) == ""
    assert sentence(80.0, None, None) == "The quality of this region is good."
    assert sentence(None, 99.0, None) == "This region is essential to the whole image."
    assert sentence(None, None, ()) == "This region has no visible distortion."


def test_the_worst_finding_comes_first():
    found = worst_first([Finding(Distortion.NOISE, Severity.MINOR), Finding(Distortion.BLUR, Severity.SEVERE)])
    assert "with severe blur and minor noise;" in sentence(20.0, 70.0, found)
