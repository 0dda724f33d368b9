"""One engine for the whole SAM family: what differs between its networks stands behind `SamNetwork`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, EverythingSpec, Prompts, Proposal
from seagull_iqa.errors import CheckpointError, EmptyRegionError, ImageError, RegionError, ShapeMismatchError
from seagull_iqa.segmenting.interface import Packed, RGBImage, SegmentLook
from seagull_iqa.segmenting.sam_everything import Everything, Grid
from seagull_iqa.segmenting.sam_frame import SamFrame
from seagull_iqa.segmenting.sam_masks import candidates_of, to_image
from seagull_iqa.segmenting.sam_network import Embedding, SamNetwork, readable_memory_errors, sam_prompt

_RECIPE = "sam-1"
"""Changes when the same weights would see other pixels or keep a look otherwise."""


@dataclass(frozen=True, eq=False)
class SamLook:
    """An image as the network sees it.

    Attributes
    ----------
    frame : SamFrame
        Where its pixels lie.
    embedding : tuple of float32 tensors
        In the host's memory, so that many looks do not fill a GPU.
    """

    frame: SamFrame
    embedding: Embedding

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return self.frame.shape

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(part.nbytes for part in self.embedding)


class SamEngine:
    """Clicks, boxes, strokes and masks to masks, by a network of the SAM family.

    Parameters
    ----------
    name : str
    weights_mark : str
        Of the weights' content.
    network : SamNetwork
    grid : Grid, optional
        How everything is looked for; by default a coarser grid on a CPU.
    """

    def __init__(self, name: str, weights_mark: str, network: SamNetwork, grid: Grid | None = None) -> None:
        self._name = name
        self._identity = f"{name} {weights_mark} {_RECIPE}"
        self._network = network
        self._grid = grid or Grid.for_device(network.device)

    @property
    def name(self) -> str:
        """ "sam-vit-b" ..."""
        return self._name

    @property
    def identity(self) -> str:
        """Name, content of the weights, and version of what prepares the image."""
        return self._identity

    def look(self, image: RGBImage, *, progress: ProgressCallback = ignore_progress) -> SamLook:
        """Encode an image; the network runs in one go, so it can be cancelled only before and after."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError("This is no RGB image of 8 bits with a pixel in it.", "Prepare the image first.")
        progress(Progress(0, 1, f"{self._name} looks at the image"))
        frame = SamFrame((int(image.shape[0]), int(image.shape[1])), self._network.kind)
        with readable_memory_errors(), torch.inference_mode():
            pixels = torch.from_numpy(frame.pixels(image))[None].to(self._network.device)
            embedding = tuple(part.float().cpu() for part in self._network.encode(pixels))
        progress(Progress(1, 1, f"{self._name} has looked at the image"))
        return SamLook(frame, embedding)

    def mask(self, look: SegmentLook, prompts: Prompts) -> Proposal:
        """Three masks for one click, one where more was pointed at, as SAM's authors advise; small to large."""
        logits, scores = self.logits(look, prompts)
        candidates = sorted(candidates_of(logits, scores), key=lambda one: one.mask.area)
        if not candidates:
            raise EmptyRegionError(f"{self._name} finds nothing there.", "Click elsewhere, or draw a box.")
        best = max(range(len(candidates)), key=lambda index: candidates[index].score)
        return Proposal(tuple(candidates), best)

    def logits(self, look: SegmentLook, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """What `mask` cuts at 0: float32, shape (M, H, W), with the predicted IoU, shape (M,).

        Raises
        ------
        RegionError
            Nothing was pointed at, or the earlier mask is of another image.
        """
        own = _own(look)
        if prompts.is_empty:
            raise RegionError("Nothing says where the region is.", "Click into it, draw a box or a stroke.")
        if prompts.mask is not None and prompts.mask.shape != own.shape:
            raise ShapeMismatchError(
                f"The earlier mask is {prompts.mask.shape} px, the image {own.shape}.", "Refine a mask of this image."
            )
        prompt = sam_prompt(prompts, own.frame, self._network.device)
        with readable_memory_errors(), torch.inference_mode():
            low, scores = self._network.decode(self._moved(own), prompt, multimask=prompt.is_ambiguous)
            return to_image(low[0], own.frame).cpu(), scores[0].float().cpu()

    def everything(
        self, look: SegmentLook, spec: EverythingSpec, *, progress: ProgressCallback = ignore_progress
    ) -> Sequence[Candidate]:
        """The masks of a grid of clicks, best first; see `sam_everything`."""
        own = _own(look)
        with readable_memory_errors(), torch.inference_mode():
            return Everything(self._network, self._moved(own), own.frame, spec, self._grid).run(progress)

    def _moved(self, look: SamLook) -> Embedding:
        return tuple(part.to(self._network.device) for part in look.embedding)

    def pack(self, look: SegmentLook) -> Packed:
        """The embedding in half precision, which moves logits by less than a thousandth of their range."""
        own = _own(look)
        parts: dict[str, NDArray[np.generic]] = {"shape": np.asarray(own.shape, np.int64)}
        for index, part in enumerate(own.embedding):
            parts[f"embedding_{index}"] = part.numpy().astype(np.float16)
        return parts

    def unpack(self, packed: Packed) -> SamLook:
        """The inverse of `pack`."""
        shape = packed.get("shape")
        names = [f"embedding_{index}" for index in range(len(self._network.shapes))]
        fits = (
            set(packed) == {"shape", *names}
            and shape is not None
            and shape.shape == (2,)
            and bool((shape > 0).all())
            and all(packed[n].shape == s for n, s in zip(names, self._network.shapes, strict=True))
            and all(packed[name].dtype == np.float16 and np.isfinite(packed[name]).all() for name in names)
        )
        if not fits or shape is None:
            raise CheckpointError(f"This is no look of {self._name}.", "Look at the image again.")
        frame = SamFrame((int(shape[0]), int(shape[1])), self._network.kind)
        return SamLook(frame, tuple(torch.from_numpy(packed[name].astype(np.float32)) for name in names))


def _own(look: SegmentLook) -> SamLook:
    if not isinstance(look, SamLook):
        raise TypeError("a look of another engine")
    return look
