"""What the menu of the panel opens: the other panels, our page of napari's Preferences, the tour."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QListWidget

if TYPE_CHECKING:
    import napari.viewer

    from napari_seagull.controller.dock import SeagullDock

DISPLAY_NAME = "SEAGULL region quality"
"""Of the plugin in the manifest: napari names its page of the Preferences after it."""

PREFERENCES_COMMAND = "napari.window.file.show_preferences_dialog"
LOOK_MS = 50


def follow(viewer: napari.viewer.Viewer, panel: SeagullDock, wish: str) -> None:
    """Do what was chosen in the menu."""
    from napari_seagull.controller.dock import open_rate
    from napari_seagull.controller.docks import PANELS, open_panel

    exchange = panel.controller.exchange
    deeds: dict[str, Callable[[], object]] = {
        "tour": panel.tour.start,
        "rate": lambda: open_rate(viewer),
        "preferences": open_preferences,
        "export": exchange.exporter.ask,
        "import": exchange.importer.ask_file,
        "import-folder": exchange.importer.ask_folder,
    }
    deeds.get(wish, lambda: open_panel(viewer, PANELS[wish]))()


def open_preferences() -> None:
    """Open napari's Preferences at our page."""
    from app_model import Application

    app = Application.get_app("napari")
    if app is not None:
        QTimer.singleShot(LOOK_MS, _turn_to_our_page)  # once the dialog is there, should it hold the loop
        app.commands.execute_command(PREFERENCES_COMMAND)


def _turn_to_our_page() -> None:
    for window in QApplication.topLevelWidgets():
        for pages in window.findChildren(QListWidget) if window.isVisible() else ():
            found = pages.findItems(DISPLAY_NAME, Qt.MatchFlag.MatchExactly)
            if found:
                pages.setCurrentItem(found[0])
