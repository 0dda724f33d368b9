"""Masks as polygons along pixel edges and as COCO's run lengths of their box: exact, and valid for others."""

from __future__ import annotations

import numpy as np
import pycocotools.mask
import pytest
import shapely
from scipy.ndimage import gaussian_filter

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError
from seagull_iqa.imaging import coco
from seagull_iqa.imaging.pixel_polygons import filled, pixel_polygons, signed_area


def _masks() -> list[np.ndarray]:
    """Noise, which touches itself at corners all over, and blobs."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(120):
        shape = tuple(rng.integers(1, 30, 2))
        noise = rng.random(shape) < rng.random() if number % 2 else gaussian_filter(rng.normal(size=shape), 2) > 0
        found += [noise] if noise.any() else []
    return [*found, np.ones((5, 6), bool), np.eye(7, dtype=bool), np.eye(7, dtype=bool)[::-1]]


def test_polygons_are_valid_have_the_area_and_come_back_to_the_pixel() -> None:
    for pixels in _masks():
        mask = RegionMask.from_pixels(pixels)
        parts = pixel_polygons(mask)
        shapes = [shapely.Polygon(p.shell[:, ::-1], [hole[:, ::-1] for hole in p.holes]) for p in parts]
        assert all(shape.is_valid for shape in shapes) and shapely.MultiPolygon(shapes).is_valid
        assert sum(shape.area for shape in shapes) == mask.area
        assert all(signed_area(p.shell) > 0 > max(map(signed_area, p.holes), default=-1) for p in parts)
        assert np.array_equal(filled(mask.shape, [[p.shell, *p.holes] for p in parts]).pixels, pixels)


def test_outlines_turn_at_every_corner_they_have_and_nowhere_else() -> None:
    (part,) = pixel_polygons(RegionMask.from_box((9, 9), (2, 3, 5, 8)))
    assert sorted(map(tuple, part.shell.tolist())) == [(2, 3), (2, 8), (5, 3), (5, 8)] and not part.holes


def test_run_lengths_of_a_box_are_those_of_the_whole_image() -> None:
    for pixels in _masks():
        mask = RegionMask.from_pixels(pixels)
        assert coco.mask_runs(mask) == coco.column_runs(pixels)
        counts = pycocotools.mask.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()
        assert coco.encode_mask(mask) == counts
        assert np.array_equal(coco.decode_mask(mask.shape, counts).pixels, pixels)


def test_large_numbers_survive_the_letters() -> None:
    runs = [0, 1, 2**40, 5, 2**31, 16, 15, 17, 0, 2**45]
    assert coco.unpack(coco.pack(runs)) == runs and coco.unpack("") == []


@pytest.mark.parametrize("counts", ["o" * 13 + "0", "\u20ac", "o", "a\nb"])
def test_letters_that_are_no_numbers_are_refused(counts: str) -> None:
    with pytest.raises(RegionError, match="run lengths"):
        coco.unpack(counts)


def test_nothing_inside_is_said() -> None:
    with pytest.raises(EmptyRegionError):
        coco.decode_mask((3, 4), [12])
    with pytest.raises(EmptyRegionError):
        filled((3, 4), [[np.array([[50.0, 50.0], [60.0, 50.0], [60.0, 60.0]])]])
