"""Writes a folder laid out as the published SEAGULL-7B is, at any size, with random weights that all matter."""

from __future__ import annotations

import io
import json
import math
import shutil
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sentencepiece
import torch

LEVELS = ("res2", "res3", "res4", "res5")
STRIDES = (4, 8, 16, 32)
SHARDS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
INDEX = "pytorch_model.bin.index.json"
VISUAL = "model.vision_tower.vision_tower.visual"

LOOK = 3.7  # Gives the two region tokens about a third of a word's attention among a thousand image tokens.

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class PublicShape:
    """Every size of the public model; as it stands, SEAGULL-7B itself."""

    side: int = 512
    depths: tuple[int, ...] = (3, 3, 27, 3)
    dims: tuple[int, ...] = (192, 384, 768, 1536)
    clip_embed: int = 768
    mask_side: int = 112
    local_channels: int = 5
    local_hidden: int = 512
    cross_hidden: int = 2048
    hidden: int = 4096
    intermediate: int = 11008
    layers: int = 32
    heads: int = 32
    vocab: int = 32000
    added: tuple[str, ...] = ("<global>", "<local>")
    positions: int = 4096

    @property
    def embed(self) -> int:
        """Width of the mask extractor: the cells of the stride-16 map, which the local branch hard-wires."""
        return (self.side // 16) ** 2

    @property
    def head_dim(self) -> int:
        return self.hidden // self.heads

    @property
    def all_ids(self) -> int:
        return self.vocab + len(self.added)


PUBLIC = PublicShape()
TOY = PublicShape(
    side=128, depths=(1, 1, 2, 1), dims=(16, 24, 32, 48), clip_embed=20, mask_side=28, local_hidden=32, cross_hidden=96,
    hidden=64, intermediate=112, layers=2, heads=4, vocab=600, positions=2048,
)  # fmt: skip
WIDE = PublicShape(depths=(1, 1, 1, 1), hidden=256, intermediate=512, layers=2, heads=4, vocab=600)


def _biased(name: str, *size: int) -> Shapes:
    return {f"{name}.weight": size, f"{name}.bias": (size[0],)}


def _language_keys(shape: PublicShape) -> Shapes:
    wide, between = shape.hidden, shape.intermediate
    keys: Shapes = {"model.embed_tokens.weight": (shape.all_ids, wide)}
    for number in range(shape.layers):
        layer = f"model.layers.{number}"
        keys |= {f"{layer}.self_attn.{name}_proj.weight": (wide, wide) for name in "qkvo"}
        keys[f"{layer}.self_attn.rotary_emb.inv_freq"] = (shape.head_dim // 2,)
        keys[f"{layer}.mlp.gate_proj.weight"] = (between, wide)
        keys[f"{layer}.mlp.up_proj.weight"] = (between, wide)
        keys[f"{layer}.mlp.down_proj.weight"] = (wide, between)
        keys[f"{layer}.input_layernorm.weight"] = (wide,)
        keys[f"{layer}.post_attention_layernorm.weight"] = (wide,)
    return keys | {"model.norm.weight": (wide,)}


def _visual_keys(shape: PublicShape) -> Shapes:
    trunk, dims = f"{VISUAL}.trunk", shape.dims
    keys = _biased(f"{trunk}.stem.0", dims[0], 3, 4, 4) | _biased(f"{trunk}.stem.1", dims[0])
    for stage, (depth, dim) in enumerate(zip(shape.depths, dims, strict=True)):
        if stage:
            keys |= _biased(f"{trunk}.stages.{stage}.downsample.0", dims[stage - 1])
            keys |= _biased(f"{trunk}.stages.{stage}.downsample.1", dim, dims[stage - 1], 2, 2)
        for number in range(depth):
            block = f"{trunk}.stages.{stage}.blocks.{number}"
            keys[f"{block}.gamma"] = (dim,)
            keys |= _biased(f"{block}.conv_dw", dim, 1, 7, 7) | _biased(f"{block}.norm", dim)
            keys |= _biased(f"{block}.mlp.fc1", 4 * dim, dim) | _biased(f"{block}.mlp.fc2", dim, 4 * dim)
    keys |= _biased(f"{trunk}.head.norm", dims[-1])
    keys |= _biased(f"{VISUAL}.head.mlp.fc1", 2 * shape.clip_embed, dims[-1])
    return keys | {f"{VISUAL}.head.mlp.fc2.weight": (shape.clip_embed, 2 * shape.clip_embed)}


def _attention(name: str, inner: int, width: int) -> Shapes:
    keys: Shapes = {}
    for part in "qkv":
        keys |= _biased(f"{name}.{part}_proj", inner, width)
    return keys | _biased(f"{name}.out_proj", width, inner)


def _extractor_keys(shape: PublicShape) -> Shapes:
    embed, out, small = shape.embed, shape.hidden, shape.local_hidden
    keys = _biased("feat_linear", out, embed) | _biased("cross_feat_linear", out, embed)
    keys |= _biased("mask_linear.layers.0", embed, shape.mask_side**2) | _biased("mask_linear.layers.1", embed, embed)
    keys |= _biased("mask_linear.layers.2", out, embed)
    for level, dim, stride in zip(LEVELS, shape.dims, STRIDES, strict=True):
        keys |= _biased(level, embed, dim) | _biased(f"g_{level}", embed, (shape.side // stride) ** 2)
    keys |= _biased("final_mlp", out, 2 * out)
    between = shape.local_channels
    keys |= _biased("global_vit.0", between, 3, 1, 1) | _biased("global_vit.3", 1, between, 1, 1)
    keys |= _attention("sa", embed, embed)
    keys |= _biased("mlp.layers.0", small, embed) | _biased("mlp.layers.1", small, small)
    keys |= _biased("mlp.layers.2", out, small)
    keys |= _attention("cross_att_res.self_attn", embed, embed)
    keys |= _biased("cross_att_res.norm1", embed) | _biased("cross_att_res.norm2", embed)
    keys |= _attention("cross_att_res.cross_attn", embed // 2, embed)
    keys |= _biased("cross_att_res.mlp.lin1", shape.cross_hidden, embed)
    keys |= _biased("cross_att_res.mlp.lin2", embed, shape.cross_hidden)
    return {f"mask_extractor.{name}": size for name, size in keys.items()}


def public_keys(shape: PublicShape) -> Shapes:
    """Every key of the checkpoint with its shape, in the order of the modules."""
    keys = _language_keys(shape) | _visual_keys(shape)
    keys |= _biased("model.mm_projector.0", shape.hidden, shape.dims[2])
    keys |= _biased("model.mm_projector.2", shape.hidden, shape.hidden)
    keys["lm_head.weight"] = (shape.all_ids, shape.hidden)
    return keys | _extractor_keys(shape)


def is_buffer(key: str) -> bool:
    """Whether the key is the fp32 rotary buffer, no parameter."""
    return key.endswith("rotary_emb.inv_freq")


def total_bytes(shape: PublicShape) -> int:
    """Bytes of all tensors: fp16 parameters and fp32 buffers."""
    return sum(math.prod(size) * (4 if is_buffer(key) else 2) for key, size in public_keys(shape).items())


def shard_of(key: str, shape: PublicShape) -> str:
    """The file that holds a key: the embedding and three quarters of the layers stand in the first (9.98 GB)."""
    parts = key.split(".")
    early = parts[1] == "layers" and int(parts[2]) < max(1, shape.layers * 3 // 4)
    return SHARDS[0 if early or parts[1] == "embed_tokens" else 1]


def _chance(name: str, seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))


def draw(key: str, size: tuple[int, ...], shape: PublicShape, seed: int) -> torch.Tensor:
    """Draw one tensor, fp16 (the buffer fp32), so that activations are of order one and it moves the logits."""
    if is_buffer(key):
        return 1.0 / 10000.0 ** (torch.arange(size[0], dtype=torch.float32) / size[0])
    chance = _chance(key, seed)
    if len(size) == 1 and not key.endswith(".bias"):  # Layer scales and the weights of norms.
        return (0.5 + torch.rand(size, generator=chance)).half()
    drawn = torch.randn(size, generator=chance)
    if key.endswith(".bias"):
        drawn *= 0.3
    elif key != "model.embed_tokens.weight":
        drawn *= _gain(key) / math.sqrt(math.prod(size[1:]))
    if key.endswith((".fc2.weight", "mm_projector.2.weight")):
        # What follows a GELU, whose mean is positive, would answer mostly to that mean and hardly to the picture.
        drawn -= drawn.mean(dim=1, keepdim=True)
    return _marked(drawn, key, shape, seed).half()


def _gain(key: str) -> float:
    """How much larger than 1 / sqrt(fan in) a weight is drawn."""
    gains = {"global_vit.0.weight": 2.0, "global_vit.3.weight": 2.0, "extractor.mlp.layers.2.weight": 2.0}
    # Behind the last Linear of the global branch stand sums over four levels.
    gains["final_mlp.weight"] = 0.4
    return next((gain for end, gain in gains.items() if key.endswith(end)), 1.0)


def _marked(drawn: torch.Tensor, key: str, shape: PublicShape, seed: int) -> torch.Tensor:
    """Let words, the askers, and region tokens, the asked, bear a mark each that queries and keys look at.

    Else the thousand image tokens drown the two of the region, and a mistake in these would hardly reach an answer.
    """
    asker = torch.randn(shape.hidden, generator=_chance("asker", seed))
    asked = torch.randn(shape.hidden, generator=_chance("asked", seed))
    if key == "model.embed_tokens.weight":
        return drawn + 0.7 * asker
    if key in ("mask_extractor.final_mlp.bias", "mask_extractor.mlp.layers.2.bias"):
        return drawn + 1.5 * asked
    if "model.layers." in key and key.endswith((".q_proj.weight", ".k_proj.weight")):
        # The slowest of each head's rotary pairs: there the distance between two tokens hardly matters.
        slowest = shape.head_dim // 2 - 1
        mark = asker if key.endswith(".q_proj.weight") else asked
        drawn[slowest :: shape.head_dim] += LOOK * shape.head_dim**0.25 * mark / shape.hidden
    return drawn


def write_checkpoint(folder: Path, shape: PublicShape, *, seed: int = 0, tokenizer: Path | None = None) -> None:
    """Write the whole folder. A given tokenizer must have `shape.vocab` pieces; without one a small one is trained."""
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is None:
        (folder / "tokenizer.model").write_bytes(train_tokenizer(shape.vocab))
    else:
        shutil.copyfile(tokenizer, folder / "tokenizer.model")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).get_piece_size()
    if pieces != shape.vocab:
        raise ValueError(f"The tokenizer has {pieces} pieces, the shape wants {shape.vocab}.")
    keys = public_keys(shape)
    for shard in SHARDS:
        mine = [key for key in keys if shard_of(key, shape) == shard]
        torch.save({key: draw(key, keys[key], shape, seed) for key in mine}, folder / shard)
    write_texts(folder, shape)


def write_texts(folder: Path, shape: PublicShape) -> None:
    """Write the index and the configuration files only."""
    places = {key: shard_of(key, shape) for key in public_keys(shape)}
    index = {"metadata": {"total_size": total_bytes(shape)}, "weight_map": places}
    texts = {
        INDEX: index,
        "config.json": _config(shape),
        "generation_config.json": _generation_config(shape),
        "added_tokens.json": {name: shape.vocab + number for number, name in enumerate(shape.added)},
        "special_tokens_map.json": _special_tokens(),
        "tokenizer_config.json": _tokenizer_config(),
    }
    for name, content in texts.items():
        # As transformers 4.31 writes them; the published sizes (73.6 kB, 162 B, 44 B) come out so.
        ordered = name in (INDEX, "config.json")
        text = json.dumps(content, indent=2, sort_keys=ordered) + "\n"
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _config(shape: PublicShape) -> dict[str, object]:
    return {
        "_name_or_path": "SEAGULL-7B",
        "architectures": ["OspreyLlamaForCausalLM"],
        "bos_token_id": 1,
        "eos_token_id": 2,
        "freeze_mm_mlp_adapter": False,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "image_aspect_ratio": "pad",
        "image_grid_pinpoints": None,
        "initializer_range": 0.02,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.positions,
        "mm_projector_lr": None,
        "mm_projector_type": "mlp2x_gelu",
        "mm_use_im_patch_token": False,
        "mm_use_im_start_end": False,
        "mm_vision_tower": "./checkpoints/open_clip_pytorch_model.bin",
        "model_type": "seagull",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.heads,
        "pad_token_id": 0,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-05,
        "rope_scaling": None,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "transformers_version": "4.31.0",
        "tune_mm_mlp_adapter": False,
        "use_cache": True,
        "use_mm_proj": True,
        "vocab_size": shape.all_ids,
    }


def _generation_config(shape: PublicShape) -> dict[str, object]:
    ids = {"bos_token_id": 1, "eos_token_id": 2, "max_length": shape.positions, "pad_token_id": 0}
    return ids | {"temperature": 0.9, "top_p": 0.6, "transformers_version": "4.31.0"}


def _special_tokens() -> dict[str, object]:
    plain = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    marks: dict[str, object] = {name: {"content": text, **plain} for name, text in named.items()}
    return marks | {"pad_token": "<unk>"}


def _tokenizer_config() -> dict[str, object]:
    """The published content is not known; these are the keys that transformers 4.31 writes for LLaMA."""
    marks = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>", "unk_token": "<unk>"}
    flags = {"add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": False}
    return {**flags, **marks, "model_max_length": 2048, "padding_side": "right", "tokenizer_class": "LlamaTokenizer"}


_QUALITIES = ["bad", "poor", "fair", "good", "excellent"]
_IMPORTANCES = ["unimportant", "minor", "normal", "important", "essential"]
_TYPES = ["blur", "colorfulness", "compression", "contrast", "exposure", "noise", "sharpness", "saturation"]
_SEVERITIES = ["trivial", "minor", "mild", "light", "moderate", "considerable", "severe", "extreme"]
_PROMPTS = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the human's questions. USER: ",
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions. USER: ",
    "This provides an overview of the image.",
    " Please answer the following questions about the provided region. Note: Distortions include: blur, colorfulness, "
    "compression, contrast exposure and noise.",
    " Here is the region ",
    ". Provide the distortion type of this region. ASSISTANT:",
    ". Analyze the quality of this region. ASSISTANT:",
    ". Consider the impact of this region on the overall image quality. Analyze its importance to the overall image "
    "quality. ASSISTANT:",
    "Is this region in noise? Yes. No. The region is in blur.",
)


def _sentences() -> list[str]:
    answers = [f"The quality is {word}." for word in _QUALITIES]
    answers += [f"This region is {word} to the overall quality." for word in _IMPORTANCES]
    pairs = [f"{severity} {kind}" for severity in _SEVERITIES for kind in _TYPES]
    answers += [f"With {pair} distortions." for pair in pairs]
    answers += [f"With {pair} and {other} distortions." for pair, other in zip(pairs, reversed(pairs), strict=True)]
    return [*_PROMPTS, *answers] * 4


@cache
def train_tokenizer(pieces: int) -> bytes:
    """Train a small LLaMA-like tokenizer (the same bytes each time) on the prompts and answers.

    At 600 pieces some level words are one token and some are two, as with the true tokenizer.
    """
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_sentences()), model_writer=written, vocab_size=pieces, model_type="bpe",
        byte_fallback=True, add_dummy_prefix=True, remove_extra_whitespaces=False, split_digits=True,
        normalization_rule_name="identity", character_coverage=1.0, num_threads=1, minloglevel=2,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, unk_piece="<unk>", bos_piece="<s>", eos_piece="</s>",
    )  # fmt: skip
    return written.getvalue()
