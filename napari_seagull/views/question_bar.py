"""A question that waits without being in the way: one sentence, and a button for each answer."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget


class QuestionBar(QFrame):
    """Hidden while nothing is asked; whoever does not answer can go on working."""

    answered = Signal(str, int)  # which question; which of the answers, from 0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("question")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._topic = ""
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.buttons: list[QPushButton] = []
        self._line = QHBoxLayout()
        self._line.setSpacing(6)
        self._line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addLayout(self._line)
        self.hide()

    @property
    def topic(self) -> str:
        """Which question is asked; "" for none."""
        return self._topic

    def ask(self, topic: str, sentence: str, answers: Sequence[tuple[str, str]]) -> None:
        """Ask; each answer is the word on its button and what its tooltip says."""
        self.clear()
        self._topic = topic
        self.words.setText(sentence)
        for number, (word, tip) in enumerate(answers):
            button = QPushButton(word, self)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked=False, number=number: self._answer(number))
            self._line.addWidget(button)
            self.buttons.append(button)
        self.show()

    def clear(self) -> None:
        """Ask nothing any more."""
        self._topic = ""
        for button in self.buttons:
            self._line.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        self.hide()

    def _answer(self, number: int) -> None:
        topic = self._topic
        self.clear()
        self.answered.emit(topic, number)
