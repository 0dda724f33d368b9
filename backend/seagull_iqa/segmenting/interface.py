"""The one interface of every engine: look at an image once, then ask for masks as often as you like.

Free of torch, so that service and tests can name it without loading a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.progress import ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, EverythingSpec, Prompts, Proposal

RGBImage = NDArray[np.uint8]
"""uint8, shape (H, W, 3), RGB, 0..255."""

Packed = Mapping[str, NDArray[Any]]
"""A look as arrays, to be kept on disk; no pickles."""


class SegmentLook(Protocol):
    """What an engine keeps of an image after having looked at it once."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""


class SegmentEngine(Protocol):
    """Turns prompts into masks. One thread at a time."""

    @property
    def name(self) -> str:
        """"region-tree", "sam-vit-b" ..."""

    @property
    def identity(self) -> str:
        """Name and version of what computes (SHA-256 of the weights, version of the algorithm): keys kept looks."""

    def look(self, image: RGBImage, *, progress: ProgressCallback = ignore_progress) -> SegmentLook:
        """Encode an image, or a part of one, once; `ImageError` where it is none."""

    def mask(self, look: SegmentLook, prompts: Prompts) -> Proposal:
        """The masks that the prompts mean; `RegionError` where they mean none."""

    def everything(
        self, look: SegmentLook, spec: EverythingSpec, *, progress: ProgressCallback = ignore_progress
    ) -> Sequence[Candidate]:
        """All regions, best first; they may overlap and contain each other. `progress` cancels by raising.

        Between the steps `progress` may ask the same engine for looks and masks, for a click that comes meanwhile: what
        belongs to an image lies in its look and nowhere else.
        """

    def pack(self, look: SegmentLook) -> Packed:
        """The look as arrays for a file on disk."""

    def unpack(self, packed: Packed) -> SegmentLook:
        """The inverse of `pack`; `CheckpointError` where the arrays are none of this engine's."""
