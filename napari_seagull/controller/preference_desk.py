"""What is preferred becomes so: at the start, and while the page of napari's Preferences is edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_seagull.controller.desk import debounce
from napari_seagull.controller.preferences import Preferences, PreferenceStore
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.model_facts import HERE, ModelFacts
from napari_seagull.views.server_form import ServerAddress
from seagull_iqa.domain.report import QUALITY_MAP

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_seagull.controller.controller import Controller

TYPED_MS = 1500
"""An address that is being typed rests this long before it is tried."""


class PreferenceDesk(QObject):
    """Serves one controller."""

    def __init__(self, controller: Controller, viewer: ViewerModel, store: PreferenceStore) -> None:
        super().__init__(controller)
        self._controller, self._viewer, self._store = controller, viewer, store
        self._present = store.read()
        self._wants_model = self._present.model
        self._key = ""
        self._closed = False
        self._typed = debounce(TYPED_MS, self._connect_server, self)
        tour = controller.panel.tour
        tour.deed_wished.connect(self._on_deed_wished)
        tour.ended.connect(store.end_tour)
        controller.models.known.connect(self._on_models_known)
        controller.panel.closed.connect(self.close)
        controller.panel.destroyed.connect(self.close)
        store.listen(self._on_changed)
        self._apply(self._present)
        if self._present.url:
            controller.panel.server_form.show_address(ServerAddress(self._present.url, self._present.token))
        controller.pixels.choose(self._present.way)
        if self._present.tour:
            tour.start()

    def close(self) -> None:
        """Listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        self._typed.stop()
        self._store.close()
        self._bind("")

    def _on_changed(self) -> None:
        before, self._present = self._present, self._store.read()
        present = self._present
        if (before.url, before.token) != (present.url, present.token):
            self._typed.start()
        if before.way is not present.way:
            self._controller.pixels.choose(present.way)
        self._apply(present, before)

    def _apply(self, present: Preferences, before: Preferences | None = None) -> None:
        controller = self._controller
        if before is None or before.live != present.live:
            controller.pixels.score_live(present.live)
        controller.shapes.settle_after(present.rest_ms)
        controller.mapper.opacity = present.map_opacity
        if before is not None and before.map_opacity != present.map_opacity:
            for layer in controller.mapper.layers:
                layer.opacity = present.map_opacity
        if before is None or before.map_key != present.map_key:
            self._bind(present.map_key)

    def _connect_server(self) -> None:
        address = ServerAddress(self._present.url, self._present.token)
        form = self._controller.panel.server_form
        form.show_address(address)
        form.use_wished.emit(address)

    def _on_models_known(self, facts: ModelFacts) -> None:
        """The model that is preferred takes over once, if it is there."""
        wanted, self._wants_model = self._wants_model, ""
        offered = {offer.name for offer in facts.offers if offer.state in HERE}
        if wanted and facts.in_use != wanted and wanted in offered:
            self._controller.panel.model_form.use_wished.emit(wanted, "auto")

    def _bind(self, key: str) -> None:
        """Let that key show and hide the map; the one before it does nothing any more."""
        if self._key:
            self._viewer.bind_key(self._key, None, overwrite=True)
        self._key = ""
        if not key:
            return
        if not _is_key(key):
            self._controller.panel.status.show_problem(
                f"“{key}” is no key that napari knows. Write one like “H” or “Alt-M” in the Preferences."
            )
            return
        self._viewer.bind_key(key, self._toggler(), overwrite=True)
        self._key = key

    def _toggler(self) -> Callable[[Any], None]:
        mapper, bar = self._controller.mapper, self._controller.panel.map_bar

        def on_key(_viewer: object) -> None:
            shown = [layer for layer in mapper.layers if layer.visible]
            if shown:
                for layer in shown:
                    layer.visible = False
            else:
                bar.map_wished.emit(str(bar.list.currentData()))

        return on_key

    def _on_deed_wished(self, deed: str) -> None:
        """What the tour offers to do."""
        panel = self._controller.panel
        if deed == "sample":
            panel.sample_wished.emit()
        elif deed == "rectangle":
            panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
        elif deed == "map":
            panel.map_bar.map_wished.emit(QUALITY_MAP)


def _is_key(words: str) -> bool:
    """Whether napari understands that as one key, with or without others held."""
    from app_model.types import KeyBinding, KeyCode

    parts = KeyBinding.from_str(words).parts
    return len(parts) == 1 and parts[0].key not in (None, KeyCode.UNKNOWN)
