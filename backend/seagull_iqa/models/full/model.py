"""SEAGULL-7B behind the one interface of models: look once, assess any regions, answer questions, map the image."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ProgressCallback, ignore_progress
from seagull_iqa.domain.questions import SCALES
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import (
    ALL_ASPECTS,
    QUALITY_MAP,
    WEIGHT_MAP,
    Aspect,
    MapsCallback,
    QualityReport,
    ScoreMap,
    ignore_maps,
)
from seagull_iqa.errors import CheckpointError, ImageError, ShapeMismatchError
from seagull_iqa.models.full.answers import finished
from seagull_iqa.models.full.engine import LanguageEngine, Text
from seagull_iqa.models.full.halving import readable_memory_errors
from seagull_iqa.models.full.look import FullLook
from seagull_iqa.models.full.maps import coarse_to_fine
from seagull_iqa.models.full.network import SeagullNetwork
from seagull_iqa.models.full.preprocess import shortest_edge, squared
from seagull_iqa.models.full.prompts import SYSTEM_HUMAN
from seagull_iqa.models.full.regions import RegionTokens, region_tokens
from seagull_iqa.models.full.reports import Said, reports
from seagull_iqa.models.full.tokens import Tokenizer
from seagull_iqa.models.interface import Look, RGBImage

LONGEST_SENTENCE = 64
"""Tokens of an answer about distortions; the known ones have about 20."""


@dataclass(frozen=True)
class Seagull:
    """The full model.

    Attributes
    ----------
    network, tokenizer, engine
        Its weights, its words, and what reads and writes with them.
    card : ModelCard
    precision : Precision
        In what numbers the language model's weights are kept.
    system : str
        The system text before every prompt.
    longest_sentence : int
        Tokens of an answer about distortions at most.
    """

    network: SeagullNetwork
    tokenizer: Tokenizer
    engine: LanguageEngine
    card: ModelCard
    precision: Precision
    system: str = SYSTEM_HUMAN
    longest_sentence: int = LONGEST_SENTENCE

    @property
    def device(self) -> str:
        """Where it computes."""
        return str(self._device)

    @property
    def map_names(self) -> tuple[str, ...]:
        """Quality and weight; a map of every distortion would take a written answer for each of its values."""
        return (QUALITY_MAP, WEIGHT_MAP)

    @property
    def look_cache_bytes(self) -> int:
        """Memory, in bytes, that looks may take: eight of them, or two fifths of what is free on the GPU if less.

        Without a GPU of its own it is three, since they take the memory that everything else needs too.
        """
        config = self.network.config
        sizes = config.language
        kind: int = self.network.language.lm_head.weight.itemsize
        prefix = 2 * self._prefix_length() * sizes.layers * sizes.key_value_heads * sizes.head_width * kind
        one = prefix + 2**25
        if self._device.type != "cuda":
            return 3 * one
        free: int = torch.cuda.mem_get_info(self._device)[0]
        return min(8 * one, 2 * free // 5)

    def with_system(self, system: str) -> Seagull:
        """The same weights with another system text; its looks are its own."""
        return replace(self, system=system)

    def prompt_length(self, aspect: Aspect) -> int:
        """Tokens of the whole prompt for a question: 1126, 1128 and 1140 in the public model."""
        return self._prefix_length() + 2 + len(self.tokenizer.asked(aspect))

    @torch.inference_mode()
    def look(self, image: RGBImage) -> FullLook:
        """Encode an image and read the beginning of every prompt about it, once; see `QualityModel.look`."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError(
                f"Expected 8-bit RGB of shape (H, W, 3), got {image.dtype} of shape {image.shape}.",
                "Prepare the array with `seagull_iqa.imaging.normalise.prepare` first.",
            )
        with readable_memory_errors():
            return self._looked(image)

    def _looked(self, image: RGBImage) -> FullLook:
        size, vision = self.network.config.image_size, self.network.vision
        weight = next(vision.parameters())
        levels = vision(squared(shortest_edge(image, size), size, weight.device, weight.dtype))
        tokens = levels[2][0].flatten(1).T  # image tokens, row by row
        projected = self.network.projector(tokens.to(next(self.network.projector.parameters()).dtype))
        prompt = self.tokenizer.prompt(self.system)
        prefix = self.engine.prefix(prompt.before_image, projected, prompt.after_image)
        return FullLook(image, levels, self.network.extractor.level_keys(levels), prefix, self._reader)

    @torch.inference_mode()
    def assess(
        self, look: Look, regions: Sequence[Region], aspects: Collection[Aspect] = ALL_ASPECTS
    ) -> list[QualityReport]:
        """One report a region; see `QualityModel.assess`."""
        mine = self._own(look, regions)
        if not regions:
            return []
        found = region_tokens(self.network, mine, [region.mask for region in regions])
        levels = self._levels(mine, found, [aspect for aspect in SCALES if aspect in aspects])
        written = self._sentences(mine, found, Aspect.DISTORTION) if Aspect.DISTORTION in aspects else None
        return reports(regions, Said(levels, written, found.notes), frozenset(aspects), self.card.id)

    @torch.inference_mode()
    def answer(self, look: Look, region: Region, question: str, *, max_tokens: int = 256) -> Iterator[str]:
        """Answer a free question, piece by piece; see `AnsweringModel.answer`."""
        mine = self._own(look, [region])
        room = self.network.config.language.positions - self._prefix_length() - 2 - max_tokens
        ids = self.tokenizer.question(question.strip(), room)
        found = region_tokens(self.network, mine, [region.mask])
        said, made = "", []
        for token in self.engine.streamed(mine.prefix, Text(found.tokens[0], ids), max_tokens):
            made.append(token)
            # A letter may take several tokens; until its last one there is only a mark for what is not known.
            text = self.tokenizer.text(made).rstrip("\N{REPLACEMENT CHARACTER}")
            if len(text) > len(said):
                yield text[len(said) :]
                said = text

    @torch.inference_mode()
    def maps(
        self, look: Look, *, progress: ProgressCallback = ignore_progress, partial: MapsCallback = ignore_maps
    ) -> dict[str, ScoreMap]:
        """Quality and weight, from coarse to fine; see `QualityModel.maps`."""
        mine = self._own(look, [])

        def score(windows: Sequence[Region]) -> list[QualityReport]:
            return self.assess(mine, windows, frozenset(SCALES))

        return coarse_to_fine(mine.shape, score, self.card.id, progress=progress, partial=partial)

    @torch.inference_mode()
    def level_probabilities(self, look: Look, regions: Sequence[Region], aspect: Aspect) -> NDArray[np.float32]:
        """The share of the whole expectation on each of the five words of a scale: float32 (R, 5), lowest first."""
        mine = self._own(look, regions)
        found = region_tokens(self.network, mine, [region.mask for region in regions])
        return self._levels(mine, found, [aspect])[aspect]

    @torch.inference_mode()
    def sentences(self, look: Look, regions: Sequence[Region], aspect: Aspect) -> list[str]:
        """What the model writes when it is asked for an aspect, one sentence or more a region."""
        mine = self._own(look, regions)
        return self._sentences(mine, region_tokens(self.network, mine, [region.mask for region in regions]), aspect)

    @property
    def _device(self) -> torch.device:
        device: torch.device = self.network.language.lm_head.weight.device
        return device

    @property
    def _reader(self) -> str:
        return f"{self.card.id} {self.precision} {self.system}"

    def _prefix_length(self) -> int:
        prompt = self.tokenizer.prompt(self.system)
        return len(prompt.before_image) + self.network.config.image_tokens + len(prompt.after_image)

    def _levels(
        self, look: FullLook, found: RegionTokens, aspects: Sequence[Aspect]
    ) -> dict[Aspect, NDArray[np.float32]]:
        """All regions and scales side by side in as few passes as there is room for."""
        texts = [
            Text(tokens, ids) for ids in map(self.tokenizer.stem, aspects) for tokens in found.tokens
        ]
        if not texts:
            return {}
        shares = self.engine.last_logits(look.prefix, texts).softmax(-1)
        of_aspect = shares.unflatten(0, (len(aspects), -1))  # type: ignore[no-untyped-call]
        return {
            aspect: of_aspect[k][:, list(self.tokenizer.level_ids(aspect))].cpu().numpy()
            for k, aspect in enumerate(aspects)
        }

    def _sentences(self, look: FullLook, found: RegionTokens, aspect: Aspect) -> list[str]:
        ids = self.tokenizer.asked(aspect)
        texts = [Text(tokens, ids) for tokens in found.tokens]
        written = self.engine.written(look.prefix, texts, self.longest_sentence)
        return [finished(self.tokenizer.text(one)) for one in written]

    def _own(self, look: Look, regions: Sequence[Region]) -> FullLook:
        if not isinstance(look, FullLook) or look.reader != self._reader:
            raise CheckpointError("This look was taken by another model.", "Look at the image again with this model.")
        for region in regions:
            if region.mask.shape != look.shape:
                raise ShapeMismatchError(
                    f"The region '{region.name or region.id}' belongs to an image of "
                    f"{region.mask.shape[0]} x {region.mask.shape[1]} px, this one has "
                    f"{look.shape[0]} x {look.shape[1]}.",
                    "Ask it of its own image.",
                )
        return look
