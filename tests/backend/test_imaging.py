"""Arrays in, pixels out: what is scored is what was given, and everything else is refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport, ScoreMap
from seagull_iqa.errors import EmptyRegionError, ImageError, LimitError, RegionError
from seagull_iqa.imaging import normalise
from seagull_iqa.imaging.masks import ellipse_mask, outline, polygon_mask
from seagull_iqa.imaging.normalise import prepare
from seagull_iqa.imaging.overlay import draw_heatmap, draw_overlay, ink_on
from seagull_iqa.imaging.palette import NOT_SCORED, QUALITY_STOPS, quality_colors, quality_rgb
from seagull_iqa.imaging.prepared import content_hash
from seagull_iqa.imaging.score_maps import at_image_size


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def test_8_bit_rgb_goes_in_unchanged(rgb: np.ndarray) -> None:
    image = prepare(rgb, name="a")
    assert (image.rgb == rgb).all()
    assert image.pixels.source == "raw"
    assert image.pixels.contrast_limits is None
    assert image.sha256 == content_hash(rgb)
    assert image.name == "a"


def test_8_bit_gray_becomes_three_equal_channels(rgb: np.ndarray) -> None:
    image = prepare(rgb[..., 0])
    assert all((image.rgb[..., channel] == rgb[..., 0]).all() for channel in range(3))
    assert image.pixels.contrast_limits is None


def test_opaque_alpha_is_dropped_and_a_real_one_lies_over_black(rgb: np.ndarray) -> None:
    alpha = np.full((9, 7, 1), 255, np.uint8)
    assert (prepare(np.concatenate([rgb, alpha], axis=2)).rgb == rgb).all()
    alpha[0, 0] = 0
    alpha[0, 1] = 128
    shown = prepare(np.concatenate([rgb, alpha], axis=2)).rgb
    assert (shown[0, 0] == 0).all()
    assert np.abs(shown[0, 1].astype(float) - rgb[0, 1] * (128 / 255)).max() <= 0.5
    assert (shown[1:] == rgb[1:]).all()


def test_16_bit_gray_is_stretched_between_its_extremes_and_says_so() -> None:
    image = prepare(np.array([[100, 200], [300, 1100]], np.uint16))
    assert image.pixels.contrast_limits == (100, 1100)
    assert image.rgb[..., 0].tolist() == [[0, 26], [51, 255]]


def test_contrast_limits_are_obeyed_and_clip() -> None:
    image = prepare(np.array([[0.0, 1.0], [2.0, 5.0]]), contrast_limits=(1, 3))
    assert image.rgb[..., 0].tolist() == [[0, 0], [128, 255]]
    assert image.pixels.source == "stretched"


def test_16_bit_and_float_colour_keep_their_own_range() -> None:
    wide = np.array([[[0, 257, 65535], [257 * 40, 0, 0]]], np.uint16)
    assert prepare(wide).rgb.tolist() == [[[0, 1, 255], [40, 0, 0]]]
    assert prepare(np.array([[[0.2, 0.4, 0.6], [0.0, 0.5, 0.1]]])).rgb.tolist() == [[[51, 102, 153], [0, 128, 26]]]


def test_true_and_false_become_white_and_black() -> None:
    assert prepare(np.array([[True, False]])).rgb[..., 0].tolist() == [[255, 0]]


def test_a_plane_and_a_channel_are_picked_and_named() -> None:
    stack = np.random.default_rng(1).integers(0, 255, (2, 3, 5, 6), dtype=np.uint8)
    image = prepare(stack, plane=(1, 2))
    assert (image.rgb[..., 0] == stack[1, 2]).all()
    assert image.pixels.plane == (1, 2)
    image = prepare(stack, plane=(1,), channel=0)
    assert (image.rgb[..., 0] == stack[1, 0]).all()
    assert image.pixels.channel == 0


def test_one_channel_of_a_colour_image_is_scored_as_gray(rgb: np.ndarray) -> None:
    assert (prepare(rgb, channel=2).rgb[..., 0] == rgb[..., 2]).all()


def test_three_columns_are_gray_when_said_so() -> None:
    narrow = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert prepare(narrow, rgb=False, plane=(0,)).shape == (4, 3)


def test_only_the_chosen_plane_of_a_lazy_array_is_read() -> None:
    class Lazy:
        ndim, shape, asked = 3, (5, 4, 6), []

        def __getitem__(self, index: object) -> np.ndarray:
            self.asked.append(index)
            return np.arange(24, dtype=np.uint8).reshape(4, 6)

        def __array__(self) -> np.ndarray:
            raise AssertionError("the whole array was read")

    lazy = Lazy()
    assert prepare(lazy, plane=(3,)).shape == (4, 6)
    assert lazy.asked == [(3, ...)]


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_any_finite_pair_of_values_ends_at_black_and_white(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    if high / 2 - low / 2 <= 0:
        return
    assert prepare(np.array([[low, high]])).rgb[0, :, 0].tolist() == [0, 255]


BAD = {
    "NaN": (np.array([[0.0, np.nan]]), {}, "not finite"),
    "infinity": (np.array([[0.0, np.inf]]), {}, "not finite"),
    "constant": (np.full((5, 5), 7, np.uint8), {}, "same value"),
    "constant float": (np.full((5, 5), 1.5), {}, "same value"),
    "no rows": (np.zeros((0, 5), np.uint8), {}, "no pixel"),
    "a line": (np.arange(5), {}, "no image"),
    "text": (np.array([["a", "b"]]), {}, "no pixel values"),
    "complex": (np.array([[1j, 2]]), {}, "no pixel values"),
    "five channels": (np.zeros((4, 4, 5), np.uint8), {"rgb": True}, "no image"),
    "a stack without a plane": (np.zeros((2, 4, 6), np.uint8), {}, "1 axes before rows"),
    "no such plane": (np.zeros((2, 4, 6), np.uint8), {"plane": (9,)}, "no plane"),
    "no such channel": (np.zeros((4, 6, 3), np.uint8), {"channel": 7}, "no plane"),
    "limits without range": (np.arange(6.0).reshape(2, 3), {"contrast_limits": (4, 4)}, "no range"),
    "limits that are NaN": (np.arange(6.0).reshape(2, 3), {"contrast_limits": (0, np.nan)}, "no range"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_image_is_refused_in_a_sentence(case: str) -> None:
    array, options, words = BAD[case]
    with pytest.raises(ImageError) as caught:
        prepare(array, **options)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_huge_image_is_refused_with_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalise, "MAX_PIXELS", 20)
    with pytest.raises(LimitError, match="5 x 5"):
        prepare(np.arange(25, dtype=np.uint8).reshape(5, 5))


def test_stretching_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = np.random.default_rng(0).integers(0, 4000, (31, 17), dtype=np.uint16)
    at_once = prepare(wide).rgb
    monkeypatch.setattr(normalise, "_BLOCK_VALUES", 40)
    assert (prepare(wide).rgb == at_once).all()


def test_a_polygon_holds_the_centres_inside_it() -> None:
    mask = polygon_mask((6, 6), [(0.5, 0.5), (0.5, 3.5), (3.5, 3.5), (3.5, 0.5)])
    assert mask.box == (1, 1, 4, 4)
    assert mask.area == 9


def test_a_polygon_is_cut_to_the_image_and_refused_outside_it() -> None:
    assert polygon_mask((4, 4), [(-9, -9), (-9, 99), (99, 99), (99, -9)]).area == 16
    with pytest.raises(EmptyRegionError):
        polygon_mask((4, 4), [(10, 10), (10, 12), (12, 12)])
    for wrong in ([(0, 0), (1, 1)], [(0, 0), (1, np.nan), (2, 2)], [(0, 0, 0)] * 3):
        with pytest.raises(RegionError):
            polygon_mask((4, 4), wrong)


def test_an_ellipse_fills_its_box_and_is_symmetric() -> None:
    mask = ellipse_mask((40, 40), (4, 6, 24, 36))
    assert mask.box == (4, 6, 24, 36)
    assert (mask.inside == mask.inside[::-1, ::-1]).all()
    assert mask.area == pytest.approx(np.pi * 10 * 15, rel=0.02)
    assert ellipse_mask((40, 40), (-10, -10, 10, 10)).box[:2] == (0, 0)
    for wrong in ((4, 6, 4, 36), (4, 6, float("nan"), 36)):
        with pytest.raises(RegionError):
            ellipse_mask((40, 40), wrong)


def test_an_outline_lies_inside_its_mask() -> None:
    mask = ellipse_mask((40, 40), (4, 6, 24, 36))
    box, edge = outline(mask, 2)
    assert box == mask.box
    assert not (edge & ~mask.inside).any()
    assert 0 < edge.sum() < mask.area
    assert outline(RegionMask.from_box((5, 5), (2, 2, 3, 3)))[1].all()


def test_the_color_of_a_quality_never_moves() -> None:
    assert [quality_rgb(value) for value, _ in QUALITY_STOPS] == [color for _, color in QUALITY_STOPS]
    assert quality_rgb(None) == NOT_SCORED
    assert quality_rgb(400) == QUALITY_STOPS[-1][1]
    assert quality_colors(np.array([[np.nan, 0.0]])).tolist() == [[list(NOT_SCORED), list(QUALITY_STOPS[0][1])]]


def _report(region: Region, quality: float | None) -> QualityReport:
    return QualityReport(region.id, quality, None, None, None, None, "", "toy-1")


def test_an_overlay_shows_each_region_in_the_color_of_its_score() -> None:
    image = np.full((600, 640, 3), 128, np.uint8)
    regions = [
        Region(RegionMask.from_box((600, 640), (100, 50, 300, 250)), "left"),
        Region(RegionMask.from_box((600, 640), (100, 350, 300, 600)), "right"),
        Region(RegionMask.from_box((600, 640), (400, 50, 500, 250)), "not scored"),
    ]
    picture = draw_overlay(image, regions, [_report(r, q) for r, q in zip(regions, (0.0, 100.0, None), strict=True)])
    assert picture.shape[0] > 600
    for region, color in zip(regions, (quality_rgb(0), quality_rgb(100), NOT_SCORED), strict=True):
        r0, c0, r1, c1 = region.mask.box
        assert tuple(picture[r1 - 1, (c0 + c1) // 2]) == color
        inside = picture[(r0 + r1) // 2, (c0 + c1) // 2].astype(int)
        assert np.abs(inside - (0.72 * 128 + 0.28 * np.array(color))).max() <= 1
    assert (picture[350:390, 300] == 128).all()
    assert (image == 128).all()


def test_a_label_is_readable_on_every_color_of_the_scale() -> None:
    def luminance(color: tuple[int, ...]) -> float:
        linear = [(v / 255 / 12.92) if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in color]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for value in range(0, 101, 5):
        color = quality_rgb(value)
        bright, dark = sorted((luminance(color), luminance(ink_on(color))), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.0, value


def test_tiny_images_and_many_regions_can_be_drawn() -> None:
    image = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    regions = [Region(RegionMask.whole((3, 3)), "a name that is far wider than the picture") for _ in range(12)]
    assert draw_overlay(image, regions, [_report(r, 50.0) for r in regions]).ndim == 3
    assert draw_overlay(image, [], []).ndim == 3


def test_a_map_at_the_size_of_its_image_keeps_its_values_where_they_were_measured() -> None:
    values = np.random.default_rng(0).uniform(0, 100, (5, 7)).astype(np.float32)
    full = at_image_size(ScoreMap("quality", values, (40, 55), 8.0, 16.0))
    assert full.shape == (40, 55)
    assert full.dtype == np.float32
    around = np.stack([full[3:40:8, 3:55:8], full[4:40:8, 4:55:8]]).mean(axis=0)
    assert np.abs(around - values).mean() < 5
    constant = ScoreMap("quality", np.full((5, 7), 42, np.float32), (40, 55), 8.0, 16.0)
    assert np.allclose(at_image_size(constant), 42)


def test_a_heatmap_is_low_where_the_map_is_low() -> None:
    values = np.zeros((80, 80), np.float32)
    values[:, 40:] = 100
    picture = draw_heatmap(np.full((640, 640, 3), 128, np.uint8), ScoreMap("quality", values, (640, 640), 8, 16, "m-1"))
    left, right = picture[300, 100].astype(int), picture[300, 500].astype(int)
    assert left[0] > left[2] + 50
    assert right[2] > right[0] + 50
    assert picture.shape[0] > 640
