"""Shapes as pixels: exactly those whose centre lies inside, under any transform of either layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_seagull.layers.images import aligned
from napari_seagull.layers.shapes import shape_region
from seagull_iqa.errors import EmptyRegionError, RegionError, UnknownRegionError
from seagull_iqa.imaging.raster import ellipse_mask, polygon_mask, stroke_mask

SHAPE = (24, 31)
EDGE = 0.01
"""Centres nearer than this to an outline may go either way where 32-bit vertices were transformed."""

SOME_PIXELS = [(int(row), int(column)) for row, column in np.random.default_rng(7).integers(0, SHAPE, (120, 2))]

coordinate = st.floats(-8, 40, allow_nan=False)
point = st.tuples(coordinate, coordinate)


def image_layer(shape=SHAPE, **transform) -> Image:
    return Image(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), **transform)


def pixels_of(shapes: Shapes, image: Image, index: int = 0) -> np.ndarray:
    try:
        return shape_region(shapes, index, image).mask.pixels
    except EmptyRegionError:
        return np.zeros(SHAPE, dtype=bool)


def winding_parity(vertices: np.ndarray, row: float, column: float) -> bool:
    """Even-odd rule by a ray to the left, half-open in rows: the textbook loop."""
    inside = False
    for (r1, c1), (r2, c2) in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        if (r1 < row) != (r2 < row) and c1 + (row - r1) / (r2 - r1) * (c2 - c1) <= column:
            inside = not inside
    return inside


def distance_to_outline(vertices: np.ndarray, row: float, column: float) -> float:
    here, nearest = np.array([row, column]), np.inf
    for start, end in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        step = end - start
        along = np.clip((here - start) @ step / max(step @ step, 1e-12), 0, 1)
        nearest = min(nearest, float(np.linalg.norm(start + along * step - here)))
    return nearest


@given(vertices=st.lists(point, min_size=3, max_size=7))
@settings(max_examples=25, deadline=None)
def test_a_polygon_means_the_pixels_whose_centre_is_inside(vertices):
    corners = np.array(vertices, dtype=float)
    try:
        found = polygon_mask(SHAPE, corners).pixels
    except EmptyRegionError:
        found = np.zeros(SHAPE, dtype=bool)
    for row, column in SOME_PIXELS:
        if distance_to_outline(corners, row, column) > EDGE:
            assert found[row, column] == winding_parity(corners, row, column)


matrices = st.tuples(*[st.floats(-2, 2, allow_nan=False)] * 4).filter(lambda m: abs(m[0] * m[3] - m[1] * m[2]) > 0.3)
offsets = st.tuples(st.floats(-50, 50), st.floats(-50, 50))


@given(image_linear=matrices, shape_linear=matrices, image_offset=offsets, shape_offset=offsets, kind=st.booleans())
@settings(max_examples=25, deadline=None)
def test_any_affine_of_image_and_shapes_layer_is_undone_exactly(
    image_linear, shape_linear, image_offset, shape_offset, kind
):
    def affine(linear, offset):
        return np.array([[*linear[:2], offset[0]], [*linear[2:], offset[1]], [0, 0, 1]])

    to_world, shapes_to_world = affine(image_linear, image_offset), affine(shape_linear, shape_offset)
    image = image_layer(affine=to_world)
    wanted = np.array([[3.3, 4.6], [2.2, 20.7], [15.4, 24.1], [18.9, 6.4]])
    drawn = np.c_[wanted, np.ones(4)] @ (np.linalg.inv(shapes_to_world) @ to_world).T
    if kind:
        corners = np.array([[3.3, 4.6], [3.3, 20.7], [15.4, 20.7], [15.4, 4.6]])
        drawn = np.c_[corners, np.ones(4)] @ (np.linalg.inv(shapes_to_world) @ to_world).T
        shapes = Shapes([drawn[:, :2]], shape_type="ellipse", affine=shapes_to_world)
        rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
        level = ((rows - 9.35) / 6.05) ** 2 + ((columns - 12.65) / 8.05) ** 2
        sure = abs(level - 1) > EDGE
        expected = level < 1
    else:
        shapes = Shapes([drawn[:, :2]], shape_type="polygon", affine=shapes_to_world)
        sure, expected = np.zeros(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
        for place in SOME_PIXELS:
            sure[place] = distance_to_outline(wanted, *place) > EDGE
            expected[place] = winding_parity(wanted, *place)
    found = pixels_of(shapes, image)
    assert (found == expected)[sure].all()


@given(scale=st.floats(0.05, 20), translate=offsets, rotate=st.floats(-180, 180), shear=st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_a_layer_aligned_to_the_image_has_the_pixels_of_the_image(scale, translate, rotate, shear):
    image = image_layer(scale=(scale, 2 * scale), translate=translate, rotate=rotate, shear=[shear])
    shapes = Shapes([[[2.5, 3.5], [2.5, 9.5], [6.5, 9.5], [6.5, 3.5]]], shape_type="rectangle", **aligned(image))
    assert shape_region(shapes, 0, image).mask.box == (3, 4, 7, 10)


def test_edges_through_pixel_centres_are_half_open_so_that_neighbours_share_no_pixel():
    image = image_layer(scale=(0.1, 0.1))
    left = [[0.2, 0.3], [0.2, 1.0], [1.2, 1.0], [1.2, 0.3]]
    right = [[0.2, 1.0], [0.2, 1.7], [1.2, 1.7], [1.2, 1.0]]
    shapes = Shapes([left, right], shape_type="rectangle")
    assert shape_region(shapes, 0, image).mask.box == (2, 3, 12, 10)
    assert shape_region(shapes, 1, image).mask.box == (2, 10, 12, 17)


def test_a_region_one_pixel_wide_and_one_of_a_single_pixel_are_regions():
    image = image_layer()
    column = [[2.5, 4.5], [2.5, 5.5], [20.5, 5.5], [20.5, 4.5]]
    pixel = [[2.6, 4.6], [2.6, 5.4], [3.4, 5.4], [3.4, 4.6]]
    shapes = Shapes([column, pixel], shape_type="rectangle")
    assert shape_region(shapes, 0, image).mask.box == (3, 5, 21, 6)
    assert shape_region(shapes, 1, image).mask.box == (3, 5, 4, 6)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse", "polygon"])
def test_a_shape_between_pixel_centres_or_beside_the_image_says_what_to_do(kind):
    image = image_layer()
    tiny = np.array([[2.1, 2.1], [2.1, 2.9], [2.9, 2.9], [2.9, 2.1]])
    for corners in (tiny, tiny + 500, np.zeros((4, 2)) + 2.5):
        with pytest.raises(EmptyRegionError, match="Draw it larger"):
            shape_region(Shapes([corners], shape_type=kind), 0, image)


def test_a_shape_far_larger_than_the_image_is_cut_off_at_it():
    corners = np.array([[-1e7, -1e7], [-1e7, 1e7], [1e7, 1e7], [1e7, -1e7]])
    for mask in (polygon_mask(SHAPE, corners), ellipse_mask(SHAPE, corners)):
        assert mask.box == (0, 0, *SHAPE)
        assert mask.area == SHAPE[0] * SHAPE[1]


def test_an_outline_that_crosses_itself_has_a_hole_where_it_lies_twice():
    outer = [[0.5, 0.5], [0.5, 20.5], [20.5, 20.5], [20.5, 0.5], [0.5, 0.5]]
    inner = [[5.5, 5.5], [5.5, 15.5], [15.5, 15.5], [15.5, 5.5], [5.5, 5.5]]
    assert polygon_mask(SHAPE, np.array(outer + inner)).area == 20 * 20 - 10 * 10


def test_corners_that_are_no_numbers_are_refused():
    with pytest.raises(RegionError, match="not numbers"):
        polygon_mask(SHAPE, np.array([[0, 0], [np.nan, 3], [4, 4]]))


def test_an_open_path_means_its_stroke_and_a_returning_one_its_area():
    image = image_layer()
    bow = np.array([[10, 2], [4, 10], [4, 20], [10, 28.0]])
    ring = np.array([[10, 5], [4, 10], [10, 15], [16, 10], [10.4, 5.4]])
    shapes = Shapes([bow, ring], shape_type="path", edge_width=3)
    stroke, area = shape_region(shapes, 0, image).mask, shape_region(shapes, 1, image).mask
    assert stroke.pixels[4, 15]
    assert stroke.pixels[5, 15]
    assert not stroke.pixels[8, 15]
    assert area.pixels[10, 10]


def test_the_finest_line_still_has_pixels_and_a_thick_one_is_as_wide_as_drawn():
    line = np.array([[5.0, 3.0], [5.0, 12.0]])
    assert stroke_mask(SHAPE, line, 0.0).box == (5, 3, 6, 13)
    image = image_layer(scale=(2, 2))
    shapes = Shapes([line * 2], shape_type="line", edge_width=8)
    mask = shape_region(shapes, 0, image).mask
    assert (mask.box[0], mask.box[2]) == (3, 8)


def test_a_shape_in_a_stack_belongs_to_the_plane_it_was_drawn_on():
    viewer = ViewerModel()
    image = viewer.add_image(np.random.default_rng(0).random((2, 5, *SHAPE)), scale=(1, 4, 0.5, 0.5))
    corners = np.array([[2.25, 2.25], [2.25, 5.25], [5.25, 5.25], [5.25, 2.25]])
    drawn = np.hstack([np.tile([1.0, 12.0], (4, 1)), corners])
    shapes = viewer.add_shapes([drawn], shape_type="rectangle", ndim=4)
    region = shape_region(shapes, 0, image)
    assert region.plane == (1, 3)
    assert region.mask.box == (5, 5, 11, 11)
    flat = viewer.add_shapes([corners], shape_type="rectangle")
    assert shape_region(flat, 0, image, plane=(0, 2)).plane == (0, 2)
    assert shape_region(flat, 0, image, plane=(0, 2)).mask.box == (5, 5, 11, 11)


def test_a_shape_across_planes_is_refused():
    image = image_layer((5, *SHAPE))
    corners = np.array([[0, 2, 2], [0, 2, 9], [3, 9, 9], [3, 9, 2.0]])
    shapes = Shapes([corners], shape_type="polygon")
    with pytest.raises(RegionError, match="several planes"):
        shape_region(shapes, 0, image)


def test_the_source_of_a_shape_is_enough_to_draw_it_again():
    image = image_layer(scale=(0.3, 0.3))
    first = Shapes([[[1.0, 1.0], [1.0, 5.0], [4.0, 5.0], [4.0, 1.0]]], shape_type="ellipse", name="Regions")
    region = shape_region(first, -1, image)
    again = Shapes([np.array(region.source.vertices)], shape_type=region.source.kind)
    assert region.source.layer == "Regions"
    assert (shape_region(again, 0, image).mask.pixels == region.mask.pixels).all()


def test_a_shape_that_is_not_there_says_so():
    with pytest.raises(UnknownRegionError, match="has no shape 3"):
        shape_region(Shapes(name="Regions"), 3, image_layer())
