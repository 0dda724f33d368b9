"""Who scores: a spot and a sentence that say how the backend is, and a button to start it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_seagull.views.palette import RGB


class BackendState(StrEnum):
    """How the backend is."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


SPOTS: dict[BackendState, RGB] = {
    BackendState.OFF: (128, 128, 128),
    BackendState.STARTING: (230, 170, 60),
    BackendState.READY: (70, 160, 110),
    BackendState.FAILED: (200, 60, 50),
}


@dataclass(frozen=True)
class BackendFacts:
    """How the backend is, in words.

    Attributes
    ----------
    state : BackendState
    words : str
        Short, on the line of the spot: "Ready: seagull-mini-0.1 on cpu".
    reason : str
        One sentence, where it failed: why, and what to do.
    """

    state: BackendState
    words: str
    reason: str = ""


class BackendBar(QWidget):
    """The state of the backend in one line; where it failed, why, and a button."""

    restart_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spot = Spot(self)
        self.words = QElidingLabel(self)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.restart_button = QPushButton("Restart", self)
        self.restart_button.setToolTip("Start the backend again; your regions stay")
        self.restart_button.clicked.connect(self.restart_wished)
        self.reason = QLabel(self)
        self.reason.setWordWrap(True)
        self.reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reason.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._lay_out()
        self.show_facts(BackendFacts(BackendState.OFF, "Not started"))

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.spot)
        line.addWidget(self.words, 1)
        line.addWidget(self.restart_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(line)
        column.addWidget(self.reason)

    def show_facts(self, facts: BackendFacts) -> None:
        """Show how the backend is."""
        self.spot.show_color(SPOTS[facts.state])
        self.words.setText(facts.words)
        self.words.setToolTip(facts.words)
        self.reason.setText(facts.reason)
        self.reason.setVisible(bool(facts.reason))
        self.restart_button.setVisible(facts.state in (BackendState.FAILED, BackendState.OFF))
        self.restart_button.setText("Restart" if facts.state is BackendState.FAILED else "Start")


class Spot(QWidget):
    """A round spot of one colour; the words beside it say the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color: RGB = (128, 128, 128)
        self.setFixedSize(QSize(12, 12))

    def show_color(self, color: RGB) -> None:
        """Take that colour."""
        self._color = color
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the spot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*self._color))
        painter.drawEllipse(self.rect().adjusted(1, 1, -1, -1))
        painter.end()
