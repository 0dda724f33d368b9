"""A thread in which a model works, and the queue before it: larger priority first, then first come."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread

Task = Callable[[], None]
"""A piece of work; it keeps its own failures to itself."""

ALONE = 1000
"""Priority of what goes before all else, but never between the steps of other work: that has to end first."""


@dataclass(order=True, frozen=True)
class _Entry:
    urgency: int
    order: int
    task: Task = field(compare=False)


class Worker:
    """One thread and its queue.

    Parameters
    ----------
    first : callable
        Done before all else, in the thread: loads the model.
    name : str
        Of the thread.
    """

    def __init__(self, first: Task, name: str = "seagull-model") -> None:
        self._first = first
        self._queue: list[_Entry] = []
        self._order = itertools.count()
        self._news = Condition()
        self._stopping = False
        # A daemon, so that a long look never keeps the process from ending.
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after the piece of work at hand; what waits is dropped."""
        with self._news:
            self._stopping = True
            self._queue.clear()
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def submit(self, task: Task, priority: int) -> None:
        """Queue a piece of work."""
        with self._news:
            if not self._stopping:
                heapq.heappush(self._queue, _Entry(-priority, next(self._order), task))
                self._news.notify()

    def run_above(self, priority: int) -> None:
        """Called by long work between its steps, in the thread: do first what is more urgent than it."""
        while (task := self._next_above(priority)) is not None:
            task()

    def _next_above(self, priority: int) -> Task | None:
        with self._news:
            if self._queue and ALONE > -self._queue[0].urgency > priority:
                return heapq.heappop(self._queue).task
            return None

    def _work(self) -> None:
        self._first()
        while (task := self._next()) is not None:
            task()

    def _next(self) -> Task | None:
        with self._news:
            self._news.wait_for(lambda: bool(self._queue) or self._stopping)
            return None if self._stopping else heapq.heappop(self._queue).task
