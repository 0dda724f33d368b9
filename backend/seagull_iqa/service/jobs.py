"""Long work on the server: queued, running, done, failed or cancelled, with progress and its maps."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import JobCancelledError, SeagullError, UnknownJobError
from seagull_iqa.service.failures import QueueFullError, attempted
from seagull_iqa.wire import JobState

_ABANDONED_S = 120.0

MapWork = Callable[[ProgressCallback], dict[str, ScoreMap]]


class MapJob:
    """One map being made; safe between threads.

    Attributes
    ----------
    id : str
        Its identity.
    sha256 : str
        Of the image.
    rgb : uint8, shape (H, W, 3)
        The image.
    """

    def __init__(self, sha256: str, rgb: NDArray[np.uint8]) -> None:
        self.id = uuid.uuid4().hex
        self.sha256 = sha256
        self.rgb = rgb
        self._lock = Lock()
        self._state = JobState.QUEUED
        self._progress = Progress(0, 0, "Waiting for the model")
        self._error: SeagullError | None = None
        self._maps: dict[str, ScoreMap] = {}
        self._cancelled = False
        self._asked_after = time.monotonic()

    @property
    def ended(self) -> bool:
        """True where nothing more will come."""
        return self._state.ended

    @property
    def nbytes(self) -> int:
        """Bytes of its maps."""
        return sum(found.values.nbytes for found in self._maps.values())

    def info(self) -> wire.Job:
        """How far it has come; to ask keeps it alive."""
        with self._lock:
            self._asked_after = time.monotonic()
            return wire.Job(
                id=self.id,
                state=self._state,
                done=self._progress.done,
                total=self._progress.total,
                message=self._progress.message,
                error=None if self._error is None else wire.ErrorMessage.of(self._error),
                maps=[wire.MapMessage.of(found) for found in self._maps.values()],
            )

    def values(self, name: str) -> bytes:
        """Little-endian float32, row-major, of one map; `UnknownJobError` where there is none of that name."""
        with self._lock:
            found = self._maps.get(name)
        if found is None:
            raise UnknownJobError(
                f"The job has no map {name[: wire.MAX_NAME]!r}.", "Ask for the job; it names its maps when it is done."
            )
        return found.values.astype("<f4").tobytes()

    def cancel(self) -> None:
        """End it: at once where it waits, at the next step where it runs; what has ended stays as it is."""
        with self._lock:
            self._cancelled = True
            if self._state is JobState.QUEUED:
                self._state = JobState.CANCELLED

    def run(self, work: MapWork, between: Callable[[], None]) -> None:
        """Do the work, on the model's thread; `between` is called at every step."""

        def step(progress: Progress) -> None:
            self._step(progress)
            between()

        with self._lock:
            if self._state is not JobState.QUEUED:
                return
            self._state = JobState.RUNNING
        self._end(attempted(lambda: self._worked(work, step)))

    def _worked(self, work: MapWork, step: ProgressCallback) -> dict[str, ScoreMap]:
        step(Progress(0, 0, "Looking at the image"))
        maps = work(step)
        # What cannot be said on the wire must fail here, not in the reply.
        for found in maps.values():
            wire.MapMessage.of(found)
        return maps

    def _step(self, progress: Progress) -> None:
        with self._lock:
            if self._cancelled or time.monotonic() - self._asked_after > _ABANDONED_S:
                raise JobCancelledError("The map was cancelled.", "Start it again when you want it.")
            self._progress = progress

    def _end(self, result: dict[str, ScoreMap] | SeagullError) -> None:
        with self._lock:
            if isinstance(result, JobCancelledError) or self._cancelled:
                self._state = JobState.CANCELLED
            elif isinstance(result, SeagullError):
                self._state, self._error = JobState.FAILED, result
            else:
                self._state, self._maps = JobState.DONE, dict(result)


class JobShelf:
    """All jobs, bounded in number and bytes; the oldest that have ended go first. Safe between threads."""

    def __init__(self, limits: wire.Limits) -> None:
        self._limits = limits
        self._jobs: dict[str, MapJob] = {}
        self._lock = Lock()

    def add(self, job: MapJob) -> None:
        """Take a job in; `LimitError` where too many wait."""
        with self._lock:
            if sum(not known.ended for known in self._jobs.values()) >= self._limits.jobs:
                raise QueueFullError("maps")
            self._jobs[job.id] = job
        self.tidy()

    def get(self, job_id: str) -> MapJob:
        """The job of that id; `UnknownJobError` where there is none."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise UnknownJobError(
                f"No job has the id {job_id[: wire.MAX_ID]!r}.", "It was cancelled or forgotten: start it again."
            )
        return job

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        with self._lock:
            self._jobs.pop(job_id, None)

    def tidy(self) -> None:
        """Forget the oldest ended jobs beyond the bounds."""
        with self._lock:
            ended = [job for job in self._jobs.values() if job.ended]
            while len(ended) > 1 and (
                len(ended) > self._limits.jobs or sum(job.nbytes for job in ended) > self._limits.map_cache_bytes
            ):
                del self._jobs[ended.pop(0).id]
