"""Distortions of known strength: what they change, what they leave alone, and how strengths are read."""

from __future__ import annotations

import pytest
import torch

from seagull_iqa.data.distort import DIRECTED, LADDERS, Applied, distort, feathered, gaussian, luma, parameter
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.samples import samples


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    pristine = samples()[0].read().rgb[100:260, 100:260]
    return torch.tensor(pristine).permute(2, 0, 1).float() / 255


EVERY = [(d, direction) for d in Distortion for direction in ((1, -1) if d in DIRECTED else (0,))]


@pytest.mark.parametrize(("distortion", "direction"), EVERY)
def test_a_stronger_distortion_changes_the_photograph_more(photograph, distortion, direction):
    changes = [
        (distort(photograph, [Applied(distortion, s, direction)], seed=1) - photograph).abs().mean().item()
        for s in (0.5, 1, 2, 3, 4, 5)
    ]
    assert changes == sorted(changes)
    assert changes[-1] > 1.5 * changes[0] > 0


def test_nothing_outside_the_region_is_touched(photograph):
    where = torch.zeros(160, 160, dtype=torch.bool)
    where[40:100, 30:90] = True
    spoiled = distort(photograph, [Applied(Distortion.NOISE, 5)], seed=3, where=where)
    assert torch.equal(spoiled[:, ~where], photograph[:, ~where])
    assert (spoiled - photograph)[:, 50:90, 40:80].abs().mean() > 0.05


def test_the_feather_rises_over_four_pixels_inside_the_region():
    where = torch.zeros(40, 40, dtype=torch.bool)
    where[10:30, 10:30] = True
    alpha = feathered(where, 4.0)
    assert alpha[20, 9] == 0
    assert alpha[20, 10:15].tolist() == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_region_at_the_image_border_does_not_fade_towards_the_border():
    alpha = feathered(torch.ones(20, 20, dtype=torch.bool), 4.0)
    assert alpha.min() == 1


def test_the_result_is_what_an_eight_bit_file_can_hold(photograph):
    spoiled = distort(photograph, [Applied(Distortion.EXPOSURE, 2.5, -1)], seed=1) * 255
    assert torch.equal(spoiled, spoiled.round())


def test_the_same_seed_gives_the_same_noise_and_another_seed_another(photograph):
    one, again, other = (distort(photograph, [Applied(Distortion.NOISE, 3)], seed=s) for s in (7, 7, 8))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("distortion", "direction"), EVERY)
def test_whole_strengths_have_the_parameters_of_the_protocol(distortion, direction):
    ladder = LADDERS[(distortion, direction)]
    assert [parameter(Applied(distortion, s, direction)) for s in range(6)] == pytest.approx(ladder)


def test_strengths_between_are_interpolated_and_beyond_five_clamped():
    assert parameter(Applied(Distortion.BLUR, 1.5)) == pytest.approx(1.0)
    assert parameter(Applied(Distortion.BLUR, 5.5)) == 5.2
    assert parameter(Applied(Distortion.BLUR, 0.5)) == pytest.approx(0.35)


def test_the_severity_is_the_nearest_whole_strength():
    assert [Applied(Distortion.BLUR, s).severity.word for s in (0.5, 1.4, 2.5, 4.6, 5.5)] == [
        "trivial", "trivial", "moderate", "extreme", "extreme",
    ]


def test_a_gaussian_keeps_a_constant_image_and_the_mean_of_any(photograph):
    flat = torch.full((3, 32, 32), 0.3)
    assert torch.allclose(gaussian(flat, 3.0), flat, atol=1e-6)
    assert gaussian(photograph, 2.0).mean().item() == pytest.approx(photograph.mean().item(), abs=2e-3)


def test_colorfulness_at_strength_five_down_leaves_gray(photograph):
    gray = distort(photograph, [Applied(Distortion.COLORFULNESS, 5, -1)], seed=1)
    assert (gray - luma(gray)).abs().max() < 0.01
