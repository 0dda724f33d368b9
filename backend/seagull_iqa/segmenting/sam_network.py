"""What every network of the SAM family must offer, and what is pointed at in the tensors that they want."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.errors import OutOfMemoryError
from seagull_iqa.segmenting.sam_frame import SamFrame, SquareKind, along_strokes

_POSITIVE, _NEGATIVE = 1, 0

Embedding = tuple[Tensor, ...]
"""float32 tensors of one image: SAM 1 has one, SAM 2 and its kin three, fine to coarse."""


Foreign = Any
"""A network or a class of a package that brings no types."""


@dataclass(frozen=True)
class SamPrompt:
    """Prompts of B masks of one image in px of the square; on the network's device.

    Attributes
    ----------
    points : float32, shape (B, N, 2), or None
        (x, y).
    labels : int64, shape (B, N), or None
        1 inside, 0 not.
    boxes : float32, shape (B, 4), or None
        (x0, y0, x1, y1), pixels of the corners.
    masks : float32, shape (B, 1, low, low), or None
        Logits.
    """

    points: Tensor | None = None
    labels: Tensor | None = None
    boxes: Tensor | None = None
    masks: Tensor | None = None

    @property
    def is_ambiguous(self) -> bool:
        """One click and nothing else: its authors ask for three masks then, and for one wherever more is said."""
        return self.points is not None and self.points.shape[1] == 1 and self.boxes is None and self.masks is None


class SamNetwork(Protocol):
    """A network that looks once and answers prompts."""

    @property
    def kind(self) -> SquareKind:
        """The square that it sees."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the tensors of an embedding, each with a leading 1."""

    def encode(self, pixels: Tensor) -> Embedding:
        """Look at a square, float32, shape (1, 3, side, side)."""

    def decode(self, embedding: Embedding, prompt: SamPrompt, *, multimask: bool) -> tuple[Tensor, Tensor]:
        """Logits, float32, shape (B, M, low, low), and predicted IoU, shape (B, M): M = 3 where `multimask`, else 1."""


def sam_prompt(prompts: Prompts, frame: SamFrame, device: torch.device) -> SamPrompt:
    """The tensors for what a person pointed at.

    Strokes become points along them. An earlier mask without any point brings its own box along: SAM has seen masks in
    training only together with what they came from.
    """
    inside = [*prompts.positive, *along_strokes(prompts.strokes)]
    box = prompts.box
    if box is None and prompts.mask is not None and not inside:
        r0, c0, r1, c1 = prompts.mask.box
        box = (float(r0), float(c0), float(r1), float(c1))
    points, labels = frame.points([*inside, *prompts.negative]), labels_of(len(inside), len(prompts.negative))
    logits = None if prompts.mask is None else frame.mask_logits(prompts.mask)
    return SamPrompt(
        points=torch.from_numpy(points)[None].to(device) if len(points) else None,
        labels=torch.from_numpy(labels)[None].to(device) if len(points) else None,
        boxes=None if box is None else torch.from_numpy(frame.box(box))[None].to(device),
        masks=None if logits is None else torch.from_numpy(logits)[None].to(device),
    )


def labels_of(inside: int, outside: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """int64, shape (inside + outside,): 1 for the points inside, then 0 for those that are not."""
    return np.repeat(np.array([_POSITIVE, _NEGATIVE], np.int64), [inside, outside])


@contextmanager
def readable_memory_errors() -> Iterator[None]:
    """Turn what torch says of too little memory into `OutOfMemoryError`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # CUDA has a class for it, the CPU's allocator a sentence.
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "can't allocate memory" not in str(error):
            raise
        raise OutOfMemoryError(
            "There is not enough memory for this image.", "Close what else uses the device, or take a smaller engine."
        ) from error


def file_identity(path: Path) -> str:
    """The beginning of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
