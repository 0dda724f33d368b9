"""What full_model.py measures: the full model with random weights, and the original's way of asking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import DynamicCache

from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.questions import SCALES
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.full.checkpoint import number_type
from seagull_iqa.models.full.config import LanguageConfig, SeagullConfig
from seagull_iqa.models.full.engine import CACHE, LanguageEngine
from seagull_iqa.models.full.model import Seagull
from seagull_iqa.models.full.network import SeagullNetwork, empty_network
from seagull_iqa.models.full.preprocess import crop_of, shortest_edge, square_mask, squared
from seagull_iqa.models.full.tokens import PromptIds
from seagull_iqa.models.interface import RGBImage

ANSWERS = {Aspect.QUALITY: 7, Aspect.IMPORTANCE: 12, Aspect.DISTORTION: 20}
"""Tokens that every way writes where it writes an answer."""

TOY = SeagullConfig(
    image_size=128,
    depths=(1, 1, 2, 1),
    widths=(16, 24, 32, 48),
    embed=64,
    cross_hidden=96,
    local_hidden=32,
    language=LanguageConfig(hidden=256, intermediate=688, layers=4, heads=8, key_value_heads=8, vocabulary=2002),
)


@dataclass(frozen=True)
class CountedTokens:
    """Stands for the tokenizer: the public model's numbers of tokens, so that no file is needed; answers never end."""

    end: int = -1
    before: int = 35
    overview: int = 50

    def prompt(self, _system: str) -> PromptIds:
        """As long as the true one."""
        return PromptIds(tuple(range(3, 3 + self.before)), tuple(range(40, 40 + self.overview)))

    def asked(self, aspect: Aspect) -> tuple[int, ...]:
        """As long as the true one."""
        count = {Aspect.QUALITY: 15, Aspect.IMPORTANCE: 29, Aspect.DISTORTION: 17}[aspect]
        return tuple(range(100, 100 + count))

    def stem(self, aspect: Aspect) -> tuple[int, ...]:
        """Three tokens more: "The quality is", "This region is"."""
        return (*self.asked(aspect), 200, 201, 202)

    def level_ids(self, _aspect: Aspect) -> tuple[int, ...]:
        """Any five."""
        return (300, 301, 302, 303, 304)

    def text(self, ids: list[int]) -> str:
        """Not of interest here."""
        return f"{len(ids)} tokens."


def random_model(config: SeagullConfig, device: torch.device, precision: Precision) -> Seagull:
    """The full model with random weights, made where they stay."""
    network = empty_network(config)
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in list(network.named_parameters()):
        parent, _, leaf = name.rpartition(".")
        kind = number_type(name, device, precision)
        value = torch.empty(parameter.shape, device=device, dtype=kind).normal_(0, 0.02, generator=generator)
        if "norm" in name or leaf == "gamma":
            value += 1
        setattr(network.get_submodule(parent), leaf, nn.Parameter(value, requires_grad=False))
    model = network.language.model
    with torch.device(device):
        model.rotary_emb = type(model.rotary_emb)(model.config)
    tokens = CountedTokens()
    engine = LanguageEngine(network.language, config.language, tokens.end, recorded=device.type == "cuda")
    longest = ANSWERS[Aspect.DISTORTION]
    return Seagull(network, tokens, engine, ModelCard("random"), precision, longest_sentence=longest)


def picture(height: int, width: int) -> RGBImage:
    """Noise, coarse and fine: uint8 (height, width, 3)."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 200, (height // 16 + 1, width // 16 + 1, 3)).repeat(16, 0).repeat(16, 1)
    return (coarse[:height, :width] + generator.integers(0, 55, (height, width, 3))).astype(np.uint8)


def boxes(count: int, height: int, width: int) -> list[Region]:
    """Rectangles of a twelfth to a half of either side, anywhere."""
    generator = np.random.default_rng(1)
    found = []
    for _ in range(count):
        rows, columns = (int(generator.uniform(1 / 12, 1 / 2) * side) for side in (height, width))
        top, left = int(generator.integers(0, height - rows)), int(generator.integers(0, width - columns))
        found.append(Region(RegionMask.from_box((height, width), (top, left, top + rows, left + columns))))
    return found


class OriginalWay:
    """One question at a time: encode the image, fill in the whole prompt, write word by word with a cache of its own.

    The same network as ours runs it, with the same attention kernels (SDPA), so that only the way differs; neither the
    original's reading of files nor the overhead of a general `generate` is charged to it.
    """

    def __init__(self, model: Seagull) -> None:
        self._model = model
        self._network: SeagullNetwork = model.network

    def encoded(self, image: RGBImage) -> tuple[tuple[Tensor, ...], Tensor]:
        """The levels of the image, and its tokens for the language model."""
        network, size = self._network, self._network.config.image_size
        weight = next(network.vision.parameters())
        levels = network.vision(squared(shortest_edge(image, size), size, weight.device, weight.dtype))
        kind = next(network.projector.parameters()).dtype
        return levels, network.projector(levels[2][0].flatten(1).T.to(kind))

    def answer(
        self, image: RGBImage, region: Region, aspect: Aspect, known: tuple[tuple[Tensor, ...], Tensor] | None = None
    ) -> list[int]:
        """The answer's tokens; `known` reuses an encoded image."""
        levels, tokens = known or self.encoded(image)
        prompt = self._model.tokenizer.prompt("")
        embedded = torch.cat([
            self._embedded(prompt.before_image),
            tokens,
            self._embedded(prompt.after_image),
            self._region(image, levels, region),
            self._embedded(self._model.tokenizer.asked(aspect)),
        ])[None]
        return self._written(embedded, ANSWERS[aspect])

    def _region(self, image: RGBImage, levels: tuple[Tensor, ...], region: Region) -> Tensor:
        extractor, size = self._network.extractor, self._network.config.image_size
        device = levels[0].device
        crop = squared(shortest_edge(crop_of(image, region.mask), size), size, device, extractor.dtype)
        mask = torch.from_numpy(square_mask(region.mask, size)[0])[None].to(device)
        keys = extractor.level_keys(levels)
        return torch.cat([extractor.global_tokens(levels, keys, mask), extractor.local_tokens(crop)])

    def _written(self, embedded: Tensor, count: int) -> list[int]:
        language, cache, found = self._network.language, DynamicCache(), []
        while True:
            hidden = language.model(inputs_embeds=embedded, use_cache=True, **{CACHE: cache}).last_hidden_state
            token = language.lm_head(hidden[:, -1]).argmax(-1)
            found.append(int(token))
            if len(found) == count:
                return found
            embedded = language.model.embed_tokens(token)[None]

    def _embedded(self, ids: Sequence[int]) -> Tensor:
        embed = self._network.language.model.embed_tokens
        return embed(torch.tensor(ids, device=embed.weight.device))


@dataclass(frozen=True)
class Work:
    """What has to be done at least: floating-point operations of reading, and bytes moved by writing."""

    operations: float
    bytes_moved: float

    def seconds(self, per_second: float, bytes_per_second: float) -> float:
        """The least time on a device with those peaks."""
        return self.operations / per_second + self.bytes_moved / bytes_per_second


def least_work(model: Seagull, regions: int) -> Work:
    """Of our way on a new image: the image and all texts are read once, the sentences are written side by side.

    Reading counts two operations a weight and token (7B: 12.95 G a token in the layers), four a token, seen token and
    channel in attention, and the convolutions of the image encoder; writing counts, each step, the language model's
    weights, the keys and values of the prefix once, and those of every text.
    """
    config, sizes = model.network.config, model.network.config.language
    tokens = model.tokenizer
    prefix = model.prompt_length(Aspect.QUALITY) - 2 - len(tokens.asked(Aspect.QUALITY))
    asked = [len(tokens.stem(aspect)) for aspect in SCALES] + [len(tokens.asked(Aspect.DISTORTION))]
    texts = [regions * (2 + count) for count in asked]
    kv_width = sizes.key_value_heads * sizes.head_width
    matrices = 2 * sizes.hidden**2 + 2 * sizes.hidden * kv_width + 3 * sizes.hidden * sizes.intermediate
    read = 2.0 * sizes.layers * matrices * (prefix + sum(texts))
    seen = prefix * prefix / 2 + sum(texts) * prefix
    attention = 4.0 * sizes.layers * sizes.hidden * seen
    encoder = sum(
        2.0 * depth * cells**2 * (49 * width + 8 * width**2)
        for depth, width, cells in zip(config.depths, config.widths, config.cells, strict=True)
    )
    kind = model.network.language.lm_head.weight.itemsize
    steps = model.longest_sentence - 1
    weights = (sizes.layers * matrices + sizes.hidden * sizes.vocabulary) * kind
    cached = 2 * sizes.layers * kv_width * kind * (prefix + regions * (2 + asked[2] + steps / 2))
    return Work(read + attention + encoder, steps * (weights + cached))
