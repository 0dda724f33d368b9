"""The sizes of the full model: of its config.json where that says them, of its tensors where it does not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seagull_iqa.errors import CheckpointError

VISION = "model.vision_tower.vision_tower.visual."
_BLOCK = re.compile(re.escape(VISION) + r"trunk\.stages\.(\d+)\.blocks\.(\d+)\.gamma")
_LAYER = re.compile(r"model\.layers\.(\d+)\.")
_MOST = 2**20
STRIDES = (4, 8, 16, 32)
"""Px of the square image to one cell of res2, res3, res4, res5."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class LanguageConfig:
    """Sizes of the language model, LLaMA-2-7B in the public checkpoint."""

    hidden: int = 4096
    intermediate: int = 11008
    layers: int = 32
    heads: int = 32
    key_value_heads: int = 32
    vocabulary: int = 32002
    epsilon: float = 1e-5
    rope_theta: float = 10000.0
    positions: int = 4096

    @property
    def head_width(self) -> int:
        """Numbers of one head."""
        return self.hidden // self.heads


@dataclass(frozen=True)
class SeagullConfig:
    """Sizes of the full model; the defaults are those of the public checkpoint.

    Attributes
    ----------
    image_size : int
        Side in px of the square that every image and crop is resampled to.
    depths, widths : tuple of int
        Blocks and channels of the four stages of ConvNeXt.
    embed : int
        Width of the region extractor; (image_size / 16) squared, by the shape of its local branch.
    cross_hidden, local_hidden : int
        Inner widths of its two MLPs.
    """

    image_size: int = 512
    depths: tuple[int, ...] = (3, 3, 27, 3)
    widths: tuple[int, ...] = (192, 384, 768, 1536)
    embed: int = 1024
    cross_hidden: int = 2048
    local_hidden: int = 512
    language: LanguageConfig = LanguageConfig()

    @property
    def cells(self) -> tuple[int, ...]:
        """Cells a side of res2, res3, res4, res5."""
        return tuple(self.image_size // stride for stride in STRIDES)

    @property
    def image_tokens(self) -> int:
        """Tokens that the image takes in the language model: the cells of res4."""
        return self.cells[2] ** 2


def config_of(values: Mapping[str, Any], shapes: Shapes) -> SeagullConfig:
    """The sizes that a checkpoint has.

    Parameters
    ----------
    values : mapping
        Its config.json.
    shapes : mapping of str to tuple of int
        Shape of every tensor, by its public name.

    Raises
    ------
    CheckpointError
        A tensor that the sizes are read from is missing, or the sizes cannot be those of a model.
    """
    try:
        found = _config_of(values, shapes)
    except (KeyError, IndexError, ValueError, TypeError, OverflowError) as error:
        raise CheckpointError(
            f"The sizes of the model cannot be told: {error} is missing or odd.", "Fetch the model again."
        ) from error
    if odd := _odd_sizes(found, shapes):
        raise CheckpointError(f"config.json does not fit the weights: {odd}.", "Fetch the model again.")
    return found


def _odd_sizes(config: SeagullConfig, shapes: Shapes) -> str:
    """What no network can be built from, in words; empty where all is well."""
    sizes = config.language
    embeddings = shapes.get("model.embed_tokens.weight", (sizes.vocabulary, sizes.hidden))
    layers = {found[1] for key in shapes if (found := _LAYER.match(key))}
    heads_fit = sizes.heads > 0 and sizes.hidden % (2 * sizes.heads) == 0
    checks = (
        (embeddings != (sizes.vocabulary, sizes.hidden), "vocab_size or hidden_size"),
        (min(embeddings, default=0) < 1 or not heads_fit, "hidden_size or num_attention_heads"),
        (not 0 < sizes.key_value_heads <= sizes.heads or sizes.heads % sizes.key_value_heads, "num_key_value_heads"),
        (not sizes.layers or sizes.layers > 2 * len(layers) + 8, "num_hidden_layers"),
        (not 0 < sizes.intermediate < _MOST, "intermediate_size"),
        (not 0 < sizes.epsilon < 1, "rms_norm_eps"),
        (not 0 < sizes.rope_theta < math.inf, "rope_theta"),
        (sizes.positions < config.image_tokens, "max_position_embeddings"),
        (len(config.widths) != len(STRIDES), "the stages of the image encoder"),
    )
    return ", ".join(words for wrong, words in checks if wrong)


def _config_of(values: Mapping[str, Any], shapes: Shapes) -> SeagullConfig:
    blocks = [(int(found[1]), int(found[2])) for key in shapes if (found := _BLOCK.fullmatch(key))]
    stages = range(1 + max(stage for stage, _ in blocks))
    widths = tuple(shapes[f"{VISION}trunk.stages.{stage}.blocks.0.gamma"][0] for stage in stages)
    return SeagullConfig(
        # g_res2 reads a whole plane of res2, whose stride is 4: so the size of the image stands in its shape.
        image_size=4 * math.isqrt(shapes["mask_extractor.g_res2.weight"][1]),
        depths=tuple(sum(1 for stage, _ in blocks if stage == one) for one in stages),
        widths=widths,
        embed=shapes["mask_extractor.res2.weight"][0],
        cross_hidden=shapes["mask_extractor.cross_att_res.mlp.lin1.weight"][0],
        local_hidden=shapes["mask_extractor.mlp.layers.0.weight"][0],
        language=_language(values),
    )


def _language(values: Mapping[str, Any]) -> LanguageConfig:
    heads = int(values["num_attention_heads"])
    return LanguageConfig(
        hidden=int(values["hidden_size"]),
        intermediate=int(values["intermediate_size"]),
        layers=int(values["num_hidden_layers"]),
        heads=heads,
        key_value_heads=int(values.get("num_key_value_heads") or heads),
        vocabulary=int(values["vocab_size"]),
        epsilon=float(values["rms_norm_eps"]),
        rope_theta=float(values.get("rope_theta") or 10000.0),
        positions=int(values.get("max_position_embeddings") or 4096),
    )
