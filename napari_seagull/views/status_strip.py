"""One sentence at the foot of the panel: what went wrong and what to do, or what is going on."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from napari_seagull.views.palette import hex_code

CALM, ALARM = (110, 140, 170), (200, 60, 50)


class StatusStrip(QFrame):
    """One sentence and a cross that takes it away; hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mark = QLabel(self)
        self.mark.setFixedWidth(4)
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.close_button = QToolButton(self)
        self.close_button.setText("\N{MULTIPLICATION SIGN}")
        self.close_button.setToolTip("Dismiss this message")
        self.close_button.setAutoRaise(True)
        self.close_button.clicked.connect(self.clear)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.mark)
        line.addWidget(self.words, 1)
        line.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.clear()

    def text(self) -> str:
        """The sentence that is shown; "" for none."""
        return self.words.text()

    def show_problem(self, sentence: str) -> None:
        """Say what went wrong and what to do."""
        self._show(sentence, ALARM)

    def show_note(self, sentence: str) -> None:
        """Say something that is no problem."""
        self._show(sentence, CALM)

    def clear(self) -> None:
        """Say nothing."""
        self.words.setText("")
        self.hide()

    def _show(self, sentence: str, color: tuple[int, int, int]) -> None:
        self.mark.setStyleSheet(f"background-color: {hex_code(color)};")
        self.words.setText(sentence)
        self.setVisible(bool(sentence))
