"""Training at toy size: samples are labelled truly, a run learns, stops, goes on and leaves weights that load."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from seagull_iqa.data.drawn import drawn
from seagull_iqa.data.photographs import photographs
from seagull_iqa.data.random_regions import random_regions
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.errors import ImageError
from seagull_iqa.models.mini.checkpoint import load_weights
from seagull_iqa.samples import samples
from seagull_iqa.training.calibrate import best_thresholds, conformal_factor, sample_f1
from seagull_iqa.training.loop import Run, TrainSpec, split_for_calibration, train
from seagull_iqa.training.losses import severity_loss, soft_bins
from seagull_iqa.training.samples import IGNORED, Chunk, make_sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs é")
    for sample in samples():
        Image.fromarray(sample.read().rgb).save(path / f"{sample.name}.png")
    return path


@pytest.fixture(scope="module")
def crops(folder) -> list[Chunk]:
    images = [np.asarray(Image.open(p.path)) for p in photographs(folder)]
    rng = np.random.default_rng(3)
    return [make_sample(images, 192, rng) for _ in range(12)]


def test_a_clean_sample_has_full_quality_and_no_severity(crops):
    clean = [c for c in crops if float(c.severity_map.abs().sum()) == 0]
    for crop in clean:
        assert (crop.quality == 100).all()
        assert (crop.severity == 0).all()
    assert any(float(c.severity_map.abs().sum()) > 0 for c in crops)


def test_a_region_without_distortion_in_it_has_full_quality(crops):
    for crop in crops:
        untouched = (crop.severity == 0).all(2)
        assert (crop.quality[untouched] > 80).all()  # at most grazed: by a fiftieth of its area
        spoiled = (crop.severity >= 3).any(2)
        assert (crop.quality[spoiled] < 95).all()


def test_labels_stay_in_range_and_the_whole_image_is_most_important(crops):
    for crop in crops:
        assert ((crop.quality >= 0) & (crop.quality <= 100)).all()
        assert (crop.importance[:, :1] >= crop.importance - 1e-3).all()
        assert set(crop.severity.unique().tolist()) <= {IGNORED, 0, 1, 2, 3, 4, 5}
        assert crop.severity.shape[2] == len(Distortion)


def test_masks_survive_their_packing(crops):
    masks = crops[0].unpacked_masks()
    assert masks.shape == (1, 10, 192, 192)
    assert masks[0, 0].all()
    assert set(masks.unique().tolist()) == {0.0, 1.0}


def test_random_regions_are_never_nearly_empty():
    regions = random_regions(128, 60, np.random.default_rng(0))
    assert regions.sum((1, 2)).min() >= 64


def test_a_smeared_label_is_a_distribution_about_it():
    bins = soft_bins(torch.tensor([0.0, 42.0, 100.0]), torch.zeros(21))
    assert torch.allclose(bins.sum(-1), torch.ones(3))
    assert bins[1] @ torch.linspace(0, 100, 21) == pytest.approx(42.0, abs=0.2)


def test_an_ignored_severity_teaches_nothing():
    logits = torch.randn(1, 1, 7, 5)
    severity = torch.full((1, 1, 7), IGNORED)
    severity[..., 0] = 3
    only_first = severity_loss(logits, severity)
    other = logits.clone()
    other[..., 1:, :] += 5
    assert severity_loss(other, severity) == pytest.approx(only_first.item())


def test_a_conformal_factor_covers_four_errors_in_five():
    error = torch.linspace(-1, 1, 1001)
    factor = conformal_factor(error, torch.full((1001,), 0.5))
    assert (error.abs() <= factor * 0.5).float().mean().item() == pytest.approx(0.8, abs=0.01)


def test_thresholds_name_what_is_there_and_little_else():
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(400, 7, generator=generator) < 0.2
    probability = torch.where(truth, 0.35, 0.1) + 0.1 * torch.rand(400, 7, generator=generator)
    thresholds = torch.tensor(best_thresholds(probability, truth))
    assert ((thresholds > 0.15) & (thresholds < 0.4)).all()
    assert sample_f1(probability >= thresholds, truth).mean() > 0.95


def test_naming_nothing_is_right_only_for_a_clean_sample():
    truth = torch.zeros(2, 7, dtype=torch.bool)
    truth[0, 2] = True
    assert sample_f1(torch.zeros_like(truth), truth).tolist() == [0.0, 1.0]


def test_photographs_set_aside_are_not_learned_from(folder, tmp_path):
    learn, dev = split_for_calibration(TrainSpec(folder, tmp_path, dev_photos=2))
    assert len(dev) == 2
    assert not {p.path for p in learn} & {p.path for p in dev}
    assert len(learn) + len(dev) == len(samples())


def test_held_out_and_shipped_photographs_are_never_trained_on(tmp_path):
    rows = ["file,split", "a.webp,train", "b.webp,heldout", "gb82_night-lossless.webp,train"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    assert [p.path.name for p in photographs(tmp_path)] == ["a.webp"]
    assert [p.path.name for p in photographs(tmp_path, "heldout")] == ["b.webp"]


def test_a_folder_without_photographs_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ImageError, match="No photograph of split 'train'"):
        photographs(tmp_path)


def test_steps_on_one_batch_lower_the_loss(crops, tmp_path):
    run = Run(TrainSpec(tmp_path, tmp_path, steps=400, rate=4e-3))
    batch = Chunk.cat(crops)
    run.step = 200  # past the warm-up
    losses = [run.learn(batch)["total"] for _ in range(8)]
    assert losses[-1] < 0.9 * losses[0]
    assert all(np.isfinite(losses))


def test_a_held_rate_stays_and_then_falls(crops, tmp_path):
    run = Run(TrainSpec(tmp_path, tmp_path, steps=1000, rate=4e-3, hold=0.5))
    rates = {}
    for step in (300, 500, 750, 999):
        run.step = step
        run.learn(crops[0])
        rates[step] = run.optimizer.param_groups[0]["lr"]
    assert rates[300] == rates[500] == pytest.approx(4e-3)
    assert rates[750] == pytest.approx(2e-3, rel=0.02)
    assert rates[999] < 1e-4


def test_a_run_may_start_from_the_checkpoint_of_another(crops, tmp_path):
    first = Run(TrainSpec(tmp_path, tmp_path, steps=400))
    first.step = 200
    first.learn(crops[0])
    first.save()
    (tmp_path / "second").mkdir()
    second = Run(TrainSpec(tmp_path, tmp_path / "second", start=tmp_path / "checkpoint.pt", seed=9))
    assert second.step == 0
    for mine, its in zip(second.network.parameters(), first.network.parameters(), strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize("kind", range(5))
def test_drawn_pictures_are_of_many_kinds_and_never_twice_the_same(kind):
    rng = np.random.default_rng(kind)
    first, second = drawn(rng), drawn(rng)
    assert first.shape == second.shape == (512, 512, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)


def test_an_interrupted_run_goes_on_where_it_stopped_and_leaves_weights_that_load(folder, tmp_path):
    spec = TrainSpec(folder, tmp_path / "run", steps=3, pixels=4 * 192 * 192, dev_photos=2, first_samples=16)
    for progress in train(spec, log_every=1, save_every_s=0.0):
        if progress.done == 2:
            break
    assert Run(spec).step >= 1
    lines = list(train(spec, log_every=1, calibration_samples=4))
    assert lines[0].done >= 1
    assert lines[-1].done == 3
    network, calibration = load_weights(tmp_path / "run" / "weights.safetensors")
    assert calibration.quality_spread > 0
    assert len(calibration.thresholds) == 7
    assert not network.training
