"""Writes down what happened, on a thread of its own: the journal at once, the side-car soon, again until it works."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from napari_seagull.safekeeping.finding import Claim
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.events import Event
from seagull_iqa.formats.folding import fold
from seagull_iqa.formats.journal import Journal
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.formats.session_file import SessionFile

SAVE_S = 0.5
"""The side-car is written so long after a change."""

RETRY_S = 2.0
"""What could not be written is tried again so much later."""

TOUCH_S = 60.0
"""So often the lock says that we live."""

MOST_RECORDS = 500
"""A journal with more records than the side-car lacks is cut short."""

HINT = "It is kept in memory and tried again; export it if this stays."

Translate = Callable[[], Sequence[Event]]
"""Puts a batch of what happened in words; called on the recorder's thread, once."""


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What the recorder has to say.

    Attributes
    ----------
    claim : Claim or None
        The place was taken just now.
    problem : SeagullError or None
        Nothing can be written at present; everything is kept in memory and tried again.
    recovered : bool
        What could not be written is written now.
    """

    claim: Claim | None = None
    problem: SeagullError | None = None
    recovered: bool = False


class Recorder:
    """Takes batches in order; each is on the disk once `durable` has reached its number.

    Parameters
    ----------
    open_place : callable
        Takes the place; called on the recorder's thread, with the first batch, and again where it failed.
    tell : callable
        Given `News`, on the recorder's thread.
    """

    def __init__(self, open_place: Callable[[], Claim], tell: Callable[[News], None]) -> None:
        self._open_place, self._tell = open_place, tell
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, Translate]] = deque()
        self._events: list[Event] = []
        self._last = self._durable = self._translated = 0
        self._closing = self._hopeless = self._failed = False
        self._claim: Claim | None = None
        self._journal: Journal | None = None
        self._file: SessionFile | None = None
        self._document = SessionDocument()
        self._records, self._due, self._retry, self._touched = 0, 0.0, 0.0, time.monotonic()
        self._thread = threading.Thread(target=self._run, name="seagull recorder", daemon=True)
        self._thread.start()

    @property
    def durable(self) -> int:
        """Number of the last batch that is on the disk."""
        return self._durable

    @property
    def last(self) -> int:
        """Number of the last batch that was handed in."""
        return self._last

    @property
    def is_failing(self) -> bool:
        """Nothing can be written at present."""
        return self._failed

    def record(self, translate: Translate) -> int:
        """Hand a batch in; returns at once, with its number."""
        with self._changed:
            self._last += 1
            self._waiting.append((self._last, translate))
            self._changed.notify_all()
            return self._last

    def wait(self, number: int, timeout_s: float) -> bool:
        """Wait until a batch is on the disk; False where that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._durable >= number, timeout_s)

    @property
    def has_ended(self) -> bool:
        """Nothing more will be written."""
        return not self._thread.is_alive()

    def leave(self) -> None:
        """Write everything, however often it must be tried, and let go of the place; returns at once."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write everything, the side-car too, and let go of the place; False where that takes longer.

        What cannot be written now is given up: the program ends.
        """
        with self._changed:
            self._closing = self._hopeless = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, self._pause())
                batches, closing = list(self._waiting), self._closing
            try:
                self._work(batches, closing=closing)
            except SeagullError as error:
                self._fail(error)
            except OSError as error:
                self._fail(SeagullError(f"The session cannot be written ({error.strerror or error}).", HINT))
            except Exception as error:  # the recorder's thread: whatever went wrong must reach the user as a sentence
                logger.exception("the recorder failed")
                self._fail(SeagullError(f"The session cannot be written ({type(error).__name__}: {error}).", HINT))
            if closing and (not self._failed or self._hopeless):
                return

    def _work(self, batches: list[tuple[int, Translate]], *, closing: bool) -> None:
        if batches and (closing or time.monotonic() >= self._retry):
            self._append(batches)
        if self._due and (closing or time.monotonic() >= self._due):
            self._save()
            if not self._waiting:
                self._be_well()
        if time.monotonic() - self._touched > TOUCH_S and self._claim is not None:
            self._touched = time.monotonic()
            self._claim.lock.touch()
        if closing:
            self._end()

    def _has_work(self) -> bool:
        if self._closing and (self._hopeless or not self._failed):
            return True
        return bool(self._waiting) and time.monotonic() >= self._retry

    def _pause(self) -> float:
        """How long there is nothing to do unless something happens."""
        now = time.monotonic()
        trying = bool(self._waiting) or self._closing
        ends = [self._touched + TOUCH_S, *([self._due] if self._due else []), *([self._retry] if trying else [])]
        return max(0.01, min(ends) - now)

    def _append(self, batches: list[tuple[int, Translate]]) -> None:
        for number, translate in batches:
            if number > self._translated:
                self._events += translate()
                self._translated = number
        if self._events:
            journal = self._opened()
            before = journal.last
            last = journal.append(self._events)
            self._document = replace(fold(self._events, self._document), journal=last)
            self._records += last - before
            self._due = self._due or time.monotonic() + SAVE_S
        self._events = []
        with self._changed:
            while self._waiting and self._waiting[0][0] <= self._translated:
                self._waiting.popleft()
            self._durable = self._translated
            self._changed.notify_all()
        self._be_well()

    def _be_well(self) -> None:
        """All that was tried was written."""
        recovered, self._failed, self._retry = self._failed, False, 0.0
        if recovered:
            self._tell(News(recovered=True))

    def _opened(self) -> Journal:
        if self._claim is None:
            self._claim = self._open_place()
            self._document = self._claim.document
            self._file = SessionFile(self._claim.place.side_car)
            if self._document.image is not None:
                self._file.write(self._document)  # it may come from elsewhere, and no journal has it then
            self._tell(News(self._claim))
        if self._journal is None:
            self._journal = Journal.open(self._claim.place.journal, self._document.session, self._document.journal)
        return self._journal

    def _save(self) -> None:
        """The side-car; then what it holds may leave the journal."""
        if self._file is None or self._document.image is None:
            self._due = 0.0
            return
        self._file.write(self._document)
        self._due = 0.0
        if self._journal is not None and self._records > MOST_RECORDS:
            self._journal.compact(self._document.journal)
            self._records = 0

    def _fail(self, error: SeagullError) -> None:
        """Try again later, with files that are opened afresh: the disk may have been taken out and put back."""
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(OSError):
                journal.close()
        self._retry = time.monotonic() + RETRY_S
        self._due = self._retry if self._claim is not None else 0.0
        if self._hopeless and self._claim is not None:
            self._claim.lock.release()
        if not self._failed:
            self._failed = True
            self._tell(News(problem=error))

    def _end(self) -> None:
        """The side-car holds everything: no journal is left behind, and nothing at all where nothing was said."""
        claim, journal = self._claim, self._journal
        if claim is None:
            return
        if journal is not None and not self._failed and not self._waiting and not self._due:
            journal.remove()
            if not (self._document.regions or self._document.annotations or self._document.preferences):
                claim.place.side_car.unlink(missing_ok=True)
        elif journal is not None:
            journal.close()
        claim.lock.release()
