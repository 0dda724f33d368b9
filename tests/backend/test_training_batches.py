"""Batches made on the device that learns: the same pictures and labels as one by one, always the same of one number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from seagull_iqa.data.batch_render import BatchRenderer, feathered_batch
from seagull_iqa.data.distort import DIRECTED, feathered
from seagull_iqa.data.labels import LabelMaps, importance, weight_map
from seagull_iqa.data.random_regions import random_regions
from seagull_iqa.data.recipes import VARIANTS, Ingredient, Recipe
from seagull_iqa.data.render import FEATHER, render
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.samples import samples
from seagull_iqa.training.batch_samples import BatchMaker, labelled, resized
from seagull_iqa.training.loop import LoopSpec, Run, train
from seagull_iqa.training.mini_task import MiniSpec, MiniTask
from seagull_iqa.training.samples import IGNORED, REGIONS
from seagull_iqa.training.stream import Order

SIDE = 96


@pytest.fixture(scope="module")
def crops():
    read = [sample.read().rgb[240 : 240 + SIDE, 240 : 240 + SIDE] for sample in list(samples())[-3:]]
    return torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs")
    for sample in samples():
        Image.fromarray(sample.read().rgb).save(path / f"{sample.name}.png")
    return path


def _everything() -> list[tuple[Distortion, str]]:
    return list(_pairs())


def _pairs():
    for distortion, variants in VARIANTS.items():
        for variant in variants:
            if distortion is not Distortion.NOISE and variant not in ("avif", "heic"):
                yield distortion, variant


@pytest.mark.parametrize(("distortion", "variant"), _everything())
def test_a_batch_is_spoiled_as_its_crops_one_by_one(crops, distortion, variant):
    way = 1 if distortion in DIRECTED else 0
    recipes = [[Ingredient(distortion, variant, strength, way, 40.0)] for strength in (0.7, 2.5, 5.0)]
    way_down = [[replace(one, direction=-one.direction) for one in recipe] for recipe in recipes]
    renderer = BatchRenderer(torch.Generator())
    for given in (recipes, way_down):
        together = renderer(crops, given, torch.ones(3, SIDE, SIDE))
        for crop, recipe, found in zip(crops, given, together, strict=True):
            alone = render(crop, Recipe(tuple(recipe), "", 1))
            worst, mean = (40, 0.5) if variant == "jpeg" else (1.5, 0.02)  # libjpeg rounds ties of integers its own way
            assert float((found - alone).abs().max()) < worst / 255
            assert float((found - alone).abs().mean()) < mean / 255
            assert float((found - crop).abs().mean()) > 1e-4


def test_noise_of_a_batch_is_as_strong_as_one_by_one(crops):
    for variant in VARIANTS[Distortion.NOISE]:
        recipes = [[Ingredient(Distortion.NOISE, variant, strength)] for strength in (1.0, 3.0, 5.0)]
        together = BatchRenderer(torch.Generator().manual_seed(3))(crops, recipes, torch.ones(3, SIDE, SIDE))
        for crop, recipe, found in zip(crops, recipes, together, strict=True):
            alone = render(crop, Recipe(tuple(recipe), "", 1))
            assert float((found - crop).std()) == pytest.approx(float((alone - crop).std()), rel=0.05)


def test_several_faults_come_in_the_order_of_a_camera(crops):
    recipe = [Ingredient(Distortion.COMPRESSION, "jpeg", 3.0), Ingredient(Distortion.BLUR, "gaussian", 2.0)]
    together = BatchRenderer(torch.Generator())(crops, [recipe, [], recipe[::-1]], torch.ones(3, SIDE, SIDE))
    assert float((together[0] - render(crops[0], Recipe(tuple(recipe), "", 1))).abs().max()) < 40 / 255
    assert float((together[0] - render(crops[0], Recipe(tuple(recipe), "", 1))).abs().mean()) < 0.5 / 255
    assert torch.equal(together[1], crops[1])


def test_the_soft_edge_of_a_batch_is_that_of_one_mask():
    masks = torch.from_numpy(random_regions(SIDE, 12, np.random.default_rng(4)))
    together = feathered_batch(masks)
    for mask, found in zip(masks, together, strict=True):
        assert torch.allclose(found, feathered(mask, FEATHER), atol=1e-6)


@pytest.mark.parametrize("step", [1, 2])
def test_labels_of_a_batch_are_those_of_its_crops(crops, step):
    masks = torch.from_numpy(np.stack([random_regions(SIDE, 4, np.random.default_rng(n)) for n in range(3)]))
    spoiled = torch.stack([
        render(crop, Recipe((Ingredient(Distortion.CONTRAST, "luma", 3.0, way),), "", 1))
        for crop, way in zip(crops, (1, -1, 1), strict=True)
    ])
    up = torch.tensor([True, False, False])
    found = labelled(crops, spoiled, masks, torch.ones(3, SIDE, SIDE), up, step)
    for n in range(3):
        maps = LabelMaps.of(crops[n], spoiled[n], image_size=256 * step)
        assert torch.allclose(found.quality[n], maps.quality(masks[n], contrast_up=bool(up[n])), atol=0.05)
        assert torch.allclose(found.quality_map[n], maps.quality_map(contrast_up=bool(up[n])), atol=0.05)
        assert torch.allclose(found.importance[n], importance(weight_map(crops[n]), masks[n]), atol=0.05)
    assert float((found.quality[0] - found.quality[2]).abs().max()) > 1


def test_what_was_not_touched_is_flawless_and_a_batch_depends_on_its_number_only(folder):
    paths = tuple(sorted(folder.glob("*.png")))[:3]
    first, again = (BatchMaker(paths, 1, 6 * 96 * 96, "cpu", sizes=((96, 1.0),)) for _ in range(2))
    chunks = [first(number)[0] for number in range(6)]
    assert torch.equal(again(4)[0].image, chunks[4].image)
    assert torch.equal(again(4)[0].quality, chunks[4].quality)
    quality = torch.cat([chunk.quality for chunk in chunks])
    severity = torch.cat([chunk.severity for chunk in chunks])
    untouched = (severity == 0).all(2)
    assert quality.shape[1] == REGIONS
    assert float(quality[untouched].median()) == 100  # a region with a few spoiled pixels still counts as clean
    assert float(quality[(severity > 2).any(2)].median()) < 90
    assert (severity == IGNORED).any()
    for chunk in chunks:
        assert bool((chunk.unpacked_masks()[:, 0] == 1).all())
        assert torch.equal(chunk.masks[0], chunk.masks[1])  # two versions of one crop stand side by side


def test_a_resized_batch_keeps_its_qualities_and_its_regions_shares(folder):
    maker = BatchMaker(tuple(sorted(folder.glob("*.png")))[:2], 1, 4 * 192 * 192, "cpu", sizes=((192, 1.0),))
    chunk = maker(0)[0]
    larger = resized(chunk, 384)
    assert larger.image.shape[-2:] == (384, 384)
    assert torch.equal(larger.quality, chunk.quality)
    shares = [one.unpacked_masks().mean((2, 3)) for one in (chunk, larger)]
    assert torch.allclose(*shares, atol=1e-3)
    assert bool((larger.severity == IGNORED).all())
    assert larger.quality_map.shape[-2:] == (48, 48)


def _task(folder, **more):
    small = MiniConfig(widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1), dense_width=16, token_width=32)
    return MiniTask(MiniSpec(
        folder, config=small, on_device=True, pixels=4 * 192 * 192, dev_photos=2, measured=2, calibrated=2, **more
    ))  # fmt: skip


def test_a_network_learns_from_batches_made_where_it_is_and_a_stopped_run_goes_on_to_the_same_curve(folder, tmp_path):
    def losses(out, stops):
        for steps in stops:
            spec = LoopSpec(out=out, steps=8, hold=1, order=Order(lag=2), processes=0)
            made = train(_task(folder), spec, log_every=1)
            for _ in range(steps + 1):
                next(made)
            made.close()
        return [line.split('"total": ')[1] for line in (out / "curve.jsonl").read_text().splitlines()]

    whole, halves = losses(tmp_path / "whole", [6]), losses(tmp_path / "halves", [3, 3])
    assert len(whole) == 6
    assert whole == halves


def test_of_a_resized_batch_only_the_order_is_learned(folder, tmp_path):
    task = _task(folder)
    run = Run(task, LoopSpec(out=tmp_path, order=Order(lag=2), processes=0))
    lesson = task.batch(task.source(0), "cpu", again=False)
    terms = task.loss(run.model, replace(lesson, only_order=True))
    assert set(terms) == {"order", "order_pairs", "order_importance", "total"}
    terms["total"].backward()
    moved = [p for p in run.bare.parameters() if p.grad is not None and float(p.grad.abs().sum()) > 0]
    assert len(moved) > 20
    assert isinstance(run.bare, nn.Module)
