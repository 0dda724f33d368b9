"""The panels as napari opens them: given a viewer, with their controller, and the backend started by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seagull.connection.backend import Backend
from napari_seagull.controller.controller import Controller
from napari_seagull.controller.panel_deeds import follow
from napari_seagull.controller.preference_desk import PreferenceDesk
from napari_seagull.controller.preferences import PLUGIN, PreferenceStore
from napari_seagull.views.panel import Panel
from napari_seagull.views.rate_panel import RatePanel

if TYPE_CHECKING:
    import napari.viewer

PANEL, RATE = "SEAGULL region quality", "SEAGULL rate"
"""Names of the panels in the manifest."""

SAMPLE = "girl"
"""What the tour begins with."""


class SeagullDock(Panel):
    """The docked panel "SEAGULL region quality"."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        # napari hands out a proxy, through which no layer is identical to itself; only public names are used below.
        viewer = getattr(viewer, "__wrapped__", viewer)
        store = PreferenceStore.of_napari()
        self.controller = Controller(viewer, self, backend=Backend(store.read().server))
        self.preferences = PreferenceDesk(self.controller, viewer, store)
        self.sample_wished.connect(lambda: viewer.open_sample(PLUGIN, SAMPLE))
        self.menu.wished.connect(lambda wish: follow(viewer, self, wish))
        self.regions.deeds.rate_wished.connect(lambda: open_rate(viewer))
        self.regions.deeds.tune_wished.connect(lambda: follow(viewer, self, "tune"))
        self.controller.start()


class RateDock(RatePanel):
    """The docked panel "SEAGULL rate"; opens the other one where it is closed, since that holds the regions."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.rater = controller_of(getattr(viewer, "__wrapped__", viewer)).rate_in(self)


def open_rate(viewer: napari.viewer.Viewer) -> RateDock:
    """Open the panel "SEAGULL rate", or bring it to the front."""
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, RATE, tabify=True)
    dock.show()
    dock.raise_()
    opened: RateDock = panel
    return opened


def open_controller(viewer: napari.viewer.Viewer) -> Controller | None:
    """The controller of the panel that is open in this viewer; None where it is closed."""
    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, SeagullDock) and not widget.controller.is_closed:
            return widget.controller
    return None


def controller_of(viewer: napari.viewer.Viewer) -> Controller:
    """The controller of the panel that is open in this viewer; the panel is opened where it is closed."""
    known = open_controller(viewer)
    if known is not None:
        return known
    _dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, PANEL)
    controller: Controller = panel.controller
    return controller
