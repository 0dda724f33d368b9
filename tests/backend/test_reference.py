"""The synthetic checkpoint is laid out as the published one, and the second forward pass means what it says."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sentencepiece
import torch

QUALITY_WORDS = ("bad", "poor", "fair", "good", "excellent")
IMPORTANCE_WORDS = ("unimportant", "minor", "normal", "important", "essential")
# With one region the self-attentions see one token, whose weight is 1 whatever queries and keys say; and a key's bias
# adds the same to every score of a query.
WITHOUT_EFFECT = (
    "mask_linear.", "visual.head.", "trunk.head.", "rotary_emb.inv_freq", "extractor.sa.q_proj", "extractor.sa.k_proj",
    "self_attn.q_proj.bias", "self_attn.k_proj.bias", "cross_att_res.self_attn.q_proj.weight",
    "cross_att_res.self_attn.k_proj.weight", "cross_attn.k_proj.bias",
)  # fmt: skip


@pytest.fixture(scope="module")
def toy_reference(reference_module: ModuleType, toy_checkpoint: Path) -> Any:
    return reference_module.Reference(toy_checkpoint)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    chance = np.random.default_rng(3)
    blocks = chance.normal(size=(15, 19, 3)).repeat(10, 0).repeat(10, 1)[:140, :186]
    return np.clip(128 + 50 * blocks + 20 * chance.normal(size=blocks.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def spot() -> np.ndarray:
    mask = np.zeros((140, 186), bool)
    mask[40:93, 50:121] = True
    mask[40:60, 50:70] = False
    return mask


def parameters(synthetic: ModuleType, part: str) -> int:
    keys = synthetic.public_keys(synthetic.PUBLIC)
    return sum(math.prod(size) for key, size in keys.items() if part in key and not synthetic.is_buffer(key))


def test_the_public_shape_has_the_published_keys_bytes_and_parameters(synthetic: ModuleType) -> None:
    keys = synthetic.public_keys(synthetic.PUBLIC)
    assert len(keys) == 742
    assert synthetic.total_bytes(synthetic.PUBLIC) == 14_122_027_444
    assert parameters(synthetic, "") == 7_061_009_626
    assert parameters(synthetic, "mask_extractor.") == 102_875_674
    assert parameters(synthetic, "vision_tower.") == 199_770_816
    assert parameters(synthetic, "mm_projector.") == 19_931_136
    assert sum(key.startswith("mask_extractor.") for key in keys) == 70
    assert sum("vision_tower." in key for key in keys) == 345


def test_the_texts_of_the_public_shape_have_the_published_sizes(synthetic: ModuleType, tmp_path: Path) -> None:
    synthetic.write_texts(tmp_path, synthetic.PUBLIC)
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir() if path.name != "tokenizer_config.json"} == {
        "added_tokens.json": 44,
        "config.json": 967,
        "generation_config.json": 162,
        "pytorch_model.bin.index.json": 73_585,
        "special_tokens_map.json": 438,
    }


def test_the_shards_of_the_public_shape_have_the_published_sizes(synthetic: ModuleType) -> None:
    first = sum(
        math.prod(size) * (4 if synthetic.is_buffer(key) else 2)
        for key, size in synthetic.public_keys(synthetic.PUBLIC).items()
        if synthetic.shard_of(key, synthetic.PUBLIC) == synthetic.SHARDS[0]
    )
    assert (round(first / 1e9, 2), round((14_122_027_444 - first) / 1e9, 2)) == (9.98, 4.15)


def test_a_written_folder_holds_what_its_index_says_as_half_floats(synthetic: ModuleType, toy_checkpoint: Path) -> None:
    index = json.loads((toy_checkpoint / synthetic.INDEX).read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for shard in synthetic.SHARDS:
        tensors = torch.load(toy_checkpoint / shard, weights_only=True)
        for key, tensor in tensors.items():
            assert tensor.dtype == (torch.float32 if key.endswith("inv_freq") else torch.float16)
            assert tuple(tensor.shape) == synthetic.public_keys(synthetic.TOY)[key]
        found |= dict.fromkeys(tensors, shard)
    assert found == index["weight_map"]
    assert index["metadata"]["total_size"] == synthetic.total_bytes(synthetic.TOY)


def test_a_seed_makes_the_same_weights_and_another_others(synthetic: ModuleType) -> None:
    key = "mask_extractor.sa.v_proj.weight"
    drawn = [synthetic.draw(key, (64, 64), synthetic.TOY, seed) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_tokenizer_of_another_size_is_refused(synthetic: ModuleType, toy_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="600 pieces"):
        synthetic.write_checkpoint(tmp_path, synthetic.PUBLIC, tokenizer=toy_checkpoint / "tokenizer.model")


@pytest.mark.parametrize("stem, words", [("The quality is", QUALITY_WORDS), ("This region is", IMPORTANCE_WORDS)])
def test_level_words_differ_in_their_first_token(toy_reference: Any, stem: str, words: tuple[str, ...]) -> None:
    before = toy_reference.pieces.encode(stem)
    followed = [toy_reference.pieces.encode(f"{stem} {word}") for word in words]
    assert all(ids[: len(before)] == before for ids in followed)
    assert len({ids[len(before)] for ids in followed}) == 5
    assert {len(ids) - len(before) for ids in followed} == {1, 2}


def test_the_small_tokenizer_prepends_a_blank_to_every_piece(toy_reference: Any, reference_module: ModuleType) -> None:
    before, after = toy_reference.prompt_ids(reference_module.QUALITY)
    pieces = toy_reference.pieces
    at = after.index(600)
    assert before[0] == 1 and pieces.id_to_piece(before[-1]) == "▁"
    assert [pieces.id_to_piece(id) for id in after[:2]] == ["▁", "<0x0A>"]
    assert after[at + 1] == 601
    assert [pieces.id_to_piece(id) for id in (after[at - 1], after[at + 2])] == ["▁", "▁."]


@pytest.mark.data
@pytest.mark.parametrize("question, ids, total", [
    ("QUALITY", 15, 1126), ("DISTORTION", 17, 1128), ("IMPORTANCE", 29, 1140)
])  # fmt: skip
def test_the_llama_tokenizer_gives_the_ids_of_the_description(
    reference_module: ModuleType, toy_checkpoint: Path, question: str, ids: int, total: int
) -> None:
    reference = with_llama_tokenizer(reference_module, toy_checkpoint)
    before, after = reference.prompt_ids(getattr(reference_module, question))
    at = after.index(32000)
    assert (len(before), at, len(after) - at - 2, len(before) + 1024 + len(after)) == (35, 50, ids, total)
    assert (before[0], before[-1]) == (1, 29871)
    assert after[:3] == [29871, 13, 4013]
    assert after[at - 1 : at + 3] == [29871, 32000, 32001, 869]
    assert after[-5:] == [319, 1799, 9047, 13566, 29901]


@pytest.mark.data
def test_the_llama_tokenizer_gives_the_level_words_of_the_description(
    reference_module: ModuleType, toy_checkpoint: Path
) -> None:
    pieces = with_llama_tokenizer(reference_module, toy_checkpoint).pieces
    words = ["bad", "poor", "fair", "good", "excellent", "minor", "normal", "important", "essential", "noise", "severe"]
    assert [pieces.encode(word) for word in words] == [
        [4319], [6460], [6534], [1781], [15129], [9461], [4226], [4100], [18853], [11462], [22261]
    ]  # fmt: skip
    assert pieces.encode("unimportant") == [443, 17001]
    assert pieces.encode("colorfulness") == [2927, 1319, 2264]


def with_llama_tokenizer(reference_module: ModuleType, folder: Path) -> Any:
    reference = reference_module.Reference(folder)
    path = Path(os.environ["SEAGULL_DATA"]) / "llama-tokenizer" / "tokenizer.model"
    reference.pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    reference.added = {"<global>": 32000, "<local>": 32001}
    return reference


def test_activations_are_of_order_one(toy_reference: Any, photo: np.ndarray, spot: np.ndarray) -> None:
    features = toy_reference.features(photo)
    made = [*features.values(), toy_reference.image_features(photo), *toy_reference.region_tokens(photo, spot)]
    assert all(0.3 < float(tensor.std()) < 3.0 for tensor in made)
    # The maps answer to the picture, not to constants only.
    assert all(float(tensor.std(dim=(2, 3)).mean()) > 0.3 for tensor in features.values())


def test_every_weight_moves_the_last_logits_save_those_that_cannot(
    toy_reference: Any, reference_module: ModuleType, photo: np.ndarray, spot: np.ndarray
) -> None:
    weights, chance = toy_reference.weights, torch.Generator().manual_seed(0)
    ask = (photo, spot, reference_module.QUALITY, "The quality is")
    truth = toy_reference.logits(*ask)[-1]
    silent = set()
    for key, tensor in weights.items():
        weights[key] = tensor + 0.1 * tensor.abs().mean() * torch.randn(tensor.shape, generator=chance)
        if float((toy_reference.logits(*ask)[-1] - truth).abs().max()) < 1e-3:
            silent.add(key)
        weights[key] = tensor
    assert silent == {key for key in weights if any(part in key for part in WITHOUT_EFFECT)}


def test_the_language_model_is_that_of_transformers(toy_reference: Any, reference_module: ModuleType) -> None:
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=602, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
        rms_norm_eps=1e-5, max_position_embeddings=2048,
    )  # fmt: skip
    theirs = transformers.LlamaForCausalLM(config).eval()
    theirs.load_state_dict({key: toy_reference.weights[key] for key in theirs.state_dict()})
    inputs = torch.randn(70, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = reference_module.decoder(toy_reference.weights, inputs, 4, 1e-5)
        assert torch.allclose(ours, theirs(inputs_embeds=inputs[None]).logits[0], atol=1e-5)


def test_an_answers_beginning_does_not_reach_back(
    toy_reference: Any, reference_module: ModuleType, photo: np.ndarray, spot: np.ndarray
) -> None:
    short = toy_reference.logits(photo, spot, reference_module.QUALITY)
    long = toy_reference.logits(photo, spot, reference_module.QUALITY, "The quality is")
    assert len(long) == len(short) + 3
    assert torch.allclose(long[: len(short)], short, atol=1e-5)


def test_greedy_takes_the_likeliest_word_each_time(
    toy_reference: Any, reference_module: ModuleType, photo: np.ndarray, spot: np.ndarray
) -> None:
    ids = toy_reference.greedy(photo, spot, reference_module.DISTORTION, 4)
    assert len(ids) == 4
    assert ids[0] == int(toy_reference.logits(photo, spot, reference_module.DISTORTION)[-1].argmax())
    assert toy_reference.greedy(photo, spot, reference_module.DISTORTION, 2) == ids[:2]


def test_the_crop_lacks_the_last_row_and_column(reference_module: ModuleType) -> None:
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:7] = True
    assert np.array_equal(reference_module.crop_of(image, mask), image[1:3, 2:6])


@pytest.mark.parametrize("height, width", [(0, 4), (1, 4), (4, 1)])
def test_masks_on_which_the_original_crashes_are_refused(
    reference_module: ModuleType, height: int, width: int
) -> None:
    mask = np.zeros((6, 8), bool)
    mask[:height, :width] = True
    with pytest.raises(ValueError):
        reference_module.crop_of(np.zeros((6, 8, 3), np.uint8), mask)


def test_nearest_lands_a_hair_low_where_opencv_does(reference_module: ModuleType) -> None:
    # Seen with OpenCV 4.10 and 5.0: 372 columns to 128.
    picked = reference_module.nearest(np.arange(372.0)[None].repeat(128, 0), 128)[0]
    assert picked[[31, 32, 33, 64, 96]].tolist() == [90, 92, 95, 185, 278]


def test_a_cell_counts_when_a_pixel_at_its_centre_does(reference_module: ModuleType) -> None:
    feature = torch.arange(16.0).reshape(1, 1, 4, 4)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16 + 7, 32 + 8] = 1
    assert reference_module.pool(feature, mask).tolist() == [[6.0]]
    mask[..., 16 + 7, 32 + 8] = 0
    mask[..., 16 + 6, 32 + 8] = 1
    assert reference_module.pool(feature, mask).tolist() == [[0.0]]


@pytest.mark.parametrize("said, kept", [
    (" The quality is good.</s> ", "The quality is good."),
    ("ASSISTANT: Blur. USER: no", " Blur. USER."),
    ("A. B. B. C.", "A. B."),
    ("Blur", "Blur."),
    ("", ""),
])  # fmt: skip
def test_an_answer_is_trimmed_as_the_original_does(reference_module: ModuleType, said: str, kept: str) -> None:
    assert reference_module.finish(said) == kept


def test_true_widths_give_a_finite_answer_of_order_one(
    reference_module: ModuleType, wide_checkpoint: Path, photo: np.ndarray, spot: np.ndarray
) -> None:
    reference = reference_module.Reference(wide_checkpoint)
    logits = reference.logits(photo, spot, reference_module.QUALITY)
    assert tuple(logits.shape) == (sum(map(len, reference.prompt_ids(reference_module.QUALITY))) + 1024, 602)
    assert 0.3 < float(logits.std()) < 3.0
