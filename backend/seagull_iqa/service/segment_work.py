"""What the engine's thread does: load the engine that was chosen, look, propose, find all regions, carry them on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, EverythingSpec
from seagull_iqa.errors import JobCancelledError, OutOfMemoryError, SeagullError
from seagull_iqa.prompt_messages import (
    EVERYTHING_PRIORITY,
    CarriedReply,
    CarryRequest,
    EverythingRequest,
    Preparation,
    ProposalReply,
    ProposalRequest,
)
from seagull_iqa.segmenting import crops
from seagull_iqa.segmenting.interface import SegmentEngine
from seagull_iqa.segmenting.look_store import LookStore
from seagull_iqa.service.failures import attempted
from seagull_iqa.service.segment_asks import PromptAsk, PromptBook, Reply
from seagull_iqa.service.segment_jobs import SegmentJob
from seagull_iqa.service.segment_looks import ImageViews, LookKeeper
from seagull_iqa.service.segment_source import Pick, SegmentSource
from seagull_iqa.service.worker import ALONE, Worker

_LOG = logging.getLogger(__name__)


class SegmentWork:
    """The engine, its looks, and the thread that uses them, apart from the thread of the model that scores.

    Attributes
    ----------
    worker : Worker
        The thread.
    looks : LookKeeper
    pick : Pick
        The engine that answers; loaded when it is first asked.
    wish : Pick or None
        The one that is on its way.
    trouble : SeagullError or None
        Why the last one that was wished could not be loaded; the old one goes on then.
    """

    def __init__(self, source: SegmentSource, book: PromptBook) -> None:
        self.worker = Worker(_nothing, "seagull-segmenting")
        self.looks = LookKeeper(source.memory_bytes, LookStore(source.folder, source.disk_bytes), source.release)
        self.pick = source.first
        self.wish: Pick | None = None
        self.trouble: SeagullError | None = None
        self.settled: Future[None] = Future()
        self._source = source
        self._book = book
        self._engine: SegmentEngine | None = None
        self._lock = Lock()

    def exchange(self, pick: Pick) -> Future[None]:
        """Wish for another engine; done when it answers or has failed, or where it answers already."""
        with self._lock:
            self.trouble = None
            if self.wish == pick:
                return self.settled
            self.settled = Future()
            if self.wish is None and self.pick == pick and self._engine is not None:
                self.settled.set_result(None)
                return self.settled
            self.wish = pick
        self.worker.submit(self._change, ALONE)
        return self.settled

    # What follows runs in the engine's thread.

    def propose(self, ask: PromptAsk, request: ProposalRequest) -> None:
        """Answer prompts, if somebody still waits."""

        def work() -> Reply:
            prompts = request.prompts.prompts(_shape(ask.rgb))
            engine = self._ready()
            return ProposalReply.of(crops.propose(engine, prompts, self._views(engine, ask)))

        self._answer(ask, work)

    def carry(self, ask: PromptAsk, request: CarryRequest, before: NDArray[np.uint8] | None) -> None:
        """Find the region of the plane before, if somebody still waits."""

        def work() -> Reply:
            # Here, so that the hand-shake need not wait for scipy.
            from seagull_iqa.segmenting.carrying import carry

            mask = request.mask.mask(_shape(ask.rgb))
            engine = self._ready()
            views = self._views(engine, ask)
            same = before if before is not None and before.shape == ask.rgb.shape else None
            return CarriedReply.of(carry(lambda prompts: crops.propose(engine, prompts, views), mask, ask.rgb, same))

        self._answer(ask, work)

    def prepare(self, job: SegmentJob, request: Preparation) -> None:
        """Look at an image beforehand."""

        def work(look_step: ProgressCallback, _step: ProgressCallback) -> list[Candidate]:
            views = self._job_views(job, look_step)
            views.look(crops.first_view(views.shape, request.near, views.known))
            return []

        job.run(work, self._end_if_leaving, _nothing)

    def everything(self, job: SegmentJob, request: EverythingRequest) -> None:
        """Find all regions, step by step; what is clicked meanwhile comes between."""

        def work(look_step: ProgressCallback, step: ProgressCallback) -> list[Candidate]:
            views = self._job_views(job, look_step)
            views.look(crops.whole_view(views.shape))
            spec = EverythingSpec(request.most, request.least_area)
            return crops.everything(views.engine, spec, views, progress=step)

        job.run(work, self._end_if_leaving, lambda: self.worker.run_above(EVERYTHING_PRIORITY))

    def _answer(self, ask: PromptAsk, work: Callable[[], Reply]) -> None:
        if self._book.waits(ask):
            self._book.settle(ask, attempted(work))

    def _end_if_leaving(self) -> None:
        if self.wish is not None:
            raise JobCancelledError("Another engine was chosen, so this work has ended.", "Ask the new engine.")

    def _job_views(self, job: SegmentJob, step: ProgressCallback) -> ImageViews:
        step(Progress(0, 0, "Looking at the image"))
        return ImageViews(self._ready(), self.looks, job.sha256, job.rgb, step)

    def _views(self, engine: SegmentEngine, ask: PromptAsk) -> ImageViews:
        # The answer comes first, the disk right after it.
        later = partial(self.worker.submit, priority=ALONE)
        return ImageViews(engine, self.looks, ask.sha256, ask.rgb, ignore_progress, later)

    def _ready(self) -> SegmentEngine:
        if self._engine is None:
            self._engine = self._made(self.pick)
        return self._engine

    def _made(self, pick: Pick) -> SegmentEngine:
        engine = attempted(lambda: self._source.make(pick))
        if isinstance(engine, OutOfMemoryError) and self.looks.memory().looks:
            self.looks.forget()
            engine = attempted(lambda: self._source.make(pick))
        if isinstance(engine, SeagullError):
            raise engine
        return engine

    def _change(self) -> None:
        wish = self.wish
        if wish is None:
            return
        made = attempted(lambda: self._made(wish))
        with self._lock:
            # Where a newer one was wished meanwhile, its own change comes next.
            if self.wish != wish:
                return
            self.wish = None
            if isinstance(made, SeagullError):
                _LOG.error("The engine %s cannot be loaded: %s", wish.name, made)
                self.trouble = made
            else:
                self.pick, self._engine = wish, made
        if not isinstance(made, SeagullError):
            self.looks.forget()
        self.settled.set_result(None)


def _nothing() -> None:
    return


def _shape(rgb: NDArray[np.uint8]) -> tuple[int, int]:
    return (int(rgb.shape[0]), int(rgb.shape[1]))
