"""The nouns: masks that are never empty, ordered severities, and sources that say what was scored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seagull_iqa.domain.distortion import Distortion, Finding, Severity, worst_first
from seagull_iqa.domain.levels import importance_word, quality_word
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import PixelSource, ScoreMap
from seagull_iqa.errors import (
    EmptyRegionError,
    RegionError,
    SeagullError,
    ShapeMismatchError,
    error_classes,
)

planes = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@given(planes)
def test_a_mask_keeps_every_pixel_and_its_runs_come_back(plane: np.ndarray) -> None:
    if not plane.any():
        with pytest.raises(EmptyRegionError):
            RegionMask.from_pixels(plane)
        return
    mask = RegionMask.from_pixels(plane)
    assert (mask.pixels == plane).all()
    assert mask.area == plane.sum()
    again = RegionMask.from_runs(mask.shape, mask.box, mask.runs)
    assert (again.pixels == plane).all()


@given(planes, st.integers(-14, 14), st.integers(-14, 14))
def test_a_part_that_reaches_beyond_the_image_is_cut_off(part: np.ndarray, row: int, column: int) -> None:
    canvas = np.zeros((12 + 40, 12 + 40), dtype=bool)
    canvas[20 + row : 20 + row + part.shape[0], 20 + column : 20 + column + part.shape[1]] = part
    expected = canvas[20:32, 20:32]
    if not expected.any():
        with pytest.raises(EmptyRegionError):
            RegionMask.from_part((12, 12), (row, column), part)
        return
    assert (RegionMask.from_part((12, 12), (row, column), part).pixels == expected).all()


def test_a_box_is_half_open_and_cut_to_the_image() -> None:
    mask = RegionMask.from_box((4, 5), (-2, 3, 2, 9))
    assert mask.box == (0, 3, 2, 5)
    assert mask.area == 4


def test_a_box_outside_the_image_says_what_to_do() -> None:
    with pytest.raises(EmptyRegionError) as caught:
        RegionMask.from_box((4, 5), (4, 0, 6, 5))
    assert "4 x 5" in caught.value.message
    assert "row0" in caught.value.hint


def test_a_mask_with_three_axes_is_refused() -> None:
    with pytest.raises(ShapeMismatchError):
        RegionMask.from_pixels(np.ones((3, 3, 3)))


def test_runs_that_do_not_fill_their_box_are_refused() -> None:
    for runs in ([], [1, 2], [0, -1, 5], [0, 5]):
        with pytest.raises(RegionError):
            RegionMask.from_runs((4, 4), (0, 0, 2, 2), runs)


def test_a_mask_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        RegionMask.whole((2, 2)).inside[0, 0] = False


def test_regions_are_the_same_by_id_and_not_by_content() -> None:
    mask = RegionMask.whole((2, 2))
    one, other = Region(mask, "a"), Region(mask, "a")
    assert one != other
    assert one == Region(RegionMask.whole((3, 3)), "b", id=one.id)
    assert len({one, other}) == 2


def test_severities_are_ordered_words() -> None:
    assert [level.word for level in Severity] == ["trivial", "minor", "moderate", "severe", "extreme"]
    assert Severity.from_word(" Severe ") > Severity.MINOR
    with pytest.raises(ValueError, match="trivial, minor"):
        Severity.from_word("awful")


def test_findings_are_told_worst_first() -> None:
    noise, blur = Finding(Distortion.NOISE, Severity.SEVERE), Finding(Distortion.BLUR, Severity.SEVERE)
    small = Finding(Distortion.BLUR, Severity.TRIVIAL)
    assert worst_first([small, noise, blur]) == (blur, noise, small)
    assert str(blur) == "severe blur"


@pytest.mark.parametrize(
    ("value", "word"), [(-3, "bad"), (12.4, "bad"), (12.5, "poor"), (50, "fair"), (130, "excellent")]
)
def test_a_quality_has_the_nearest_word(value: float, word: str) -> None:
    assert quality_word(value) == word


def test_an_importance_has_its_own_words() -> None:
    assert [importance_word(value) for value in (0, 25, 50, 75, 100)] == [
        "unimportant", "minor", "normal", "important", "essential",
    ]  # fmt: skip


def test_what_was_scored_is_said_in_words() -> None:
    assert str(PixelSource()) == "raw 8-bit values"
    source = PixelSource("stretched", 1, (3, 0), (10.0, 2000.0))
    assert str(source) == "stretched from 10 to 2000, channel 1, plane 3, 0"


def test_progress_of_unknown_length_is_none_yet() -> None:
    assert Progress(3, 0).fraction == 0
    assert Progress(3, 4).fraction == 0.75
    assert Progress(9, 4).fraction == 1


def test_maps_have_fixed_limits() -> None:
    values = np.zeros((1, 1), np.float32)
    assert ScoreMap("quality", values, (8, 8), 8, 8).limits == (0, 100)
    assert ScoreMap("blur", values, (8, 8), 8, 8).limits == (0, 5)


def test_every_error_is_known_by_its_name_and_says_what_to_do() -> None:
    known = error_classes()
    assert known["EmptyRegionError"] is EmptyRegionError
    assert known["SeagullError"] is SeagullError
    assert all(issubclass(cls, SeagullError) for cls in known.values())
    assert str(SeagullError("It is wet.", "Take an umbrella.")) == "It is wet. Take an umbrella."
