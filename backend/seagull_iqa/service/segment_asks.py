"""Prompts on their way through an engine; the newest of a session takes the place of older ones that wait."""

from __future__ import annotations

from concurrent.futures import Future
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.errors import SeagullError, SupersededError
from seagull_iqa.prompt_messages import CLICK_PRIORITY, CarriedReply, CarryRequest, ProposalReply, ProposalRequest

Reply = ProposalReply | CarriedReply


class PromptAsk:
    """One request. Changed only by its `PromptBook`, under the book's lock.

    Attributes
    ----------
    request : ProposalRequest or CarryRequest
    sha256, rgb : str; uint8, shape (H, W, 3)
        The image; held, so that a full cache cannot take it away meanwhile.
    finished : Future
        Done when it waits no more.
    """

    def __init__(self, request: ProposalRequest | CarryRequest, sha256: str, rgb: NDArray[np.uint8]) -> None:
        self.request = request
        self.sha256 = sha256
        self.rgb = rgb
        self.result: Reply | SeagullError | None = None
        self.finished: Future[None] = Future()

    @property
    def priority(self) -> int:
        """How urgent it is."""
        return self.request.priority if isinstance(self.request, ProposalRequest) else CLICK_PRIORITY

    def outdoes(self, other: PromptAsk) -> bool:
        """Whether this newer or equal request takes the place of the other."""
        mine, its = self.request, other.request
        same = bool(mine.session) and mine.session == its.session and type(mine) is type(its)
        return same and self.priority >= other.priority and mine.ticket >= its.ticket


class PromptBook:
    """All open requests. Safe between threads."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._open: list[PromptAsk] = []

    def __len__(self) -> int:
        return len(self._open)

    def add(self, ask: PromptAsk) -> None:
        """Open a request; older ones of its session end, or itself where a newer one waits already."""
        with self._lock:
            newer = any(other.outdoes(ask) and not ask.outdoes(other) for other in self._open)
            for other in list(self._open):
                if ask.outdoes(other):
                    self.settle(other, _superseded())
            self._open.append(ask)
            if newer:
                # One that asks again for what was pending may come after a newer one.
                self.settle(ask, _superseded())

    def waits(self, ask: PromptAsk) -> bool:
        """Whether somebody still waits for it."""
        with self._lock:
            return ask in self._open

    def settle(self, ask: PromptAsk, result: Reply | SeagullError) -> None:
        """Its answer has come; dropped where nobody waits for it any more."""
        with self._lock:
            if ask in self._open:
                self._open.remove(ask)
                ask.result = result
                ask.finished.set_result(None)

    def close(self, ask: PromptAsk) -> Reply | None:
        """Nobody waits any longer: the answer, or None where it has not come; its error is raised."""
        with self._lock:
            if ask in self._open:
                self._open.remove(ask)
                ask.finished.set_result(None)
            if isinstance(ask.result, SeagullError):
                raise ask.result.with_traceback(None)
            return ask.result


def _superseded() -> SupersededError:
    return SupersededError("A newer request took the place of this one.", "Wait for the newer one.")
