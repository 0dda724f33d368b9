"""Image layers as images ready to be scored, and maps as layers exactly over them."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_seagull.layers.choice import PixelChoice, Way
from napari_seagull.layers.images import displayed_plane, map_layer, pixel_request, prepare_layer
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import ImageError, LimitError

SHAPE = (24, 31)
random = np.random.default_rng(5)


def test_eight_bit_rgb_goes_in_unchanged():
    data = random.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    image = prepare_layer(Image(data, rgb=True, name="cat"))
    assert (image.rgb == data).all()
    assert (image.name, image.pixels.source) == ("cat", "raw")


def test_eight_bit_gray_goes_in_unchanged_whatever_the_contrast_limits():
    data = random.integers(0, 256, SHAPE, dtype=np.uint8)
    image = prepare_layer(Image(data, contrast_limits=(50, 60)))
    assert (image.rgb == data[..., None]).all()
    assert image.pixels.contrast_limits is None


def test_sixteen_bit_and_float_gray_are_scored_as_shown():
    for data in (random.integers(0, 65536, SHAPE).astype(np.uint16), random.random(SHAPE).astype(np.float32) * 9):
        low, high = float(np.quantile(data, 0.1)), float(np.quantile(data, 0.9))
        image = prepare_layer(Image(data, contrast_limits=(low, high)))
        assert image.pixels.contrast_limits == pytest.approx((low, high))
        wanted = np.clip((data.astype(float) - low) / (high - low), 0, 1) * 255
        assert np.abs(image.rgb[..., 0] - wanted).max() <= 0.5 + 1e-6


def test_rgba_and_boolean_layers_are_images():
    rgba = random.integers(0, 256, (*SHAPE, 4), dtype=np.uint8)
    assert prepare_layer(Image(rgba, rgb=True)).shape == SHAPE
    assert set(np.unique(prepare_layer(Image(random.random(SHAPE) > 0.5)).rgb)) == {0, 255}


def test_only_the_needed_plane_of_a_dask_stack_is_computed():
    read = []

    def plane(block_info=None):
        index = block_info[None]["chunk-location"][0]
        read.append(index)
        return np.full((1, *SHAPE), index, dtype=np.uint16) + np.arange(31, dtype=np.uint16)

    stack = da.map_blocks(plane, chunks=((1,) * 6, (24,), (31,)), dtype=np.uint16, meta=np.empty((0, 0, 0), np.uint16))
    layer = Image(stack, contrast_limits=(0, 50))
    read.clear()
    image = prepare_layer(layer, plane=(4,))
    assert set(read) == {4}
    assert image.pixels.plane == (4,)
    assert image.rgb[0, 0, 0] == round(4 / 50 * 255)


def test_a_multiscale_layer_is_scored_at_its_finest_level():
    fine = random.integers(0, 256, (64, 64), dtype=np.uint8)
    layer = Image([fine, fine[::2, ::2]], multiscale=True)
    assert (prepare_layer(layer).rgb[..., 0] == fine).all()


def test_an_image_too_large_to_be_read_whole_is_seen_by_its_overview_alone():
    def boom(*_args, **_kwargs):
        raise AssertionError("It was read.")

    large = da.zeros((40_000, 40_000), chunks=(1000, 1000), dtype=np.uint16)
    coarse = np.arange(1600, dtype=np.uint16).reshape(40, 40)
    layer = Image([large, coarse], multiscale=True, contrast_limits=(0, 1599))
    layer.data[0].__class__.__array__, kept = boom, layer.data[0].__class__.__array__
    try:
        image = prepare_layer(layer)
        assert image.shape == (40_000, 40_000)
        assert image.rgb.shape == (40, 40, 3)
        with pytest.raises(LimitError, match="40,000 x 40,000"):
            pixel_request(layer, choice=PixelChoice(Way.COMPOSITE), others=[layer])
    finally:
        layer.data[0].__class__.__array__ = kept


def test_not_finite_and_constant_layers_say_so():
    bad = random.random(SHAPE)
    bad[3, 3] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        prepare_layer(Image(bad))
    with pytest.raises(ImageError, match="same value"):
        prepare_layer(Image(np.zeros(SHAPE, np.uint8)))


def test_the_plane_on_screen_follows_the_sliders():
    viewer = ViewerModel()
    layer = viewer.add_image(random.random((3, 7, *SHAPE)), scale=(1, 2.5, 1, 1), translate=(0, 10, 0, 0))
    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_point(1, 10 + 2.5 * 4)
    assert displayed_plane(layer, viewer.dims) == (1, 4)
    flat = viewer.add_image(random.random(SHAPE))
    assert displayed_plane(flat, viewer.dims) == ()


def test_a_plane_outside_the_layer_and_a_turned_view_are_refused():
    viewer = ViewerModel()
    long = viewer.add_image(random.random((9, *SHAPE)))
    short = viewer.add_image(random.random((3, *SHAPE)))
    viewer.dims.set_current_step(0, 6)
    assert displayed_plane(long, viewer.dims) == (6,)
    with pytest.raises(ImageError, match="nothing at this position"):
        displayed_plane(short, viewer.dims)
    viewer.dims.order = (1, 0, 2)
    with pytest.raises(ImageError, match="last two axes"):
        displayed_plane(long, viewer.dims)
    viewer.dims.order = (0, 1, 2)
    viewer.dims.ndisplay = 3
    with pytest.raises(ImageError, match="in 2D"):
        displayed_plane(long, viewer.dims)


def quality_map(shape=(64, 96), stride=16.0) -> ScoreMap:
    rows, columns = int(shape[0] / stride), int(shape[1] / stride)
    values = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    return ScoreMap("quality", values, shape, stride, 32.0, "tiny-1")


@given(
    scale=st.floats(0.05, 20),
    translate=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    rotate=st.sampled_from([0.0, 30.0, 90.0]),
)
@settings(max_examples=30, deadline=None)
def test_a_map_lies_exactly_over_its_image(scale, translate, rotate):
    image = Image(np.zeros((64, 96), np.uint8), scale=(scale, 2 * scale), translate=translate, rotate=rotate)
    score_map = quality_map()
    data, keywords, kind = map_layer(score_map, image)
    layer = Layer.create(data, keywords, kind)
    # The outer corner of the first cell is that of the first pixel, and so at the other end.
    for corner, pixel in (((-0.5, -0.5), (-0.5, -0.5)), ((3.5, 5.5), (63.5, 95.5))):
        assert layer.data_to_world(corner) == pytest.approx(image.data_to_world(pixel), abs=1e-6)
    # A pixel reads the cell it lies in.
    i, j = layer.world_to_data(image.data_to_world((17, 80)))
    assert (round(i), round(j)) == (1, 5)


def test_a_map_has_fixed_limits_and_keeps_plain_transforms_plain():
    image = Image(np.zeros((64, 96), np.uint8), scale=(2, 2), translate=(5, 7), name="cat")
    data, keywords, _kind = map_layer(quality_map(), image)
    assert data.shape == (4, 6)
    assert keywords["contrast_limits"] == (0.0, 100.0)
    assert keywords["name"] == "cat quality"
    assert tuple(keywords["scale"]) == (32.0, 32.0)
    assert tuple(keywords["translate"]) == (5 + 15.0, 7 + 15.0)


def test_the_map_of_a_plane_lies_on_that_plane():
    image = Image(np.zeros((5, 64, 96), np.uint8), scale=(3, 1, 1))
    data, keywords, kind = map_layer(quality_map(), image, plane=(2,))
    layer = Layer.create(data, keywords, kind)
    assert data.shape == (1, 4, 6)
    assert layer.data_to_world((0, -0.5, -0.5)) == pytest.approx((6.0, -0.5, -0.5))


def test_what_is_transparent_covers_nothing_in_a_composite():
    values = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    below = Image(values, name="b", contrast_limits=(0, 255))
    marks = np.zeros((20, 30, 4), np.uint8)
    marks[5:8, 5:8] = (255, 0, 0, 255)
    top = Image(marks, rgb=True, name="marks")
    made = pixel_request(below, choice=PixelChoice(Way.COMPOSITE), others=[below, top]).prepare().rgb
    assert (made[15:, 15:, 0] == below.data[15:, 15:]).all() and tuple(made[6, 6]) == (255, 0, 0)


def test_deep_colours_are_as_bright_in_a_composite_as_alone():
    image = Image(np.random.default_rng(0).integers(0, 8000, (20, 30, 3)).astype(np.uint16), rgb=True, name="deep")
    together = pixel_request(image, choice=PixelChoice(Way.COMPOSITE), others=[image]).prepare().rgb
    alone = pixel_request(image).prepare().rgb
    assert np.abs(together.astype(int) - alone.astype(int)).max() <= 1
