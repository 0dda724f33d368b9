"""Work off the GUI thread, with its result or its error back on it: the one door between the two."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from qtpy.QtCore import QCoreApplication, QObject, Qt, Signal

from seagull_iqa.errors import JobCancelledError, SeagullError

Result = TypeVar("Result")
Call = Callable[["Task"], Result]
"""The work: it may give `task.report` away as progress callback, and must touch neither Qt nor layers."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Task:
    """One call under way."""

    name: str
    _stopped: threading.Event = field(default_factory=threading.Event)
    _dropped: threading.Event = field(default_factory=threading.Event)
    _post: Callable[[Callable[[], None]], None] = field(default=lambda _letter: None, repr=False)
    _on_news: Callable[[Any], None] | None = None

    @property
    def is_stopped(self) -> bool:
        """True when the call was asked to end."""
        return self._stopped.is_set()

    @property
    def is_dropped(self) -> bool:
        """True when nobody wants to hear of the call any more."""
        return self._dropped.is_set()

    def stop(self) -> None:
        """Ask the call to end at its next step; it then fails with `JobCancelledError`."""
        self._stopped.set()

    def drop(self) -> None:
        """Ask the call to end, and hear nothing of it any more."""
        self._dropped.set()
        self._stopped.set()

    def report(self, news: object) -> None:
        """Called by the work, between steps, with a `Progress` or whatever is new.

        Raises
        ------
        JobCancelledError
            The call was asked to end.
        """
        if self.is_stopped:
            raise JobCancelledError("You cancelled it.")
        on_news = self._on_news
        if on_news is not None:
            self._post(lambda: None if self.is_dropped else on_news(news))


class Tasks(QObject):
    """Starts calls on threads of their own; what they tell arrives on the thread that made this object.

    The threads are daemons: a server that does not answer never keeps napari from closing. This object lives as long as
    the application or, once closed, until its last call has ended: a thread must never post to what Qt has deleted.
    """

    _posted = Signal(object)  # a function without arguments

    def __init__(self) -> None:
        super().__init__(QCoreApplication.instance())
        self._running: set[Task] = set()
        self._closed = False
        self._gone = threading.Event()
        self._posting = threading.Lock()
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        gone, posting = self._gone, self._posting

        def on_destroyed() -> None:
            with posting:
                gone.set()

        self.destroyed.connect(on_destroyed)

    @property
    def running(self) -> int:
        """How many calls are under way and still wanted."""
        return sum(not task.is_dropped for task in self._running)

    def start(
        self,
        name: str,
        call: Call[Result],
        *,
        done: Callable[[Result], None],
        failed: Callable[[SeagullError], None],
        progressed: Callable[[Any], None] | None = None,
    ) -> Task:
        """Start a call.

        Parameters
        ----------
        name : str
            Of the thread, for whoever debugs.
        call : callable
            Given its `Task`; runs elsewhere.
        done, failed : callable
            Given the result or the error; exactly one is called, here, unless the task is dropped before.
        progressed : callable, optional
            Given what the work reports, here.
        """
        task = Task(name, _post=self.post, _on_news=progressed)
        self._running.add(task)
        delivery = Delivery(task, done, failed, self._running.discard)
        threading.Thread(target=self._work, args=(call, delivery), name=f"seagull {name}", daemon=True).start()
        return task

    def close(self) -> None:
        """Hear nothing more of the calls under way, and end with the last of them."""
        for task in self._running:
            task.drop()
        self._closed = True
        self._end_if_over()

    def post(self, letter: Callable[[], None]) -> None:
        """Have a function called on the thread that made this object; may be called from any thread."""
        with self._posting:
            if not self._gone.is_set():
                self._posted.emit(letter)

    def _work(self, call: Call[Result], delivery: Delivery[Result]) -> None:
        try:
            result = call(delivery.task)
        except SeagullError as error:
            caught = error
            self.post(lambda: delivery.fail(caught))
        except Exception as error:  # the job's thread: whatever went wrong must reach the user as a sentence
            logger.exception("%s failed", delivery.task.name)
            unexpected = SeagullError(f"Something unexpected went wrong ({type(error).__name__}: {error}).", HINT)
            self.post(lambda: delivery.fail(unexpected))
        else:
            self.post(lambda: delivery.succeed(result))

    def _deliver(self, letter: Callable[[], None]) -> None:
        letter()
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._closed and not self._running:
            self.deleteLater()


HINT = "Your regions are safe; try again, and report it if it stays."


@dataclass(frozen=True)
class Delivery(Generic[Result]):
    """What happens with the outcome of a call, on the thread of who asked."""

    task: Task
    done: Callable[[Result], None]
    failed: Callable[[SeagullError], None]
    forget: Callable[[Task], None]

    def succeed(self, result: Result) -> None:
        """Hand the result over, unless the task was dropped."""
        self.forget(self.task)
        if not self.task.is_dropped:
            self.done(result)

    def fail(self, error: SeagullError) -> None:
        """Hand the error over, unless the task was dropped."""
        self.forget(self.task)
        if not self.task.is_dropped:
            self.failed(error)
