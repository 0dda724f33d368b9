"""Fine-tuning as far as it needs no panel: the run that goes on, the question before napari closes, and the offer."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_seagull.connection.backend import Backend
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller import tuning_door as door
from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.tuning_gate import CloseGate
from napari_seagull.controller.tuning_run import RunDesk
from napari_seagull.views.panel import Panel
from napari_seagull.views.question_bar import QuestionBar
from napari_seagull.views.tune_words import share_done
from seagull_iqa.domain.fine_tuning import TuneRun
from seagull_iqa.errors import SeagullError

TOPIC = "fine-tuning"
ANSWERS = (
    ("Resume", "Go on from its checkpoint"),
    ("Not now", "It waits under “Fine-tune …”, and is offered again when napari starts"),
    ("Forget it", "Delete what it has learned so far; labels and models stay"),
)


class TuningWatch(QObject):
    """Takes up the run of the server when it is there; a panel shows it, or none does."""

    def __init__(self, desk: Desk, server: Backend, backend: BackendDesk, panel: Panel, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._server, self._backend, self._panel = desk, server, backend, panel
        self.run = RunDesk(desk, backend, self)
        self.gate = CloseGate(self._closing_words, self._rest, self)
        self._offered = ""
        self._elsewhere: QuestionBar | None = None
        backend.ready.connect(self._on_ready)
        backend.failed.connect(self.run.lose)
        self.run.changed.connect(self._on_run_changed)
        panel.question.answered.connect(self._on_answered)

    def close(self) -> None:
        """Listen no more."""
        self._backend.ready.disconnect(self._on_ready)
        self._backend.failed.disconnect(self.run.lose)
        self.run.changed.disconnect(self._on_run_changed)
        self.gate.open()
        self.run.close()

    def ask_in(self, bar: QuestionBar) -> None:
        """From now on a run that stopped is offered there."""
        self._elsewhere = bar
        bar.answered.connect(self._on_answered)
        if self._panel.question.topic == TOPIC:
            self._panel.question.clear()
        self._offered = ""
        self._offer()

    def ask_here(self) -> None:
        """From now on it is offered in the panel of the regions again."""
        self._elsewhere = None

    def _on_ready(self) -> None:
        client = self._backend.client
        if client is not None:
            self._desk.tasks.start(
                "runs", lambda _task: list(door.tuning_of(client).runs()), done=self._on_runs, failed=_unheard
            )

    def _on_runs(self, runs: list[TuneRun]) -> None:
        run, known = door.newest(runs), self.run.run
        if run is not None and not (self.run.is_training and known is not None and known.id == run.id):
            self.run.take_up(run)

    def _on_run_changed(self) -> None:
        self.gate.guard(_frame_of(self._panel) if self.run.is_training else None)
        self._offer()

    def _offer(self) -> None:
        """Ask once for each time that a run has stopped by itself."""
        run = self.run.run
        if run is None or not run.state.goes_on or self.run.asked:
            for bar in (self._panel.question, self._elsewhere):
                if bar is not None and bar.topic == TOPIC:
                    bar.clear()
            if run is not None and not run.state.goes_on:
                self._offered = ""
            return
        bar = self._elsewhere or self._panel.question
        if run.id != self._offered and not bar.topic and not self.run.was_paused_here:
            self._offered = run.id
            share = f"{100 * share_done(run):.0f} %"
            bar.ask(TOPIC, f"The training of “{run.spec.name}” stopped at {share}. Nothing of it is lost.", ANSWERS)

    def _on_answered(self, topic: str, number: int) -> None:
        if topic == TOPIC and number == 0:
            self.run.resume()
        elif topic == TOPIC and number == 2:
            self.run.cancel()
        elif topic != TOPIC:
            self._desk.tasks.post(self._offer)  # the bar is free again

    def _closing_words(self) -> str:
        """What closing napari would interrupt; "" where nothing, or where it goes on elsewhere."""
        run = self.run.run
        if run is None or not self.run.is_training or not isinstance(self._server.server, LocalServer):
            return ""
        return f"“{run.spec.name}” is being trained: {100 * share_done(run):.0f} % are done. Close napari all the same?"

    def _rest(self, then: Callable[[], None]) -> None:
        run, client = self.run.run, self._backend.client
        if run is None or client is None:
            then()
            return
        self.run.was_paused_here = True
        verbs = door.tuning_of(client)
        self._desk.tasks.start(
            "pause", lambda _task: verbs.pause(run.id), done=lambda _run: then(), failed=lambda _error: then()
        )


def _frame_of(widget: QWidget) -> QWidget | None:
    """The main window around a widget, also where its dock floats above it; None where it is in none."""
    window = widget.window()
    while window is not None and (above := window.parentWidget()) is not None:
        window = above.window()
    return None if window is widget else window


def _unheard(_error: SeagullError) -> None:
    """A server that cannot tell has no run to go on with; the panel says so where one opens it."""
