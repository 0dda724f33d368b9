"""A run of fine-tuning as the panel shows it: begun, followed, paused, taken up again; never waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller import tuning_door as door
from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.tasks import Task
from napari_seagull.views.tune_train import TrainState
from seagull_iqa.client import Client
from seagull_iqa.domain.fine_tuning import CurvePoint, TuneRun, TuneState
from seagull_iqa.errors import JobCancelledError, SeagullError


class RunDesk(QObject):
    """Knows the newest run, and asks for what a person wishes of it."""

    changed = Signal()
    ended = Signal(TuneRun)

    def __init__(self, desk: Desk, backend: BackendDesk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._backend = desk, backend
        self._run: TuneRun | None = None
        self._points: list[CurvePoint] = []
        self._asked = ""
        self._following: Task | None = None
        self._closed = False
        self.tell = desk.tell
        self.was_paused_here = False  # by a person in this window, who knows that it waits

    def close(self) -> None:
        """Follow no more; the run goes on."""
        self._closed = True
        self._drop()

    @property
    def run(self) -> TuneRun | None:
        """The newest run; None before the first."""
        return self._run

    @property
    def points(self) -> Sequence[CurvePoint]:
        """Its curves, as far as they were seen."""
        return self._points

    @property
    def asked(self) -> str:
        """What was asked and is not done yet."""
        return self._asked

    @property
    def is_training(self) -> bool:
        """A run goes on at this moment, or waits for its turn."""
        run = self._run
        return run is not None and run.state in (TuneState.QUEUED, TuneState.RUNNING)

    def state(self, plan: str, *, possible: bool) -> TrainState:
        """What the step shows."""
        return TrainState(self._run, plan, possible, tuple(self._points), self._asked)

    def start(self, call: Callable[[Client], TuneRun]) -> None:
        """Begin a run."""
        self._ask("start", call, self._on_started)

    def pause(self) -> None:
        """Stop at the next step."""
        self.was_paused_here = True
        self._ask_of_run("pause", lambda client, run: door.tuning_of(client).pause(run))

    def resume(self) -> None:
        """Go on from the checkpoint."""
        self.was_paused_here = False
        self._ask_of_run("resume", lambda client, run: door.tuning_of(client).resume(run))

    def cancel(self) -> None:
        """End it, and forget what was learned."""
        self._ask_of_run("cancel", lambda client, run: door.tuning_of(client).cancel(run))

    def take_up(self, run: TuneRun) -> None:
        """Show that run, which somebody began earlier, and follow it where it goes on."""
        self.was_paused_here = False
        self._points = [run.progress] if run.progress.steps else []
        self._show(run)
        if self.is_training:
            self._follow()

    def lose(self) -> None:
        """The server has gone: a run that went on waits at its checkpoint."""
        self._drop()
        self._asked = ""
        if self._run is not None and self.is_training:
            self._show(replace(self._run, state=TuneState.INTERRUPTED, seconds_left=None))

    def _ask_of_run(self, what: str, call: Callable[[Client, str], TuneRun]) -> None:
        run = self._run
        if run is not None:
            self._ask(what, lambda client: call(client, run.id), self._on_answered)

    def _ask(self, what: str, call: Callable[[Client], TuneRun], done: Callable[[TuneRun], None]) -> None:
        client = self._backend.client
        if self._asked or self._closed:
            return
        if client is None:
            self.tell(NOT_READY)
            return
        self._asked = what
        self.changed.emit()
        self._desk.tasks.start(f"tuning {what}", lambda _task: call(client), done=done, failed=self._on_refused)

    def _on_started(self, run: TuneRun) -> None:
        self._points = []
        self._on_answered(run)

    def _on_answered(self, run: TuneRun) -> None:
        if self._closed:
            return
        self._asked = ""
        self._on_news(run)
        if self.is_training and self._following is None:
            self._follow()

    def _on_refused(self, error: SeagullError) -> None:
        self._asked = ""
        self.tell(str(error))
        self.changed.emit()

    def _follow(self) -> None:
        client, run = self._backend.client, self._run
        if client is None or run is None:
            return
        self._drop()
        self._following = self._desk.tasks.start(
            "tuning",
            lambda task: door.tuning_of(client).follow(run.id, task.report),
            done=self._on_ended,
            failed=self._on_lost,
            progressed=self._on_news,
        )

    def _drop(self) -> None:
        if self._following is not None:
            self._following.drop()
            self._following = None

    def _on_news(self, run: TuneRun) -> None:
        point = run.progress
        known = self._points[-1] if self._points else None
        if point.steps and (point.loss is not None or point.held_out is not None) and point != known:
            if known is not None and known.step == point.step:
                self._points.pop()
            self._points.append(point)
        self._show(run)

    def _on_ended(self, run: TuneRun) -> None:
        self._following = None
        self._on_news(run)
        if run.state.ended:
            self.ended.emit(run)

    def _on_lost(self, error: SeagullError) -> None:
        self._following = None
        if not isinstance(error, JobCancelledError):
            self.tell(str(error))
        self.lose()

    def _show(self, run: TuneRun) -> None:
        self._run = run
        self.changed.emit()
