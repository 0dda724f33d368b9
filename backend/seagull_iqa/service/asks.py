"""Requests for reports on their way through the model; the newest request for a region replaces the older."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.errors import SeagullError, SupersededError
from seagull_iqa.messages import ErrorMessage, RegionMessage, ReportMessage

BATCH_REGIONS = 32
_BATCH_PIXELS = 2**26


class Ask:
    """One request: what still waits, and what has come. Changed only by its `AskBook`, under the book's lock.

    Attributes
    ----------
    sha256 : str
        Of the image.
    rgb : uint8, shape (H, W, 3)
        The image; held, so that a full cache cannot take it away meanwhile.
    finished : Future
        Done when no region waits any more; carries what makes the whole request fail.
    """

    def __init__(self, request: wire.ReportRequest, sha256: str, rgb: NDArray[np.uint8]) -> None:
        self.request = request
        self.sha256 = sha256
        self.rgb = rgb
        self.waiting = {region.id: region for region in request.regions}
        self.reports: list[ReportMessage] = []
        self.errors: dict[str, ErrorMessage] = {}
        self.finished: Future[None] = Future()

    def batches(self) -> list[list[str]]:
        """Ids in batches small enough that more urgent work soon comes between."""
        batches: list[list[str]] = []
        pixels = 0
        for region in self.request.regions:
            r0, c0, r1, c1 = region.box
            area = max(0, r1 - r0) * max(0, c1 - c0)
            if not batches or len(batches[-1]) == BATCH_REGIONS or pixels + area > _BATCH_PIXELS:
                batches.append([])
                pixels = 0
            batches[-1].append(region.id)
            pixels += area
        return batches


class AskBook:
    """All open requests. Safe between threads."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._open: set[Ask] = set()
        self._newest: dict[tuple[str, str], Ask] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, ask: Ask) -> None:
        """Open a request; older ones of its session give up the regions it names."""
        with self._lock:
            self._open.add(ask)
            for region in list(ask.waiting) if ask.request.session else []:
                self._supersede(ask, region)

    def take(self, ask: Ask, regions: Iterable[str]) -> list[RegionMessage]:
        """Those of the regions that still wait."""
        with self._lock:
            return [ask.waiting[region] for region in regions if region in ask.waiting]

    def report(self, ask: Ask, message: ReportMessage) -> None:
        """A region's report has come; dropped where nobody waits for it any more."""
        with self._lock:
            if self._settled(ask, message.region):
                ask.reports.append(message)
                self._end_if_done(ask)

    def fail(self, ask: Ask, regions: Iterable[str], error: SeagullError) -> None:
        """These regions get an error instead of a report."""
        with self._lock:
            for region in regions:
                if self._settled(ask, region):
                    ask.errors[region] = ErrorMessage.of(error)
            self._end_if_done(ask)

    def close(self, ask: Ask) -> wire.ReportReply:
        """Nobody waits any longer: answer with what has come, drop what has not."""
        with self._lock:
            pending = list(ask.waiting)
            for region in pending:
                self._settled(ask, region)
            self._end_if_done(ask)
            return wire.ReportReply(reports=list(ask.reports), errors=dict(ask.errors), pending=pending)

    def _supersede(self, ask: Ask, region: str) -> None:
        key = (ask.request.session, region)
        other = self._newest.get(key)
        # One that asks again for what was pending may come after a newer one.
        if other is not None and other.request.ticket > ask.request.ticket:
            self.fail(ask, [region], _superseded())
            return
        if other is not None:
            self.fail(other, [region], _superseded())
        self._newest[key] = ask

    def _settled(self, ask: Ask, region: str) -> bool:
        if ask.waiting.pop(region, None) is None:
            return False
        key = (ask.request.session, region)
        if self._newest.get(key) is ask:
            del self._newest[key]
        return True

    def _end_if_done(self, ask: Ask) -> None:
        if not ask.waiting and ask in self._open:
            self._open.discard(ask)
            ask.finished.set_result(None)


def _superseded() -> SupersededError:
    return SupersededError("A newer request for this region took the place of this one.", "Wait for the newer one.")
