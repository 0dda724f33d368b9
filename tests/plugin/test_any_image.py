"""Any image that napari opens: what is scored of it, and that the scores are those of the pixels that are meant."""

from __future__ import annotations

import threading

import dask
import dask.array as da
import numpy as np
import pytest
from napari.layers import Image
from napari.utils import Colormap

from napari_seagull.controller.pixel_desk import mixture
from napari_seagull.layers import large
from napari_seagull.layers.choice import PixelChoice, Way
from napari_seagull.layers.images import pixel_request
from napari_seagull.views.draw_bar import Tool

SHAPE = (64, 100)
BOX = [[10, 10], [10, 40], [40, 40], [40, 10]]


def halves(low, high, dtype=np.uint8, shape=SHAPE):
    made = np.full(shape, low, dtype=dtype)
    made[..., shape[-1] // 2 :] = high
    return made


@pytest.fixture
def scored(controller, settle):
    """Add an image, draw a rectangle on its left half, and give back the qualities: mean brightness in percent."""

    def score(data, box=BOX, **keywords):
        layer = controller.viewer.add_image(data, **keywords)
        settle()
        controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
        shapes = controller.shapes.layer
        lead = [list(controller.images.plane)] if shapes.ndim > 2 else [[]]
        shapes.add_rectangles([[[*lead[0], *corner] for corner in box]])
        settle()
        return layer, lambda: [round(r.report.quality) for r in controller.session.regions.values()]

    return score


def test_gray_of_16_bit_and_float_is_scored_as_shown(scored, controller):
    _layer, qualities = scored(halves(1000, 4000, np.uint16), contrast_limits=(0, 5000))
    assert qualities() == [20]
    assert str(controller.session.image.pixels) == "stretched from 0 to 5000"


def test_float_with_negative_values_is_scored_as_shown(scored):
    _layer, qualities = scored(halves(-0.5, 0.5, np.float32), contrast_limits=(-1, 1))
    assert qualities() == [25]


def test_an_rgba_image_is_scored_over_black(scored):
    data = np.zeros((*SHAPE, 4), dtype=np.uint8)
    data[..., :3] = halves(204, 100)[..., None]
    data[..., 3] = 128
    _layer, qualities = scored(data, rgb=True)
    assert qualities() == [40]


def test_as_stored_and_as_shown_differ_and_each_score_says_which_it_is(scored, controller, settle):
    _layer, qualities = scored(halves(51, 204), contrast_limits=(0, 102))
    assert qualities() == [20]
    controller.panel.pixels.choice_wished.emit("as shown", None)
    settle()
    assert qualities() == [50]
    (record,) = controller.session.regions.values()
    assert str(record.report.pixels) == "stretched from 0 to 102"
    assert controller.panel.pixels.now.text() == "stretched from 0 to 102"
    controller.panel.pixels.choice_wished.emit("as stored", None)
    settle()
    assert qualities() == [20]


def test_as_stored_maps_16_bit_from_the_whole_range_whatever_is_shown():
    layer = Image(halves(0, 1000, np.uint16), contrast_limits=(0, 10))
    layer.contrast_limits_range = (0, 2000)
    image = pixel_request(layer, choice=PixelChoice(Way.STORED)).prepare()
    assert image.rgb[0, -1].tolist() == [128] * 3


def test_one_channel_of_a_colour_image_is_scored_as_gray(scored, controller, settle):
    data = np.zeros((*SHAPE, 3), dtype=np.uint8)
    data[..., 0], data[..., 1] = halves(255, 0), halves(51, 0)
    _layer, qualities = scored(data, rgb=True)
    assert qualities() == [40]
    controller.panel.pixels.choice_wished.emit("automatic", 1)
    settle()
    assert qualities() == [20]
    assert controller.panel.pixels.now.text() == "raw 8-bit values, only green"


def test_channels_as_layers_are_scored_one_by_one_or_together_as_on_the_canvas(scored, controller, settle, qtbot):
    colors = {"red": [[0, 0, 0], [1, 0, 0]], "green": [[0, 0, 0], [0, 1, 0]]}
    red = controller.viewer.add_image(
        halves(100, 50, np.uint16), name="red", colormap=Colormap(colors["red"], name="r"), blending="additive",
        contrast_limits=(0, 100),
    )  # fmt: skip
    green, qualities = scored(
        halves(100, 20, np.uint16), name="green", colormap=Colormap(colors["green"], name="g"), blending="additive",
        contrast_limits=(0, 200),
    )  # fmt: skip
    assert qualities() == [50]
    controller.panel.pixels.choice_wished.emit("composite", None)
    settle()
    assert qualities() == [50]  # red 1, green .5, blue 0
    assert controller.session.image.rgb[20, 20].tolist() == [255, 128, 0]
    assert str(controller.session.image.pixels) == "composite of red 0 to 100, green 0 to 200"
    green.contrast_limits = (0, 100)
    settle()
    assert qualities() == [67]
    red.visible = False
    settle()
    assert qualities() == [33]


def test_a_leading_axis_of_channels_is_a_slider_and_each_region_keeps_to_its_channel(scored, controller, settle):
    data = np.stack([halves(51, 204), halves(204, 51)])
    controller.viewer.dims.set_current_step(0, 0)
    _layer, qualities = scored(data)
    first = controller.images.plane
    controller.viewer.dims.set_current_step(0, 1 - first[0])
    settle()
    assert controller.images.plane == (1 - first[0],)
    (record,) = controller.session.regions.values()
    assert record.plane == first
    assert qualities() == [20 if first == (0,) else 80]


def test_scale_translation_and_units_are_honoured(scored, controller):
    inside = [[10 * 0.5 + 7, 10 * 0.25 - 3], [10 * 0.5 + 7, 40 * 0.25 - 3]]
    inside += [[40 * 0.5 + 7, 40 * 0.25 - 3], [40 * 0.5 + 7, 10 * 0.25 - 3]]
    layer = controller.viewer.add_image(
        halves(51, 204), scale=(0.5, 0.25), translate=(7, -3), units=("um", "um"), name="scaled"
    )
    controller.viewer.layers.remove(layer)
    _layer, qualities = scored(
        halves(51, 204), box=BOX, scale=(0.5, 0.25), translate=(7, -3), units=("um", "um"), name="scaled"
    )
    (record,) = controller.session.regions.values()
    shapes = controller.shapes.layer
    assert np.allclose(shapes.data_to_world(BOX[0]), inside[0])
    assert str(shapes.units[0]) == str(layer.units[0])
    assert record.region.mask.box == (10, 10, 40, 40) or record.region.mask.area == pytest.approx(900, rel=0.1)
    assert qualities() == [20]


def test_live_off_scores_nothing_until_all_is_asked_for(scored, controller, settle, toy):
    controller.panel.pixels.live.setChecked(False)
    _layer, _qualities = scored(halves(51, 204))
    (record,) = controller.session.regions.values()
    assert record.report is None
    assert toy.asked == []
    controller.panel.pixels.score_button.click()
    settle()
    (record,) = controller.session.regions.values()
    assert round(record.report.quality) == 20
    controller.panel.pixels.score_button.click()
    settle()
    assert "has a score that counts" in controller.panel.status.text()


def test_a_mixture_in_the_table_is_warned_about_in_one_line_and_goes_when_all_is_scored(
    scored, controller, settle, qtbot
):
    scored(halves(51, 204))
    assert not controller.panel.pixels.mixture.isVisibleTo(controller.panel)
    controller.panel.pixels.live.setChecked(False)
    controller.images.layer.contrast_limits = (0, 102)
    controller.panel.pixels.choice_wished.emit("as shown", None)
    settle()
    controller.shapes.layer.add_rectangles([[[10, 60], [10, 90], [40, 90], [40, 60]]])
    settle()
    second = list(controller.session.regions)[-1]
    from napari_seagull.session.commands import QueueRegions

    controller.session.do(QueueRegions((second,)))
    settle()
    form = controller.panel.pixels
    qtbot.waitUntil(lambda: "do not compare" in form.mixture.text(), timeout=5_000)  # changes are gathered
    words = form.mixture.text()
    assert "1 as raw 8-bit values" in words
    assert "\n" not in words
    controller.panel.pixels.score_button.click()
    settle()
    assert mixture(controller.session.regions.values()) == ""


@pytest.fixture
def small_limits(monkeypatch):
    """Images of more than 3,000 px count as large, so that tests stay quick."""
    monkeypatch.setattr(large, "MOST_WHOLE", 3_000)
    monkeypatch.setattr(large, "MOST_OVERVIEW", 2_000)
    monkeypatch.setattr(large, "LEAST_MARGIN", 8)
    monkeypatch.setattr(large, "GRID", 16)


def test_of_a_large_pyramid_only_the_pixels_around_a_region_are_read_at_full_size(
    small_limits, scored, controller, toy, settle
):
    fine = halves(51, 204, shape=(200, 320))
    fine[12:16, 12:16] = 255
    read = []

    def block(block_info=None):
        place = block_info[None]["array-location"]
        if threading.current_thread().name.startswith("seagull"):  # napari draws the image, too
            read.append(tuple(start for start, _stop in place))
        return fine[tuple(slice(*ends) for ends in place)]

    lazy = da.map_blocks(block, chunks=((40,) * 5, (40,) * 8), dtype=np.uint8)
    coarse = np.asarray(fine[::8, ::8])
    read.clear()
    with dask.config.set(scheduler="synchronous"):
        scored([lazy, coarse], multiscale=True, contrast_limits=(0, 255))
    (record,) = controller.session.regions.values()
    expected = fine[10:41, 10:41]
    assert record.report.quality == pytest.approx(expected.mean() / 2.55, abs=0.6)
    assert record.region.mask.shape == (200, 320)
    assert {(0, 0)} <= set(read) <= {(row, column) for row in (0, 40) for column in (0, 40)}
    assert record.report.pixels.scale == 1.0
    assert "native size" in record.report.notes[-1]
    assert toy.images[-1].shape[0] < 100


def test_the_map_of_a_large_image_is_made_of_its_overview_and_lies_exactly_over_it(
    small_limits, scored, controller, settle
):
    fine = halves(51, 204, shape=(256, 320))
    layer, _qualities = scored([da.from_array(fine, chunks=64), fine[::8, ::8]], multiscale=True)
    controller.panel.map_bar.make_button.click()
    settle()
    (shown,) = controller.mapper.layers
    score_map = controller.session.maps["quality"]
    assert score_map.shape == (256, 320)
    assert score_map.stride == 4 * 8
    low, high = shown.extent.world
    # Extents end at the centres of pixels: of 32 px here, of 1 px there.
    assert np.allclose(low - 16, layer.extent.world[0] - 0.5)
    assert np.allclose(high + 16, layer.extent.world[1] + 0.5)


def test_the_picture_of_a_region_of_a_large_image_comes_from_the_overview(small_limits, controller):
    fine = halves(51, 204, shape=(256, 320))
    layer = Image([da.from_array(fine, chunks=64), fine[::8, ::8]], multiscale=True)
    image = pixel_request(layer).prepare()
    from seagull_iqa.domain.region import RegionMask

    rgb, mask = large.seen(image, RegionMask.from_box((256, 320), (80, 160, 160, 240)))
    assert rgb.shape == (32, 40, 3)
    assert mask.box == (10, 20, 20, 30)
    _rgb, tiny = large.seen(image, RegionMask.from_box((256, 320), (255, 319, 256, 320)))
    assert tiny.area == 1


def test_a_dask_stack_reads_one_plane_and_the_score_follows_the_slider(controller, settle):
    read = []

    def block(block_info=None):
        index = block_info[None]["chunk-location"][0]
        read.append(index)
        return halves(51 + 20 * index, 204, shape=(1, *SHAPE))

    lazy = da.map_blocks(block, chunks=((1,) * 6, (64,), (100,)), dtype=np.uint8)
    controller.viewer.add_image(lazy, contrast_limits=(0, 255))
    settle()
    read.clear()
    for index in (1, 2, 3):  # a quick move over the slider reads only where it rests
        controller.viewer.dims.set_current_step(0, index)
    settle()
    assert controller.session.image.pixels.plane == (3,)
    assert controller.session.image.rgb[0, 0, 0] == 111
