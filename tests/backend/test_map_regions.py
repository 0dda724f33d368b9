"""Regions out of a map: exact masks, connected parts, and the values under a place."""

from __future__ import annotations

import numpy as np
import pytest

from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.imaging.map_regions import MapValues, Threshold, histogram, value_at
from seagull_iqa.imaging.score_maps import at_image_size


def made(values, shape=(64, 96), stride=8.0) -> ScoreMap:
    return ScoreMap("quality", np.asarray(values, dtype=np.float32), shape, stride, stride)


@pytest.fixture
def spotted() -> ScoreMap:
    """Good everywhere but for two spots."""
    values = np.full((8, 12), 80.0)
    values[1:4, 1:4] = 10.0
    values[5:7, 8:11] = 30.0
    return made(values)


def test_everything_below_a_value_becomes_its_connected_parts_at_the_size_of_the_image(spotted):
    masks = MapValues.of(spotted).regions(Threshold(40.0))
    assert [mask.shape for mask in masks] == [(64, 96)] * 2
    assert masks[0].area > masks[1].area
    together = masks[0].pixels | masks[1].pixels
    assert np.array_equal(together, at_image_size(spotted) < 40.0)
    assert not (masks[0].pixels & masks[1].pixels).any()


def test_above_is_the_other_side_and_the_least_area_leaves_the_small_ones_out(spotted):
    values = MapValues.of(spotted)
    above = values.regions(Threshold(40.0, below=False))
    assert sum(mask.area for mask in above) == int((at_image_size(spotted) > 40.0).sum())
    both = values.regions(Threshold(40.0))
    assert len(values.regions(Threshold(40.0, least_area=both[1].area))) == 2
    assert len(values.regions(Threshold(40.0, least_area=both[1].area + 1))) == 1


def test_places_without_a_value_belong_to_no_region():
    values = np.full((8, 12), 10.0)
    values[:, 6:] = np.nan
    masks = MapValues.of(made(values)).regions(Threshold(40.0))
    assert len(masks) == 1
    assert masks[0].box[3] <= 6 * 8


def test_a_map_of_a_huge_image_is_cut_at_a_coarser_step_with_masks_of_its_full_size(spotted):
    fine = MapValues.of(spotted).regions(Threshold(40.0))
    coarse = MapValues.of(spotted, most=64 * 96 // 4).regions(Threshold(40.0))
    assert [mask.shape for mask in coarse] == [mask.shape for mask in fine]
    for one, other in zip(coarse, fine, strict=True):
        common = (one.pixels & other.pixels).sum()
        assert common > 0.75 * (one.pixels | other.pixels).sum()


def test_the_histogram_holds_every_value_once_and_clips_at_the_limits():
    shares = histogram(made([[-5.0, 10.0], [10.0, 120.0]]), bins=10)
    assert shares.tolist() == [0.25, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.25]
    assert not histogram(made([[np.nan]])).any()


def test_the_value_of_a_place_is_that_of_the_cell_over_it(spotted):
    assert value_at(spotted, 8, 8) == 10.0
    assert value_at(spotted, 7, 7) == 80.0
    assert value_at(spotted, -0.6, 3) is None
    assert value_at(spotted, 63.4, 95.4) == 80.0
