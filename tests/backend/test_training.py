"""Training at toy size: samples are labelled truly, a run learns, stops, goes on and leaves weights that load."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from seagull_iqa.data.drawn import drawn
from seagull_iqa.data.labels import LabelMaps, importance, weight_map
from seagull_iqa.data.photographs import photographs
from seagull_iqa.data.random_regions import random_regions
from seagull_iqa.data.readers import read_dataset
from seagull_iqa.data.recipes import Ingredient
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.errors import CheckpointError, ImageError, JobError
from seagull_iqa.models.mini.checkpoint import load_weights
from seagull_iqa.samples import samples
from seagull_iqa.training.calibrate import best_thresholds, conformal_factor, sample_f1
from seagull_iqa.training.human import HumanScores, HumanSource, whole_views
from seagull_iqa.training.loop import LoopSpec, Run, train
from seagull_iqa.training.losses import fidelity_loss, pairs_loss, severity_loss, soft_bins
from seagull_iqa.training.mini_task import Lesson, MiniSpec, MiniTask, split_for_calibration
from seagull_iqa.training.samples import IGNORED, Chunk, Crop, SyntheticSource, make_sample, make_versions
from seagull_iqa.training.stream import Order, batches


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


def test_a_clean_sample_has_full_quality_and_no_severity(folder, crops):
    image = np.asarray(Image.open(photographs(folder)[0].path))
    clean = Crop.random([image], 192, np.random.default_rng(1)).spoiled([], np.random.default_rng(2))
    assert (clean.quality == 100).all()
    assert (clean.quality_map == 100).all()
    assert (clean.severity == 0).all()
    assert float(clean.severity_map.abs().sum()) == 0
    assert any(float(c.severity_map.abs().sum()) > 0 for c in crops)


def test_a_region_without_distortion_in_it_has_full_quality(crops):
    for crop in crops:
        untouched = (crop.severity == 0).all(2)
        assert (crop.quality[untouched] > 80).all()  # at most grazed: by a fiftieth of its area
    # Some are hardly worse for it (a blurred sky), so that only most can be asked for.
    spoiled = torch.cat([crop.quality[(crop.severity >= 3).any(2)] for crop in crops])
    assert float(spoiled.median()) < 70


def test_versions_of_a_crop_share_their_regions_and_differ_in_what_was_done(folder):
    images = [np.asarray(Image.open(p.path)) for p in photographs(folder)]
    rng = np.random.default_rng(5)
    pairs = [make_versions(images, 192, rng) for _ in range(6)]
    for pair in pairs:
        assert torch.equal(pair.masks[0], pair.masks[1])
        assert torch.equal(pair.importance[0], pair.importance[1])
    assert sum(not torch.equal(pair.image[0], pair.image[1]) for pair in pairs) >= 5
    types = [(pair.severity_map.flatten(2) > 0).any(2) for pair in pairs]
    assert 0 < sum(torch.equal(*both) for both in types) < len(types)  # other strengths as often as other types


def test_banked_regions_are_labelled_as_fresh_ones_are(folder):
    image = np.asarray(Image.open(photographs(folder)[0].path))
    crop = Crop.random([image], 192, np.random.default_rng(2))
    made = crop.spoiled([Ingredient(Distortion.BLUR, "gaussian", 3.0)], np.random.default_rng(1))
    maps = LabelMaps.of(crop.pristine, made.image[0].float() / 255, image_size=min(image.shape[:2]))
    masks = made.unpacked_masks()[0]
    touched = (made.severity[0] > 0).any(1)
    assert int(touched.sum()) >= 3
    assert torch.allclose(made.quality[0][touched], maps.quality(masks)[touched], atol=0.05)
    assert torch.allclose(made.importance[0], importance(weight_map(crop.pristine), masks), atol=0.01)


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


def test_few_photographs_make_wider_intervals_than_many():
    torch.manual_seed(0)
    hard = torch.tensor([1.0, 1.0, 1.0, 3.0]).repeat_interleave(200)  # one photograph in four is harder than it seems
    error, width = hard * torch.randn(800), torch.ones(800)
    photo = torch.arange(4).repeat_interleave(200)
    assert conformal_factor(error, width, photo) > 1.1 * conformal_factor(error, width)
    alike = torch.randperm(800) % 4
    assert conformal_factor(error, width, alike) < 1.1 * conformal_factor(error, width)


def test_thresholds_name_what_is_there_and_little_else():
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(400, 7, generator=generator) < 0.2
    probability = torch.where(truth, 0.75, 0.45) + 0.1 * torch.rand(400, 7, generator=generator)
    thresholds = torch.tensor(best_thresholds(probability, truth))
    assert ((thresholds > 0.5) & (thresholds < 0.8)).all()
    assert sample_f1(probability >= thresholds, truth).mean() > 0.95
    doubtful = torch.tensor(best_thresholds(probability - 0.4, truth))  # nothing is more likely than not
    assert (doubtful >= 0.5).all()


def test_naming_nothing_is_right_only_for_a_clean_sample():
    truth = torch.zeros(2, 7, dtype=torch.bool)
    truth[0, 2] = True
    assert sample_f1(torch.zeros_like(truth), truth).tolist() == [0.0, 1.0]


def test_photographs_set_aside_are_not_learned_from(folder, tmp_path):
    learn, dev = split_for_calibration(MiniSpec(folder, dev_photos=2))
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


def toy(folder, **changes) -> MiniTask:
    return MiniTask(MiniSpec(folder, pixels=2 * 192 * 192, dev_photos=2, measured=3, calibrated=4, **changes))


def test_steps_on_one_batch_lower_the_loss(folder, crops, tmp_path):
    run = Run(toy(folder), LoopSpec(tmp_path, steps=400, rate=4e-3))
    batch = Lesson(Chunk.cat(crops))
    run.step = 200  # past the warm-up
    losses = [run.learn(batch)["total"] for _ in range(8)]
    assert losses[-1] < 0.9 * losses[0]
    assert all(np.isfinite(losses))


def test_a_held_rate_stays_and_then_falls(folder, crops, tmp_path):
    run = Run(toy(folder), LoopSpec(tmp_path, steps=1000, rate=4e-3, hold=0.5))
    rates = {}
    for step in (300, 500, 750, 999):
        run.step = step
        run.learn(Lesson(crops[0]))
        rates[step] = run.optimizer.param_groups[0]["lr"]
    assert rates[300] == rates[500] == pytest.approx(4e-3)
    assert rates[750] == pytest.approx(2e-3, rel=0.02)
    assert rates[999] < 1e-4


def test_a_run_may_start_from_the_checkpoint_of_another(folder, crops, tmp_path):
    first = Run(toy(folder), LoopSpec(tmp_path, steps=400))
    first.step = 200
    first.learn(Lesson(crops[0]))
    first.save()
    (tmp_path / "second").mkdir()
    second = Run(toy(folder), LoopSpec(tmp_path / "second", start=tmp_path / "checkpoint.pt", seed=9))
    assert second.step == 0
    for mine, its in zip(second.bare.parameters(), first.bare.parameters(), strict=True):
        assert torch.equal(mine, its)


def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_checkpoint(folder, crops, tmp_path):
    run = Run(toy(folder), LoopSpec(tmp_path))
    run.save()
    before = (tmp_path / "checkpoint.pt").read_bytes()
    spoiled = Chunk(**{**vars(crops[0]), "quality": crops[0].quality * float("nan")})
    with pytest.raises(JobError, match="The loss became nan at step 0"):
        run.learn(Lesson(spoiled))
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert all(p.isfinite().all() for p in run.bare.parameters())


def test_what_is_no_checkpoint_is_said(folder, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="no checkpoint of such a run"):
        Run(toy(folder), LoopSpec(tmp_path))


@pytest.mark.parametrize("kind", range(5))
def test_drawn_pictures_are_of_many_kinds_and_never_twice_the_same(kind):
    rng = np.random.default_rng(kind)
    first, second = drawn(rng), drawn(rng)
    assert first.shape == second.shape == (512, 512, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)


def test_every_batch_comes_as_often_as_it_should():
    made = list(batches(lambda n: [np.array(n)], Order(2, lag=3), 0, processes=0, until=16))
    numbers = [int(arrays[0]) for arrays, _ in made]
    assert numbers == [0, 0, 1, 1, 2, 2, 3, 0, 4, 1, 5, 2, 6, 3, 7, 4]
    assert [again for _, again in made] == [False, True] * 8


@pytest.mark.parametrize("step", [0, 1, 6, 7, 11])
def test_batches_from_any_step_are_those_of_a_run_from_the_beginning(step):
    order = Order(3, lag=2)
    whole = [int(a[0]) for a, _ in batches(lambda n: [np.array(n)], order, 0, processes=0, until=20)]
    rest = [int(a[0]) for a, _ in batches(lambda n: [np.array(n)], order, step, processes=0, until=20)]
    assert rest == whole[step:]


def test_two_learners_take_turns():
    first, second = (
        [int(a[0]) for a, _ in batches(lambda n: [np.array(n)], Order(1, 0, share, 2), 0, processes=0, until=4)]
        for share in (0, 1)
    )
    assert (first, second) == ([0, 2, 4, 6], [1, 3, 5, 7])


def test_a_batch_is_decided_by_its_number_alone(folder):
    paths = tuple(p.path for p in photographs(folder))
    first, again, other = (SyntheticSource(paths, 3, 2 * 192 * 192)(n) for n in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape != other[0].shape or not np.array_equal(first[0], other[0])


def test_a_mirrored_batch_is_mirrored_with_its_labels(crops):
    chunk = crops[0]
    mirrored = chunk.mirrored()
    assert torch.equal(mirrored.image, chunk.image.flip(-1))
    assert torch.equal(mirrored.unpacked_masks(), chunk.unpacked_masks().flip(-1))
    assert torch.equal(mirrored.quality_map, chunk.quality_map.flip(-1))
    assert torch.equal(mirrored.quality, chunk.quality)


def test_better_told_from_worse_costs_least():
    label = torch.tensor([10.0, 50.0, 90.0])
    right, flat, wrong = (float(fidelity_loss(guess, label)) for guess in (label, torch.zeros(3), -label))
    assert right < 0.01 < flat < wrong


def test_pairs_of_versions_teach_their_difference_and_a_crop_alone_nothing():
    label = torch.tensor([[20.0, 60.0], [50.0, 60.0], [7.0, 7.0]])
    assert float(pairs_loss(label + 30, label)) == 0  # only which is better, and by how much
    assert float(pairs_loss(label.flip(0), label)) > 1
    assert float(pairs_loss(label[:1], label[:1])) == 0


@pytest.fixture
def human(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["file,mos"]
    for n in range(6):
        noise = rng.normal(0, 1 + 20 * (n % 3), (350, 340, 3))
        Image.fromarray((128 + noise).clip(0, 255).astype(np.uint8)).save(tmp_path / f"{n}.png")
        rows.append(f"{n}.png,{90 - 30 * (n % 3)}")
    (tmp_path / "mos.csv").write_text("\n".join(rows))
    return HumanScores(tuple(read_dataset(tmp_path / "mos.csv")))


def test_crops_of_scored_photographs_carry_the_score_and_nothing_else(human):
    chunk = Chunk.from_arrays(HumanSource(human, 1, 2 * 192 * 192)(3))
    assert chunk.is_human
    assert set(chunk.quality.flatten().tolist()) <= {30.0, 60.0, 90.0}
    assert chunk.image.shape[0] >= 4
    assert (chunk.severity == IGNORED).all()
    assert chunk.unpacked_masks().any(-1).any()


def test_human_scores_are_learned_beside_the_synthetic(folder, human, tmp_path):
    task = toy(folder, human=human, human_every=2)
    run = Run(task, LoopSpec(tmp_path, steps=400, rate=4e-3))
    run.step = 200
    batch = task.batch(task.source(1), "cpu", again=False)
    assert batch.chunk.is_human
    losses = [run.learn(batch)["human_pairs"] for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]
    assert "severity" in run.learn(task.batch(task.source(0), "cpu", again=True))


def test_what_people_give_to_flawless_images_counts_as_full_marks(human):
    scores = sorted({image.regions[0].quality for image in human.with_best(80.0).images})
    assert scores == [37.5, 75.0, 100.0]  # of 30, 60 and 90
    with pytest.raises(ImageError, match="best score"):
        human.with_best(0.0)


def test_scores_that_are_only_looked_at_count_for_the_measure(folder, human, tmp_path):
    task = toy(folder, human=human, checked=human)
    network = task.model().eval()
    with torch.no_grad():
        found = task.measure(network)
    assert found.score == pytest.approx((found.figures["SROCC"] + found.figures["SROCC people"]) / 2)
    views = list(whole_views(human))
    assert [view[0].shape for view in views] == [(1, 3, 352, 352)] * 6
    assert all(float(masks.sum()) == 350 * 340 for _, masks, _ in views)  # what was added is not inside


def test_a_frozen_encoder_stays_as_it_is(folder, crops, tmp_path):
    run = Run(toy(folder, frozen=True), LoopSpec(tmp_path, steps=400))
    run.step = 200
    before = {name: value.clone() for name, value in run.bare.state_dict().items()}
    run.learn(Lesson(Chunk.cat(crops)))
    after = run.bare.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items() if name.startswith("encoder"))
    assert not torch.equal(after["quality.weight"], before["quality.weight"])


def test_a_run_that_finds_nothing_better_stops_early(folder, tmp_path):
    spec = LoopSpec(tmp_path, steps=50, rate=0.0, processes=0, measure_every=1, patience=2)
    last = list(train(toy(folder), spec, log_every=1))[-1]
    assert last.done == 3


def test_a_killed_run_goes_on_to_the_same_curve(folder, tmp_path):
    def curve(out):
        lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
        return {line["step"]: line["total"] for line in lines}

    specs = [
        LoopSpec(tmp_path / name, steps=8, processes=processes, order=Order(2, lag=2))
        for name, processes in (("whole", 0), ("killed", 1))
    ]
    list(train(toy(folder), specs[0], log_every=1))
    steps = train(toy(folder), specs[1], log_every=1, save_every_s=0.0)
    for progress in steps:
        if progress.done == 5:
            kept = (tmp_path / "killed" / "checkpoint.pt").read_bytes()
            break
    steps.close()
    (tmp_path / "killed" / "checkpoint.pt").write_bytes(kept)  # as SIGKILL leaves it: of an earlier step
    list(train(toy(folder), specs[1], log_every=1))
    assert curve(tmp_path / "killed") == pytest.approx(curve(tmp_path / "whole"), rel=1e-5)
    network, calibration = load_weights(tmp_path / "killed" / "weights.safetensors")
    assert calibration.quality_spread > 0
    assert len(calibration.thresholds) == 7
    assert not network.training
