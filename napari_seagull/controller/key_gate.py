"""Takes the keys before napari does, while one rates: no digit of a person can delete a shape or change a tool."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from napari_seagull.views.keys_form import TAKES_KEYS
from napari_seagull.views.rating_keys import key_name

WRITES = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
PASSED = frozenset({"Tab", "Shift+Tab", "Shift+Backtab", "Backtab", *(f"F{number}" for number in range(1, 13))})
"""Bare keys that harm nobody's work."""

HELD = frozenset({"Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Y", "Ctrl+Backspace", "Ctrl+Delete", "Ctrl+Del"})
"""Of the keys with Ctrl, those that would change layers behind the back of who rates."""

KeyHandler = Callable[[str], bool]
"""Given the name of a key; True where it meant something. What it does not know is swallowed all the same."""


class KeyGate(QObject):
    """An ear in front of the whole window: every bare key goes to the handler, wherever the focus is.

    Fields of text keep their keys, and so do windows of their own (dialogs, menus).
    """

    def __init__(self, handler: KeyHandler, parent: QObject) -> None:
        super().__init__(parent)
        self._handler = handler
        self._window: QWidget | None = None

    @property
    def is_open(self) -> bool:
        """The keys come here."""
        return self._window is not None

    def open(self, window: QWidget) -> None:
        """Take the keys of that window and of the docks that float above it."""
        application = QCoreApplication.instance()
        if self._window is None and application is not None:
            application.installEventFilter(self)
        self._window = window

    def close(self) -> None:
        """Let the keys go where they always go."""
        application = QCoreApplication.instance()
        if self._window is not None and application is not None:
            application.removeEventFilter(self)
        self._window = None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Called by Qt with every event of the application."""
        if event is None or event.type() not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        if not isinstance(event, QKeyEvent) or not isinstance(watched, QWidget) or not self._is_ours(watched):
            return False
        name = key_name(event)
        if not name or not self._is_taken(name):
            return False
        event.accept()  # a shortcut of napari is not looked for, and no parent is asked
        if event.type() == QEvent.Type.KeyPress:
            if event.isAutoRepeat() and event.key() not in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                return True
            self._handler(name)
        return True

    @staticmethod
    def _is_taken(name: str) -> bool:
        bare = not any(name.startswith(f"{held}+") for held in ("Ctrl", "Alt", "Meta"))
        return name in HELD or (bare and name not in PASSED)

    def _is_ours(self, widget: QWidget) -> bool:
        focused = QApplication.focusWidget()
        for each in (widget, focused):
            if each is not None and (isinstance(each, WRITES) or each.property(TAKES_KEYS)):
                return False
        window: QWidget | None = widget.window()
        while window is not None and window is not self._window:
            if isinstance(window, QDialog) or window.windowType() == Qt.WindowType.Popup:
                return False
            above = window.parentWidget()
            window = None if above is None else above.window()
        return window is not None
