"""Recipes of the data engine: balanced, calibrated, and each variant does what its name says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from seagull_iqa.data.codecs import installed, through
from seagull_iqa.data.distort import distort
from seagull_iqa.data.labels import LabelMaps
from seagull_iqa.data.recipes import (
    STRENGTHS,
    VARIANTS,
    Ingredient,
    Recipe,
    every_ladder,
    random_recipe,
)
from seagull_iqa.data.render import disc, line, render
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.errors import SeagullError
from seagull_iqa.samples import samples

LADDERS = every_ladder(installed())


@pytest.fixture(scope="module")
def image():
    rgb = next(one for one in samples() if one.name == "baby").read().rgb[100:292, 150:342]
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255


def quality(image, spoiled, *, up=False):
    return float(LabelMaps.of(image, spoiled).quality(torch.ones(1, *image.shape[1:]), contrast_up=up))


def test_there_are_twenty_strengths_in_quarters():
    assert len(STRENGTHS) == 20
    assert (STRENGTHS[0], STRENGTHS[-1]) == (0.25, 5.0)


def test_a_thousand_recipes_have_the_shares_that_are_documented():
    rng = np.random.default_rng(1)
    recipes = [random_recipe(rng, ["r00", "r01"], ("jpeg", "webp")) for _ in range(2000)]
    counts = Counter(len(one.ingredients) for one in recipes)
    assert [counts[n] / 2000 for n in range(4)] == pytest.approx([0.06, 0.60, 0.25, 0.09], abs=0.03)
    spoiled = [one for one in recipes if one.ingredients]
    assert sum(one.where != "all" for one in spoiled) / len(spoiled) == pytest.approx(0.4, abs=0.05)
    assert all(one.where == "all" for one in recipes if not one.ingredients)
    types = Counter(each.distortion for one in recipes for each in one.ingredients)
    assert max(types.values()) < 1.3 * min(types[distortion] for distortion in Distortion)


@pytest.mark.parametrize(("distortion", "variant", "way"), LADDERS)
def test_more_strength_is_worse(image, distortion, variant, way):
    found = [
        quality(image, render(image, Recipe((Ingredient(distortion, variant, s, way, 20.0),), "all", 1)))
        for s in (0.5, 2.5, 5.0)
    ]
    assert found[0] > found[1] - 1 > found[2] - 2


@pytest.mark.parametrize("distortion", list(Distortion))
def test_the_first_variant_is_the_protocols(image, distortion):
    one = Ingredient(distortion, VARIANTS[distortion][0], 3.25, -1)
    assert torch.equal(render(image, Recipe((one,), "all", 9)), distort(image, [one.applied], seed=9))


def test_no_ingredient_leaves_the_photograph_as_it_is(image):
    assert torch.equal(render((image * 255).round() / 255, Recipe((), "all", 1)), (image * 255).round() / 255)


def test_a_point_of_light_becomes_a_disc_and_a_line():
    point = torch.zeros(3, 65, 65)
    point[:, 32, 32] = 1
    blurred = render(point, Recipe((Ingredient(Distortion.BLUR, "defocus", 5.0),), "all", 1))[0]
    rows, columns = torch.nonzero(blurred > 0.05, as_tuple=True)
    assert int(rows.max() - rows.min()) == int(columns.max() - columns.min()) > 8
    assert float(disc(4.0).sum()) == pytest.approx(1)
    level = line(12.0, 0.0)
    assert float(level[level.shape[0] // 2].sum()) == pytest.approx(1)
    assert torch.allclose(line(12.0, 90.0), level.T, atol=1e-5)


def test_more_contrast_of_a_dark_scene_leaves_its_highlights_below_white():
    dark = torch.full((3, 64, 64), 0.1)
    dark[:, :8] = torch.linspace(0.6, 0.8, 64)
    spoiled = render(dark, Recipe((Ingredient(Distortion.CONTRAST, "scene", 1.0, 1, 30.0),), "all", 1))
    assert (spoiled[:, :8] < 1).all()
    assert spoiled[:, :8].mean() > dark[:, :8].mean()
    assert spoiled[:, 8:].mean() <= dark[:, 8:].mean() + 0.02


def test_shot_noise_grows_with_light():
    halves = torch.cat([torch.full((3, 64, 32), 0.2), torch.full((3, 64, 32), 0.7)], dim=2)
    noisy = render(halves, Recipe((Ingredient(Distortion.NOISE, "sensor", 2.0),), "all", 1))
    linear = torch.where(noisy <= 0.04045, noisy / 12.92, ((noisy + 0.055) / 1.055) ** 2.4)
    assert float(linear[..., 32:].std()) > 1.5 * float(linear[..., :32].std())


@pytest.mark.parametrize("codec", installed())
def test_a_codec_gives_back_the_size_and_loses_more_at_less_quality(image, codec):
    rgb = (image * 255).byte().permute(1, 2, 0).numpy()[:151, :133]
    fine, coarse = (through(rgb, codec, quality).astype(float) for quality in (90, 10))
    assert fine.shape == rgb.shape
    assert np.abs(fine - rgb).mean() < np.abs(coarse - rgb).mean()
    assert np.array_equal(through(rgb, codec, 40), through(rgb, codec, 40))


def test_a_codec_that_is_missing_is_named(image):
    with pytest.raises(SeagullError, match="jpeg2000 is not installed"):
        through(np.zeros((16, 16, 3), np.uint8), "jpeg2000", 50)


def test_exposure_of_a_raw_file_finds_more_than_eight_bits():
    ramp = torch.linspace(0, 0.002, 4096).view(1, 64, 64).expand(3, 64, 64).contiguous()
    shown = (torch.where(ramp <= 0.0031308, 12.92 * ramp, ramp) * 255).round() / 255
    recipe = Recipe((Ingredient(Distortion.EXPOSURE, "gain", 5.0, 1),), "all", 1)
    assert len(render(shown, recipe, linear=ramp).unique()) > 2 * len(render(shown, recipe).unique())
