"""The label `analytic-1` against piq, and the properties people rely on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import piq
import pytest
import torch
from scipy.ndimage import gaussian_filter

from seagull_iqa.data.distort import DIRECTED, Applied, distort
from seagull_iqa.data.labels import LabelMaps, importance, weight_map
from seagull_iqa.domain.distortion import Distortion

TOLERANCE = 1e-4
RECIPES = [
    *(Applied(d, 3.0) for d in Distortion if d not in DIRECTED),
    *(Applied(d, 2.5, direction) for d in DIRECTED for direction in (-1, 1)),
    Applied(Distortion.BLUR, 0.5),
    Applied(Distortion.COMPRESSION, 5.0),
    Applied(Distortion.NOISE, 5.0),
]


def photograph(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Something with the spectrum and the colours of a photograph: float32 (3, H, W), 8-bit values."""
    generator = np.random.default_rng(seed)
    layers = [gaussian_filter(generator.normal(size=(3, height, width)), (0, s, s)) * s for s in (1, 3, 9, 25)]
    gray = gaussian_filter(generator.normal(size=(height, width)), 5) * 15
    picture = sum(layers) * 0.12 + gray + np.sign(gaussian_filter(generator.normal(size=(height, width)), 12)) * 0.12
    return torch.from_numpy((np.clip(picture * 0.6 + 0.5, 0, 1) * 255).round().astype(np.float32) / 255)


def full(image: torch.Tensor) -> torch.Tensor:
    return torch.ones(1, *image.shape[-2:], dtype=torch.bool)


def pair(recipe: Applied, shape: tuple[int, int] = (160, 224)) -> tuple[torch.Tensor, torch.Tensor]:
    reference = photograph(*shape)
    return reference, distort(reference, [recipe], seed=3)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.distortion}{r.direction:+d}@{r.strength}")
def test_over_a_full_mask_both_metrics_are_piqs(recipe):
    reference, distorted = pair(recipe)
    maps = LabelMaps.of(reference, distorted)
    mask = full(reference)
    expected = piq.haarpsi(distorted[None], reference[None]).item()
    assert maps.haarpsi(mask, floor=0.0).item() == pytest.approx(expected, abs=TOLERANCE)
    assert maps.mdsi(mask).item() == pytest.approx(piq.mdsi(distorted[None], reference[None]).item(), abs=TOLERANCE)


@pytest.mark.parametrize("shape", [(384, 512), (640, 700), (770, 768), (33, 64), (161, 225)])
def test_neither_size_nor_odd_sides_change_that(shape):
    reference, distorted = pair(Applied(Distortion.COMPRESSION, 3.0), shape)
    maps = LabelMaps.of(reference, distorted)
    haarpsi = piq.haarpsi(distorted[None], reference[None]).item()
    mdsi = piq.mdsi(distorted[None], reference[None]).item()
    assert maps.haarpsi(full(reference), floor=0.0).item() == pytest.approx(haarpsi, abs=TOLERANCE)
    assert maps.mdsi(full(reference)).item() == pytest.approx(mdsi, abs=TOLERANCE)


def test_the_reference_itself_scores_one_hundred():
    reference = photograph(96, 96)
    masks = torch.zeros(2, 96, 96, dtype=torch.bool)
    masks[0, 10:40, 10:40] = True
    masks[1] = True
    assert LabelMaps.of(reference, reference).quality(masks).tolist() == pytest.approx([100.0, 100.0], abs=0.05)


def test_a_region_far_from_the_spoiled_one_scores_one_hundred():
    reference = photograph(160, 160)
    masks = torch.zeros(2, 160, 160, dtype=torch.bool)
    masks[0, :60] = True
    masks[1, 100:] = True
    distorted = distort(reference, [Applied(Distortion.NOISE, 5.0)], seed=1, where=masks[0])
    spoiled, far = LabelMaps.of(reference, distorted).quality(masks).tolist()
    assert far == pytest.approx(100.0, abs=0.05)
    assert spoiled < 60


@pytest.mark.parametrize(
    ("distortion", "direction"),
    [(d, way) for d in Distortion for way in ((-1, 1) if d in DIRECTED else (0,)) if (d, way) != ("contrast", 1)],
)
def test_quality_falls_with_strength(distortion, direction):
    reference = photograph(192, 192, seed=4)
    mask = torch.zeros(1, 192, 192, dtype=torch.bool)
    mask[0, 30:150, 40:170] = True
    scores = []
    for strength in range(6):
        distorted = distort(reference, [Applied(distortion, float(strength), direction)] * bool(strength), seed=2)
        scores.append(LabelMaps.of(reference, distorted).quality(mask).item())
    assert all(later < earlier for earlier, later in pairwise(scores)), scores


def test_a_recipe_that_raises_the_contrast_is_forgiven_and_others_are_not():
    reference = photograph(128, 128)
    distorted = distort(reference, [Applied(Distortion.CONTRAST, 2.0, 1)], seed=0)
    maps = LabelMaps.of(reference, distorted)
    plain, forgiven = (maps.quality(full(reference), contrast_up=up).item() for up in (False, True))
    assert plain < forgiven <= 100


def test_a_region_is_labelled_the_same_alone_and_in_company():
    reference, distorted = pair(Applied(Distortion.BLUR, 2.0))
    masks = torch.rand(4, *reference.shape[-2:], generator=torch.Generator().manual_seed(0)) > 0.5
    together = LabelMaps.of(reference, distorted).quality(masks)
    alone = torch.cat([LabelMaps.of(reference, distorted).quality(mask[None]) for mask in masks])
    assert torch.allclose(together, alone, atol=1e-4)


def test_importance_is_the_closed_formula_and_regions_add_up():
    reference = photograph(96, 128)
    weight = weight_map(reference)
    masks = torch.zeros(3, 96, 128, dtype=torch.bool)
    masks[0, :, :40] = True
    masks[1, :, 40:] = True
    masks[2] = True
    left, right, whole = (-0.15 * torch.log2(1 - importance(weight, masks) / 100)).tolist()
    assert left + right == pytest.approx(whole, rel=1e-3)
    assert whole == pytest.approx(1.0, rel=1e-3)
    by_hand = ((weight[:, :20] + 1).sum() / (weight + 1).sum()).item()
    assert left == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("short_side", [200, 512, 900])
def test_a_place_in_the_quality_map_is_its_window_asked_as_a_region(short_side):
    recipe = Applied(Distortion.BLUR, 3.0)
    reference = photograph(192, 160)
    maps = LabelMaps.of(reference, distort(reference, [recipe], seed=3), image_size=short_side)
    found = maps.quality_map()
    assert found.shape == (24, 20)
    windows = torch.zeros(20, 192, 160)
    for column in range(20):
        windows[column, 68:100, max(0, 8 * column - 12) : 8 * column + 20] = 1  # row 10's centre is 84 px down
    alone = maps.quality(windows)
    assert (found[10] - alone).abs().max() < 6
    assert (found[10] - alone).abs().mean() < 2


def test_the_quality_map_is_lower_where_the_picture_was_spoiled():
    reference = photograph(192, 192)
    where = torch.zeros(192, 192)
    where[:, :96] = 1
    spoiled = distort(reference, [Applied(Distortion.NOISE, 4.0)], seed=3, where=where)
    found = LabelMaps.of(reference, spoiled).quality_map()
    assert found[:, 15:].min() > 99
    assert found[:, :8].max() < 60
