"""Masks to polygons and back, and masks made tidier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError
from seagull_iqa.imaging.contours import rings, simplified, snapped
from seagull_iqa.imaging.masks import iou, shared_area
from seagull_iqa.imaging.refine import RefineSpec, refined, united, without

MASKS = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(lambda pixels: pixels.any())


def ring_shaped() -> RegionMask:
    """A disc with a hole, and a second part."""
    rows, columns = np.mgrid[:80, :120]
    away = np.hypot(rows - 40, columns - 40)
    return RegionMask.from_pixels(((away < 30) & (away > 12)) | (np.hypot(rows - 40, columns - 95) < 14))


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_a_polygon_without_tolerance_holds_exactly_the_mask(pixels):
    mask = RegionMask.from_pixels(pixels)
    drawn = snapped(mask, 0.0)
    assert np.array_equal(drawn.mask.pixels, pixels)
    assert drawn.iou == 1.0


def test_holes_and_parts_are_outlines_of_their_own_and_come_back():
    mask = ring_shaped()
    assert len(rings(mask)) == 3
    drawn = snapped(mask, 1.0)
    assert not drawn.mask.pixels[40, 40]
    assert drawn.mask.pixels[40, 95]
    assert 0.93 < drawn.iou < 1.0
    assert len(drawn.vertices) < len(snapped(mask, 0.0).vertices) / 2


@pytest.mark.parametrize("tolerance", [0.7, 2.0, 5.0])
def test_no_corner_that_is_left_out_lies_farther_than_the_tolerance(tolerance):
    ring = rings(ring_shaped())[0]
    simple = simplified(ring, tolerance)
    ends = np.roll(simple, -1, axis=0)
    along = ends - simple
    for corner in ring:
        share = np.clip(((corner - simple) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
        nearest = np.linalg.norm(corner - simple - share[:, None] * along, axis=1).min()
        assert nearest <= tolerance + 1e-9


def test_a_tolerance_larger_than_the_mask_says_so():
    with pytest.raises(EmptyRegionError):
        snapped(RegionMask.from_box((50, 50), (10, 10, 12, 12)), 20.0)


def test_refining_fills_holes_and_drops_islands_but_never_the_largest_part():
    tidy = refined(ring_shaped(), RefineSpec(fill_holes=True, least_island=10_000))
    assert tidy.pixels[40, 40]
    assert not tidy.pixels[40, 95]
    assert ndimage.label(tidy.pixels)[1] == 1


def test_smoothing_takes_a_thin_spike_off_and_keeps_the_area():
    pixels = np.zeros((60, 60), dtype=bool)
    pixels[20:40, 20:40] = True
    pixels[30, 40:55] = True
    smooth = refined(RegionMask.from_pixels(pixels), RefineSpec(smooth=3))
    assert smooth.box[3] < 45
    assert abs(smooth.area - 400) < 40
    thin = RegionMask.from_box((60, 60), (30, 5, 31, 50))
    assert refined(thin, RefineSpec(smooth=10)).area == thin.area


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (2, 7, 8)).filter(lambda both: both.any(axis=(1, 2)).all()))
def test_masks_are_added_subtracted_and_compared_as_sets_of_pixels(both):
    first, second = (RegionMask.from_pixels(pixels) for pixels in both)
    assert np.array_equal(united(first, second).pixels, both[0] | both[1])
    assert shared_area(first, second) == (both[0] & both[1]).sum()
    assert iou(first, second) == pytest.approx((both[0] & both[1]).sum() / (both[0] | both[1]).sum())
    if (both[0] & ~both[1]).any():
        assert np.array_equal(without(first, second).pixels, both[0] & ~both[1])
    else:
        with pytest.raises(EmptyRegionError):
            without(first, second)
