"""The panel as napari opens it: given a viewer, with its controller, and the backend started by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seagull.controller.controller import Controller
from napari_seagull.views.panel import Panel

if TYPE_CHECKING:
    import napari.viewer


class SeagullDock(Panel):
    """The docked panel "SEAGULL region quality"."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        # napari hands out a proxy, through which no layer is identical to itself; only public names are used below.
        self.controller = Controller(getattr(viewer, "__wrapped__", viewer), self)
        self.controller.start()
