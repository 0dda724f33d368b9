"""The model that answers now, and how it is exchanged: the old one is let go before the new one is loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from importlib.metadata import version
from threading import Lock

from seagull_iqa import wire
from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.errors import JobCancelledError, ModelError, SeagullError
from seagull_iqa.models.interface import QualityModel
from seagull_iqa.service.failures import attempted
from seagull_iqa.service.source import Choice, ModelSource

VERSION = version("napari-seagull")
_LOG = logging.getLogger(__name__)


class Resident:
    """Holds one model, or the reason why there is none. Safe between threads, but for what says otherwise.

    Parameters
    ----------
    source : ModelSource
        Where models come from.
    drop : callable
        Lets go of all that was made with the old model, in the model's thread.

    Attributes
    ----------
    choice : Choice
        The latest that was wished: in use, being loaded, or failed.
    reason : str
        Why the model computes where it does.
    settled : Future
        Done when no model waits to be loaded any more.
    """

    def __init__(self, source: ModelSource, drop: Callable[[], None]) -> None:
        self.choice = source.first
        self.reason = ""
        self.settled: Future[None] = Future()
        self._source = source
        self._drop = drop
        self._lock = Lock()
        self._wish: Choice | None = source.first
        self._model: QualityModel | None = None
        self._error: SeagullError | None = None
        self._message = _loading(source.first, Progress(0, 0))

    @property
    def leaving(self) -> bool:
        """True where another model has been wished, so that long work with this one must end."""
        return self._wish is not None

    @property
    def in_use(self) -> Choice | None:
        """What answers, or is being loaded; None where the load failed."""
        return None if self._error else self.choice

    def health(self) -> wire.Health:
        """Whether the model is ready, and if not, why."""
        with self._lock:
            state = wire.State.LOADING if self._wish else wire.State.FAILED if self._error else wire.State.READY
            message = str(self._error) if self._error else self._message
        return wire.Health(
            protocol=wire.PROTOCOL, version=VERSION, ready=state is wire.State.READY, state=state, message=message
        )

    def model(self) -> QualityModel | None:
        """The model, None while one is being loaded; the load's error where it failed."""
        with self._lock:
            if self._error is not None:
                raise self._error.with_traceback(None)
            return None if self._wish else self._model

    def has(self, choice: Choice) -> bool:
        """True where that choice is in use, or on its way already."""
        with self._lock:
            if self._error is not None:
                return False
            if choice == self.choice:
                return True
            same = (choice.name, choice.device) == (self.choice.name, self.choice.device)
            return same and not self._wish and self._model is not None and choice.precision is self._model.precision

    def wish(self, choice: Choice) -> None:
        """Ask for another model; `change` brings it."""
        with self._lock:
            self.choice = self._wish = choice
            self._error, self._message = None, _loading(choice, Progress(0, 0))
            if self.settled.done():
                self.settled = Future()

    # What follows runs in the model's thread.

    def ready(self) -> QualityModel:
        """The model to work with; an error where there is none."""
        if self._error is not None:
            raise self._error.with_traceback(None)
        if self._model is None:
            raise ModelError("The model is not loaded yet.", "Try again in a moment.")
        return self._model

    def change(self) -> None:
        """Let the old model go, then load the one that was wished last; nothing where that has been done."""
        wish = self._wish
        if wish is None:
            return
        self._model = None
        self._drop()
        self._source.release()
        remark = attempted(lambda: self._source.check(wish, None))
        loaded = remark if isinstance(remark, SeagullError) else attempted(lambda: self._load(wish))
        reason = loaded if isinstance(loaded, SeagullError) else attempted(lambda: self._source.why(wish))
        with self._lock:
            # Where a newer one was wished meanwhile, its own change comes next.
            if self._wish is wish:
                self._settle(loaded, str(reason), str(remark))

    def _settle(self, loaded: QualityModel | SeagullError, reason: str, remark: str) -> None:
        self._wish = None
        if isinstance(loaded, SeagullError):
            # The server stays, for another model to be chosen; who started it by hand reads this on the terminal.
            _LOG.error("The model cannot be loaded: %s", loaded)
            self._error = loaded
        else:
            self._model, self.reason, self._message = loaded, reason, remark
        self.settled.set_result(None)

    def _load(self, wish: Choice) -> QualityModel:
        return self._source.load(wish, self._step_of(wish))

    def _step_of(self, wish: Choice) -> ProgressCallback:
        def step(progress: Progress) -> None:
            with self._lock:
                if self._wish is not wish:
                    raise JobCancelledError("Another model was chosen.", "Wait for that one.")
                self._message = _loading(wish, progress)

        return step


def _loading(choice: Choice, progress: Progress) -> str:
    if progress.total:
        return f"Loading {choice.name}: {100 * progress.fraction:.0f} %"
    return f"Loading {choice.name}."
