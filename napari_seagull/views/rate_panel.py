"""The panel "Rate": one region after the other, or two beside each other, labelled by keys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.fold import Fold
from napari_seagull.views.keys_form import KeysForm
from napari_seagull.views.pair_view import PairView
from napari_seagull.views.rate_banner import RateBanner
from napari_seagull.views.rate_settings import RateSettings
from napari_seagull.views.rate_setup import RateSetup
from napari_seagull.views.rating_keys import Act
from napari_seagull.views.rows import RegionRow
from napari_seagull.views.single_view import SingleView
from napari_seagull.views.verdict_draft import VerdictDraft

MINIMUM_WIDTH = 320
BUTTON_PAD = 5
"""Px on each side of the words of a button; styles would take far more."""


@dataclass(frozen=True)
class RateState:
    """What the panel shows.

    Attributes
    ----------
    on : bool
        The keys rate.
    pairs : bool
        Two regions are compared, instead of one rated.
    rows : tuple of RegionRow
        The region, or the two, that it is about; () where there is none.
    draft : VerdictDraft
        What is about to be said of the one.
    done, total : int
        Regions that this person has rated, of so many.
    compared : int
        Pairs that this person has compared.
    undo : str
        What undo takes back; "" for nothing.
    message : str
        Where there is no region: why, and what to do.
    model_shown : bool
        What the model says stands beside it.
    """

    on: bool = False
    pairs: bool = False
    rows: tuple[RegionRow, ...] = ()
    draft: VerdictDraft = field(default_factory=VerdictDraft)
    done: int = 0
    total: int = 0
    compared: int = 0
    undo: str = ""
    message: str = ""
    model_shown: bool = False


class RatePanel(QWidget):
    """Shows a `RateState` and `RateSettings`, and tells what is wished; the keys come from outside."""

    start_wished = Signal()
    stop_wished = Signal()
    deed_wished = Signal(object)  # Deed
    draft_wished = Signal(object)  # VerdictDraft
    pairs_wished = Signal(bool)
    settings_wished = Signal(object)  # RateSettings
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._docked = parent is not None
        self._settings = RateSettings()
        self.setObjectName("SEAGULL rate")
        self.banner = RateBanner(self)
        self.setup = RateSetup(self)
        self.progress = QProgressBar(self)
        self.single, self.pair = SingleView(self), PairView(self)
        self.message = QLabel(self)
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setMargin(12)
        self.stack = QStackedWidget(self)
        for page in (self.message, self.single, self.pair):
            self.stack.addWidget(page)
        self.buttons = {act: self._button(act) for act in (Act.BACK, Act.UNDO, Act.SKIP, Act.NEXT)}
        self.keys = KeysForm(self)
        self.keys_fold = Fold("Keys", self.keys, self)
        self._lay_out()
        self._connect()
        self.show_settings(self._settings)
        self.show_state(RateState())

    def _lay_out(self) -> None:
        work = QWidget(self)
        column = QVBoxLayout(work)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(7)
        foot = QHBoxLayout()
        foot.setSpacing(4)
        for act, button in self.buttons.items():
            foot.addWidget(button, 2 if act is Act.NEXT else 1)
        for part in (self.banner, self.setup, self.progress):
            column.addWidget(part)
        column.addWidget(self.stack, 1)
        column.addLayout(foot)
        column.addWidget(self.keys_fold)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(work)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.setMinimumWidth(MINIMUM_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        self.banner.start_wished.connect(self.start_wished)
        self.banner.stop_wished.connect(self.stop_wished)
        self.setup.pairs_wished.connect(self.pairs_wished)
        self.setup.changed.connect(self._on_setup_changed)
        self.keys.changed.connect(lambda keys: self._tell(replace(self._settings, keys=keys)))
        self.single.fields.changed.connect(self.draft_wished)
        self.single.model_wished.connect(lambda: self.deed_wished.emit(Act.MODEL))
        self.pair.deed_wished.connect(self.deed_wished)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A column beside the image."""
        return QSize(440, 660)

    def show_settings(self, settings: RateSettings) -> None:
        """Show name, order, habits and keys."""
        self._settings = settings
        keys = settings.keys
        self.setup.show_settings(settings)
        self.keys.show_keys(keys)
        self.banner.show_keys(keys)
        self.single.show_hints(keys)
        self.pair.show_hints(keys)
        words = {Act.BACK: "Back", Act.UNDO: "Undo", Act.SKIP: "Skip", Act.NEXT: "Keep, go on"}
        for act, button in self.buttons.items():
            button.setText(f"{words[act]} {keys.hint(act)}")
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 2 * BUTTON_PAD)

    def show_state(self, state: RateState) -> None:
        """Show where the person is."""
        self.banner.show_state(on=state.on, pairs=state.pairs, possible=bool(state.total))
        self.setup.show_pairs(pairs=state.pairs)
        self._show_progress(state)
        if state.on and state.pairs and len(state.rows) == 2:
            self.pair.show_rows(*state.rows)
            self.stack.setCurrentWidget(self.pair)
        elif state.on and not state.pairs and state.rows:
            self.single.show_row(state.rows[0], state.draft, model_shown=state.model_shown)
            self.stack.setCurrentWidget(self.single)
        else:
            self.message.setText(state.message)
            self.stack.setCurrentWidget(self.message)
        for act, button in self.buttons.items():
            button.setVisible(state.on and not (act in (Act.NEXT, Act.BACK) and state.pairs))
        self.buttons[Act.UNDO].setEnabled(bool(state.undo))
        self.buttons[Act.UNDO].setToolTip(f"Takes back: {state.undo}" if state.undo else "Nothing to take back")
        for act in (Act.SKIP, Act.NEXT):
            self.buttons[act].setEnabled(bool(state.rows))

    def _show_progress(self, state: RateState) -> None:
        self.progress.setVisible(bool(state.total))
        self.progress.setRange(0, max(1, state.total))
        self.progress.setValue(state.done)
        rated = f"{state.done} of {state.total} rated"
        self.progress.setFormat(f"{rated}, {state.compared} compared" if state.pairs else rated)

    def _on_setup_changed(self, settings: RateSettings) -> None:
        self._tell(replace(settings, keys=self._settings.keys))

    def _tell(self, settings: RateSettings) -> None:
        self._settings = settings
        self.settings_wished.emit(settings)

    def _button(self, act: Act) -> QPushButton:
        button = QPushButton(self)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda: self.deed_wished.emit(act))
        return button

    def event(self, event: QEvent | None) -> bool:
        """Tell that the user closed the dock: napari then takes the panel out of it, and nobody is its parent."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.closed.emit()
            self._docked = self.parent() is not None
        return bool(super().event(event))
