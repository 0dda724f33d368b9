"""The four parts of SEAGULL-7B and the public names of their tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from seagull_iqa.models.full.config import VISION, LanguageConfig, SeagullConfig
from seagull_iqa.models.full.extractor import RegionExtractor
from seagull_iqa.models.full.vision import ConvNeXt

PUBLIC_PREFIXES = (
    ("vision.", VISION + "trunk."),
    ("projector.", "model.mm_projector."),
    ("extractor.", "mask_extractor."),
    ("language.", ""),
)
"""(ours, public); the language model's own names are those of the checkpoint."""


class SeagullNetwork(nn.Module):
    """Image encoder, projector of image tokens, region extractor, language model."""

    def __init__(self, config: SeagullConfig) -> None:
        super().__init__()
        hidden = config.language.hidden
        self.config = config
        self.vision = ConvNeXt(config)
        # res4 is what the language model sees of the image.
        self.projector = nn.Sequential(nn.Linear(config.widths[2], hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.extractor = RegionExtractor(config)
        self.language = LlamaForCausalLM(llama_config(config.language))


def llama_config(sizes: LanguageConfig) -> LlamaConfig:
    """The same sizes, for transformers."""
    config = LlamaConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.hidden,
        intermediate_size=sizes.intermediate,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.key_value_heads,
        max_position_embeddings=sizes.positions,
        rms_norm_eps=sizes.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": sizes.rope_theta},
        tie_word_embeddings=False,
    )
    config._attn_implementation = "sdpa"
    return config


def public_name(name: str) -> str:
    """The public name of one of our tensors."""
    for ours, public in PUBLIC_PREFIXES:
        if name.startswith(ours):
            return public + name.removeprefix(ours)
    raise KeyError(name)


def public_names(network: SeagullNetwork) -> dict[str, str]:
    """Public name -> ours, of every tensor that is used."""
    return {public_name(name): name for name in network.state_dict()}


def is_unused(name: str) -> bool:
    """True for tensors of the public checkpoint that no computation reads: they may be there or not."""
    return (
        name.startswith(("mask_extractor.mask_linear.", VISION + "head.", VISION + "trunk.head."))
        or name.endswith(".rotary_emb.inv_freq")
    )


def empty_network(config: SeagullConfig) -> SeagullNetwork:
    """The network without memory behind its weights, to be filled."""
    with torch.device("meta"):
        return SeagullNetwork(config).eval().requires_grad_(requires_grad=False)


def expected_shapes(network: SeagullNetwork) -> Mapping[str, tuple[int, ...]]:
    """Public name -> shape."""
    state = network.state_dict()
    return {public: tuple(state[ours].shape) for public, ours in public_names(network).items()}
