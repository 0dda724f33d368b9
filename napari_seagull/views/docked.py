"""A panel of its own that notices when the user closes its dock."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QWidget


class DockedPanel(QWidget):
    """Emits `closed` once napari has taken it out of its dock."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._docked = parent is not None

    def event(self, event: QEvent | None) -> bool:
        """Tell that the user closed the dock: napari then takes the panel out of it, and nobody is its parent."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.closed.emit()
            self._docked = self.parent() is not None
        return bool(super().event(event))
