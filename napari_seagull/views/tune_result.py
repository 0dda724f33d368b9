"""Step 4 of the panel "Fine-tune": before and after on labels that were held out, and what becomes of the model."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_seagull.views.changed_grid import ChangedGrid
from napari_seagull.views.figure_table import FigureTable
from napari_seagull.views.palette import hex_code
from napari_seagull.views.tune_stock import words
from napari_seagull.views.tune_words import result_words, verdict_color, verdict_head
from seagull_iqa.domain.fine_tuning import FineTuneResult

NOTHING = "After a training this shows, on labels that it did not learn from, what has become better and what has not."
WORSE = (
    "On the labels that were held out, this model is further from your eye than the one you have. "
    "If you use it, its scores will fit your labels less well. You can go back at any time."
)


class VerdictBanner(QFrame):
    """The verdict: a stripe in its colour, a few words, and the sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mark = QLabel(self)
        self.mark.setFixedWidth(5)
        self.head, self.sentence = QLabel(self), words(self)
        font = self.head.font()
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.15)
        self.head.setFont(font)
        said = QVBoxLayout()
        said.setContentsMargins(0, 3, 0, 3)
        said.setSpacing(2)
        said.addWidget(self.head)
        said.addWidget(self.sentence)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 6, 0)
        line.setSpacing(8)
        line.addWidget(self.mark)
        line.addLayout(said, 1)

    def show_result(self, result: FineTuneResult) -> None:
        """Show the verdict of a result."""
        self.mark.setStyleSheet(f"background-color: {hex_code(verdict_color(result))};")
        self.head.setText(verdict_head(result))
        self.sentence.setText(f"{result.verdict} {result_words(result)}".strip())


class ResultView(QWidget):
    """Tells which of the three answers was given; of a worse model "Use it" asks once more, in plain words."""

    use_wished = Signal()
    keep_wished = Signal()
    discard_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: FineTuneResult | None = None
        self._asking = False
        self._decided = ""
        self.short = QLabel(parent)
        self.empty, self.question, self.decided = words(self), words(self), words(self)
        self.empty.setText(NOTHING)
        self.question.setText(WORSE)
        self.banner, self.table, self.changed = VerdictBanner(self), FigureTable(self), ChangedGrid(self)
        self.use_button = QPushButton("Use it", self)
        self.use_button.setToolTip("Let it answer from now on; every region is scored anew, and you can go back")
        self.keep_button = QPushButton("Keep for later", self)
        self.keep_button.setToolTip("Keep it under “Models”; the model that answers stays")
        self.discard_button = QPushButton("Discard", self)
        self.discard_button.setToolTip("Delete it; your labels stay")
        self.yes_button = QPushButton("Use it all the same", self)
        self.no_button = QPushButton("Do not use it", self)
        self._lay_out()
        self._connect()
        self.show_result(None)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(7)
        for part in (self.empty, self.banner, self.table, self.changed, self.question, self.decided):
            column.addWidget(part)
        for buttons in ((self.use_button, self.keep_button, self.discard_button), (self.no_button, self.yes_button)):
            line = QHBoxLayout()
            line.setSpacing(4)
            for button in buttons:
                line.addWidget(button)
            column.addLayout(line)

    def _connect(self) -> None:
        self.use_button.clicked.connect(self._on_use)
        self.yes_button.clicked.connect(self._on_yes)
        self.no_button.clicked.connect(self._on_no)
        self.keep_button.clicked.connect(self.keep_wished)
        self.discard_button.clicked.connect(self.discard_wished)

    def show_result(self, result: FineTuneResult | None, decided: str = "", *, busy: bool = False) -> None:
        """Show a result; `decided` says what became of it, once that is known."""
        if result != self._result:
            self._asking = False
            self._result = result
            if result is not None:
                self.banner.show_result(result)
                self.table.show_figures(result.figures)
                self.changed.show_regions(result.changed)
        self._decided = decided
        self.short.setText(decided or ("" if result is None else verdict_head(result)))
        for button in (self.use_button, self.keep_button, self.discard_button, self.yes_button):
            button.setEnabled(not busy)
        self._show()

    def _show(self) -> None:
        result = self._result
        known = result is not None
        self.empty.setVisible(not known)
        for part in (self.banner, self.table, self.changed):
            part.setVisible(known)
        self.decided.setText(self._decided)
        self.decided.setVisible(known and bool(self._decided))
        open_ = result is not None and bool(result.model) and not self._decided
        for button in (self.use_button, self.keep_button, self.discard_button):
            button.setVisible(open_ and not self._asking)
        for shown in (self.question, self.yes_button, self.no_button):
            shown.setVisible(open_ and self._asking)

    def _on_use(self) -> None:
        if self._result is not None and self._result.better is False:
            self._asking = True
            self._show()
        else:
            self.use_wished.emit()

    def _on_yes(self) -> None:
        self._asking = False
        self._show()
        self.use_wished.emit()

    def _on_no(self) -> None:
        self._asking = False
        self._show()
