"""Labels that cannot both be right: a line each; the one that is clicked shows its regions beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.picture import PictureView
from napari_seagull.views.tune_rows import ConflictRow

PICTURE, MOST_LINES = 96, 5


class ConflictList(QWidget):
    """Tells which one is looked at, and which region is to be rated again."""

    chosen = Signal(int)
    rate_wished = Signal(str)  # id of the region

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ConflictRow, ...] = ()
        self.list = QListWidget(self)
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pair = QWidget(self)
        self.pictures = (PictureView(PICTURE, self.pair), PictureView(PICTURE, self.pair))
        self.names = (QLabel(self.pair), QLabel(self.pair))
        self.buttons = (QPushButton("Rate again", self.pair), QPushButton("Rate again", self.pair))
        self._sides: list[QWidget] = []
        self._lay_out()
        self.list.currentRowChanged.connect(self._on_row)
        for side, button in enumerate(self.buttons):
            button.clicked.connect(lambda _checked=False, side=side: self._wish(side))
        self.show_rows(())

    def _lay_out(self) -> None:
        line = QHBoxLayout(self.pair)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        for picture, name, button in zip(self.pictures, self.names, self.buttons, strict=True):
            side = QWidget(self.pair)
            column = QVBoxLayout(side)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(3)
            picture.setFixedHeight(PICTURE)
            name.setAlignment(Qt.AlignmentFlag.AlignCenter)
            name.setTextFormat(Qt.TextFormat.PlainText)
            name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setToolTip("Go to this region in the rating mode; what you say takes the place of the old label")
            column.addWidget(picture)
            column.addWidget(name)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            line.addWidget(side, 1)
            self._sides.append(side)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        outer.addWidget(self.list)
        outer.addWidget(self.pair)

    @property
    def row(self) -> ConflictRow | None:
        """The one that is looked at."""
        line = self.list.currentRow()
        return self._rows[line] if 0 <= line < len(self._rows) else None

    def show_rows(self, rows: Sequence[ConflictRow]) -> None:
        """Show these; none is looked at until one is clicked."""
        if tuple(rows) == self._rows and rows:
            return
        self._rows = tuple(rows)
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for row in rows:
            self.list.addItem(QListWidgetItem(row.sentence))
        self.list.setCurrentRow(-1)
        self.list.blockSignals(blocked)
        lines = max(1, min(len(rows), MOST_LINES))
        self.list.setFixedHeight(lines * (2 * self.fontMetrics().height() + 4) + 6)
        self.list.setVisible(bool(rows))
        self.pair.setVisible(False)

    def _on_row(self, line: int) -> None:
        row = self.row
        self.pair.setVisible(row is not None)
        if row is None:
            return
        for side, widget in enumerate(self._sides):
            widget.setVisible(side < len(row.regions))
            self.names[side].setText(row.names[side] if side < len(row.names) else "")
        self.chosen.emit(line)

    def _wish(self, side: int) -> None:
        row = self.row
        if row is not None and side < len(row.regions):
            self.rate_wished.emit(row.regions[side])
