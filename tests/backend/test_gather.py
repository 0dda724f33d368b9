"""From exact masks to sums over views: what is cut away, padded or reduced must not show in the numbers."""

from __future__ import annotations

import warnings
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.models.mini import views
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.gather import masks_in, pooled_regions, share_of_weight
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.models.mini.region_tokens import pool
from seagull_iqa.models.mini.views import look_at

TOY = MiniConfig(widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1), dense_width=8, token_width=16, heads=2)


@pytest.fixture(scope="module")
def network() -> MiniNetwork:
    torch.manual_seed(0)
    toy = MiniNetwork(TOY).eval().requires_grad_(requires_grad=False)
    for parameter in toy.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return toy


def context(shape: tuple[int, int], scale: float) -> SimpleNamespace:
    """As much of a look as the share of the weight needs, with random weights."""
    rows, columns = (-(-max(1, round(n * scale)) // 8) for n in shape)
    dense = torch.randn(1, 9, rows, columns, generator=torch.Generator().manual_seed(1))
    return SimpleNamespace(shape=shape, context_scale=scale, context_dense=dense)


SIZES = [((9, 9), 1.0), ((1, 576), 1.0), ((301, 255), 1.0), ((2721, 4000), 0.256), ((20, 5000), 0.2048)]


@pytest.mark.parametrize(("shape", "scale"), SIZES)
def test_the_whole_image_has_all_the_weight_whatever_its_size(shape, scale):
    assert share_of_weight(context(shape, scale), [RegionMask.whole(shape)]).item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(("shape", "scale"), SIZES)
def test_regions_that_tile_the_image_share_its_weight_and_none_gets_nothing(shape, scale):
    h, w = shape
    cuts = [0, w // 3, w - 1, w]  # the last region is one pixel wide, at the far border
    masks = [RegionMask.from_box(shape, (0, a, h, b)) for a, b in pairwise(cuts)]
    shares = share_of_weight(context(shape, scale), masks)[0]
    assert shares.sum().item() == pytest.approx(1.0, abs=1e-4)
    assert (shares > 0).all()


def test_the_share_counts_the_exact_pixels_of_a_mask():
    look = context((16, 16), 1.0)
    look.context_dense[:, 1] = torch.log(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    pixels = np.zeros((16, 16), dtype=bool)
    pixels[0, 0], pixels[7:9, 15] = True, True  # one pixel of weight 1, one of 2, one of 4
    share = share_of_weight(look, [RegionMask.from_pixels(pixels)]).item()
    assert share == pytest.approx((1 + 2 + 4) / (64 * 10), rel=1e-5)


@pytest.mark.parametrize(
    "box", [(0, 0, 1, 1), (95, 96, 97, 97), (150, 3, 301, 255), (10, 254, 200, 255), (0, 0, 301, 255)]
)
def test_a_region_pooled_on_its_part_of_the_view_has_the_sums_of_the_whole_view(network, box):
    rgb = np.random.default_rng(0).integers(0, 256, (301, 255, 3), dtype=np.uint8)
    look, mask = look_at(network, rgb), RegionMask.from_box((301, 255), box)
    part, _ = pooled_regions(look, [mask], TOY.window)
    full = pool(look.whole.levels, masks_in(look.whole, [mask]), TOY.window)
    for k in range(4):
        assert torch.allclose(part.first[k], full.first[k], rtol=1e-3, atol=1e-4)
        assert torch.allclose(part.weight[k], full.weight[k], rtol=1e-5)
    seen = full.window_weight[0, 0] > 0
    kept = part.window_weight[0, 0] > 0
    assert torch.allclose(part.window_stats[0, 0][kept], full.window_stats[0, 0][seen], atol=1e-4)


def test_windows_without_a_pixel_of_the_region_weigh_nothing_at_all(network):
    look = look_at(network, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    pooled, _ = pooled_regions(look, [RegionMask.from_box((64, 64), (5, 5, 6, 6))], TOY.window)
    alone = network.tokens._local(pooled)
    empty = torch.full((1, 1, 20_000, pooled.window_stats.shape[3]), 30.0)
    empty[..., ::2] = -30.0
    pooled.window_weight = torch.cat([pooled.window_weight, torch.zeros(1, 1, 20_000)], 2)
    pooled.window_stats = torch.cat([pooled.window_stats, empty], 2)
    assert torch.allclose(network.tokens._local(pooled), alone, rtol=0, atol=1e-6)


def test_a_large_image_is_looked_at_without_a_warning(network, monkeypatch):
    monkeypatch.setattr(views, "WHOLE_PIXELS", 1000)
    monkeypatch.setattr(views, "CONTEXT_SIDE", 64)
    rgb = np.random.default_rng(0).integers(0, 256, (100, 130, 3), dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look = look_at(network, rgb)
    assert look.whole is None
    assert look.context_dense.shape[-2:] == (-(-round(100 * 64 / 130) // 8), 8)
