"""Step 3 of the panel "Fine-tune": a name, one button, and the run as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_seagull.views.curve_plot import CurvePlot
from napari_seagull.views.tune_stock import words
from napari_seagull.views.tune_words import progress_words, share_done
from seagull_iqa.domain.fine_tuning import CurvePoint, TuneRun, TuneState

BAR_STEPS = 1000
LONGEST_NAME = 60


@dataclass(frozen=True)
class TrainState:
    """What the step shows.

    Attributes
    ----------
    run : TuneRun or None
        The run it is about; None before the first.
    plan : str
        What a run would take, or why none can begin.
    possible : bool
        A run can begin.
    points : sequence of CurvePoint
        The curves of that run.
    asked : str
        What was asked of the run and is not done yet: "pause", "resume", "cancel", "start"; "" for nothing.
    """

    run: TuneRun | None = None
    plan: str = ""
    possible: bool = False
    points: Sequence[CurvePoint] = ()
    asked: str = ""

    @property
    def is_open(self) -> bool:
        """A run has begun and not ended."""
        return self.run is not None and not self.run.state.ended


class TrainForm(QWidget):
    """Tells what is wished of a run; nothing needs filling in."""

    train_wished = Signal(str)  # name of the model
    pause_wished = Signal()
    resume_wished = Signal()
    cancel_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._named = False  # by the person
        self.short = QLabel(parent)
        self.plan, self.phase = words(self), words(self)
        self.name_label = QLabel("Name", self)
        self.name = QLineEdit(self)
        self.name.setMaxLength(LONGEST_NAME)
        self.name.setToolTip("What the new model is called; the model it begins from stays as it is")
        self.train_button = QPushButton("Train", self)
        self.bar = QProgressBar(self)
        self.bar.setMaximumHeight(20)
        self.bar.setRange(0, BAR_STEPS)
        self.plot = CurvePlot(self)
        self.pause_button = QPushButton("Pause", self)
        self.pause_button.setToolTip("Stop at the next step; everything learned so far is kept")
        self.resume_button = QPushButton("Resume", self)
        self.resume_button.setToolTip("Go on from where it stopped")
        self.cancel_button = QPushButton("Cancel", self)
        self.cancel_button.setToolTip("End it and forget what was learned; labels and models stay as they are")
        self._lay_out()
        self._connect()
        self.show_state(TrainState())

    def _lay_out(self) -> None:
        naming, running = QHBoxLayout(), QHBoxLayout()
        for part, stretch in ((self.name_label, 0), (self.name, 1), (self.train_button, 0)):
            naming.addWidget(part, stretch)
        running.addWidget(self.bar, 1)
        for button in (self.pause_button, self.resume_button, self.cancel_button):
            running.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(6)
        column.addWidget(self.plan)
        column.addLayout(naming)
        column.addWidget(self.phase)
        column.addLayout(running)
        column.addWidget(self.plot)

    def _connect(self) -> None:
        self.train_button.clicked.connect(lambda: self.train_wished.emit(self.name.text().strip()))
        self.name.returnPressed.connect(self.train_button.click)
        self.name.textEdited.connect(self._on_named)
        self.pause_button.clicked.connect(self.pause_wished)
        self.resume_button.clicked.connect(self.resume_wished)
        self.cancel_button.clicked.connect(self.cancel_wished)

    def propose_name(self, name: str) -> None:
        """Suggest a name, unless the person has given one."""
        if not self._named:
            self.name.setText(name)

    def _on_named(self, text: str) -> None:
        self._named = bool(text.strip())

    def show_state(self, state: TrainState) -> None:
        """Show where the run stands."""
        run, going = state.run, state.is_open
        self.plan.setText(state.plan)
        for part in (self.plan, self.name_label, self.name, self.train_button):
            part.setVisible(not going)
        self.train_button.setEnabled(state.possible and not state.asked)
        self.train_button.setText("Starting …" if state.asked == "start" else "Train")
        told = run is not None and run.state is not TuneState.DONE
        self.phase.setText(progress_words(run) if run is not None else "")
        self.phase.setVisible(told)
        self.bar.setVisible(going)
        self.cancel_button.setVisible(going)
        self._show_buttons(state)
        self.plot.setVisible(bool(state.points))
        self.plot.show_points(state.points)
        self.short.setText(self._in_short(state))
        if run is not None:
            self.bar.setValue(round(BAR_STEPS * share_done(run)))
            self.bar.setFormat(f"{100 * share_done(run):.0f} %")
            if run.state is TuneState.DONE:
                self._named = False

    def _show_buttons(self, state: TrainState) -> None:
        run = state.run
        self.pause_button.setVisible(run is not None and run.state in (TuneState.QUEUED, TuneState.RUNNING))
        self.resume_button.setVisible(run is not None and run.state.goes_on)
        for button, word, busy in (
            (self.pause_button, "Pause", "Pausing …"),
            (self.resume_button, "Resume", "Resuming …"),
            (self.cancel_button, "Cancel", "Cancelling …"),
        ):
            button.setText(busy if state.asked == word.lower() else word)
            button.setEnabled(not state.asked)

    def _in_short(self, state: TrainState) -> str:
        run = state.run
        if run is None or not state.is_open:
            return ""
        share = f"{100 * share_done(run):.0f} %"
        return share if run.state is TuneState.RUNNING else f"{run.state.value}, {share}"
