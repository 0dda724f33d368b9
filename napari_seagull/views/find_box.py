"""Everything that finds regions: the tools, the filters of all that was found, tidying, and the engine."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_seagull.views.engine_form import EngineForm
from napari_seagull.views.everything_form import EverythingForm
from napari_seagull.views.fold import Fold
from napari_seagull.views.refine_form import RefineForm
from napari_seagull.views.segment_bar import SegmentBar


class FindBox(QWidget):
    """The tools on top; what few people need is folded away below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = SegmentBar(self)
        self.everything = EverythingForm(self)
        advanced = QWidget(self)
        self.refining = RefineForm(advanced)
        self.engines = EngineForm(advanced)
        inner = QVBoxLayout(advanced)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(4)
        inner.addWidget(self.refining)
        inner.addWidget(self.engines)
        self.advanced = Fold("Advanced: tidy masks, polygon, engine", advanced, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for part in (self.bar, self.everything, self.advanced):
            column.addWidget(part)
