"""The one interface of every model: look once, then ask about any regions, and map the whole image.

This module is free of torch, so that the service and the tests can name the interface without loading a network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import ALL_ASPECTS, Aspect, MapsCallback, QualityReport, ScoreMap, ignore_maps

RGBImage = NDArray[np.uint8]
"""uint8, shape (H, W, 3), RGB, 0..255: *the* image."""


class Look(Protocol):
    """What a model keeps of an image after having looked at it once."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""


class QualityModel(Protocol):
    """A model that judges regions."""

    @property
    def card(self) -> ModelCard:
        """Who the weights are."""

    @property
    def device(self) -> str:
        """Where it computes: "cpu", "cuda:0", "mps"."""

    def look(self, image: RGBImage) -> Look:
        """Encode an image, once.

        Parameters
        ----------
        image : uint8, shape (H, W, 3)
            RGB, 0..255.

        Raises
        ------
        ImageError
            Not of that dtype and shape, or without a pixel.
        """

    def assess(
        self, look: Look, regions: Sequence[Region], aspects: Collection[Aspect] = ALL_ASPECTS
    ) -> list[QualityReport]:
        """One report a region, in the order asked; a region's report never depends on the others.

        Raises
        ------
        ShapeMismatchError
            A mask belongs to an image of another size.
        """

    def maps(
        self, look: Look, *, progress: ProgressCallback = ignore_progress, partial: MapsCallback = ignore_maps
    ) -> dict[str, ScoreMap]:
        """The maps named in `map_names`, over the whole image.

        `progress` may cancel by raising; `partial` is called with coarser maps where the work takes long.
        """

    @property
    def map_names(self) -> tuple[str, ...]:
        """Which of `MAP_NAMES` this model makes."""

    @property
    def precision(self) -> Precision:
        """In what numbers its weights are kept; never AUTO."""


@runtime_checkable
class AnsweringModel(QualityModel, Protocol):
    """A model that also answers free questions, in words."""

    def answer(self, look: Look, region: Region, question: str, *, max_tokens: int = 256) -> Iterator[str]:
        """The answer, in pieces as they are made; joined they are the whole text.

        Raises
        ------
        LimitError
            The question is longer than what the model can read.
        ShapeMismatchError
            The mask belongs to an image of another size.
        """
