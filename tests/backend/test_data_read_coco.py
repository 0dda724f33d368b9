from __future__ import annotations

import numpy as np
import pycocotools.mask
import pytest

from seagull_iqa.errors import EmptyRegionError, RegionError
from seagull_iqa.imaging import coco


def blobs(seed: int, shape: tuple[int, int]) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), seed) > 0


def test_a_known_mask_has_the_counts_that_coco_gives_it():
    pixels = np.zeros((3, 4), bool)
    pixels[1:, 1:3] = True
    assert coco.column_runs(pixels) == [4, 2, 1, 2, 3]
    assert coco.encode(pixels) == "42102"
    assert coco.unpack("42102") == [4, 2, 1, 2, 3]


@pytest.mark.parametrize(("seed", "shape"), [(0, (1, 1)), (0, (37, 53)), (1, (64, 33)), (4, (200, 301))])
def test_masks_come_back_pixel_for_pixel_and_the_strings_are_those_of_pycocotools(seed, shape):
    pixels = blobs(seed, shape)
    counts = coco.encode(pixels)
    assert np.array_equal(coco.decode(shape, counts), pixels)
    assert np.array_equal(coco.decode(shape, coco.column_runs(pixels)), pixels)
    assert counts == pycocotools.mask.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()


@pytest.mark.parametrize("pixels", [np.zeros((5, 6), bool), np.ones((5, 6), bool)])
def test_nothing_and_everything_come_back(pixels):
    assert np.array_equal(coco.decode((5, 6), coco.encode(pixels)), pixels)


@pytest.mark.parametrize(
    "counts",
    ["4210", "42", "4 21", "4210o", "\x7f", "o" * 30 + "0", [4, 2], [-1, 13], [], ["x"], [10**30], [*[2**62] * 4, 12]],
)
def test_damaged_run_lengths_are_refused_in_a_sentence(counts):
    with pytest.raises(RegionError, match="run lengths"):
        coco.decode((3, 4), counts)


def test_a_polygon_with_corners_at_whole_numbers_holds_the_pixels_between_them():
    mask = coco.mask_of((10, 12), [[2, 1, 6, 1, 6, 4, 2, 4], [8, 8, 10, 8, 10, 9, 8, 9]])
    expected = np.zeros((10, 12), bool)
    expected[1:4, 2:6] = True
    expected[8, 8:10] = True
    assert np.array_equal(mask.pixels, expected)


def test_a_mask_for_another_size_is_refused():
    with pytest.raises(RegionError, match="3 x 4"):
        coco.mask_of((4, 3), {"size": [3, 4], "counts": "42102"})


@pytest.mark.parametrize(
    "segmentation",
    [None, [], "42102", [1, 2, 3, 4, 5, 6], [["a"] * 6], {"size": [3, 4]}]
    + [{"size": size, "counts": "42102"} for size in (3, [])],
)
def test_what_is_no_segmentation_is_refused(segmentation):
    with pytest.raises(RegionError):
        coco.mask_of((3, 4), segmentation)


def test_a_polygon_outside_the_image_holds_nothing():
    with pytest.raises(EmptyRegionError):
        coco.mask_of((5, 5), [[20, 20, 30, 20, 30, 30]])
