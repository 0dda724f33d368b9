"""Weights on their way to the server's disk: one download a model at a time, apart from the model's thread."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.service.failures import attempted
from seagull_iqa.service.jobs import JobShelf, LongJob

Download = Callable[[str, ProgressCallback], object]
"""Name and progress, in bytes; cancelled by what progress raises, and taken up again by a later call."""

_GLANCE_S = 0.1
_PATIENCE_S = 1.0


class DownloadJob(LongJob):
    """One model being fetched, in a thread of its own; goes on when nobody asks after it.

    Parameters
    ----------
    name : str
        Of the model.
    download : callable
        Does it.
    before : DownloadJob or None
        An earlier download of the same model that has been cancelled and may still be ending.
    """

    def __init__(self, name: str, download: Download, before: DownloadJob | None = None) -> None:
        super().__init__("Waiting for the network")
        self.name = name
        self._download = download
        self._before = before
        self._thread = Thread(target=self._run, name=f"seagull-download-{name}", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; True where it came."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._before is not None and not self.cancelled:
            self._before = None if self._before.join(_GLANCE_S) else self._before
        if self._begin():
            result = attempted(self._fetched)
            with self._lock:
                self._end(result)

    def _fetched(self) -> str:
        self._step(Progress(0, 0, f"Fetching {self.name}"))
        self._download(self.name, self._step)
        return self.name


class Downloads:
    """The latest download of each model. Safe between threads."""

    def __init__(self, download: Download, shelf: JobShelf) -> None:
        self._download = download
        self._shelf = shelf
        self._lock = Lock()
        self._latest: dict[str, DownloadJob] = {}

    def begin(self, name: str) -> DownloadJob:
        """The download of that model: the one that is on its way, or else a new one; `LimitError` if too many."""
        with self._lock:
            before = self._latest.get(name)
            if before is not None and not before.ended and not before.cancelled:
                return before
            job = DownloadJob(name, self._download, before)
            self._shelf.add(job)
            self._latest[name] = job
            job.start()
            return job

    def running(self, name: str) -> str:
        """Id of the download of that model which is on its way; "" where there is none."""
        with self._lock:
            job = self._latest.get(name)
        return "" if job is None or job.ended else job.id

    def close(self) -> None:
        """Cancel all; what has come stays on the disk."""
        with self._lock:
            jobs = list(self._latest.values())
        for job in jobs:
            job.cancel()

    def join(self) -> None:
        """Give all a moment to put down what they hold."""
        with self._lock:
            jobs = list(self._latest.values())
        for job in jobs:
            job.join(_PATIENCE_S)
