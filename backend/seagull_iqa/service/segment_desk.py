"""The server's verbs that find regions: which engines there are, what is pointed at, what is looked at beforehand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.errors import ModelError, UnknownImageError, UnknownJobError, UnknownModelError
from seagull_iqa.messages import ErrorMessage, ModelOfferMessage
from seagull_iqa.prompt_messages import (
    EVERYTHING_PRIORITY,
    PREPARE_PRIORITY,
    CandidateList,
    CarriedReply,
    CarryRequest,
    Cleared,
    EngineStateMessage,
    EverythingRequest,
    Preparation,
    ProposalReply,
    ProposalRequest,
    SegmenterChoice,
    SegmenterList,
)
from seagull_iqa.service.failures import QueueFullError
from seagull_iqa.service.jobs import JobShelf, LongJob
from seagull_iqa.service.segment_asks import PromptAsk, PromptBook
from seagull_iqa.service.segment_jobs import SegmentJob
from seagull_iqa.service.segment_source import Pick, SegmentSource
from seagull_iqa.service.segment_work import SegmentWork

ImageOf = Callable[[str], NDArray[np.uint8]]
"""uint8, shape (H, W, 3), by hash; `UnknownImageError` where it is not held."""


class SegmentDesk:
    """Safe between threads.

    Parameters
    ----------
    source : SegmentSource
        Where engines come from.
    limits : wire.Limits
    shelf : JobShelf
        Where long work stands.
    image_of : callable
        The images that are held.
    """

    def __init__(self, source: SegmentSource, limits: wire.Limits, shelf: JobShelf, image_of: ImageOf) -> None:
        self._source = source
        self._limits = limits
        self._shelf = shelf
        self._image_of = image_of
        self._book = PromptBook()
        self._work = SegmentWork(source, self._book)

    def start(self) -> None:
        """Begin to work; no engine is loaded yet."""
        self._work.worker.start()

    def stop(self) -> None:
        """End after the piece of work at hand."""
        self._work.worker.stop()

    @property
    def in_use(self) -> str:
        """Name of the engine that answers."""
        return self._work.pick.name

    def listed(self) -> SegmenterList:
        """The engines, the one in use, and the looks that are kept; reads the disk."""
        work = self._work
        wish, trouble = work.wish, work.trouble
        return SegmenterList(
            in_use=self.in_use,
            engines=[EngineStateMessage.of(state) for state in self._source.states()],
            device=work.pick.device,
            loading="" if wish is None else wish.name,
            trouble=None if trouble is None else ErrorMessage.of(trouble),
            memory=work.looks.memory(),
            disk=work.looks.disk(),
            folder=work.looks.folder,
            offers=[ModelOfferMessage.of(offer) for offer in self._source.offers()],
        )

    def choose(self, asked: SegmenterChoice) -> Future[None]:
        """Begin to exchange the engine; what cannot work is refused at once. Reads the disk."""
        states = {state.name: state for state in self._source.states()}
        if asked.name not in states:
            raise UnknownModelError(f"There is no engine '{asked.name}' here.", f"Use one of {', '.join(states)}.")
        state = states[asked.name]
        if not state.ready:
            raise ModelError(f"{state.name} cannot be used yet: {state.why_not.rstrip('.')}.", "Choose another one.")
        device = self._source.first.device if asked.device == "auto" else asked.device
        return self._work.exchange(Pick(asked.name, device))

    def propose(self, sha256: str, request: ProposalRequest) -> PromptAsk:
        """Queue prompts."""
        ask = PromptAsk(request, sha256, self._image_of(sha256))
        self._queue(ask, partial(self._work.propose, ask, request))
        return ask

    def carry(self, sha256: str, request: CarryRequest) -> PromptAsk:
        """Queue a mask of the plane before; where that plane is no longer held, colours are not compared."""
        try:
            before = self._image_of(request.before) if request.before else None
        except UnknownImageError:
            before = None
        ask = PromptAsk(request, sha256, self._image_of(sha256))
        self._queue(ask, partial(self._work.carry, ask, request, before))
        return ask

    def proposal(self, ask: PromptAsk) -> ProposalReply:
        """What has come; nothing more does."""
        reply = self._book.close(ask)
        return reply if isinstance(reply, ProposalReply) else ProposalReply(pending=True)

    def carried(self, ask: PromptAsk) -> CarriedReply:
        """What has come; nothing more does."""
        reply = self._book.close(ask)
        return reply if isinstance(reply, CarriedReply) else CarriedReply(pending=True)

    def prepare(self, sha256: str, request: Preparation) -> wire.Job:
        """Queue a look."""
        job = SegmentJob(sha256, self._image_of(sha256))
        return self._begun(job, lambda: self._work.prepare(job, request), PREPARE_PRIORITY)

    def everything(self, sha256: str, request: EverythingRequest) -> wire.Job:
        """Queue the search for all regions."""
        job = SegmentJob(sha256, self._image_of(sha256))
        return self._begun(job, lambda: self._work.everything(job, request), EVERYTHING_PRIORITY)

    def candidates(self, job: LongJob) -> CandidateList:
        """What a job has found; `UnknownJobError` where it finds none, or has not yet."""
        found = job.candidates if isinstance(job, SegmentJob) else None
        if found is None:
            raise UnknownJobError("The job has no regions.", "Ask for those of a job that is done.")
        return found

    def clear(self) -> Cleared:
        """Free the looks in memory and on disk."""
        return Cleared(freed_bytes=self._work.looks.clear())

    def _queue(self, ask: PromptAsk, task: Callable[[], None]) -> None:
        if len(self._book) >= self._limits.queued_requests:
            raise QueueFullError("requests")
        self._book.add(ask)
        self._work.worker.submit(task, ask.priority)

    def _begun(self, job: SegmentJob, work: Callable[[], None], priority: int) -> wire.Job:
        def done() -> None:
            work()
            self._shelf.tidy()

        self._shelf.add(job)
        self._work.worker.submit(done, priority)
        return job.info()
