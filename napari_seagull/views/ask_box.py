"""A free question about the selected region, and the model's answer as it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

MOST_LETTERS = 2000
"""Of a question, as the server takes it."""

MOST_LINES = 8
"""Of an answer at once; the rest is scrolled to."""


@dataclass(frozen=True)
class Conversation:
    """The last question about a region and what came of it.

    Attributes
    ----------
    region : str
        Id of the region.
    question, answer : str
        The answer as far as it has come.
    asking : bool
        More of it may come.
    note : str
        One small sentence beneath: who answered, or what went wrong.
    """

    region: str = ""
    question: str = ""
    answer: str = ""
    asking: bool = False
    note: str = ""


class AskBox(QWidget):
    """One line for the question, Enter sends it; the answer below, with a way to stop it."""

    question_wished = Signal(str)
    stop_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = Conversation()
        self.line = QLineEdit(self)
        self.line.setPlaceholderText("Ask about this region …")
        self.line.setMaxLength(MOST_LETTERS)
        self.line.setToolTip("Enter sends the question to the model")
        self.stop_button = QPushButton("Stop", self)
        self.stop_button.setToolTip("What has been said so far stays")
        self.answer = AnswerText(self)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._lay_out()
        self.line.returnPressed.connect(self._on_return)
        self.stop_button.clicked.connect(self.stop_wished)
        self.show_conversation(Conversation())

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.addWidget(self.line, 1)
        line.addWidget(self.stop_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.answer)
        column.addWidget(self.note)

    def show_conversation(self, said: Conversation) -> None:
        """Show the last question about a region and its answer; what is being typed about it stays."""
        if said.region != self._shown.region:
            self.line.setText(said.question)
        self._shown = said
        self.stop_button.setVisible(said.asking)
        self.answer.show_text(said.answer)
        self.answer.setVisible(bool(said.answer))
        note = said.note or ("Thinking …" if said.asking and not said.answer else "")
        self.note.setText(note)
        self.note.setVisible(bool(note))

    def _on_return(self) -> None:
        question = self.line.text().strip()
        if question:
            self.line.end(False)
            self.line.home(True)  # all of it is selected, and its beginning in sight
            self.question_wished.emit(question)


class AnswerText(QPlainTextEdit):
    """Words that grow: as high as they need, up to `MOST_LINES`, then scrolled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(self._fit)

    def show_text(self, text: str) -> None:
        """Show that text; what is only longer than before grows at its end, so that scrolling and selection stay."""
        before = self.toPlainText()
        if text == before:
            return
        if before and text.startswith(before):
            bar = self.verticalScrollBar()
            at_end = bar is None or bar.value() == bar.maximum()
            cursor = self.textCursor()
            cursor.movePosition(cursor.MoveOperation.End)
            cursor.insertText(text[len(before) :])
            if bar is not None and at_end:
                bar.setValue(bar.maximum())
        else:
            self.setPlainText(text)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Other lines need another height."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        document = self.document()
        if document is None:
            return
        lines = min(max(1, math.ceil(document.size().height())), MOST_LINES)  # a plain document counts in lines
        frame = 2 * (self.frameWidth() + math.ceil(document.documentMargin()))
        height = lines * self.fontMetrics().lineSpacing() + frame + 2
        if height != self.height():
            self.setFixedHeight(height)
