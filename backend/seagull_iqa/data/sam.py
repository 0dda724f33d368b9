"""Regions proposed by Segment Anything (Kirillov et al. 2023), where its package and a file of weights are."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.data.segments import Mask, Segmenter
from seagull_iqa.errors import BackendMissingError, CheckpointError

OBJECT_SHARE = 0.03
"""A mask of at least that share of the photograph, or that holds others, counts as an object; the rest are parts."""

KINDS = ("vit_h", "vit_l", "vit_b")
"""Networks; the name of a file of weights says which."""


def check_sam() -> None:
    """`BackendMissingError` where the packages are not installed."""
    missing = [name for name in ("segment_anything", "torchvision") if find_spec(name) is None]
    if missing:
        raise BackendMissingError(
            f"--sam-weights wants the package {missing[0]}.", "Run pip install segment-anything torchvision."
        )


def sam_proposals(weights: Path, device: str) -> Segmenter:
    """What proposes SAM's automatic masks; the network is loaded once.

    Raises
    ------
    BackendMissingError
        A package is not installed.
    CheckpointError
        The file holds no weights of SAM.
    """
    check_sam()
    from segment_anything import SamAutomaticMaskGenerator, sam_model_registry

    kind = next((one for one in KINDS if one in weights.name), KINDS[-1])
    try:
        network = sam_model_registry[kind](checkpoint=str(weights)).to(device).eval()
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{weights.name} holds no weights of SAM's {kind}.", "The name of the file must say vit_h, vit_l or vit_b."
        ) from error
    generator = SamAutomaticMaskGenerator(network)

    def propose(rgb: NDArray[np.uint8]) -> list[tuple[str, Mask]]:
        found = [np.asarray(one["segmentation"], dtype=bool) for one in generator.generate(rgb)]
        found.sort(key=lambda mask: -int(mask.sum()))
        return [(_kind(mask, found), mask) for mask in found]

    return propose


def _kind(mask: Mask, others: list[Mask]) -> str:
    """Object or component: large, or with parts of its own."""
    if mask.mean() >= OBJECT_SHARE:
        return "object"
    parts = sum(1 for other in others if other is not mask and int((other & mask).sum()) > 0.9 * int(other.sum()))
    return "object" if parts >= 2 else "component"
