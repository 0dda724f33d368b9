"""BRISQUE, NIQE and PIQE: the published numbers where a package computes them, and the right direction elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from seagull_iqa.errors import SeagullError
from seagull_iqa.samples import samples
from seagull_iqa.training.natural_scenes import NIQE_SIDE, NaturalScenes, niqe
from seagull_iqa.training.outsiders import BRISQUE, NIQE, PIQE, outsiders
from seagull_iqa.training.piqe import piqe


@pytest.fixture(scope="module")
def photograph():
    return Image.fromarray(next(one for one in samples() if not one.spoiled).read().rgb)


def pattern() -> np.ndarray:
    y, x = np.mgrid[:70, :90]
    return np.stack([(x * 3 + y) % 256, (y * 5) % 256, ((x // 7 + y // 9) % 2) * 200], -1).astype(np.uint8)


def test_piqe_is_pypiqes_to_a_thousandth():
    """74.11198 and 79.09398 are what pypiqe 1.2 says of these two; it rounds gray by other weights' last digit."""
    grain = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert piqe(pattern()) == pytest.approx(74.11198, abs=1e-3)
    assert piqe(grain) == pytest.approx(79.09398, abs=1e-3)


def test_a_flat_image_has_no_busy_block_and_is_as_bad_as_can_be():
    assert piqe(np.full((40, 40, 3), 128, np.uint8)) == 100.0
    assert piqe(np.zeros((5, 9, 3), np.uint8)) == 100.0


@pytest.mark.parametrize("name", [PIQE, NIQE, pytest.param(BRISQUE, marks=pytest.mark.extra)])
def test_blur_and_noise_lower_every_score(photograph, name):
    (method,) = outsiders([name])
    assert not method.missing
    blurred = np.asarray(photograph.filter(ImageFilter.GaussianBlur(4)))
    noisy = np.asarray(photograph) + np.random.default_rng(1).normal(0, 40, np.asarray(photograph).shape)
    clean, blurred, noisy = (
        method.score(np.clip(one, 0, 255).astype(np.uint8)) for one in (np.asarray(photograph), blurred, noisy)
    )
    assert clean > blurred
    assert clean > noisy


def test_niqe_of_what_the_model_is_made_of_is_small(photograph):
    """Its own mean and covariance as parameters: nothing is apart from them but the picture's other patches."""
    tall = np.asarray(photograph)[: 2 * NIQE_SIDE, : 2 * NIQE_SIDE]
    loose = NaturalScenes(np.zeros(36), np.eye(36))
    tight = NaturalScenes(np.zeros(36), 4 * np.eye(36))
    assert niqe(tall, loose) > niqe(tall, tight) > 0
    assert math.isnan(niqe(tall[: NIQE_SIDE - 1], loose))


def test_parameters_that_are_none_are_refused_in_a_sentence(tmp_path):
    (tmp_path / "no.mat").write_text("no parameters")
    with pytest.raises(SeagullError, match="no parameters of NIQE"):
        NaturalScenes.read(tmp_path / "no.mat")


def test_too_small_a_box_is_passed_over_and_not_scored():
    for method in outsiders([BRISQUE, NIQE]):
        assert math.isnan(method.score(np.zeros((9, 9, 3), np.uint8)))


def test_without_its_package_a_row_says_what_to_install(monkeypatch):
    from seagull_iqa.training import outsiders as module

    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    for one in (module._brisque, module._niqe):
        missing = one.__wrapped__().missing
        assert missing.startswith("not run")
        assert "napari-seagull[baselines]" in missing
    with pytest.raises(SeagullError, match="pip install pyiqa"):
        module._pyiqa.__wrapped__("musiq")
