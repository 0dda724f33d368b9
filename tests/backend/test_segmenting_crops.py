"""Large images: which part is looked at, what is marked in it, and where the masks of a part lie in the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seagull_iqa.domain.progress import ignore_progress
from seagull_iqa.domain.prompts import Candidate, EverythingSpec, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import RegionError
from seagull_iqa.segmenting import crops
from seagull_iqa.segmenting.views import View

LARGE = (2600, 3000)


@pytest.fixture
def engine(engine_module: Any) -> Any:
    return engine_module.FloodEngine()


class TakenViews:
    """The looks at one image, all kept."""

    def __init__(self, engine: Any, rgb: np.ndarray) -> None:
        self.engine, self.rgb = engine, rgb
        self.shape = rgb.shape[:2]
        self.taken: dict[View, Any] = {}

    def known(self, view: View) -> bool:
        return view in self.taken

    def look(self, view: View) -> Any:
        if view not in self.taken:
            self.taken[view] = self.engine.look(view.cut(self.rgb))
        return self.taken[view]


def squares(shape: tuple[int, int], *boxes: tuple[int, int, int, int]) -> np.ndarray:
    rgb = np.full((*shape, 3), 30, np.uint8)
    for r0, c0, r1, c1 in boxes:
        rgb[r0:r1, c0:c1] = 200
    return rgb


def box_of(proposal: Proposal) -> tuple[int, int, int, int]:
    return proposal.candidates[proposal.best].mask.box


@pytest.mark.parametrize("shape", [(1500, 1500), (40, 60), (1, 1500)])
def test_an_image_of_up_to_1500_px_is_seen_whole_as_it_is(shape: tuple[int, int]) -> None:
    views = list(crops.views_for(shape, Prompts(positive=((0, 0),))))
    assert views == [View(shape, (0, 0, *shape), shape)]
    assert not views[0].is_reduced


def test_a_small_thing_in_a_large_image_is_found_exactly_on_a_part_of_it(engine: Any) -> None:
    views = TakenViews(engine, squares(LARGE, (1717, 2203, 1724, 2208)))
    found = crops.propose(engine, Prompts(positive=((1720, 2205),)), views)
    assert box_of(found) == (1717, 2203, 1724, 2208)
    assert engine.looks == [(1024, 1024)]
    assert found.candidates[0].mask.shape == LARGE


def test_a_second_click_beside_the_first_finds_the_same_look(engine: Any) -> None:
    views = TakenViews(engine, squares(LARGE, *((1700, col, 1730, col + 30) for col in range(1300, 1700, 50))))
    for col in range(1305, 1700, 50):
        crops.propose(engine, Prompts(positive=((1715, col),), negative=((1600, col + 40),)), views)
    assert engine.looks == [(1024, 1024)]
    apart = {crops.first_view(LARGE, (1715, col)) for col in range(1305, 1700, 50)}
    assert len(apart) > 1  # each alone would be seen on another part


def test_every_pixel_can_be_clicked_and_lies_well_inside_its_part() -> None:
    for row in (*range(0, LARGE[0], 173), LARGE[0] - 1):
        for col in (*range(0, LARGE[1], 211), LARGE[1] - 1):
            view = crops.first_view(LARGE, (row, col))
            assert view.size == view.extent == (1024, 1024)
            for axis, place in enumerate((row, col)):
                low, high = view.box[axis], view.box[axis + 2]
                assert place - low >= 128 or low == 0
                assert high - 1 - place >= 127 or high == LARGE[axis]


def test_a_part_grows_with_what_is_marked() -> None:
    huge = (4000, 5000)
    views = [
        next(crops.views_for(huge, Prompts(box=(300, 300, 300 + size, 300 + size)))) for size in (10, 500, 900, 2900)
    ]
    assert [view.extent for view in views] == [(1024, 1024), (1024, 1024), (3072, 3072), huge]
    assert [view.size for view in views] == [(1024, 1024), (1024, 1024), (1500, 1500), (1200, 1500)]
    far = Prompts(positive=((10, 10), (2500, 2900)))
    assert next(crops.views_for(LARGE, far)) == crops.whole_view(LARGE)


def test_a_mask_that_reaches_the_border_of_its_part_is_asked_again_on_a_larger_one(engine: Any) -> None:
    views = TakenViews(engine, squares(LARGE, (200, 300, 1700, 1900)))
    found = crops.propose(engine, Prompts(positive=((900, 1000),)), views)
    assert engine.looks[0] == (1024, 1024)
    assert len(engine.looks) > 1
    assert np.abs(np.subtract(box_of(found), (200, 300, 1700, 1900))).max() <= 2


def test_a_mask_at_the_border_of_the_image_is_not_asked_again(engine: Any) -> None:
    views = TakenViews(engine, squares(LARGE, (0, 0, 100, 100), (2590, 2980, 2600, 3000)))
    assert box_of(crops.propose(engine, Prompts(positive=((50, 50),)), views)) == (0, 0, 100, 100)
    assert box_of(crops.propose(engine, Prompts(positive=((2599, 2999),)), views)) == (2590, 2980, 2600, 3000)
    assert engine.looks == [(1024, 1024)] * 2


def test_candidates_that_are_cut_off_are_left_out_and_the_best_stays_the_best(engine: Any) -> None:
    rgb = squares(LARGE, (1200, 1400, 1230, 1430))
    rgb[rgb == 30] = 150  # so that the loosest fill takes the background too
    found = crops.propose(engine, Prompts(positive=((1215, 1415),)), TakenViews(engine, rgb))
    assert [one.mask.box for one in found.candidates] == [(1200, 1400, 1230, 1430)]
    assert found.best == 0


def test_a_negative_point_far_away_neither_counts_nor_makes_the_part_larger(engine: Any) -> None:
    views = TakenViews(engine, squares(LARGE, (1200, 1400, 1230, 1430)))
    found = crops.propose(engine, Prompts(positive=((1215, 1415),), negative=((5, 5), (1260, 1450))), views)
    assert box_of(found) == (1200, 1400, 1230, 1430)
    assert engine.looks == [(1024, 1024)]
    assert len(engine.asked[0].negative) == 1


def test_nothing_marked_is_a_readable_error(engine: Any) -> None:
    with pytest.raises(RegionError, match="Nothing says where"):
        crops.propose(engine, Prompts(negative=((1, 1),)), TakenViews(engine, squares((20, 20))))


def test_everything_of_a_large_image_is_seen_reduced_and_lies_where_it_is(engine: Any) -> None:
    boxes = [(100, 200, 700, 900), (1500, 1600, 2300, 2800)]
    views = TakenViews(engine, squares(LARGE, *boxes))
    found = crops.everything(engine, EverythingSpec(least_area=64), views, progress=ignore_progress)
    assert engine.looks == [(1300, 1500)]
    assert all(one.mask.shape == LARGE for one in found)
    for box in boxes:
        near = min(found, key=lambda one: np.abs(np.subtract(one.mask.box, box)).max())
        assert np.abs(np.subtract(near.mask.box, box)).max() <= 2
    small = crops.everything(engine, EverythingSpec(least_area=500_000), views, progress=ignore_progress)
    assert {one.mask.area >= 500_000 for one in small} == {True}
    assert len(small) == len(found) - 1


@pytest.mark.parametrize("box", [(0, 0, 800, 1200), (37, 411, 1900, 2307), (1, 2, 2600, 3000)])
def test_masks_come_back_from_a_reduced_part_within_a_pixel_of_what_the_engine_saw(box: Any) -> None:
    extent = (box[2] - box[0], box[3] - box[1])
    view = View(LARGE, box, (extent[0] * 5 // 9, extent[1] * 5 // 9))
    rows, cols = np.mgrid[: view.size[0], : view.size[1]]
    seen = RegionMask.from_pixels((rows - 200.0) ** 2 + (cols - 300.0) ** 2 < 90**2)
    mask = view.outward(Candidate(seen, 1.0)).mask
    assert mask.shape == LARGE
    rows, cols = np.mgrid[: LARGE[0], : LARGE[1]]
    at = [(centre + 0.5) / view.scale[axis] - 0.5 + box[axis] for axis, centre in enumerate((200, 300))]
    away = np.hypot((rows - at[0]) * view.scale[0], (cols - at[1]) * view.scale[1])
    assert mask.pixels[away < 88.5].all()
    assert not mask.pixels[away > 91.5].any()


@pytest.mark.parametrize("size", [(1300, 1500), (1999, 2307), (2600, 3000)])
def test_a_single_pixel_never_vanishes_on_its_way_back(size: tuple[int, int]) -> None:
    view = View(LARGE, (0, 0, *LARGE), size)
    for place in ((0, 0), (711, 803), (size[0] - 1, size[1] - 1)):
        pixels = np.zeros(size, bool)
        pixels[place] = True
        mask = view.outward(Candidate(RegionMask.from_pixels(pixels), 1.0)).mask
        centre = [(one + 0.5) / scale for one, scale in zip(place, view.scale, strict=True)]
        assert mask.box[0] <= centre[0] <= mask.box[2]
        assert mask.box[1] <= centre[1] <= mask.box[3]


def test_the_whole_of_a_part_comes_back_as_the_whole_of_it() -> None:
    view = View(LARGE, (10, 20, 2010, 2520), (1200, 1500))
    whole = RegionMask.whole(view.size)
    mask = view.outward(Candidate(whole, 1.0)).mask
    assert mask.box == view.box
    assert mask.inside.all()
    assert view.cuts(whole)


def test_only_a_border_that_is_none_of_the_image_cuts() -> None:
    view = View((100, 100), (0, 50, 60, 100), (30, 25))
    assert view.cuts(RegionMask.from_box(view.size, (5, 0, 9, 9)))
    assert view.cuts(RegionMask.from_box(view.size, (5, 5, 30, 9)))
    assert not view.cuts(RegionMask.from_box(view.size, (0, 1, 29, 25)))


def test_prompts_go_in_where_they_lie_in_the_picture_of_the_part() -> None:
    view = View(LARGE, (100, 200, 2100, 2200), (1000, 1000))
    mask = RegionMask.from_box(LARGE, (300, 400, 500, 800))
    prompts = Prompts(
        positive=((100, 200), (101, 201)),
        negative=((2099, 2199), (2100, 200)),
        box=(300, 400, 500, 800),
        strokes=(((99, 199),),),
        mask=mask,
    )
    seen = view.inward(prompts)
    assert seen.positive == ((-0.25, -0.25), (0.25, 0.25))  # centres of px of half the size
    assert seen.negative == ((999.25, 999.25),)  # the other one lies beside the part
    assert seen.box == (100, 100, 200, 300)
    assert seen.strokes == (((-0.25, -0.25),),)
    assert seen.mask is not None and seen.mask.box == (100, 100, 200, 300) and seen.mask.inside.all()


def test_a_part_is_cut_and_reduced_by_whole_means() -> None:
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(View((4, 6), (1, 2, 3, 5), (2, 3)).cut(rgb), rgb[1:3, 2:5])
    halved = View((4, 6), (0, 0, 4, 6), (2, 3)).cut(rgb)
    assert np.abs(halved.astype(float) - rgb.reshape(2, 2, 3, 2, 3).mean(axis=(1, 3))).max() <= 0.5
