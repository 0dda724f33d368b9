"""Closing napari while a model learns: asks first, and lets the run come to rest at its checkpoint."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QMessageBox, QWidget

PATIENCE_MS = 4000
"""So long the run has to come to rest; its checkpoint holds what it has learned even where it does not."""


class CloseGate(QObject):
    """Stands before the window's close button while something goes on; napari's own questions come after it.

    Parameters
    ----------
    words : callable
        One sentence on what goes on; "" where the window may close.
    rest : callable
        Lets it come to rest, and calls what it is given when that is done.
    """

    def __init__(self, words: Callable[[], str], rest: Callable[[Callable[[], None]], None], parent: QObject) -> None:
        super().__init__(parent)
        self._words, self._rest = words, rest
        self._window: QWidget | None = None
        self._leaving = False
        self.question: QMessageBox | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._leave)

    def guard(self, window: QWidget | None) -> None:
        """Stand before that window."""
        if window is not self._window:
            self.open()
            self._window = window
            if window is not None:
                window.installEventFilter(self)

    def open(self) -> None:
        """Let it close."""
        self._patience.stop()
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Called by Qt with every event of the window."""
        if event is None or watched is not self._window or not isinstance(event, QCloseEvent) or self._leaving:
            return False
        words = self._words()
        if not words:
            return False
        event.ignore()
        if self.question is None:
            self._ask(words)
        return True

    def _ask(self, words: str) -> None:
        box = self.question = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("SEAGULL fine-tune")
        box.setText(words)
        box.setInformativeText("It comes to rest at its checkpoint, and is offered again when napari starts.")
        pause = box.addButton("Pause it and close", QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.finished.connect(lambda _code: self._on_answered(box.clickedButton() is pause))
        box.open()  # does not wait: scores and curves go on meanwhile

    def _on_answered(self, may_close: bool) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None
        if may_close:
            self._patience.start()
            self._rest(self._leave)

    def _leave(self) -> None:
        window = self._window
        self._patience.stop()
        if window is not None and not self._leaving:
            self._leaving = True
            window.close()
            self._leaving = False
