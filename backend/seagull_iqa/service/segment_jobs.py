"""Long work of an engine: an image looked at beforehand, and all regions of an image."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.domain.prompts import Candidate
from seagull_iqa.errors import JobCancelledError, LimitError
from seagull_iqa.prompt_messages import CandidateList, CandidateMessage
from seagull_iqa.service.failures import attempted
from seagull_iqa.service.jobs import LongJob

_ABANDONED_S = 120.0

SegmentJobWork = Callable[[ProgressCallback, ProgressCallback], list[Candidate]]
"""Given what is called between the steps of a look, and what between those of other work."""


class SegmentJob(LongJob):
    """Work with an engine on one image.

    Attributes
    ----------
    sha256, rgb : str; uint8, shape (H, W, 3)
        The image.
    candidates : CandidateList or None
        What came of it, where it makes any.
    """

    def __init__(self, sha256: str, rgb: NDArray[np.uint8]) -> None:
        super().__init__("Waiting for the engine")
        self.sha256 = sha256
        self.rgb = rgb
        self.candidates: CandidateList | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its candidates, about."""
        found = self.candidates.candidates if self.candidates else []
        return sum(8 * len(one.mask.runs) for one in found)

    def run(self, work: SegmentJobWork, leaving: Callable[[], None], between: Callable[[], None]) -> None:
        """Do the work, in the engine's thread.

        `leaving` is called at every step and may end it by raising; `between` at those that are none of a look, since
        a look that is being taken may be the one that is wanted by what would come between.
        """

        def look_step(progress: Progress) -> None:
            self._step(progress)
            leaving()

        def step(progress: Progress) -> None:
            look_step(progress)
            between()

        if self._begin():
            result = attempted(lambda: _sayable(work(look_step, step)))
            with self._lock:
                self.candidates = self._end(result)

    def _step(self, progress: Progress) -> None:
        if time.monotonic() - self._asked_after > _ABANDONED_S:
            raise JobCancelledError("Nobody asked after it any more.", "Start it again when you want it.")
        super()._step(progress)


def _sayable(found: list[Candidate]) -> CandidateList:
    """As a message; a mask that is too ragged to be sent is left out."""
    said = []
    for candidate in found:
        try:
            said.append(CandidateMessage.of(candidate))
        except LimitError:
            continue
    return CandidateList(candidates=said)
