"""The region tree partitions, nests, and answers to marks: on drawn pictures, tiny ones, flat ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import EverythingSpec, Prompts
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import CheckpointError, EmptyRegionError, ImageError, RegionError, ShapeMismatchError
from seagull_iqa.imaging.region_tree.middles import centrality
from seagull_iqa.imaging.region_tree.spreading import spread
from seagull_iqa.segmenting.tree_engine import TreeEngine

ROWS, COLUMNS = np.mgrid[:120, :160]
DISC = (ROWS - 50) ** 2 + (COLUMNS - 60) ** 2 < 30**2
CORE = (ROWS - 50) ** 2 + (COLUMNS - 60) ** 2 < 12**2
SQUARE = (abs(ROWS - 90) < 18) & (abs(COLUMNS - 130) < 18)


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def picture(seed=0, noise=6):
    """A disc with a core, and a square, on a plain ground, with noise."""
    rgb = np.full((120, 160, 3), (70, 110, 150), np.float64)
    for mask, colour in ((DISC, (190, 80, 60)), (CORE, (230, 200, 60)), (SQUARE, (60, 160, 60))):
        rgb[mask] = colour
    return (rgb + np.random.default_rng(seed).normal(0, noise, rgb.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def engine():
    return TreeEngine()


@pytest.fixture(scope="module")
def look(engine):
    return engine.look(picture())


def pixels(proposal):
    return [one.mask.pixels for one in proposal.candidates]


def first(proposal):
    return proposal.candidates[proposal.best].mask.pixels


def test_the_leaves_part_the_image_and_two_children_make_their_parent(look):
    tree = look.tree
    assert np.array_equal(np.unique(tree.full), np.arange(tree.count))
    assert tree.area[: tree.count].sum() == tree.leaves.size == tree.area[-1]
    children = [np.flatnonzero(tree.parent == node) for node in range(tree.count, 2 * tree.count - 1)]
    for node, pair in enumerate(children, start=tree.count):
        assert len(pair) == 2
        one, other = (tree.holds(int(child)) for child in pair)
        assert not (one & other).any() and np.array_equal(one | other, tree.holds(node))
        assert tree.height[pair].max() <= tree.height[node]


def test_a_click_returns_three_nested_masks_that_hold_it(engine, look):
    for row, column in ((50, 60), (50, 82), (90, 130), (10, 120), (0, 0), (119, 159)):
        proposal = engine.mask(look, Prompts(positive=((row, column),)))
        masks = pixels(proposal)
        assert 1 <= len(masks) <= 3 and 0 <= proposal.best < len(masks)
        assert all(mask[row, column] for mask in masks)
        assert all((small <= large).all() and small.sum() < large.sum() for small, large in pairwise(masks))


def test_what_was_drawn_is_among_the_three_and_a_square_is_ranked_first(engine, look):
    assert iou(first(engine.mask(look, Prompts(positive=((90, 130),)))), SQUARE) > 0.95
    masks = pixels(engine.mask(look, Prompts(positive=((50, 60),))))
    assert max(iou(mask, CORE) for mask in masks) > 0.9
    assert max(iou(mask, DISC) for mask in masks) > 0.9


def test_a_second_click_adds_a_part_and_a_negative_one_takes_it_away(engine, look):
    both = first(engine.mask(look, Prompts(positive=((50, 60), (90, 130)))))
    assert iou(both, (CORE | SQUARE)) > 0.85 or iou(both, (DISC | SQUARE)) > 0.9
    ring = first(engine.mask(look, Prompts(positive=((50, 82),), negative=((50, 60),))))
    assert iou(ring, DISC & ~CORE) > 0.8


def test_every_answer_holds_all_positive_marks_and_no_negative_one(engine, look):
    generator = np.random.default_rng(3)
    for _ in range(25):
        places = generator.permutation(120 * 160)[:6]
        points = [(float(at // 160), float(at % 160)) for at in places]
        split = int(generator.integers(1, 6))
        for mask in pixels(engine.mask(look, Prompts(tuple(points[:split]), tuple(points[split:])))):
            assert all(mask[int(row), int(column)] for row, column in points[:split])
            assert not any(mask[int(row), int(column)] for row, column in points[split:])


def test_a_leaf_with_both_kinds_of_marks_is_split_between_them(engine):
    look = engine.look(np.full((40, 60, 3), 128, np.uint8))
    mask = first(engine.mask(look, Prompts(((20, 10),), ((20, 50),))))
    assert mask[20, 10] and not mask[20, 50]
    assert mask[20, 20] and not mask[20, 40]


def test_a_stroke_is_held_along_its_whole_length(engine, look):
    mask = first(engine.mask(look, Prompts(strokes=(((50.0, 60.0), (90.0, 130.0)),))))
    assert all(mask[round(50 + 40 * share), round(60 + 70 * share)] for share in np.linspace(0, 1, 71))


def test_a_box_round_a_thing_finds_the_thing_and_nothing_beyond_it(engine, look):
    mask = first(engine.mask(look, Prompts(box=(18, 28, 83, 93))))
    assert iou(mask, DISC) > 0.8
    outside = mask.copy()
    outside[18:83, 28:93] = False
    assert not outside.any()


def test_a_box_smaller_than_any_leaf_is_answered_inside_it(engine, look):
    mask = first(engine.mask(look, Prompts(box=(5.0, 5.0, 7.0, 8.0))))
    assert mask.any() and mask[5:7, 5:8].sum() == mask.sum()


def test_an_earlier_mask_is_kept_to_the_pixel_where_nothing_contradicts_it(engine, look):
    odd = DISC.copy()
    odd[20:25, 40:44] = True
    kept = first(engine.mask(look, Prompts(positive=((50, 60),), mask=RegionMask.from_pixels(odd))))
    assert np.array_equal(kept, odd)
    more = first(engine.mask(look, Prompts(positive=((50, 60), (90, 130)), mask=RegionMask.from_pixels(DISC))))
    assert iou(more, DISC | SQUARE) > 0.9


def test_a_mark_beyond_the_image_is_its_nearest_pixel(engine, look):
    far = engine.mask(look, Prompts(positive=((-40.0, 1e9),)))
    near = engine.mask(look, Prompts(positive=((0.0, 159.0),)))
    assert all(np.array_equal(a, b) for a, b in zip(pixels(far), pixels(near), strict=True))


def test_contradictory_or_missing_marks_are_told_in_a_sentence(engine, look):
    with pytest.raises(RegionError, match="both inside and outside"):
        engine.mask(look, Prompts(((5, 5),), ((5.2, 4.9),)))
    with pytest.raises(EmptyRegionError, match="Nothing says"):
        engine.mask(look, Prompts(negative=((5, 5),)))
    with pytest.raises(EmptyRegionError, match="box holds no pixel"):
        engine.mask(look, Prompts(box=(500, 500, 600, 600)))
    with pytest.raises(RegionError, match="outside its box"):
        engine.mask(look, Prompts(((5, 5),), box=(50, 50, 60, 60)))
    with pytest.raises(RegionError, match="not a number"):
        engine.mask(look, Prompts(((float("nan"), 5),)))
    with pytest.raises(ShapeMismatchError):
        engine.mask(look, Prompts(mask=RegionMask.whole((10, 10))))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (3, 500), (500, 3), (17, 23), (700, 90)])
@pytest.mark.parametrize("flat", [True, False])
def test_images_of_any_shape_are_answered_at_their_own_shape(engine, shape, flat):
    generator = np.random.default_rng(0)
    rgb = np.full((*shape, 3), 77, np.uint8) if flat else generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
    look = engine.look(rgb)
    assert look.shape == shape and look.nbytes > 0
    corner = (float(shape[0] - 1), float(shape[1] - 1))
    for one in engine.mask(look, Prompts(positive=(corner,))).candidates:
        assert one.mask.shape == shape and one.mask.pixels[-1, -1] and 0 <= one.score <= 1
    assert len(engine.everything(look, EverythingSpec())) <= 256


def test_gray_and_large_images_are_cut_at_full_size(engine):
    rows, columns = np.mgrid[:900, :1300]
    disc = (rows - 400) ** 2 + (columns - 600) ** 2 < 250**2
    gray = np.where(disc, 170, 90)[..., None].repeat(3, axis=2) + np.random.default_rng(0).normal(0, 5, (900, 1300, 1))
    look = engine.look(gray.clip(0, 255).astype(np.uint8))
    masks = pixels(engine.mask(look, Prompts(positive=((400, 600),))))
    assert min(int((mask != disc).sum()) for mask in masks) < 60  # enlarged alone, over a thousand are wrong


def test_the_box_of_leaves_holds_all_their_pixels_at_full_size(engine):
    rgb = np.kron(picture(), np.ones((5, 5, 1), np.uint8))[:590, :777]
    tree = engine.look(rgb).tree
    for leaf in range(0, tree.count, 7):
        held = np.arange(tree.count) == leaf
        inside = np.zeros(tree.shape, bool)
        inside[tree.full_box(held)] = True
        assert not ((tree.full == leaf) & ~inside).any()


def test_what_is_no_image_is_refused(engine):
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ImageError):
            engine.look(wrong)


def test_the_same_image_gives_the_same_answers(engine, look):
    again = engine.look(picture())
    prompts = Prompts(((50, 60),), ((90, 130),))
    one, other = engine.mask(look, prompts), engine.mask(again, prompts)
    assert one.best == other.best
    assert [c.score for c in one.candidates] == [c.score for c in other.candidates]
    assert all(np.array_equal(a, b) for a, b in zip(pixels(one), pixels(other), strict=True))


def test_a_packed_look_gives_the_same_answers(engine, look):
    packed = {name: np.asarray(value) for name, value in engine.pack(look).items()}
    assert all(value.dtype != object for value in packed.values())
    again = engine.unpack(packed)
    for prompts in (Prompts(((50, 60),), ((90, 130),)), Prompts(box=(18, 28, 83, 93))):
        one, other = engine.mask(look, prompts), engine.mask(again, prompts)
        assert one.best == other.best
        assert all(np.array_equal(a, b) for a, b in zip(pixels(one), pixels(other), strict=True))
    found = [one.mask.area for one in engine.everything(look, EverythingSpec())]
    assert found == [one.mask.area for one in engine.everything(again, EverythingSpec())]


def test_foreign_arrays_are_refused(engine, look):
    packed = dict(engine.pack(look))
    for wrong in ({}, {**packed, "version": np.array(-1)}, {**packed, "parent": packed["parent"][:-2]},
                  {**packed, "full": packed["full"] + 10_000}):  # fmt: skip
        with pytest.raises(CheckpointError):
            engine.unpack(wrong)


def test_everything_finds_what_was_drawn_and_can_be_cancelled(engine, look):
    found = [one.mask.pixels for one in engine.everything(look, EverythingSpec())]
    for mask in (DISC, SQUARE, CORE):
        assert max(iou(mask, one) for one in found) > 0.9
    few = [one.mask.pixels for one in engine.everything(look, EverythingSpec(most=12))]
    assert len(few) == 12
    for mask in (DISC, SQUARE):  # what was drawn comes first, not the leaves
        assert max(iou(mask, one) for one in few) > 0.9
    assert all(one.mask.area >= 400 for one in engine.everything(look, EverythingSpec(least_area=400)))

    def cancel(_progress: Progress) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.everything(look, EverythingSpec(), progress=cancel)
    with pytest.raises(InterruptedError):
        engine.look(picture(), progress=cancel)


def test_the_middle_of_a_region_is_more_central_than_its_rim(look):
    tree = look.tree
    sets = [tree.holds(node) for node in range(tree.count, 2 * tree.count - 1)]
    disc = max(sets, key=lambda held: iou(held[tree.full], DISC))
    assert centrality(tree, disc, (50, 61)) > 0.85 > 0.4 > centrality(tree, disc, (50, 84))


def test_what_spreads_from_a_leaf_is_nested_and_keeps_to_weak_borders(look):
    tree = look.tree
    sets, falls = spread(tree, int(tree.leaves[90, 130]))
    assert all((small <= large).all() for small, large in pairwise(sets))
    assert len(falls) == len(sets) and max(iou(held[tree.full], SQUARE) for held in sets) > 0.95
