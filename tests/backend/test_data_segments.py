"""Regions of the data engine: in one piece, of a decent size, no slivers, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

from seagull_iqa.data.segments import LEAST_AREA, MOST, is_sound, segments, superpixel_proposals, wavered
from seagull_iqa.samples import samples


@pytest.fixture(scope="module")
def photograph():
    rgb = next(one for one in samples() if one.name == "baby").read().rgb
    return np.asarray(Image.fromarray(rgb).resize((384, 320), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def found(photograph):
    return segments(photograph, superpixel_proposals)


def test_regions_are_whole_and_of_a_decent_size(photograph, found):
    assert 4 <= len(found) <= MOST
    assert {one.kind for one in found} == {"object", "component"}
    for one in found:
        assert one.mask.shape == photograph.shape[:2]
        assert label(one.mask)[1] == 1
        assert LEAST_AREA * 0.9 <= one.mask.sum() <= 0.81 * one.mask.size


def test_regions_are_of_all_sizes_and_no_two_alike(found):
    areas = sorted(float(one.mask.mean()) for one in found)
    assert areas[-1] > 8 * areas[0]
    for index, one in enumerate(found):
        for other in found[:index]:
            assert (one.mask & other.mask).sum() < 0.9 * (one.mask | other.mask).sum()


def test_the_same_pixels_give_the_same_regions(photograph, found):
    again = segments(photograph.copy(), superpixel_proposals)
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(found, again, strict=True))


def test_a_segment_that_does_not_come_back_is_left_out():
    rgb = np.full((200, 240, 3), 120, np.uint8)
    rgb[40:120, 50:150] = 200
    solid = (rgb[..., 0] == 200), np.zeros((200, 240), bool)
    solid[1][150:190, 100:200] = True

    def propose(pixels):
        same = np.array_equal(pixels, rgb)
        return [("object", solid[0]), ("object", solid[1] if same else np.roll(solid[1], 60, axis=1))]

    kept = segments(rgb, propose)
    assert [np.array_equal(one.mask, solid[0]) for one in kept] == [True]


def test_slivers_specks_and_nearly_everything_are_left_out():
    mask = np.zeros((200, 200), bool)
    assert not is_sound(mask)
    mask[10:12] = True
    assert not is_sound(mask)
    mask[:190] = True
    assert not is_sound(mask)
    mask[:] = False
    mask[50:90, 60:100] = True
    assert is_sound(mask)


def test_a_plain_wall_gives_one_box():
    kept = segments(np.full((200, 240, 3), 120, np.uint8), lambda _rgb: [])
    assert [one.kind for one in kept] == ["box"]
    assert kept[0].mask[100, 120]


def test_wavering_is_slight_and_always_the_same(photograph):
    changed = wavered(photograph)
    assert 0 < np.abs(changed.astype(int) - photograph).mean() < 12
    assert np.array_equal(changed, wavered(photograph))
