"""The panel "Fine-tune": labels, suggestions, training, before and after, models; five steps from top to bottom."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.docked import DockedPanel
from napari_seagull.views.fold import Fold
from napari_seagull.views.question_bar import QuestionBar
from napari_seagull.views.status_strip import StatusStrip
from napari_seagull.views.tune_models import ModelsView
from napari_seagull.views.tune_next import NextView
from napari_seagull.views.tune_result import ResultView
from napari_seagull.views.tune_stock import StockView
from napari_seagull.views.tune_train import TrainForm

MINIMUM_WIDTH = 340


class TunePanel(DockedPanel):
    """Stacks the steps; each one that matters now is unfolded, and says in its heading where it stands."""

    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL fine-tune")
        self.question = QuestionBar(self)
        self.stock, self.suggested, self.train = StockView(self), NextView(self), TrainForm(self)
        self.result, self.models = ResultView(self), ModelsView(self)
        self.status = StatusStrip(self)
        self.folds: dict[str, Fold] = {}
        self._area = QScrollArea(self)
        self._lay_out()

    def _lay_out(self) -> None:
        work = QWidget(self)
        column = QVBoxLayout(work)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(7)
        column.addWidget(self.question)
        steps: tuple[tuple[str, str, QWidget, QLabel], ...] = (
            ("stock", "1  Your labels", self.stock, self.stock.short),
            ("next", "2  Label next", self.suggested, self.suggested.short),
            ("train", "3  Train", self.train, self.train.short),
            ("result", "4  Before and after", self.result, self.result.short),
            ("models", "5  Models", self.models, self.models.short),
        )
        for key, title, content, short in steps:
            short.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.folds[key] = Fold(title, content, work, aside=short)
            font = self.folds[key].heading.font()
            font.setBold(True)
            self.folds[key].heading.setFont(font)
            column.addWidget(self.folds[key])
        column.addStretch(1)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(work)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._area, 1)
        outer.addWidget(self.status)
        self.setMinimumWidth(MINIMUM_WIDTH)
        self.unfold("stock", "train")

    def sizeHint(self) -> QSize:  # noqa: N802
        """A column beside the image."""
        return QSize(460, 660)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Tell that somebody looks."""
        super().showEvent(event)
        self.opened.emit()

    def unfold(self, *keys: str, only: bool = False) -> None:
        """Open these steps; with `only` the others fold away."""
        for key, fold in self.folds.items():
            if key in keys or only:
                fold.heading.setChecked(key in keys)

    def look_at(self, key: str) -> None:
        """Open a step, and scroll to it where it is not seen whole."""
        self.unfold(key)
        work, bar = self._area.widget(), self._area.verticalScrollBar()
        layout = None if work is None else work.layout()
        if layout is not None and bar is not None:
            layout.activate()
            fold, seen = self.folds[key], self._area.viewport()
            high = 0 if seen is None else seen.height()
            if not bar.value() <= fold.y() <= fold.y() + fold.height() <= bar.value() + high:
                bar.setValue(max(0, fold.y() - 8))
