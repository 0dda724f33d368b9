"""Step 2 of the panel "Fine-tune": the regions that are worth a label, one click away from the rating mode."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.picture import PictureView
from napari_seagull.views.sizes import counted
from napari_seagull.views.tune_rows import NextRow

PICTURE = 56
MOST = 6
NONE = "Nothing to suggest: every region that was found or drawn has a label. Find or draw some more."


class NextLine(QWidget):
    """One suggestion: picture, name, why, and the button that goes there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PictureView(PICTURE, self)
        self.picture.setFixedSize(PICTURE + 20, PICTURE)
        self.name, self.why = QLabel(self), QLabel(self)
        for label in (self.name, self.why):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        self.button = QPushButton("Rate", self)
        self.button.setToolTip("Go to this region in the rating mode")
        said = QVBoxLayout()
        said.setSpacing(1)
        said.addWidget(self.name)
        said.addWidget(self.why)
        said.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.picture)
        line.addLayout(said, 1)
        line.addWidget(self.button)

    def show_row(self, row: NextRow) -> None:
        """Show one suggestion."""
        self.name.setText(f"{row.name} in {row.image_name}")
        self.why.setText(row.why)
        self.setToolTip(f"Expected gain {100 * row.gain:.0f} of 100")


class NextView(QWidget):
    """At most six suggestions, best first."""

    rate_wished = Signal(str, str)  # image, region

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.short = QLabel(parent)
        self.empty = QLabel(self)
        self.empty.setWordWrap(True)
        self.lines = tuple(NextLine(self) for _each in range(MOST))
        self._rows: tuple[NextRow, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(6)
        column.addWidget(self.empty)
        for number, line in enumerate(self.lines):
            column.addWidget(line)
            line.button.clicked.connect(lambda _checked=False, number=number: self._wish(number))
        self.show_rows((), "")

    @property
    def rows(self) -> tuple[NextRow, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[NextRow], empty: str = NONE) -> None:
        """Show these; `empty` is said where there are none."""
        self._rows = tuple(rows[:MOST])
        for number, line in enumerate(self.lines):
            line.setVisible(number < len(self._rows))
            if number < len(self._rows):
                line.show_row(self._rows[number])
        self.empty.setText(empty)
        self.empty.setVisible(not self._rows)
        self.short.setText(counted(len(self._rows), "suggestion") if self._rows else "")

    def _wish(self, number: int) -> None:
        row = self._rows[number]
        self.rate_wished.emit(row.image, row.region)
