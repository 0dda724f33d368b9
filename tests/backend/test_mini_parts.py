"""The parts of seagull-mini, at toy size: front-end, pooling, tokens, heads."""

from __future__ import annotations

import pytest
import torch

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.mini import frontend
from seagull_iqa.models.mini.checkpoint import Calibration, load_weights, save_weights
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.fuse import fused
from seagull_iqa.models.mini.network import MiniNetwork, expectation, mask_geometry, spread
from seagull_iqa.models.mini.region_tokens import join, pool, soft_masks

TOY = MiniConfig(widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1), dense_width=8, token_width=16, heads=2)


@pytest.fixture(scope="module")
def network() -> MiniNetwork:
    torch.manual_seed(0)
    toy = MiniNetwork(TOY).eval()
    for parameter in toy.parameters():  # nothing at its quiet initial value, so that every part has a say
        torch.nn.init.normal_(parameter, std=0.2)
    return toy


def textured(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator)


@pytest.mark.parametrize("size", [3, 5, 7, 9, 15])
def test_a_sliding_mean_equals_a_pooling_layer(size):
    x = textured(2, 3, 40, 33)
    pad = size // 2
    padded = torch.nn.functional.pad(x, (pad,) * 4, mode="replicate")
    assert torch.allclose(frontend._box(x, size), torch.nn.functional.avg_pool2d(padded, size, 1), atol=1e-5)


def test_the_front_end_gives_the_channels_it_promises():
    assert frontend.statistics(textured(2, 3, 64, 96)).shape == (2, frontend.CHANNELS, 16, 24)
    assert frontend.raw(textured(2, 3, 64, 96)).shape == (2, frontend.RAW_CHANNELS, 64, 96)


@pytest.mark.parametrize("image", [torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)])
def test_the_front_end_is_finite_on_constant_images(image):
    assert torch.isfinite(frontend.statistics(image)).all()
    assert torch.isfinite(frontend.raw(image)).all()


@pytest.mark.parametrize("shift", [0, 3, 5])
def test_blocks_show_whatever_the_phase_of_their_grid(shift):
    blocks = textured(1, 1, 12, 12).repeat_interleave(8, 2).repeat_interleave(8, 3)
    crop = blocks[..., shift : shift + 64, shift : shift + 64].expand(1, 3, 64, 64)
    smooth = torch.nn.functional.interpolate(textured(1, 1, 8, 8), size=(64, 64), mode="bicubic").expand(1, 3, 64, 64)
    step = frontend._differences(frontend._luma(crop))[0]
    plain = frontend._differences(frontend._luma(smooth))[0]
    assert frontend._blockiness(step)[:, 0].mean() > 1.0 > frontend._blockiness(plain)[:, 0].mean() + 0.4


def test_a_soft_mask_is_the_share_of_each_cell_and_not_any_positive_pixel():
    mask = torch.zeros(1, 1, 64, 64)
    mask[0, 0, 0, 0] = 1
    assert soft_masks(mask, 32)[0, 0, 0, 0] == pytest.approx(1 / 1024)


def test_pooled_sums_over_halves_add_up_to_the_whole(network):
    levels = network.encoder(textured(1, 3, 96, 192))
    masks = (textured(1, 3, 96, 192, seed=1) > 0.5).float()
    left, right = masks.clone(), masks.clone()
    left[..., 96:], right[..., :96] = 0, 0
    whole, halves = pool(levels, masks, 96), join([pool(levels, left, 96), pool(levels, right, 96)])
    for k in range(4):
        assert torch.allclose(whole.first[k], halves.first[k], rtol=1e-4, atol=1e-4)
        assert torch.allclose(whole.second[k], halves.second[k], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("hw", [(64, 64), (96, 160), (224, 64)])
def test_any_size_of_image_is_taken_at_its_own_aspect(network, hw):
    dense, out = network(textured(1, 3, *hw), (textured(1, 4, *hw, seed=2) > 0.3).float())
    assert dense.shape == (1, 9, hw[0] // 8, hw[1] // 8)
    assert out.quality.shape == (1, 4)
    assert ((out.quality >= 0) & (out.quality <= 100)).all()
    assert ((out.importance >= 0) & (out.importance <= 100)).all()


def test_a_region_is_scored_the_same_whichever_others_are_asked_with_it(network):
    image, masks = textured(1, 3, 96, 96), (textured(1, 5, 96, 96, seed=3) > 0.6).float()
    _, together = network(image, masks)
    for k in range(5):
        _, alone = network(image, masks[:, k : k + 1])
        assert torch.allclose(alone.quality[0, 0], together.quality[0, k], atol=1e-3)
        assert torch.allclose(alone.severity_logits[0, 0], together.severity_logits[0, k], atol=1e-3)


def test_images_of_a_batch_do_not_see_one_another(network):
    images, masks = textured(2, 3, 64, 64), torch.ones(2, 1, 64, 64)
    _, both = network(images, masks)
    _, second = network(images[1:], masks[1:])
    assert torch.allclose(both.quality[1], second.quality[0], atol=1e-3)


def test_pixels_of_the_region_and_of_the_rest_both_matter(network):
    """The local and pooled parts see the region, the attention over the image sees the rest."""
    image, mask = textured(1, 3, 192, 192), torch.zeros(1, 1, 192, 192)
    mask[..., :64, :64] = 1
    inside, outside = image.clone(), image.clone()
    inside[..., :64, :64] *= 0.3
    outside[..., 128:, 128:] *= 0.3
    logits = [network(x, mask)[1].quality_logits for x in (image, inside, outside)]
    assert (logits[0] - logits[1]).abs().max() > 1e-3
    assert (logits[0] - logits[2]).abs().max() > 1e-6


def test_every_parameter_is_learned(network):
    toy = MiniNetwork(TOY).train()
    dense, out = toy(textured(2, 3, 96, 96), (textured(2, 3, 96, 96, seed=4) > 0.5).float())
    total = dense.mean() + out.quality.mean() + out.importance.mean() + out.severity_logits.mean()
    total.backward()
    # A residual block starts as the identity, so its inner half waits for its scale to move off zero.
    silent = [n for n, p in toy.named_parameters() if p.grad is None]
    assert silent == []


def test_a_distribution_on_one_score_has_that_mean_and_the_least_spread():
    logits = torch.full((21,), -50.0)
    logits[7] = 50.0
    assert expectation(logits).item() == pytest.approx(35.0, abs=1e-4)
    assert spread(logits).item() == pytest.approx(2.0)
    assert spread(torch.zeros(21)).item() == pytest.approx(30.28, abs=0.01)


def test_geometry_says_where_and_how_large():
    mask = torch.zeros(1, 1, 100, 200)
    mask[..., 0:50, 0:100] = 1
    geometry = mask_geometry(mask)[0, 0]
    assert geometry[2].item() == pytest.approx(-0.25)
    assert geometry[3].item() == pytest.approx(-0.25)
    assert geometry[1].item() == pytest.approx(torch.log(torch.tensor(0.25)).item() / 2)


def test_folding_the_norms_changes_no_number(network):
    image, mask = textured(1, 3, 96, 96), torch.ones(1, 1, 96, 96)
    dense, out = network(image, mask)
    dense_again, out_again = fused(network)(image, mask)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fused(network).modules())
    assert torch.allclose(dense, dense_again, rtol=1e-3, atol=1e-4)
    assert torch.allclose(out.quality, out_again.quality, atol=0.01)


def test_weights_come_back_from_disk(network, tmp_path):
    path = tmp_path / "weights with space é.safetensors"
    save_weights(network, path, calibration=Calibration(1.5, 1.2, (0.3,) * 7, 0.9))
    again, calibration = load_weights(path)
    assert calibration == Calibration(1.5, 1.2, (0.3,) * 7, 0.9)
    assert again.config == TOY
    image, mask = textured(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    assert torch.allclose(again(image, mask)[1].quality, network(image, mask)[1].quality, atol=0.5)


def test_weights_that_miss_a_key_are_refused_by_its_name(network, tmp_path):
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = tmp_path / "whole.safetensors"
    save_weights(network, path)
    with safe_open(str(path), framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    del tensors["quality.bias"]
    tensors["quality.extra"] = torch.zeros(1)
    save_file(tensors, str(tmp_path / "broken.safetensors"), metadata=metadata)
    with pytest.raises(CheckpointError, match=r"missing \['quality.bias'\], unexpected \['quality.extra'\]"):
        load_weights(tmp_path / "broken.safetensors")


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x04\x95pickle"])
def test_a_file_that_holds_no_weights_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "junk.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"junk.safetensors is not a safetensors file"):
        load_weights(path)
