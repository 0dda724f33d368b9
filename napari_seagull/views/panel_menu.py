"""The menu of the panel: the other panels, the preferences, and the tour."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QToolButton, QWidget

ENTRIES: tuple[tuple[str, str, str], ...] = (
    ("images", "Images …", "A folder to work through, image after image, and scores of all of them"),
    ("regions", "Regions …", "The table in a panel of its own: for the bottom of the window, or a second screen"),
    ("report", "Report …", "The selected region's card in a panel of its own, with a larger picture"),
    ("map", "Quality map …", "Histogram, the value under the mouse, and regions out of a threshold"),
    ("compare", "Compare two images …", "Before and after an edit: the difference of each region, and as a map"),
    ("series", "Over planes and time …", "The quality of one region over all planes of a stack or series"),
    ("rate", "Rate by keys …", "Label regions quickly"),
    ("tune", "Fine-tune …", "Teach the model how you see, with the regions that you labelled"),
    ("", "", ""),
    ("export", "Export …", "Write regions, scores, labels and maps for other programs, or a report for a reader"),
    ("import", "Import …", "Take regions in from a file: ours, GeoJSON, COCO, ImageJ, LabelMe, YOLO, labels, tables"),
    ("import-folder", "Import a folder …", "Take regions in from an OME-Zarr"),
    ("", "", ""),
    ("preferences", "Preferences …", "Server, model, what is scored, how maps look, keys"),
    ("tour", "Show the tour again", "Five steps through the panel"),
)
"""What is wished, name, meaning; empty for a line."""


class PanelMenu(QToolButton):
    """A button with three bars; tells what was chosen."""

    wished = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText("\N{TRIGRAM FOR HEAVEN}")
        self.setToolTip("More panels, preferences, and the tour")
        self.setAccessibleName("Menu")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAutoRaise(True)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for wish, name, meaning in ENTRIES:
            if not wish:
                menu.addSeparator()
                continue
            action = menu.addAction(name)
            if action is not None:
                action.setToolTip(meaning)
                action.setData(wish)
        menu.triggered.connect(lambda action: self.wished.emit(str(action.data())))
        self.setMenu(menu)
