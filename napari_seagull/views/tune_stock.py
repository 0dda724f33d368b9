"""Step 1 of the panel "Fine-tune": what there is to learn from, what is missing, and what contradicts."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.count_chips import CountChips
from napari_seagull.views.fold import Fold
from napari_seagull.views.label_spread import LabelSpread
from napari_seagull.views.tune_conflicts import ConflictList
from napari_seagull.views.tune_rows import ConflictRow, SourceRow
from napari_seagull.views.tune_sources import SourceList
from napari_seagull.views.tune_words import people_words, problems_words, stock_words
from seagull_iqa.domain.fine_tuning import LabelStock

BEGIN = (
    "Nothing is labelled yet. Draw or find regions, press “Rate …”, and say how good each one is: "
    "20 to 30 regions on three images or more are enough to begin with."
)
READING = "Looking at what is labelled …"


class StockView(QWidget):
    """Sentences, the spread of the labels, and lists that unfold."""

    rate_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.short = QLabel(parent)
        self.empty, self.people, self.missing = words(self), words(self), words(self)
        self.spread, self.chips = LabelSpread(self), CountChips(self)
        self.rate_button = QPushButton("Rate …", self)
        self.rate_button.setToolTip("Open the rating mode: a few keys a region")
        self.conflicts, self.sources = ConflictList(self), SourceList(self)
        self.conflict_fold = Fold("", self.conflicts, self)
        self.source_fold = Fold("Where they come from", self.sources, self)
        self._lay_out()
        self.rate_button.clicked.connect(self.rate_wished)
        self.show_stock(None, (), ())

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(6)
        line = QHBoxLayout()
        line.addWidget(self.rate_button)
        line.addStretch(1)
        for part in (self.empty, self.people, self.spread, self.chips, self.missing):
            column.addWidget(part)
        column.addLayout(line)
        column.addWidget(self.conflict_fold)
        column.addWidget(self.source_fold)

    def show_stock(
        self, stock: LabelStock | None, conflicts: Sequence[ConflictRow], sources: Sequence[SourceRow]
    ) -> None:
        """Show what there is; None while it is not known yet."""
        some = stock is not None and stock.regions + stock.pairs > 0
        for part in (self.spread, self.chips):
            part.setVisible(some)
        self.empty.setText("" if some else READING if stock is None else BEGIN)
        self.empty.setVisible(not some)
        self.short.setText("" if stock is None or not some else stock_words(stock))
        self.people.setText("" if stock is None else people_words(stock))
        self.missing.setText("" if stock is None or not some else "\n".join(f"• {said}" for said in stock.missing))
        for label in (self.people, self.missing):
            label.setVisible(bool(label.text()))
        if stock is not None:
            self.spread.show_counts(stock.quality)
            self.chips.show_counts(stock.types)
            self.conflict_fold.rename(problems_words(stock))
        self.conflict_fold.setVisible(bool(conflicts))
        self.conflicts.show_rows(conflicts)
        self.sources.show_rows(sources)


def words(parent: QWidget) -> QLabel:
    """Sentences that wrap, and can be copied."""
    made = QLabel(parent)
    made.setWordWrap(True)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return made
