"""What the training loop needs to know of what is learned: a model, batches by number, a loss, and a measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = Sequence[NDArray[np.generic]]
"""A batch as it travels between processes."""

Source = Callable[[int], Arrays]
"""Makes the batch of a number: always the same of the same number, in whatever process. Picklable."""


@dataclass(frozen=True)
class Measured:
    """What the model can do on what was held out.

    Attributes
    ----------
    score : float
        What early stopping looks at, higher is better: SROCC of quality.
    figures : mapping of str to float
        All that was measured.
    """

    score: float
    figures: Mapping[str, float]


class Task(Protocol):
    """Something to be learned."""

    def model(self) -> nn.Module:
        """The model as it begins, the same at every call."""
        ...

    @property
    def source(self) -> Source:
        """Where batches come from."""
        ...

    def batch(self, arrays: Arrays, device: str, *, again: bool) -> Any:  # noqa: ANN401 - the task's own
        """A batch on the device; `again` where it was seen before, so that it may be varied."""
        ...

    def loss(self, model: nn.Module, batch: Any) -> Mapping[str, Tensor]:  # noqa: ANN401
        """Its terms, and under "total" what is minimised."""
        ...

    def measure(self, model: nn.Module) -> Measured:
        """How good the model is on what was held out."""
        ...

    def write(self, model: nn.Module, folder: Path, *, finished: bool) -> Path:
        """Write what people use; `finished` where the run is over, so that calibrating is worth its time."""
        ...
