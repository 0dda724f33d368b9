"""A second label, TOPIQ-FR (Chen et al. 2024) by the package pyiqa: what SEAGULL-100w was labelled with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from seagull_iqa.errors import BackendMissingError, SeagullError

NAME = "topiq_fr"

WEIGHTS = "cfanet_fr_kadid_res50-2c4cc61d.pth"
"""The file that pyiqa keeps in its folder of torch.hub."""

LEAST_SIDE = 64
"""Px; a smaller box is widened to it, for the network halves the image five times."""

Metric = Callable[[Tensor, Tensor], Tensor]


def check_topiq() -> None:
    """Say in one sentence why TOPIQ-FR cannot be had, where it cannot.

    Raises
    ------
    SeagullError
        pyiqa is not installed, or its weights are not on this disk.
    """
    if find_spec("pyiqa") is None:
        raise BackendMissingError("TOPIQ-FR wants the package pyiqa.", "Run pip install pyiqa, or leave out --topiq.")
    path = Path(torch.hub.get_dir()) / "pyiqa" / WEIGHTS
    if not path.is_file():
        raise SeagullError(
            f"The weights of TOPIQ-FR are not on this disk ({path}).",
            "Fetch them once with python -c \"import pyiqa; pyiqa.create_metric('topiq_fr')\", or leave out --topiq.",
        )


@dataclass(frozen=True, eq=False)
class Topiq:
    """Scores regions by a full-reference metric that gives 0..1, better is more."""

    metric: Metric

    @classmethod
    def load(cls, device: str) -> Topiq:
        """Load the network."""
        check_topiq()
        import pyiqa

        return cls(pyiqa.create_metric(NAME, device=torch.device(device)))

    def label(self, reference: Tensor, spoiled: Tensor, mask: Tensor, box: list[int]) -> tuple[float, float]:
        """Quality of a region's box, and importance_ref, 0..100 each; images (3, H, W) 0..1, mask bool (H, W)."""
        rows, columns = (_widened(box[axis], box[axis + 2], reference.shape[axis + 1]) for axis in (0, 1))
        quality = self._score(spoiled[:, rows, columns], reference[:, rows, columns])
        only_here = torch.where(mask, spoiled, reference)
        return quality, 100.0 - self._score(only_here, reference)

    def _score(self, spoiled: Tensor, reference: Tensor) -> float:
        return 100.0 * min(1.0, max(0.0, float(self.metric(spoiled[None], reference[None]))))


def _widened(start: int, stop: int, side: int) -> slice:
    missing = max(0, LEAST_SIDE - (stop - start))
    start = max(0, min(start - missing // 2, side - LEAST_SIDE))
    return slice(start, min(side, max(stop, start + LEAST_SIDE)))
