"""Risk and coverage: a model that knows when it errs gains over any order, and one that does not gains nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seagull_iqa.data.protocol import CaseLabel
from seagull_iqa.training.answers import Answer, CaseResult
from seagull_iqa.training.baselines import OURS
from seagull_iqa.training.risk import risk, risk_curve
from seagull_iqa.training.tables import make_table

ERROR = np.array([6.0, 1.0, 3.0, 2.0])


def test_the_areas_of_four_cases_by_hand():
    found = risk(ERROR, np.array([40.0, 10.0, 30.0, 20.0]))
    assert found.own == pytest.approx((1 + 1.5 + 2 + 3) / 4)
    assert found.random == pytest.approx(3.0)
    assert found.gain == pytest.approx(1 - 1.875 / 3)
    assert found.reached == pytest.approx(1.0)


def test_intervals_that_are_wide_where_nothing_is_wrong_lose_against_any_order():
    found = risk(ERROR, -ERROR)
    assert found.gain < 0
    assert found.oracle == pytest.approx(1.875)


def test_equal_widths_are_the_mean_over_every_order():
    assert risk(ERROR, np.ones(4)).gain == pytest.approx(0.0)
    width = np.array([2.0, 1.0, 1.0, 1.0])
    generator = np.random.default_rng(0)
    orders = [risk_curve(ERROR, width + generator.uniform(0, 0.5, 4)) for _ in range(20_000)]
    assert risk_curve(ERROR, width) == pytest.approx(np.mean(orders, axis=0), abs=0.02)


def test_who_is_never_wrong_has_nothing_to_gain():
    assert math.isnan(risk(np.zeros(3), np.arange(3.0)).gain)
    assert math.isnan(risk(np.zeros(0), np.zeros(0)).own)


def results(*, knows: bool) -> list[CaseResult]:
    """Forty cases of ten photographs, no importance; the first half of each photograph's answers are 20 points off."""
    found = []
    for number in range(40):
        off = 20.0 if number % 4 < 2 else 2.0
        wide = off if knows else 25.0 - off
        said = 50.0 + number / 4
        answer = Answer(said, (said - wide, said + wide), math.nan, (math.nan, math.nan), frozenset())
        label = CaseLabel(said + off, math.nan, math.nan, frozenset())
        found.append(CaseResult(number, f"photo {number // 4}", 0.5, label, answer))
    return found


def table(cases: list[CaseResult]):
    return make_table(cases, [], {"data": "x", "label": "y", "model": "m", "cases": 40, "photographs": 10,
                                  "partial": False}, (OURS,), 50)  # fmt: skip


def test_the_table_tells_who_knows_where_it_errs():
    knows, wrong = table(results(knows=True)), table(results(knows=False))
    gain = knows.rows[-1].figures["quality.risk.gain"]
    assert gain.value == pytest.approx(1 - knows.figure(OURS, "quality.risk.own") / 11.0)
    assert gain.low <= gain.value <= gain.high
    assert gain.value > 0.25 > 0 > wrong.figure(OURS, "quality.risk.gain")
    assert knows.figure(OURS, "quality.risk.reached") == pytest.approx(1.0)
    assert f"{100 * gain.value:.1f}" in knows.to_text()


def test_what_is_not_labelled_has_no_gain():
    assert "importance.risk.gain" not in table(results(knows=True)).rows[-1].figures
