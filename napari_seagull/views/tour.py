"""A first walk through the panel in five steps, beside the work and never in its way."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget


@dataclass(frozen=True)
class Step:
    """One step: what it is called, what to do, and a button that does it (`deed`), where one can."""

    title: str
    words: str
    deed: str = ""
    button: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        "Open an image",
        "Any image in napari will do. This sample has a blurred face in it, and the rest is fine.",
        "sample", "Open the sample",
    ),
    Step(
        "Mark a region",
        "Under “Draw a region” choose the rectangle, and drag over the face. Then mark something sharp beside it. "
        "Every region is scored as soon as you let go.",
        "rectangle", "Take the rectangle",
    ),
    Step(
        "Read the score",
        "The outline and the table show the quality, 0 to 100: red is bad, blue is excellent. Select a region, and the "
        "card below says what is wrong with it and how sure the model is.",
    ),
    Step(
        "See the whole image",
        "The quality map lays the same colours over the image. In its panel “everything below 40” becomes regions.",
        "map", "Show the map",
    ),
    Step(
        "Correct the model",
        "Where you see it otherwise, say so on the card, or rate many regions by keys. Ctrl+Z takes every step back. "
        "More stands in the menu, top right, and this tour, too.",
    ),
)  # fmt: skip


class Tour(QFrame):
    """One step at a time; Escape or the cross ends it."""

    deed_wished = Signal(str)
    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index = 0
        self.setObjectName("seagull_tour")
        self.setStyleSheet("#seagull_tour { border: 1px solid palette(highlight); border-radius: 5px; }")
        self.title = QLabel(self)
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.cross = QToolButton(self)
        self.cross.setText("\N{MULTIPLICATION SIGN}")
        self.cross.setAutoRaise(True)
        self.cross.setToolTip("End the tour (Esc); the menu, top right, brings it back")
        self.deed = QPushButton(self)
        self.back, self.next = QPushButton("Back", self), QPushButton("Next", self)
        self._lay_out()
        self.cross.clicked.connect(self.end)
        self.deed.clicked.connect(lambda: self.deed_wished.emit(STEPS[self._index].deed))
        self.back.clicked.connect(lambda: self.show_step(self._index - 1))
        self.next.clicked.connect(self._on_next)
        self.hide()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.cross)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        foot.addWidget(self.deed)
        foot.addStretch(1)
        foot.addWidget(self.back)
        foot.addWidget(self.next)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 6, 8)
        column.setSpacing(5)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addLayout(foot)

    @property
    def index(self) -> int:
        """The step that is shown, from 0."""
        return self._index

    def start(self) -> None:
        """Begin with the first step."""
        self.show_step(0)
        self.show()

    def end(self) -> None:
        """Go away, and tell so."""
        self.hide()
        self.ended.emit()

    def show_step(self, index: int) -> None:
        """Show that step; beyond the last one the tour ends."""
        if not 0 <= index < len(STEPS):
            self.end()
            return
        self._index, step = index, STEPS[index]
        self.title.setText(f"<b>{step.title}</b>  <span style='font-size: small'>{index + 1} of {len(STEPS)}</span>")
        self.words.setText(step.words)
        self.deed.setText(step.button)
        self.deed.setVisible(bool(step.deed))
        self.back.setEnabled(index > 0)
        self.next.setText("Done" if index == len(STEPS) - 1 else "Next")

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Escape ends the tour."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.end()
            return
        super().keyPressEvent(event)

    def _on_next(self) -> None:
        self.show_step(self._index + 1)
