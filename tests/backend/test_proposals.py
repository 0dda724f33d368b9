"""Which of all that was found is kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seagull_iqa.domain.prompts import Candidate, EverythingFilter
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.imaging.masks import iou, shared_area
from seagull_iqa.imaging.proposals import Findings

SHAPE = (40, 50)
OPEN = EverythingFilter(0.0, 1.0, 0.0, 1.0)


def box(*corners: int, score: float = 0.5, stability: float = 1.0) -> Candidate:
    return Candidate(RegionMask.from_box(SHAPE, corners), score, stability)


def kept(found: list[Candidate], wish: EverythingFilter) -> list[int]:
    return Findings.of(found, SHAPE).kept(wish)


def test_an_open_filter_lets_all_through_the_best_first():
    assert kept([box(0, 0, 5, 5, score=0.2), box(0, 0, 5, 5, score=0.9)], OPEN) == [1, 0]
    assert kept([], EverythingFilter()) == []


def test_area_and_stability_bound_what_is_kept():
    found = [box(0, 0, 2, 2), box(0, 10, 20, 30), box(0, 0, 40, 50), box(25, 0, 35, 10, stability=0.4)]
    assert kept(found, EverythingFilter(0.01, 0.5, 0.0, 1.0)) == [1, 3]
    assert kept(found, EverythingFilter(0.01, 0.5, 0.5, 1.0)) == [1]


def test_of_two_that_overlap_the_better_stays():
    found = [box(0, 0, 20, 20, score=0.4), box(0, 0, 20, 19, score=0.8), box(0, 30, 10, 40, score=0.1)]
    assert kept(found, EverythingFilter(0, 1, 0, 0.8)) == [1, 2]
    assert kept(found, EverythingFilter(0, 1, 0, 0.96)) == [1, 0, 2]


def test_a_part_inside_a_better_one_goes_unless_overlap_is_allowed():
    found = [box(0, 0, 30, 30, score=0.9), box(5, 5, 10, 10, score=0.5)]
    assert kept(found, EverythingFilter(0, 1, 0, 0.8)) == [0]
    assert kept(found, EverythingFilter(0, 1, 0, 1.0)) == [0, 1]


CORNERS = st.tuples(st.integers(0, 30), st.integers(0, 40), st.integers(1, 10), st.integers(1, 10), st.floats(0, 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(CORNERS, max_size=8), st.floats(0.0, 0.99))
def test_no_two_that_are_kept_overlap_more_than_is_allowed_and_none_is_dropped_without_reason(made, most):
    found = [box(r, c, r + h, c + w, score=score) for r, c, h, w, score in made]
    stays = kept(found, EverythingFilter(0.0, 1.0, 0.0, most))
    masks = [one.mask for one in found]
    for first in stays:
        assert all(iou(masks[first], masks[other]) <= most + 1e-12 for other in stays if other != first)
    for gone in set(range(len(found))) - set(stays):
        better = [one for one in stays if found[one].score >= found[gone].score]
        inside = [shared_area(masks[gone], masks[one]) / masks[gone].area for one in better]
        ious = [iou(masks[gone], masks[one]) for one in better]
        assert max(ious) > most or max(inside) > 1 - (1 - most) / 2


def test_shares_are_of_the_whole_image():
    assert np.allclose(Findings.of([box(0, 0, 20, 25)], SHAPE).areas, [0.25])
