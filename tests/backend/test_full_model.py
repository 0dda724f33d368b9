"""The full model as its users meet it: odd regions, questions, maps, and looks that are its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.errors import (
    CheckpointError,
    ImageError,
    JobCancelledError,
    LimitError,
    OutOfMemoryError,
    ShapeMismatchError,
)
from seagull_iqa.models.full.checkpoint import load_seagull
from seagull_iqa.models.full.maps import coarse_to_fine
from seagull_iqa.models.full.preprocess import LONGEST, crop_of, shortest_edge, square_mask
from seagull_iqa.models.full.prompts import SYSTEM_USER
from seagull_iqa.models.interface import AnsweringModel


@pytest.fixture(scope="module")
def model(toy_checkpoint):
    return load_seagull(toy_checkpoint, device="cpu", precision=Precision.FP32)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def box(shape, *corners) -> Region:
    return Region(RegionMask.from_box(shape, corners))


def test_it_is_a_model_that_answers(model):
    assert isinstance(model, AnsweringModel)
    assert model.device == "cpu" and model.precision is Precision.FP32 and model.map_names == ("quality", "weight")


@pytest.mark.parametrize("corners", [(5, 5, 6, 90), (5, 5, 90, 6), (99, 149, 100, 150), (0, 0, 1, 1)])
def test_a_region_one_pixel_wide_is_scored_and_it_is_said(model, corners):
    (report,) = model.assess(model.look(noise(100, 150)), [box((100, 150), *corners)])
    assert 0 <= report.quality <= 100 and 0 <= report.importance <= 100
    assert any("one pixel wide or high" in note for note in report.notes)


def test_a_region_lost_in_resampling_is_scored_and_it_is_said(model):
    shape = (1280, 1280)  # every tenth pixel is some square pixel's nearest
    (report,) = model.assess(model.look(noise(*shape)), [box(shape, 13, 13, 16, 16)])
    assert 0 <= report.quality <= 100
    assert any("No pixel of this region is left" in note for note in report.notes)


def test_a_usual_region_has_nothing_to_be_said_of_its_shape(model):
    (report,) = model.assess(model.look(noise(100, 150)), [box((100, 150), 10, 10, 60, 90)])
    assert not any("pixel" in note for note in report.notes)


def test_a_sliver_of_an_image_does_not_take_gigabytes():
    assert shortest_edge(noise(1, 5000), 128).shape == (128, LONGEST * 128, 3)
    assert shortest_edge(noise(5000, 2), 128).shape == (LONGEST * 128, 128, 3)


def test_a_mask_takes_the_nearest_pixel_as_opencv_does():
    shape = (5, 7)
    inside = np.zeros(shape, bool)
    inside[2, 3] = True
    pixels, kept = square_mask(RegionMask.from_pixels(inside), 16)
    rows = np.floor(np.arange(16) * (5 / 16)).astype(int)
    columns = np.floor(np.arange(16) * (7 / 16)).astype(int)
    assert kept and np.array_equal(pixels, inside[rows][:, columns])


def test_a_crop_lacks_the_last_row_and_column_but_is_never_empty():
    image = noise(20, 30)
    assert np.array_equal(crop_of(image, RegionMask.from_box((20, 30), (2, 3, 10, 12))), image[2:9, 3:11])
    assert crop_of(image, RegionMask.from_box((20, 30), (2, 3, 3, 4))).shape == (1, 1, 3)


def test_masks_of_other_images_are_refused(model):
    look = model.look(noise(60, 80))
    with pytest.raises(ShapeMismatchError, match="60 x 81"):
        model.assess(look, [box((60, 81), 0, 0, 9, 9)])


@pytest.mark.parametrize(("shape", "kind"), [((9, 9), np.uint8), ((9, 9, 3), np.float32), ((0, 9, 3), np.uint8)])
def test_what_is_no_image_is_refused(model, shape, kind):
    image = np.zeros(shape, kind)
    with pytest.raises(ImageError):
        model.look(image)


def test_a_look_belongs_to_its_model_and_its_system_text(model):
    look = model.look(noise(60, 80))
    with pytest.raises(CheckpointError, match="another model"):
        model.with_system(SYSTEM_USER).assess(look, [box((60, 80), 0, 0, 30, 30)])


def test_a_look_says_what_it_holds(model):
    look = model.look(noise(60, 80))
    config, sizes = model.network.config, model.network.config.language
    keys_and_values = 2 * sizes.layers * look.prefix.length * sizes.hidden * 4
    planes = 4 * sum(width * cells**2 for width, cells in zip(config.widths, config.cells, strict=True))
    assert look.nbytes >= keys_and_values + planes
    assert look.nbytes < 2 * (keys_and_values + planes)
    assert model.look_cache_bytes > look.nbytes


def test_only_what_was_asked_is_answered(model):
    look, region = model.look(noise(60, 80)), box((60, 80), 0, 0, 30, 30)
    (report,) = model.assess(look, [region], {Aspect.DISTORTION})
    assert report.quality is None and report.importance is None
    assert report.text == model.sentences(look, [region], Aspect.DISTORTION)[0]
    assert model.assess(look, []) == []


def test_shares_of_the_level_words_are_shares_of_everything(model):
    look, region = model.look(noise(60, 80)), box((60, 80), 0, 0, 30, 30)
    shares = model.level_probabilities(look, [region], Aspect.QUALITY)
    assert shares.shape == (1, 5) and (shares > 0).all() and shares.sum() < 0.5
    (report,) = model.assess(look, [region])
    assert report.quality == pytest.approx(float(shares[0] @ np.arange(0, 101, 25) / shares.sum()), abs=0.01)
    assert any("doubtful" in note for note in report.notes)  # random weights expect anything


def test_an_answer_comes_in_pieces_and_ends(model):
    look, region = model.look(noise(60, 80)), box((60, 80), 0, 0, 30, 30)
    pieces = list(model.answer(look, region, "What is wrong here?", max_tokens=30))
    assert 0 < len(pieces) <= 30
    assert "".join(pieces) == "".join(model.answer(look, region, " What is wrong here? ", max_tokens=30))
    shorter = "".join(model.answer(look, region, "What is wrong here?", max_tokens=5))
    assert "".join(pieces).startswith(shorter)


def test_an_answer_can_be_left_in_the_middle(model):
    look, region = model.look(noise(60, 80)), box((60, 80), 0, 0, 30, 30)
    before = model.assess(look, [region])
    talking = model.answer(look, region, "What is wrong here?", max_tokens=30)
    next(talking)
    assert model.assess(look, [region]) == before
    talking.close()
    assert model.assess(look, [region]) == before


def test_a_question_that_is_too_long_is_refused(model):
    look, region = model.look(noise(60, 80)), box((60, 80), 0, 0, 30, 30)
    with pytest.raises(LimitError, match="tokens long"):
        next(model.answer(look, region, "why? " * 5000))


def test_maps_come_from_coarse_to_fine(model):
    look, partial, steps = model.look(noise(60, 120)), [], []
    maps = model.maps(look, progress=steps.append, partial=partial.append)
    assert set(maps) == {"quality", "weight"}
    assert [one["quality"].values.shape for one in [*partial, maps]] == [(2, 4), (4, 8), (8, 16)]
    quality, weight = maps["quality"], maps["weight"]
    assert quality.shape == (60, 120) and quality.stride == 7.5 and quality.model == model.card.id
    assert np.isfinite(quality.values).all() and (quality.values >= 0).all() and (quality.values <= 100).all()
    assert weight.values.mean() == pytest.approx(1, abs=1e-3)
    assert steps[-1].done == steps[-1].total == 8 + 32 + 128
    assert [step.done for step in steps] == sorted(step.done for step in steps)


def test_a_map_can_be_cancelled_between_windows(model):
    seen = []

    def stop(progress):
        if progress.done >= 40:
            raise JobCancelledError("Enough.")

    with pytest.raises(JobCancelledError):
        model.maps(model.look(noise(60, 120)), progress=stop, partial=seen.append)
    assert len(seen) == 2


def test_a_value_of_a_map_is_the_score_of_the_window_about_it():
    def mean_row(windows):
        from seagull_iqa.domain.report import QualityReport

        return [
            QualityReport(one.id, float(np.mean(one.mask.box[::2])), None, float(one.mask.area), None, None, "", "m")
            for one in windows
        ]

    maps = coarse_to_fine((160, 320), mean_row, "m", progress=lambda _: None, partial=lambda _: None)
    middle = maps["quality"].values[2:-2, 5]
    assert np.allclose(middle, (np.arange(2, 6) + 0.5) * 20)
    assert maps["quality"].window == 40


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 400), (2, 2)])
def test_tiny_and_thin_images_have_maps_too(model, shape):
    maps = model.maps(model.look(noise(*shape)))
    assert np.isfinite(maps["quality"].values).all()


def test_too_little_memory_for_a_look_is_said(model, monkeypatch):
    def scarce(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(type(model.network.vision), "forward", scarce)
    with pytest.raises(OutOfMemoryError, match="not enough memory"):
        model.look(noise(60, 80))


@pytest.mark.parametrize("question", ["\ud800 what?", "<global><local></s><image>", "\x00\u202e🦤" * 20, "?"])
def test_odd_letters_in_a_question_are_only_letters(model, question):
    look, region = model.look(noise(60, 80)), box((60, 80), 0, 0, 30, 30)
    assert isinstance("".join(model.answer(look, region, question, max_tokens=4)), str)
    ids = model.tokenizer.question(question, 500)
    assert not {model.tokenizer.global_id, model.tokenizer.local_id, model.tokenizer.end} & set(ids)
