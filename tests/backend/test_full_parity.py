"""SEAGULL computes what the public system computes: against a second, plain forward pass, and with errors planted."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.questions import QUESTIONS, SCALES
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.full import extractor, regions
from seagull_iqa.models.full.answers import finished
from seagull_iqa.models.full.checkpoint import load_seagull
from seagull_iqa.models.full.engine import Text
from seagull_iqa.models.full.layout import read_layout
from seagull_iqa.models.full.prompts import SYSTEM_USER
from seagull_iqa.models.full.tokens import PromptIds, Tokenizer

EXACT = 1e-4
"""Largest difference of a logit, in float32; logits have a deviation of one."""

SHAPE = (150, 200)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def ellipse(shape=SHAPE, middle=(70, 90), half=(40, 60)) -> Region:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    inside = ((rows - middle[0]) / half[0]) ** 2 + ((columns - middle[1]) / half[1]) ** 2 <= 1
    return Region(RegionMask.from_pixels(inside))


def ours(model, image, region, aspect) -> torch.Tensor:
    with torch.inference_mode():
        look = model.look(image)
        tokens = regions.region_tokens(model.network, look, [region.mask]).tokens[0]
        ids = model.tokenizer.stem(aspect) if aspect in SCALES else model.tokenizer.asked(aspect)
        return model.engine.last_logits(look.prefix, [Text(tokens, ids)])[0]


def theirs(reference, image, region, aspect) -> torch.Tensor:
    stem = SCALES[aspect].stem if aspect in SCALES else ""
    return reference.logits(image, region.mask.pixels, QUESTIONS[aspect], stem)[-1]


def difference(model, reference, image, region, aspect=Aspect.QUALITY) -> float:
    return float((ours(model, image, region, aspect) - theirs(reference, image, region, aspect)).abs().max())


@pytest.fixture
def model(toy_checkpoint):
    return load_seagull(toy_checkpoint, device="cpu", precision=Precision.FP32)


@pytest.fixture(scope="module")
def reference(reference_module, toy_checkpoint):
    return reference_module.Reference(toy_checkpoint)


def test_the_questions_are_those_of_the_reference(reference_module):
    assert QUESTIONS[Aspect.QUALITY] == reference_module.QUALITY
    assert QUESTIONS[Aspect.IMPORTANCE] == reference_module.IMPORTANCE
    assert QUESTIONS[Aspect.DISTORTION] == reference_module.DISTORTION


@pytest.mark.parametrize("aspect", list(Aspect))
def test_every_question_has_the_references_logits(model, reference, aspect):
    assert difference(model, reference, noise(*SHAPE), ellipse(), aspect) < EXACT


@pytest.mark.parametrize("shape", [(150, 200), (333, 90), (128, 128), (64, 700)])
def test_images_of_any_shape_have_the_references_logits(model, reference, shape):
    region = ellipse(shape, (shape[0] * 0.4, shape[1] * 0.6), (shape[0] * 0.3, shape[1] * 0.3))
    assert difference(model, reference, noise(*shape), region) < EXACT


@pytest.mark.parametrize("box", [(0, 0, 150, 200), (3, 5, 5, 8), (0, 190, 150, 200), (149 - 30, 0, 150, 17)])
def test_regions_of_any_size_have_the_references_logits(model, reference, box):
    region = Region(RegionMask.from_box(SHAPE, box))
    assert difference(model, reference, noise(*SHAPE), region) < EXACT


def test_true_widths_have_the_references_logits(reference_module, wide_checkpoint):
    model = load_seagull(wide_checkpoint, device="cpu", precision=Precision.FP32)
    reference = reference_module.Reference(wide_checkpoint)
    region = ellipse((300, 420), (120, 200), (90, 130))
    assert model.network.config.image_tokens == 1024
    assert difference(model, reference, noise(300, 420), region) < EXACT


def test_the_written_answer_is_the_references(model, reference):
    image, region = noise(*SHAPE, seed=3), ellipse()
    ids = reference.greedy(image, region.mask.pixels, QUESTIONS[Aspect.DISTORTION], 24)
    look = model.look(image)
    short = replace(model, longest_sentence=24)
    assert short.sentences(look, [region], Aspect.DISTORTION) == [reference.text(ids)]


@pytest.mark.parametrize("text", [
    " With minor colorfulness and trivial contrast distortions.</s>",
    "Answer: The quality is bad. The quality is bad. More.",
    "With severe blur. With severe blur. With severe blur.",
    "no end mark",
    "",
    "...",
])  # fmt: skip
def test_an_answer_is_tidied_as_by_the_reference(reference_module, text):
    # Ours also drops a blank that a colon leaves at the beginning.
    assert finished(text) == reference_module.finish(text).strip()


def test_the_prompts_ids_are_the_references(model, reference):
    prompt, tokens = model.tokenizer.prompt(model.system), model.tokenizer
    for aspect, question in QUESTIONS.items():
        before, after = reference.prompt_ids(question)
        assert list(prompt.before_image) == before
        assert [*prompt.after_image, tokens.global_id, tokens.local_id, *tokens.asked(aspect)] == after
    _, after = reference.prompt_ids(QUESTIONS[Aspect.IMPORTANCE], "This region is")
    assert list(tokens.stem(Aspect.IMPORTANCE)) == after[-len(tokens.stem(Aspect.IMPORTANCE)) :]


def test_another_system_text_moves_the_answer(model):
    image, region = noise(*SHAPE), ellipse()
    other = model.with_system(SYSTEM_USER)
    assert (ours(other, image, region, Aspect.QUALITY) - ours(model, image, region, Aspect.QUALITY)).abs().max() > 1e-3


@pytest.mark.data
def test_the_true_tokenizer_gives_the_public_counts_and_ids(synthetic, data_folder, tmp_path):
    model_file = data_folder / "llama-tokenizer" / "tokenizer.model"
    shape = replace(synthetic.TOY, vocab=32000)
    synthetic.write_checkpoint(tmp_path / "public", shape, tokenizer=model_file)
    tokens = Tokenizer(read_layout(tmp_path / "public"))
    model = load_seagull(tmp_path / "public", device="cpu", precision=Precision.FP32)
    more = 1024 - model.network.config.image_tokens
    lengths = {aspect: model.prompt_length(aspect) + more for aspect in Aspect}
    assert lengths == {Aspect.QUALITY: 1126, Aspect.DISTORTION: 1128, Aspect.IMPORTANCE: 1140}
    assert (tokens.global_id, tokens.local_id) == (32000, 32001)
    prompt = tokens.prompt(model.system)
    assert (len(prompt.before_image), prompt.before_image[0], prompt.before_image[-1]) == (35, 1, 29871)
    assert (len(prompt.after_image), prompt.after_image[:3], prompt.after_image[-1]) == (50, (29871, 13, 4013), 29871)
    assert tokens.asked(Aspect.QUALITY)[0] == 869
    assert tokens.asked(Aspect.QUALITY)[-5:] == (319, 1799, 9047, 13566, 29901)
    assert tokens.level_ids(Aspect.QUALITY) == (4319, 6460, 6534, 1781, 15129)
    assert tokens.level_ids(Aspect.IMPORTANCE) == (443, 9461, 4226, 4100, 18853)


@pytest.fixture
def data_folder(request):
    import os
    from pathlib import Path

    return Path(os.environ["SEAGULL_DATA"])


# Planted errors: each is a mistake that is easily made, and must be seen by the comparison above.


def plant_crop(model, patch) -> None:
    def off_by_one(rgb, mask):
        r0, c0, r1, c1 = mask.box
        return rgb[r0:r1, c0:c1]

    patch.setattr(regions, "crop_of", off_by_one)


def plant_swapped_halves(model, patch) -> None:
    right = model.network.extractor.final_mlp

    class Swapped(torch.nn.Linear):
        def forward(self, x):
            return right(torch.cat(x.chunk(2, -1)[::-1], -1))

    wrong = Swapped(1, 1)
    wrong.weight = right.weight
    model.network.extractor.final_mlp = wrong


def plant_averaged_pooling(model, patch) -> None:
    def averaged(level, masks):
        share = F.adaptive_avg_pool2d(masks[None].float(), level.shape[-2:])[0].flatten(1)
        return share @ level[0].flatten(1).T / (share.sum(1, keepdim=True) + 1e-8)

    patch.setattr(extractor, "mask_pooled", averaged)


def plant_missing_bias(name: str):
    def plant(model, patch) -> None:
        model.network.extractor.get_submodule(name).bias.data.zero_()

    return plant


def plant_swapped_tokens(model, patch) -> None:
    right = regions.region_tokens

    def swapped(network, look, masks):
        found = right(network, look, masks)
        return replace(found, tokens=found.tokens.flip(1))

    patch.setattr(regions, "region_tokens", swapped)


def plant_shifted_ids(model, patch) -> None:
    last = model.tokenizer.prompt(model.system).after_image[-1]
    prompt, stem = Tokenizer.prompt, Tokenizer.stem

    def shorter(self, system):
        found = prompt(self, system)
        return PromptIds(found.before_image, found.after_image[:-1])

    patch.setattr(Tokenizer, "prompt", shorter)
    patch.setattr(Tokenizer, "stem", lambda self, aspect: (last, *stem(self, aspect)))


PLANTS = {
    "crop off by one": plant_crop,
    "halves of the concat swapped": plant_swapped_halves,
    "mask averaged over the cell instead of above zero": plant_averaged_pooling,
    "cross attention without the bias of its values": plant_missing_bias("cross_att_res.cross_attn.v_proj"),
    "cross attention without the bias of its queries": plant_missing_bias("cross_att_res.cross_attn.q_proj"),
    "self attention without a bias": plant_missing_bias("cross_att_res.self_attn.v_proj"),
    "local attention without a bias": plant_missing_bias("sa.out_proj"),
    "global and local token swapped": plant_swapped_tokens,
    "ids shifted by one around the region": plant_shifted_ids,
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_planted_error_is_seen(model, reference, monkeypatch, plant):
    plant(model, monkeypatch)
    assert difference(model, reference, noise(*SHAPE), ellipse()) > 10 * EXACT


def test_only_the_unplanted_model_passes(model, reference):
    assert difference(model, reference, noise(*SHAPE), ellipse()) < EXACT


def test_a_bigger_folder_name_changes_nothing(model, reference, toy_checkpoint, tmp_path):
    folder = tmp_path / "mit Leerzeichen und Ümläuten"
    shutil.copytree(toy_checkpoint, folder)
    moved = load_seagull(folder, device="cpu", precision=Precision.FP32)
    assert difference(moved, reference, noise(*SHAPE), ellipse()) < EXACT
