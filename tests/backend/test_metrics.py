"""The evaluation's metrics against scipy and against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from seagull_iqa.training.metrics import (
    class_f1,
    covered,
    estimate,
    having,
    ladder,
    logistic_fit,
    partial_srocc,
    photograph_draws,
    plcc,
    plcc_after_logistic,
    sample_average,
    set_scores,
    srocc,
    within_srocc,
)


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    x = generator.normal(size=200).round(1)  # rounded: ties are in
    return x, x + generator.normal(size=200)


def test_correlations_are_scipys_ties_included(pair):
    x, y = pair
    assert srocc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert plcc(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_a_constant_has_no_correlation():
    x = np.arange(9.0)
    assert math.isnan(srocc(np.full(9, 50.0), x))
    assert math.isnan(plcc(x, np.full(9, 0.1)))
    assert math.isnan(srocc(x[:1], x[:1]))


def test_partial_rank_correlation_is_the_correlation_of_what_the_ranks_leave_over(pair):
    x, y = pair
    given = x + np.random.default_rng(6).normal(size=x.size)
    a, b, c = (stats.rankdata(v) for v in (x, y, given))
    left = [v - np.polyval(np.polyfit(c, v, 1), c) for v in (a, b)]
    assert partial_srocc(x, y, given) == pytest.approx(stats.pearsonr(*left).statistic, abs=1e-9)


def test_partial_rank_correlation_by_hand():
    # ranks: predicted 1 2 3 4, label 2 1 4 3, given 1 3 2 4 -> r = .6, .8, 0 -> (.6 - 0) / sqrt(.36 * 1) = 1
    predicted, label, given = np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3]), np.array([1.0, 3, 2, 4])
    ab, ac, bc = 0.6, 0.8, 0.0
    assert srocc(predicted, label) == pytest.approx(ab)
    assert srocc(predicted, given) == pytest.approx(ac)
    assert srocc(label, given) == pytest.approx(bc)
    assert partial_srocc(predicted, label, given) == pytest.approx((ab - ac * bc) / 0.6)


def test_area_that_is_all_there_is_leaves_nothing_given_area():
    area = np.random.default_rng(1).uniform(size=50)
    assert math.isnan(partial_srocc(area, area**2 + 0.1 * np.sin(99 * area), area))


def test_the_logarithm_of_the_given_changes_nothing(pair):
    x, y = pair
    given = np.exp(x / 3) + 1
    assert partial_srocc(y, x * x, given) == pytest.approx(partial_srocc(y, x * x, np.log(given)), abs=1e-12)


def test_inside_photographs_an_offset_between_them_does_not_count():
    group = np.repeat(["a", "b"], 4)
    label = np.array([1.0, 2, 3, 4, 1, 2, 3, 4])
    predicted = np.array([1.0, 2, 3, 4, 104, 103, 102, 101])
    assert within_srocc(predicted, label, group) == pytest.approx(0.0)
    assert within_srocc(np.where(group == "b", 200 - predicted, predicted), label, group) == pytest.approx(1.0)


def test_the_logistic_straightens_a_sigmoid_of_either_direction():
    x = np.linspace(-4, 4, 80)
    label = 100 / (1 + np.exp(-2.5 * x))
    assert plcc(x, label) < 0.96
    assert plcc_after_logistic(x, label) == pytest.approx(1.0, abs=1e-6)
    assert plcc_after_logistic(-x, label) == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(logistic_fit(x, label), label, atol=1e-2)


def test_a_logistic_that_is_not_found_is_a_line_of_the_right_direction(monkeypatch):
    def wider_and_wider(*_args, **_kwargs):
        raise RuntimeError("maxfev")

    monkeypatch.setattr("seagull_iqa.training.metrics.curve_fit", wider_and_wider)
    x = np.random.default_rng(0).normal(50, 9, 60)
    label = 90 - 1.5 * x + np.random.default_rng(1).normal(0, 1, 60)
    assert plcc_after_logistic(x, label) == pytest.approx(-stats.pearsonr(x, label)[0])
    assert np.allclose(logistic_fit(x, label), np.polyval(np.polyfit(x, label, 1), x))


def test_the_logistic_leaves_a_constant_alone():
    assert np.array_equal(logistic_fit(np.full(9, 3.0), np.arange(9.0)), np.full(9, 3.0))


def test_precision_recall_and_f1_of_one_case_by_hand():
    scores = set_scores({"blur", "noise", "contrast"}, {"blur", "exposure"})
    assert (scores.precision, scores.recall) == pytest.approx((1 / 3, 1 / 2))
    assert scores.f1 == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert set_scores(set(), {"clean"}).precision == 0.0


def test_the_sample_average_is_a_mean_over_cases():
    predicted = [{"clean"}, {"blur", "noise"}, set()]
    true = [{"clean"}, {"blur"}, {"noise"}]
    assert sample_average(predicted, true).mean(axis=0) == pytest.approx([1.5 / 3, 2 / 3, (1 + 2 / 3) / 3])


def test_a_class_is_scored_over_all_cases():
    predicted, true = [{"blur"}, {"blur"}, {"clean"}, {"noise"}], [{"blur"}, {"clean"}, {"blur"}, {"noise"}]
    assert class_f1(having(predicted, "blur"), having(true, "blur")) == pytest.approx(0.5)  # P = R = 1/2
    assert class_f1(having(predicted, "noise"), having(true, "noise")) == 1.0
    assert math.isnan(class_f1(having(predicted, "exposure"), having(true, "exposure")))


def test_coverage_counts_the_ends_in():
    label = np.array([1.0, 2.0, 3.0, 4.0])
    assert covered(label, label - 1, np.array([1.0, 1.9, 9, 9])).tolist() == [1, 0, 1, 1]


def test_a_ladder_that_falls_is_minus_one_and_one_that_never_moves_is_zero():
    assert ladder([0, 1, 2, 3, 4, 5], [99, 80, 60, 30, 20, 1]) == pytest.approx(-1.0)
    assert ladder([0, 1, 2], [50, 50, 50]) == 0.0


def test_the_bootstrap_draws_whole_photographs():
    group = np.array(["a", "a", "b", "c", "c", "c"])
    for draw in photograph_draws(group, 20):
        counts = {name: np.count_nonzero(group[draw] == name) for name in "abc"}
        assert counts["a"] % 2 == 0
        assert counts["c"] % 3 == 0
        assert counts["a"] // 2 + counts["b"] + counts["c"] // 3 == 3


def test_the_interval_is_the_normal_one_for_the_mean_of_many_photographs():
    generator = np.random.default_rng(0)
    values, group = generator.normal(size=400), np.arange(400)
    found = estimate(lambda index: float(values[index].mean()), 400, photograph_draws(group, 2000))
    half = 1.96 * values.std() / math.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)
    assert found.cases == 400


def test_what_is_not_defined_has_no_interval():
    found = estimate(lambda _index: math.nan, 3, photograph_draws(np.arange(3), 5))
    assert math.isnan(found.value)
    assert math.isnan(found.low)
