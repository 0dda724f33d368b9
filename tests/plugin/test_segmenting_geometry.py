"""Where a click lands, which window is read for it, and where the mask is put: at any transform, plane and size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_seagull.layers.geometry import plane_matrix, pointed_at
from napari_seagull.layers.pictures import Frame, Ink, composed, drawn_mask, placed
from napari_seagull.layers.windows import (
    GRID,
    MARGIN,
    MOST_SIDE,
    SIDE,
    is_large,
    window_request,
    window_round,
)
from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import LimitError

SHAPE = (24, 37)


@st.composite
def transforms(draw, ndim):
    """Everything a layer can have; axes before the last two only scaled and moved."""
    numbers = st.floats(-50, 50).map(lambda value: round(value, 3))
    made = {
        "scale": [draw(st.floats(0.05, 20)) for _axis in range(ndim)],
        "translate": [draw(numbers) for _axis in range(ndim)],
    }
    affine = np.eye(ndim + 1)
    turn, shear = draw(st.floats(-3.1, 3.1)), draw(st.floats(-0.8, 0.8))
    flat = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[1, shear], [0, 1]]
    affine[ndim - 2 : ndim, ndim - 2 : ndim] = flat * draw(st.floats(0.2, 5))
    affine[:ndim, ndim] = [draw(numbers) for _axis in range(ndim)]
    if ndim == 2:
        made |= {"rotate": draw(st.floats(-180, 180)), "shear": [draw(st.floats(-0.8, 0.8))]}
    return {**made, "affine": affine}


@st.composite
def images(draw):
    from napari.layers import Image

    leading = draw(st.sampled_from([(), (3,), (2, 4)]))
    names = ("time", "depth", "row", "column")[-(len(leading) + 2) :]
    made = draw(transforms(len(leading) + 2))
    return Image(np.zeros((*leading, *SHAPE), np.uint8), axis_labels=names, **made), leading


PLACES = st.tuples(st.floats(-0.49, SHAPE[0] - 0.51), st.floats(-0.49, SHAPE[1] - 0.51))


@settings(max_examples=70, deadline=None)
@given(images(), PLACES, st.data())
def test_a_place_that_is_clicked_is_the_pixel_that_is_shown_there(made, place, data):
    image, leading = made
    plane = tuple(data.draw(st.integers(0, length - 1)) for length in leading)
    world = np.asarray(image.data_to_world((*plane, *place)))
    more_axes = np.concatenate([data.draw(st.sampled_from([[], [7.0]])), world])
    assert pointed_at(image, plane, more_axes) == pytest.approx(place, abs=1e-5)


@settings(max_examples=70, deadline=None)
@given(images(), st.integers(1, 3), st.data())
def test_a_picture_lies_over_the_part_of_the_plane_that_it_shows(made, step, data):
    from napari.layers import Image

    image, leading = made
    plane = tuple(data.draw(st.integers(0, length - 1)) for length in leading)
    row, column = data.draw(st.integers(0, SHAPE[0] - 3)), data.draw(st.integers(0, SHAPE[1] - 3))
    frame = Frame((row, column, SHAPE[0], SHAPE[1]), step)
    layer = Image(np.zeros((*frame.cells, 4), np.uint8), rgb=True, **placed(frame, image, plane))
    corner = np.asarray(layer.data_to_world((-0.5, -0.5)))
    there = np.asarray(image.data_to_world((*plane, row - 0.5, column - 0.5)))[-2:]
    assert corner == pytest.approx(there, abs=1e-5)
    cell = np.asarray(layer.data_to_world((1, 1)))
    assert pointed_at(image, plane, cell) == pytest.approx(
        (row + step + (step - 1) / 2, column + step + (step - 1) / 2), abs=1e-5
    )


def test_a_picture_can_be_laid_anew_over_another_image_without_a_trace_of_the_first():
    from napari.layers import Image

    turned = Image(np.zeros(SHAPE, np.uint8), rotate=30, translate=(3, 4))
    plain = Image(np.zeros(SHAPE, np.uint8), scale=(2, 3), translate=(5, 6))
    frame = Frame((2, 3, 20, 30))
    layer = Image(np.zeros((*frame.cells, 4), np.uint8), rgb=True, **placed(frame, turned, ()))
    for image in (plain, turned):
        for name, value in placed(frame, image, ()).items():
            setattr(layer, name, value)
        world = image.data_to_world((2, 3))
        assert np.allclose(layer.world_to_data(world), (0, 0), atol=1e-6)


def test_the_matrix_of_a_plane_takes_the_plane_into_account():
    from napari.layers import Image

    affine = np.eye(4)
    affine[1, 0] = 5.0  # every plane lies five units lower than the one before
    image = Image(np.zeros((3, *SHAPE), np.uint8), affine=affine)
    assert np.allclose(plane_matrix(image, (2,))[:2, 2], (10, 0))
    assert pointed_at(image, (2,), (2.0, 14.0, 7.0)) == pytest.approx((4, 7))


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(st.integers(4200, 30_000), st.integers(4200, 30_000)),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4),
    st.floats(0.0, 1.0),
)
def test_a_window_lies_in_the_plane_on_the_grid_and_holds_all_prompts(shape, shares, spread):
    reach = spread * (MOST_SIDE - GRID - 2 * MARGIN)
    centre = np.array(shares[0]) * (np.array(shape) - 1)
    points = [np.clip(centre + (np.array(one) - 0.5) * reach, 0, np.array(shape) - 1) for one in shares]
    prompts = Prompts(tuple((float(row), float(column)) for row, column in points))
    r0, c0, r1, c1 = window = window_round(shape, prompts)
    assert 0 <= r0 < r1 <= shape[0]
    assert 0 <= c0 < c1 <= shape[1]
    assert r0 % GRID == c0 % GRID == 0
    assert r1 - r0 <= MOST_SIDE
    for row, column in prompts.positive:
        assert r0 <= row < r1
        assert c0 <= column < c1
    assert window_round(shape, prompts, last=window) == window


def test_the_next_click_near_by_is_answered_in_the_same_window_and_one_far_away_in_another():
    shape = (20_000, 20_000)
    window = window_round(shape, Prompts(((5000.0, 5000.0),)))
    assert window[2] - window[0] == SIDE
    assert window_round(shape, Prompts(((5300.0, 4800.0),)), last=window) == window
    assert window_round(shape, Prompts(((9000.0, 5000.0),)), last=window) != window


def test_marks_too_far_apart_are_refused_with_the_reason():
    with pytest.raises(LimitError, match="px wide"):
        window_round((20_000, 20_000), Prompts(box=(0, 0, 9000, 100)))


class Watched:
    """A lazy array that remembers what was read of it."""

    def __init__(self, shape: tuple[int, ...], dtype=np.uint8) -> None:
        self.shape, self.dtype, self.ndim = shape, np.dtype(dtype), len(shape)
        self.read = 0

    def __getitem__(self, index):
        rows, columns = index[-2], index[-1]
        part = np.add.outer(np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)) % 251
        self.read += part.size
        return part.astype(self.dtype)


def test_of_a_huge_plane_only_the_window_is_read_and_its_masks_come_back_in_place():
    from napari.layers import Image

    image = Image(np.zeros((2, 5000, 6000), np.uint8), contrast_limits=(0, 255))
    assert is_large(image)
    watched = Watched((2, 5000, 6000))
    box = window_round((5000, 6000), Prompts(((2500.0, 3000.0),)))
    request = window_request(image, (1,), box)
    object.__setattr__(request, "data", watched)
    ground = request.prepare()
    assert watched.read == SIDE * SIDE
    assert ground.box == box
    assert ground.plane == (1,)
    prompts = ground.inwards(Prompts(((2500.0, 3000.0),), ((2400.0, 3100.0),), (2400, 2900, 2600, 3100)))
    assert prompts.positive == ((2500.0 - box[0], 3000.0 - box[1]),)
    assert prompts.box == (2400 - box[0], 2900 - box[1], 2600 - box[0], 3100 - box[1])
    inner = RegionMask.from_box(ground.image.shape, (10, 20, 30, 50))
    outer = ground.outwards(inner)
    assert outer.shape == (5000, 6000)
    assert outer.box == (10 + box[0], 20 + box[1], 30 + box[0], 50 + box[1])
    assert ground.mask_inwards(outer).box == inner.box
    assert not ground.cuts(outer)
    assert ground.cuts(ground.outwards(RegionMask.from_box(ground.image.shape, (0, 20, 30, 50))))


def test_a_pyramid_of_which_only_the_finest_level_is_pointed_at_is_read_in_its_window():
    from napari.layers import Image

    fine = np.arange(5000, dtype=np.uint16)[:, None] + np.arange(4000, dtype=np.uint16)[None, :]
    image = Image([fine, fine[::4, ::4]], multiscale=True, contrast_limits=(0, 9000))
    box = window_round((5000, 4000), Prompts(((4990.0, 10.0),)))
    ground = window_request(image, (), box).prepare()
    expected = np.clip(fine[box[0] : box[2], box[1] : box[3]] / 9000 * 255, 0, 255)
    assert ground.image.shape == (box[2] - box[0], box[3] - box[1])
    assert np.abs(ground.image.rgb[..., 0] - expected).max() <= 1


MASKS = st.tuples(st.integers(0, 19), st.integers(0, 29), st.integers(1, 15), st.integers(1, 15))


@settings(max_examples=80, deadline=None)
@given(st.lists(MASKS, min_size=1, max_size=5))
def test_every_mask_is_seen_in_the_picture_of_all_and_in_one_of_its_own(corners):
    masks = [RegionMask.from_box(SHAPE, (r, c, r + h, c + w)) for r, c, h, w in corners]
    labels = composed(list(enumerate(masks, start=1)), Frame.over(SHAPE, []), 1)
    assert np.array_equal(labels > 0, np.any([mask.pixels for mask in masks], axis=0))
    smallest = min(range(len(masks)), key=lambda index: masks[index].area)
    if sum(mask.area == masks[smallest].area for mask in masks) == 1:
        assert np.array_equal(labels // 2 == smallest + 1, masks[smallest].pixels)
        r0, c0, r1, c1 = masks[smallest].box
        assert (labels[r0, c0:c1] == 2 * (smallest + 1) + 1).all()
        assert (labels[r0 + 1 : r1 - 1, c0 + 1 : c1 - 1] == 2 * (smallest + 1)).all()
    frame, picture = drawn_mask(masks[0], Ink((1, 2, 3), 90))
    full = np.zeros((SHAPE[0] + 2, SHAPE[1] + 2), dtype=bool)
    r0, c0, r1, c1 = frame.box
    full[r0 + 1 : r1 + 1, c0 + 1 : c1 + 1] = picture[..., 3] > 0
    assert np.array_equal(full[1:-1, 1:-1], masks[0].pixels)


def test_a_picture_of_a_huge_plane_is_coarser_but_stays_in_place():
    mask = RegionMask.from_box((20_000, 20_000), (8000, 8000, 16_000, 12_000))
    frame = Frame.over(mask.shape, [mask.box], most=1_000_000)
    labels = composed([(7, mask)], frame, 2)
    assert frame.step == 6
    assert labels.shape == frame.cells
    assert (labels // 2 == 7).all()
