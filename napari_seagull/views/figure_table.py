"""Figures of the model before and after, side by side, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_seagull.views.bars import ScoreBar
from napari_seagull.views.palette import RGB
from napari_seagull.views.tune_words import BETTER, UNSURE, WORSE, figure_words, is_error
from seagull_iqa.domain.fine_tuning import BeforeAfter

NAMES = {
    "SROCC": ("Order of the regions", "Spearman rank correlation (SROCC) between labels and scores, at most 1"),
    "PLCC": ("On a straight line", "Linear correlation (PLCC) between labels and scores, at most 1"),
    "mean absolute error": ("Error in points", "Mean absolute error: points of the scale between label and score"),
    "type F1": ("Distortions found", "F1 over the distortions that you named, at most 1"),
}
"""Name of a figure -> what it says, in plain words."""

BEFORE: RGB = (128, 132, 140)

LEAST_POINTS, LEAST_SHARE = 0.5, 0.02
"""What has changed by less is neither better nor worse."""


class FigureTable(QWidget):
    """A name, two bars and their numbers each; a longer bar is better, except for the error."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(2, 1)
        self._words: list[tuple[str, str, str]] = []

    def words(self) -> list[tuple[str, str, str]]:
        """(name, before, after) of each figure that is shown."""
        return list(self._words)

    def show_figures(self, figures: Sequence[BeforeAfter]) -> None:
        """Show those that the labels tell."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.setParent(None)
                widget.deleteLater()
        self._words = []
        for number, figure in enumerate(one for one in figures if one.before is not None or one.after is not None):
            self._add(3 * number, figure)

    def _add(self, line: int, figure: BeforeAfter) -> None:
        title, tip = NAMES.get(figure.name, (figure.name, figure.name))
        name = QLabel(title, self)
        name.setToolTip(tip)
        name.setWordWrap(True)
        self._grid.addWidget(name, line, 0, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        top = _top(figure)
        said = [title]
        rows = (("before", figure.before, figure.before_interval), ("after", figure.after, figure.after_interval))
        for row, (word, value, interval) in enumerate(rows):
            color = BEFORE if row == 0 else _color(figure)
            bar = ScoreBar(self)
            bar.show_score(_share(value, top), _shares(interval, top), color)
            number = QLabel(figure_words(value, interval, figure), self)
            bar.setToolTip(f"{tip}. {word.capitalize()}: {number.text()}, with the 95 % interval over images.")
            self._grid.addWidget(QLabel(word, self), line + row, 1)
            self._grid.addWidget(bar, line + row, 2)
            self._grid.addWidget(number, line + row, 3)
            said.append(number.text())
        self._grid.setRowMinimumHeight(line + 2, 5)
        self._words.append((said[0], said[1], said[2]))


def _top(figure: BeforeAfter) -> float:
    """What fills the whole bar."""
    if not is_error(figure):
        return 1.0
    known = [figure.before, figure.after, *(figure.before_interval or ()), *(figure.after_interval or ())]
    return max([value for value in known if value is not None] or [1.0]) * 1.05 or 1.0


def _share(value: float | None, top: float) -> float | None:
    return None if value is None else 100.0 * max(0.0, value) / top


def _shares(interval: tuple[float, float] | None, top: float) -> tuple[float, float] | None:
    return None if interval is None else (100.0 * max(0.0, interval[0]) / top, 100.0 * max(0.0, interval[1]) / top)


def _color(figure: BeforeAfter) -> RGB:
    least = LEAST_POINTS if is_error(figure) else LEAST_SHARE
    if figure.before is None or figure.after is None or abs(figure.before - figure.after) < least:
        return UNSURE
    return BETTER if (figure.after > figure.before) == figure.larger_is_better else WORSE
