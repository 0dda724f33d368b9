"""The dock: everything the user needs, from top to bottom in the order of work."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.backend_bar import BackendBar
from napari_seagull.views.draw_bar import DrawBar
from napari_seagull.views.find_box import FindBox
from napari_seagull.views.fold import Fold
from napari_seagull.views.image_bar import ImageBar
from napari_seagull.views.legend import ColorLegend
from napari_seagull.views.map_bar import MapBar
from napari_seagull.views.model_form import ModelForm
from napari_seagull.views.panel_menu import PanelMenu
from napari_seagull.views.pixel_form import PixelForm
from napari_seagull.views.question_bar import QuestionBar
from napari_seagull.views.regions_box import RegionsBox
from napari_seagull.views.report_card import ReportCard
from napari_seagull.views.server_form import ServerForm
from napari_seagull.views.status_strip import StatusStrip
from napari_seagull.views.tour import Tour

MINIMUM_WIDTH = 320


class Panel(QWidget):
    """The dock "SEAGULL region quality"; stacks the views and owns nothing else."""

    restore_wished = Signal()
    sample_wished = Signal()  # by the tour
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._docked = parent is not None
        self.setObjectName("SEAGULL region quality")
        self.image_bar = ImageBar(self)
        self.question = QuestionBar(self)
        self.menu = PanelMenu(self)
        self.tour = Tour(self)
        self.pixels = PixelForm(self)
        self.backend_bar = BackendBar(self)
        self.model_form = ModelForm(self)
        self.server_form = ServerForm(self)
        self.finding = FindBox(self)
        self.draw_bar = DrawBar(self)
        self.legend = ColorLegend(self)
        self.regions = RegionsBox(self)
        self.table = self.regions.table
        self.card = ReportCard(self)
        self.map_bar = MapBar(self)
        self.status = StatusStrip(self)
        self.restore_button = QPushButton("Restore regions layer", self)
        self.restore_button.setToolTip("The layer was deleted; its regions are still here")
        self.restore_button.clicked.connect(self.restore_wished)
        self.scored = Fold("What is scored", self.pixels, self, aside=self.pixels.now)
        self.models = Fold("Model", self.model_form, self, aside=self.model_form.now)
        self.advanced = Fold("Advanced: where the backend runs", self.server_form, self)
        self._lay_out()
        self.offer_restore(offered=False)

    def _lay_out(self) -> None:
        work = QWidget(self)
        column = QVBoxLayout(work)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(7)
        head = QHBoxLayout()
        head.addWidget(self.image_bar, 1)
        head.addWidget(self.menu)
        column.addWidget(self.tour)
        column.addLayout(head)
        above = (self.question, self.scored, self.pixels.mixture, self.backend_bar, self.models, self.advanced)
        for part in above:
            column.addWidget(part)
        column.addLayout(_titled("Find a region", self.finding))
        column.addLayout(_titled("Draw a region", self.draw_bar))
        column.addWidget(self.restore_button)
        column.addWidget(self.regions, 1)
        column.addWidget(self.legend)
        column.addWidget(self.card)
        column.addWidget(self.map_bar)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(_scrolled(work, self), 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 2, 8, 6)
        foot.addWidget(self.status)
        outer.addLayout(foot)
        self.setMinimumWidth(MINIMUM_WIDTH)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A column that leaves most of the window to the image."""
        return QSize(480, 660)

    def offer_restore(self, *, offered: bool) -> None:
        """Show or hide the button that brings the regions layer back."""
        self.restore_button.setVisible(offered)

    def event(self, event: QEvent | None) -> bool:
        """Tell that the user closed the dock: napari then takes the panel out of it, and nobody is its parent."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.closed.emit()
            self._docked = self.parent() is not None
        return bool(super().event(event))


def _titled(title: str, widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(3)
    column.addWidget(QLabel(title, widget.parentWidget()))
    column.addWidget(widget)
    return column


def _scrolled(widget: QWidget, parent: QWidget) -> QScrollArea:
    area = QScrollArea(parent)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
    area.setWidget(widget)
    area.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
    return area
