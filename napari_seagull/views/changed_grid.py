"""The regions whose scores changed most: small pictures, with the person's label and both scores."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.picture import PictureView
from napari_seagull.views.score_change import ScoreChange
from seagull_iqa.domain.fine_tuning import ChangedRegion

COLUMNS, FIRST, MOST = 3, 6, 12
PICTURE = 84


class ChangedCard(QWidget):
    """One region; a click tells that it is wished to be seen."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PictureView(PICTURE, self)
        self.picture.setFixedHeight(PICTURE)
        self.change = ScoreChange(self)
        self.said = QLabel(self)
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        for part in (self.picture, self.change, self.said):
            column.addWidget(part)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_region(self, region: ChangedRegion) -> None:
        """Show label and scores."""
        self.change.show_scores(region.label, region.before, region.after)
        self.said.setText(f"you {region.label:.0f} · {region.before:.0f} → {region.after:.0f}")
        self.setToolTip(f"{self.change.toolTip()}. Click to see the region.")

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Go to the region."""
        self.clicked.emit()


class ChangedGrid(QWidget):
    """Six of them, and the rest on a click."""

    region_wished = Signal(str, str)  # image, region

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel(self)
        self.cards = tuple(ChangedCard(self) for _each in range(MOST))
        self.more_button = QPushButton(self)
        self.more_button.setFlat(True)
        self._regions: tuple[ChangedRegion, ...] = ()
        self._all = False
        grid = QGridLayout()
        grid.setSpacing(8)
        for number, card in enumerate(self.cards):
            grid.addWidget(card, number // COLUMNS, number % COLUMNS)
            card.clicked.connect(lambda number=number: self._wish(number))
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        outer.addWidget(self.heading)
        outer.addLayout(grid)
        outer.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.more_button.clicked.connect(self._on_more)
        self.heading.setText("Changed most (▼ you, ○ before, ● after):")
        self.show_regions(())

    @property
    def regions(self) -> tuple[ChangedRegion, ...]:
        """What is shown, or could be."""
        return self._regions

    def show_regions(self, regions: Sequence[ChangedRegion]) -> None:
        """Show these."""
        if tuple(regions[:MOST]) != self._regions:
            self._all = False
        self._regions = tuple(regions[:MOST])
        for card, region in zip(self.cards, self._regions, strict=False):
            card.show_region(region)
        self._show()

    def _show(self) -> None:
        shown = len(self._regions) if self._all else min(FIRST, len(self._regions))
        for number, card in enumerate(self.cards):
            card.setVisible(number < shown)
        self.heading.setVisible(bool(self._regions))
        self.more_button.setText("Show fewer" if self._all else f"Show {len(self._regions) - shown} more")
        self.more_button.setVisible(len(self._regions) > FIRST)

    def _on_more(self) -> None:
        self._all = not self._all
        self._show()

    def _wish(self, number: int) -> None:
        self.region_wished.emit(self._regions[number].image, self._regions[number].region)
