"""Long work on the server: queued, running, done, failed or cancelled, with progress and what comes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.domain.report import MapsCallback, ScoreMap
from seagull_iqa.errors import JobCancelledError, SeagullError, UnknownJobError
from seagull_iqa.messages import MAX_ID, MAX_NAME, ErrorMessage, MapMessage
from seagull_iqa.service.failures import QueueFullError, attempted
from seagull_iqa.wire import JobState

_ABANDONED_S = 120.0

T = TypeVar("T")

MapWork = Callable[[ProgressCallback, MapsCallback], dict[str, ScoreMap]]


class LongJob:
    """Work that takes long; safe between threads.

    Attributes
    ----------
    id : str
        Its identity.
    """

    def __init__(self, waiting: str) -> None:
        self.id = uuid.uuid4().hex
        self._lock = Lock()
        self._state = JobState.QUEUED
        self._progress = Progress(0, 0, waiting)
        self._error: SeagullError | None = None
        self._cancelled = False
        self._asked_after = time.monotonic()

    @property
    def ended(self) -> bool:
        """True where nothing more will come."""
        return self._state.ended

    @property
    def cancelled(self) -> bool:
        """True from the moment somebody cancels it, even where it still runs."""
        return self._cancelled

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps."""
        return 0

    def info(self) -> wire.Job:
        """How far it has come; to ask keeps it alive."""
        with self._lock:
            self._asked_after = time.monotonic()
            return self._said()

    def values(self, name: str) -> bytes:
        """Little-endian float32, row-major, of one map; `UnknownJobError` where there is none of that name."""
        raise _no_map(name)

    def cancel(self) -> None:
        """End it: at once where it waits, at the next step where it runs; what has ended stays as it is."""
        with self._lock:
            self._cancelled = True
            if self._state is JobState.QUEUED:
                self._state = JobState.CANCELLED

    def _said(self) -> wire.Job:
        return wire.Job(
            id=self.id,
            state=self._state,
            done=self._progress.done,
            total=self._progress.total,
            message=self._progress.message[: wire.MAX_MESSAGE],
            error=None if self._error is None else ErrorMessage.of(self._error),
        )

    def _begin(self) -> bool:
        """Whether it still waits to be done; from now on it runs."""
        with self._lock:
            waits = self._state is JobState.QUEUED
            self._state = JobState.RUNNING if waits else self._state
            return waits

    def _step(self, progress: Progress) -> None:
        with self._lock:
            if self._cancelled:
                raise JobCancelledError("It was cancelled.", "Start it again when you want it.")
            self._progress = progress

    def _end(self, result: T | SeagullError) -> T | None:
        """Say how it ended; gives what came of it, None where that is nothing. With the lock held."""
        if isinstance(result, JobCancelledError) or self._cancelled:
            self._state = JobState.CANCELLED
        elif isinstance(result, SeagullError):
            self._state = JobState.FAILED
        else:
            self._state = JobState.DONE
            return result
        # Who cancels knows why; what ended for another reason says so.
        self._error = result if isinstance(result, SeagullError) and not self._cancelled else None
        return None


class MapJob(LongJob):
    """The maps of one image being made, coarse ones first where the model does so.

    Attributes
    ----------
    sha256 : str
        Of the image.
    rgb : uint8, shape (H, W, 3)
        The image.
    """

    def __init__(self, sha256: str, rgb: NDArray[np.uint8]) -> None:
        super().__init__("Waiting for the model")
        self.sha256 = sha256
        self.rgb = rgb
        self._maps: dict[str, ScoreMap] = {}
        self._edition = 0

    @property
    def nbytes(self) -> int:
        """Bytes of its maps."""
        return sum(found.values.nbytes for found in self._maps.values())

    def values(self, name: str) -> bytes:
        """Little-endian float32, row-major, of one map's newest edition; `UnknownJobError` where there is none."""
        with self._lock:
            found = self._maps.get(name)
        if found is None:
            raise _no_map(name)
        return found.values.astype("<f4").tobytes()

    def run(self, work: MapWork, between: Callable[[], None]) -> None:
        """Do the work, on the model's thread; `between` is called at every step and may end it by raising."""

        def step(progress: Progress) -> None:
            self._step(progress)
            between()

        if self._begin():
            result = attempted(lambda: self._worked(work, step))
            with self._lock:
                self._publish(self._end(result))

    def _said(self) -> wire.Job:
        maps = [MapMessage.of(found) for found in self._maps.values()]
        return super()._said().model_copy(update={"maps": maps, "edition": self._edition})

    def _worked(self, work: MapWork, step: ProgressCallback) -> dict[str, ScoreMap]:
        step(Progress(0, 0, "Looking at the image"))
        return _sayable(work(step, self._coarse))

    def _coarse(self, maps: dict[str, ScoreMap]) -> None:
        with self._lock:
            self._publish(_sayable(maps))

    def _publish(self, maps: dict[str, ScoreMap] | None) -> None:
        if maps is not None:
            self._maps = dict(maps)
            self._edition += 1

    def _step(self, progress: Progress) -> None:
        if time.monotonic() - self._asked_after > _ABANDONED_S:
            raise JobCancelledError("Nobody asked after the map any more.", "Start it again when you want it.")
        super()._step(progress)


class JobShelf:
    """All jobs, bounded in number and bytes; the oldest that have ended go first. Safe between threads."""

    def __init__(self, limits: wire.Limits) -> None:
        self._limits = limits
        self._jobs: dict[str, LongJob] = {}
        self._lock = Lock()

    def add(self, job: LongJob) -> None:
        """Take a job in; `LimitError` where too many wait."""
        with self._lock:
            if sum(not known.ended for known in self._jobs.values()) >= self._limits.jobs:
                raise QueueFullError("jobs")
            self._jobs[job.id] = job
        self.tidy()

    def get(self, job_id: str) -> LongJob:
        """The job of that id; `UnknownJobError` where there is none."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise UnknownJobError(
                f"No job has the id {job_id[:MAX_ID]!r}.", "It was cancelled or forgotten: start it again."
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


def _no_map(name: str) -> UnknownJobError:
    return UnknownJobError(f"The job has no map {name[:MAX_NAME]!r}.", "Ask for the job; it names its maps.")


def _sayable(maps: dict[str, ScoreMap]) -> dict[str, ScoreMap]:
    """The maps as they are; what cannot be said on the wire must fail here, not in the reply."""
    for found in maps.values():
        MapMessage.of(found)
    return maps
