"""Everything the model said of the selected region, on one card."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_seagull.views.ask_box import AskBox
from napari_seagull.views.bars import ScoreBar
from napari_seagull.views.finding_chips import FindingChips
from napari_seagull.views.palette import IMPORTANCE, RGB, quality_rgb
from napari_seagull.views.picture import PictureView
from napari_seagull.views.rows import RegionRow, RowState
from napari_seagull.views.verdict_box import VerdictBox
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.levels import importance_word, quality_word
from seagull_iqa.domain.report import Interval, QualityReport

NOTHING_SELECTED = "Select a region to read its report."
CARD_HEIGHT = 172  # px; most reports fit, so that the table above does not jump
FORMS = ("80 %: {}", "{}", "")
"""An interval, from much room to none."""

SPACE = 8
NARROW = 370  # px; a card that is narrower shows no picture
LEAST_WIDTH = 240  # px
PICTURE_SIDE = 92  # px
WAITING = {
    RowState.UNSCORED: "This region has not been scored yet.",
    RowState.QUEUED: "This region is being scored …",
    RowState.STALE: "The region has changed since these scores; new ones are on their way.",
    RowState.FAILED: "This region could not be scored.",
    RowState.SCORED: "",
}


class ReportCard(QFrame):
    """One report: picture, scores with their intervals, findings, sentence, what was scored by whom; the person's
    verdict beside it, and a question."""

    def __init__(self, parent: QWidget | None = None, *, picture_side: int = PICTURE_SIDE) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._side = picture_side
        self.title = QElidingLabel(self)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.quality = ScoreLine("Quality", self)
        self.human = ScoreLine("Person", self)
        self.human.interval.setToolTip("")
        self.importance = ScoreLine("Importance", self)
        self.picture = PictureView(picture_side, self)
        self.picture.setFixedWidth(picture_side)
        self.chips = FindingChips(self)
        self.sentence = _wrapped(self)
        self.remarks = _wrapped(self)
        self.source = _wrapped(self)
        self.note = _wrapped(self)
        self.verdict = VerdictBox(self)
        self.ask = AskBox(self)
        self.ask.hide()
        for part in (self.remarks, self.source, self.ask.note):
            _make_small(part)
        self._lay_out()
        self.show_row(None)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, 6, SPACE, 6)
        column.setSpacing(5)
        column.addWidget(self.title)
        column.addWidget(self.note)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for line, part in enumerate((self.quality, self.human, self.importance)):
            part.place(grid, line)
        grid.setRowStretch(3, 1)
        top = QHBoxLayout()
        top.setSpacing(SPACE)
        top.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(grid, 1)
        column.addLayout(top)
        column.addWidget(self.chips)
        column.addWidget(self.sentence)
        column.addWidget(self.remarks)
        column.addWidget(self.source)
        column.addWidget(self.verdict)
        column.addWidget(self.ask)
        column.addStretch(1)
        self.setMinimumHeight(CARD_HEIGHT)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Where it is narrow, the intervals are as short as can be."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Narrower than its longest line, which then becomes shorter."""
        return QSize(LEAST_WIDTH, super().minimumSizeHint().height())

    def _fit(self) -> None:
        """Say of the intervals what there is room for beside the words, the same on every line; the bar draws them."""
        lines = [part for part in (self.quality, self.human, self.importance) if not part.words.isHidden()]
        room = self.contentsRect().width() - 2 * SPACE
        beside = room - self._side - SPACE
        picture = bool(self.title.text()) and self.width() >= NARROW + self._side - PICTURE_SIDE
        picture = picture and lines_width(lines, "") <= beside
        self.picture.setVisible(picture)
        fits = [form for form in FORMS if lines_width(lines, form) <= (beside if picture else room)]
        for part in lines:
            part.say_interval(fits[0] if fits else FORMS[-1])

    def show_row(self, row: RegionRow | None, own: Annotation | None = None) -> None:
        """Show that region, and what the one who sits here said of it; None empties the card."""
        self.title.setText("" if row is None else row.name)
        self.title.setVisible(row is not None)
        note = NOTHING_SELECTED if row is None else (row.problem or WAITING[row.state])
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self._show_report(None if row is None else row.report)
        self._show_human(None if row is None else row.human)
        self._fit()
        self.verdict.setVisible(row is not None)
        if row is not None:
            self.verdict.show_row(row, own)

    def _show_human(self, human: Annotation | None) -> None:
        quality = None if human is None else human.quality
        self.human.set_visible(visible=quality is not None)
        if quality is not None:
            self.human.show_score(quality, None, quality_rgb(quality), quality_word(quality))

    def _show_report(self, report: QualityReport | None) -> None:
        for part in (self.quality, self.importance):
            part.set_visible(visible=report is not None)
        for label in (self.chips, self.sentence, self.remarks, self.source):
            label.setVisible(report is not None)
        if report is None:
            return
        quality, importance = report.quality, report.importance
        word = "" if quality is None else quality_word(quality)
        self.quality.show_score(quality, report.quality_interval, quality_rgb(quality), word)
        word = "" if importance is None else importance_word(importance)
        self.importance.show_score(importance, report.importance_interval, IMPORTANCE, word)
        self.chips.show_findings(report.findings)
        self.sentence.setText(report.text)
        self.sentence.setVisible(bool(report.text))
        self.remarks.setText("\n".join(report.notes))
        self.remarks.setVisible(bool(report.notes))
        pixels = "" if report.pixels is None else f"Pixels: {report.pixels}. "
        self.source.setText(f"{pixels}Model: {report.model}.")


class ScoreLine:
    """One line of the card: what, a bar, the number with its word, and the interval."""

    def __init__(self, name: str, parent: QWidget) -> None:
        self.name = QLabel(name, parent)
        self.bar = ScoreBar(parent)
        self.words = QLabel(parent)
        self.interval = QLabel(parent)
        self.interval.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._ends = ""
        self.interval.setToolTip("The true value lies in here with a probability of 80 %.")

    def place(self, grid: QGridLayout, line: int) -> None:
        """Put the four parts into that line of the grid."""
        for column, part in enumerate((self.name, self.bar, self.words, self.interval)):
            grid.addWidget(part, line, column)

    def set_visible(self, *, visible: bool) -> None:
        """Show or hide the whole line."""
        for part in (self.name, self.bar, self.words, self.interval):
            part.setVisible(visible)

    def show_score(self, value: float | None, interval: Interval | None, color: RGB, word: str) -> None:
        """Show that value of 0..100; None says that it was not asked."""
        self.bar.show_score(value, interval, color)
        self.words.setText("not asked" if value is None else f"{value:.0f}  {word}")
        self._ends = "" if interval is None else f"{interval[0]:.0f} \N{EN DASH} {interval[1]:.0f}"

    def say_interval(self, form: str) -> None:
        """Say the interval in one of the `FORMS`; an empty one takes no room."""
        self.interval.setText(self.in_words(form))
        self.interval.setVisible(bool(self.interval.text()))

    def interval_width(self, form: str) -> int:
        """What the interval takes in that form, in px, with what a style adds beside the words and the space before."""
        text = self.in_words(form)
        if not text:
            return 0
        self.interval.ensurePolished()
        metrics = self.interval.fontMetrics()
        beside = self.interval.minimumSizeHint().width() - metrics.horizontalAdvance(self.interval.text())
        return int(metrics.horizontalAdvance(text)) + beside + SPACE + 2  # a label may round up

    def in_words(self, form: str) -> str:
        """The interval in that form, "" without one."""
        return form.format(self._ends) if self._ends else ""


def lines_width(lines: Sequence[ScoreLine], form: str) -> int:
    """The least width, in px, of lines above each other in which nothing is cut off."""
    if not lines:
        return 0
    said = [line.interval_width(form) for line in lines]
    for line in lines:
        line.name.ensurePolished()
        line.words.ensurePolished()
    parts = [[part.minimumSizeHint().width() for part in (line.name, line.words)] for line in lines]
    name, words = (max(column) for column in zip(*parts, strict=True))
    return int(name + words + max(said) + max(line.bar.minimumWidth() for line in lines) + 2 * SPACE)


def _make_small(label: QLabel) -> None:
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * 0.88)
    label.setFont(font)


def _wrapped(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
