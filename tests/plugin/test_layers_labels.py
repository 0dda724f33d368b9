"""Painted labels as pixels: each pixel has the label that lies at its centre."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Labels

from napari_seagull.layers.labels import label_regions, touched_values
from napari_seagull.session.records import LabelSource
from seagull_iqa.errors import RegionError

SHAPE = (24, 31)


def painted() -> np.ndarray:
    data = np.zeros(SHAPE, dtype=np.int32)
    data[3:9, 4:6] = 2
    data[12:13, 7:8] = 70_000
    data[20:24, 10:31] = 5
    data[5, 20] = 5
    return data


def image_layer(shape=SHAPE, **transform) -> Image:
    return Image(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), **transform)


def test_each_label_on_the_grid_of_the_image_is_exactly_its_pixels():
    data = painted()
    regions = label_regions(Labels(data, name="Painted"), image_layer())
    assert set(regions) == {2, 5, 70_000}
    for value, region in regions.items():
        assert (region.mask.pixels == (data == value)).all()
        assert region.source == LabelSource("Painted", value)


def test_huge_and_negative_label_values_are_labels_too():
    data = painted().astype(np.int64)
    data[data == 5] = 3_000_000_000
    data[data == 2] = -4
    assert set(label_regions(Labels(data), image_layer())) == {-4, 70_000, 3_000_000_000}


def test_only_the_asked_labels_come_and_the_background_never():
    assert set(label_regions(Labels(painted()), image_layer(), values=[0, 2, 99])) == {2}


@given(
    scale=st.tuples(st.floats(0.2, 5), st.floats(0.2, 5)),
    translate=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
    rotate=st.floats(-180, 180),
)
@settings(max_examples=25, deadline=None)
def test_under_another_transform_each_pixel_has_the_label_at_its_centre(scale, translate, rotate):
    data = np.random.default_rng(3).integers(0, 4, (9, 11))
    labels = Labels(data, scale=scale, translate=translate, rotate=rotate)
    image = image_layer(scale=(0.7, 0.9))
    found = label_regions(labels, image)
    for row, column in np.random.default_rng(7).integers(0, SHAPE, (80, 2)):
        i, j = labels.world_to_data(image.data_to_world((row, column)))
        if min(abs(i % 1 - 0.5), abs(j % 1 - 0.5)) < 1e-3:
            continue
        cell = (int(np.rint(i)), int(np.rint(j)))
        under = int(data[cell]) if 0 <= cell[0] < 9 and 0 <= cell[1] < 11 else 0
        have = [value for value, region in found.items() if region.mask.pixels[row, column]]
        assert have == ([under] if under else [])


def test_labels_of_a_plane_of_a_stack_belong_to_that_plane():
    data = np.zeros((5, *SHAPE), dtype=np.uint8)
    data[3, 2:4, 2:9] = 7
    image = image_layer((5, *SHAPE), scale=(4, 1, 1))
    labels = Labels(data, scale=(4, 1, 1))
    region = label_regions(labels, image, plane=(3,))[7]
    assert (region.plane, region.mask.box) == ((3,), (2, 2, 4, 9))
    assert label_regions(labels, image, plane=(2,)) == {}


def test_a_flat_labels_layer_lies_on_every_plane():
    image = image_layer((5, *SHAPE))
    assert label_regions(Labels(painted()), image, plane=(3,))[2].plane == (3,)


def test_labels_elsewhere_along_the_stack_say_so():
    labels = Labels(np.ones((2, *SHAPE), dtype=np.uint8))
    with pytest.raises(RegionError, match="nothing on this plane"):
        label_regions(labels, image_layer((5, *SHAPE)), plane=(4,))


def test_labels_beside_the_image_are_no_regions():
    assert label_regions(Labels(painted(), translate=(500, 0)), image_layer()) == {}


def test_an_edit_touches_the_labels_in_its_patch_and_those_it_painted_over():
    image, labels = image_layer(), Labels(painted())
    known = {value: region.mask for value, region in label_regions(labels, image).items()}
    labels.data[11:14, 5:9] = 2
    touched = touched_values(labels, image, plane=(), patch=(11, 5, 14, 9), known=known)
    assert touched == {2, 70_000, 5} - {5}
    after = label_regions(labels, image, values=touched)
    assert set(after) == {2}


def test_painting_in_napari_tells_the_patch_that_finds_the_touched_labels():
    image, labels = image_layer(), Labels(painted())
    known = {value: region.mask for value, region in label_regions(labels, image).items()}
    heard = []

    def hear(event):
        rows, columns = event.offset
        height, width = event.data.shape[:2]
        heard.append((rows, columns, rows + height, columns + width))

    labels.events.labels_update.connect(hear)
    labels.brush_size = 3
    labels.paint((5, 20), 9)
    touched = set.union(*(touched_values(labels, image, plane=(), patch=patch, known=known) for patch in heard))
    assert 9 in touched
    assert 2 not in touched
