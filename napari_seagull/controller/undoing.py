"""Undo and redo under the keys that everybody knows, on our layers and in our panels; others' layers keep their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

from napari_seagull.controller.canvas import Canvas
from napari_seagull.controller.desk import PAINTED, REGIONS, SEGMENTS, Desk, role_of
from napari_seagull.controller.our_layers import OurLayers

if TYPE_CHECKING:
    from napari.layers import Layer

UNDO_KEY, REDO_KEY = "Control-Z", "Control-Shift-Z"
OURS = (REGIONS, PAINTED, SEGMENTS)
"""Layers that hold regions; the one that is pointed on takes its own marks back first, and then comes here."""


class Undoer(QObject):
    """Takes steps of the session back, and lets our layers follow."""

    def __init__(self, desk: Desk, layers: OurLayers, canvas: Canvas, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._layers, self._canvas = desk, layers, canvas
        desk.session.restored.connect(self._canvas.follow)
        desk.viewer.layers.events.inserted.connect(self._on_inserted)
        for layer in desk.viewer.layers:
            self._bind(layer)

    def close(self) -> None:
        """Listen no more."""
        self._desk.session.restored.disconnect(self._canvas.follow)
        self._desk.viewer.layers.events.inserted.disconnect(self._on_inserted)
        for layer in self._desk.viewer.layers:
            if role_of(layer) in OURS:
                for key in (UNDO_KEY, REDO_KEY):
                    layer.bind_key(key, None, overwrite=True)

    def undo(self) -> bool:
        """Take the last step back; False where there is none. What was drawn a moment ago counts as a step."""
        return self._go("Undone", again=False)

    def redo(self) -> bool:
        """Take the step again that was taken back last; False where there is none."""
        return self._go("Done again", again=True)

    def listen_in(self, widget: QWidget) -> None:
        """Hear the keys in that panel and all within; a field of text that has the focus keeps them for itself."""
        for keys, act in ((QKeySequence.StandardKey.Undo, self.undo), (QKeySequence.StandardKey.Redo, self.redo)):
            shortcut = QShortcut(QKeySequence(keys), widget)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def _go(self, said: str, *, again: bool) -> bool:
        self._layers.shapes.flush()
        self._layers.labels.flush()
        session = self._desk.session
        text = session.redo_text if again else session.undo_text
        done = (session.redo if again else session.undo)() is not None
        self._desk.viewer.status = f"{said}: {text}." if done else f"There is nothing to {'redo' if again else 'undo'}."
        return done

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401
        self._bind(event.value)

    def _bind(self, layer: Layer) -> None:
        if role_of(layer) in OURS:
            for key, act in ((UNDO_KEY, self.undo), (REDO_KEY, self.redo)):
                layer.bind_key(key, _pressed(act), overwrite=True)


def _pressed(act: Callable[[], object]) -> Callable[[Layer], None]:
    """What napari calls, with the layer, when the key is pressed."""

    def on_key(_layer: Layer) -> None:
        act()

    return on_key
