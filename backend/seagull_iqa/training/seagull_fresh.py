"""A full model of any size with weights that know nothing yet: a folder to begin training from."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import cast

import sentencepiece
import torch
from safetensors.torch import save_file
from torch import nn

from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.domain.questions import (
    CLEAN_QUESTION,
    CLEAN_SENTENCE,
    GLOBAL_TOKEN,
    JUDGMENTS,
    LOCAL_TOKEN,
    OVERVIEW,
    QUESTIONS,
    SCALES,
    YES,
)
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.full.config import LanguageConfig, SeagullConfig
from seagull_iqa.models.full.layout import (
    ADDED_TOKENS_FILE,
    CONFIG_FILE,
    CONVERTED_INDEX,
    MODEL_TYPE,
    TOKENIZER_FILE,
)
from seagull_iqa.models.full.network import SeagullNetwork, public_name
from seagull_iqa.models.full.prompts import SYSTEM_HUMAN, after_region, before_image

PIECES = 600
LOOK, FINE = 0.75, 8.0
WEIGHTS = "model-00001-of-00001.safetensors"
TOY = SeagullConfig(
    image_size=64, depths=(1, 1, 1, 1), widths=(16, 24, 32, 48), embed=16, cross_hidden=32, local_hidden=32,
    language=LanguageConfig(
        hidden=64, intermediate=128, layers=2, heads=4, key_value_heads=4, vocabulary=PIECES + 2, positions=1024
    ),
)  # fmt: skip
"""Small enough to learn something on a laptop's processor in minutes."""


def write_fresh(folder: Path, config: SeagullConfig = TOY, *, seed: int = 0) -> Path:
    """Write a model with random weights, float32, into a new folder, in the layout of a converted checkpoint.

    The tokenizer is a small one that knows the words of questions and answers; `config.language.vocabulary` is its
    number of pieces and two.
    """
    folder.mkdir(parents=True)
    pieces = config.language.vocabulary - 2
    torch.manual_seed(seed)
    network = SeagullNetwork(config)
    _begin(network)
    state = {public_name(name): value.contiguous() for name, value in network.state_dict().items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    texts = {
        CONVERTED_INDEX: {"metadata": {}, "weight_map": dict.fromkeys(state, WEIGHTS)},
        CONFIG_FILE: _described(config.language),
        ADDED_TOKENS_FILE: {GLOBAL_TOKEN: pieces, LOCAL_TOKEN: pieces + 1},
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    (folder / TOKENIZER_FILE).write_bytes(_tokenizer(pieces))
    return folder


def _begin(network: SeagullNetwork) -> None:
    """Weights that keep the spread of what comes in, no biases, and layer scales of one.

    The usual small beginnings are for deep and wide networks; in so small a one they drown what tells one region from
    another, and thousands of steps go by before it is heard.
    """
    for name, value in network.named_parameters():
        if value.ndim > 1:
            nn.init.normal_(value, std=value[0].numel() ** -0.5)
        elif name.endswith(".bias"):
            nn.init.zeros_(value)
        else:
            nn.init.ones_(value)
    _sharpen(network)
    _introduce(network)


@torch.no_grad()
def _sharpen(network: SeagullNetwork) -> None:
    """Let three quarters of the stem's filters see differences only, and strongly: what noise and blur change."""
    stem = cast(nn.Conv2d, network.vision.stem[0]).weight
    fine = stem[len(stem) // 4 :]
    fine -= fine.mean((2, 3), keepdim=True)
    fine *= FINE


@torch.no_grad()
def _introduce(network: SeagullNetwork) -> None:
    """Let words look at the region's two tokens from the beginning, about as much as at all others together.

    Else these are two of a hundred, and it takes thousands of steps until one of them is found. Words and region tokens
    bear a mark each; queries and keys answer to them in each head's slowest rotary pair, where distance hardly matters.
    """
    language, width = network.language, network.config.language.head_width
    word, region = nn.functional.normalize(torch.randn(2, network.config.language.hidden), dim=1)
    language.model.embed_tokens.weight += word
    for last in (network.extractor.final_mlp.bias, cast(nn.Linear, network.extractor.mlp.layers[-1]).bias):
        last.add_(region * len(region) ** 0.5)
    for layer in language.model.layers:
        for projection, mark in ((layer.self_attn.q_proj, word), (layer.self_attn.k_proj, region)):
            projection.weight[width // 2 - 1 :: width] += LOOK * mark


def _described(sizes: LanguageConfig) -> dict[str, object]:
    return {
        "model_type": MODEL_TYPE,
        "hidden_size": sizes.hidden,
        "intermediate_size": sizes.intermediate,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.key_value_heads,
        "vocab_size": sizes.vocabulary,
        "rms_norm_eps": sizes.epsilon,
        "rope_theta": sizes.rope_theta,
        "max_position_embeddings": sizes.positions,
    }


def _sentences() -> list[str]:
    """All that is ever said, about as often as it is."""
    types = [one.value for one in Distortion]
    named = [f"{level.word} {name}" for level in Severity for name in types]
    typed = JUDGMENTS[Aspect.DISTORTION]
    answers = [f"With {one} and {one} distortions." for one in named]
    answers += [typed.correction.format(type=f"{name} and {name}") for name in types]
    answers += [YES, CLEAN_SENTENCE, f"No. {CLEAN_SENTENCE}"]
    questions = [*QUESTIONS.values(), CLEAN_QUESTION, *(typed.question.format(type=name) for name in types)]
    for aspect, scale in SCALES.items():
        answers += [f"{scale.stem} {word}{scale.rest}" for word in scale.words]
        answers += [JUDGMENTS[aspect].correction.format(level=word) for word in scale.words]
        questions += [JUDGMENTS[aspect].question.format(level=word) for word in scale.words]
    asked = [after_region(question) for question in questions]
    return [before_image(SYSTEM_HUMAN), *OVERVIEW.split("\n"), *asked, *answers] * 4


def _tokenizer(pieces: int) -> bytes:
    """A sentencepiece model of LLaMA's kind, the same bytes each time."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_sentences()), model_writer=written, vocab_size=pieces, model_type="bpe",
        byte_fallback=True, add_dummy_prefix=True, remove_extra_whitespaces=False, split_digits=True,
        normalization_rule_name="identity", character_coverage=1.0, num_threads=1, minloglevel=2,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, unk_piece="<unk>", bos_piece="<s>", eos_piece="</s>",
    )  # fmt: skip
    return written.getvalue()
