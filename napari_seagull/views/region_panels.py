"""The table of regions and the card of one as panels of their own: for the bottom of the window, or a second screen."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_seagull.views.docked import DockedPanel
from napari_seagull.views.legend import ColorLegend
from napari_seagull.views.regions_box import RegionsBox
from napari_seagull.views.report_card import ReportCard

PICTURE_SIDE = 140  # px


class RegionsPanel(DockedPanel):
    """All of the table: filter, columns, deeds, and what the colours mean."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL regions")
        self.box = RegionsBox(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.box, 1)
        column.addWidget(ColorLegend(self))
        self.setMinimumWidth(320)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for every column."""
        return QSize(720, 320)


class ReportPanel(DockedPanel):
    """The card with a larger picture; scrolled where there is little room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL report")
        self.card = ReportCard(self, picture_side=PICTURE_SIDE)
        self.card.setFrameShape(QFrame.Shape.NoFrame)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        area.setWidget(self.card)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)
        self.setMinimumWidth(320)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A column of its own."""
        return QSize(440, 420)
