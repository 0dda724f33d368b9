"""Which regions the table shows: a filter as a value, and the line of fields in which a person sets it."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget
from superqt import QRangeSlider

from napari_seagull.views.icons import CHECKED
from napari_seagull.views.region_cells import findings_words
from napari_seagull.views.rows import RegionRow, RowState
from seagull_iqa.domain.distortion import CLEAN, Distortion, Finding

ANY = ""


@dataclass(frozen=True)
class RowFilter:
    """Which regions are shown; all conditions hold together.

    Attributes
    ----------
    text : str
        Words that all stand somewhere in name, findings, sentence, comment or author; capitals do not matter.
    low, high : float
        Quality that the model gave, 0..100, both ends included. The whole range lets those without a score pass.
    distortion : str
        A distortion that the model or a person found, "clean" where either found none; "" for any.
    state : RowState or None
        How far the region is; None for any.
    unrated : bool
        Only those without a verdict of a person.
    """

    text: str = ""
    low: float = 0.0
    high: float = 100.0
    distortion: str = ANY
    state: RowState | None = None
    unrated: bool = False

    def passes(self, row: RegionRow) -> bool:
        """Whether that region is shown."""
        if self == NO_FILTER:
            return True
        return (
            not (self.unrated and row.human is not None)
            and (self.state is None or row.state is self.state)
            and self._has_quality(row)
            and (not self.distortion or self.distortion in _distortions(row))
            and all(word in _words(row) for word in self.text.casefold().split())
        )

    def _has_quality(self, row: RegionRow) -> bool:
        if self.low <= 0.0 and self.high >= 100.0:
            return True
        quality = None if row.report is None else row.report.quality
        return quality is not None and self.low <= round(quality) <= self.high


NO_FILTER = RowFilter()


def _said(row: RegionRow) -> list[tuple[Finding, ...]]:
    """The findings of the model and of the person, as far as there are any."""
    both = (row.report, row.human)
    return [said.findings for said in both if said is not None and said.findings is not None]


def _distortions(row: RegionRow) -> set[str]:
    return {finding.distortion.value for said in _said(row) for finding in said} | (
        {CLEAN} if () in _said(row) else set()
    )


def _words(row: RegionRow) -> str:
    said = [row.name, *(findings_words(findings) for findings in _said(row))]
    if row.report is not None:
        said.append(row.report.text)
    if row.human is not None:
        said += [row.human.comment, row.human.author]
    return " ".join(said).casefold()


class FilterBar(QWidget):
    """A field to search in, and the further conditions, unfolded by a button."""

    changed = Signal(object)  # RowFilter

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLineEdit(self)
        self.text.setPlaceholderText("Search regions …")
        self.text.setClearButtonEnabled(True)
        self.text.setToolTip("Words in the name, the findings, the model's sentence, or a person's comment")
        self.unrated = QCheckBox("Not rated", self)
        self.unrated.setToolTip("Only regions that no person has rated yet")
        self.more = QToolButton(self)
        self.more.setText("Filter")
        self.more.setCheckable(True)
        self.more.setToolTip("Filter by score, distortion and state")
        self.more.setStyleSheet(CHECKED)
        self.fields = QWidget(self)
        self.range = _range_slider(self.fields)
        self.range_words = QLabel("Quality 0 \N{EN DASH} 100", self.fields)
        self.range_words.setMinimumWidth(self.range_words.sizeHint().width())
        self.distortion = _choice(self.fields, "Any distortion", [*(each.value for each in Distortion), CLEAN])
        self.distortion.setToolTip("A distortion that the model or a person found")
        self.state = _choice(self.fields, "Any state", [each.value for each in RowState])
        self.state.setToolTip("How far the region is")
        self.reset_button = QToolButton(self.fields)
        self.reset_button.setText("Reset")
        self.reset_button.setToolTip("Show all regions again")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self.text, 1)
        first.addWidget(self.unrated)
        first.addWidget(self.more)
        inner = QVBoxLayout(self.fields)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(4)
        scores = QHBoxLayout()
        scores.setSpacing(6)
        scores.addWidget(self.range_words)
        scores.addWidget(self.range, 1)
        choices = QHBoxLayout()
        choices.setSpacing(6)
        choices.addWidget(self.distortion, 1)
        choices.addWidget(self.state, 1)
        choices.addWidget(self.reset_button)
        inner.addLayout(scores)
        inner.addLayout(choices)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(first)
        column.addWidget(self.fields)
        self.fields.hide()

    def _connect(self) -> None:
        self.more.toggled.connect(self.fields.setVisible)
        self.text.textChanged.connect(self._on_changed)
        self.unrated.toggled.connect(self._on_changed)
        self.range.valueChanged.connect(self._on_changed)
        self.distortion.currentIndexChanged.connect(self._on_changed)
        self.state.currentIndexChanged.connect(self._on_changed)
        self.reset_button.clicked.connect(self.reset)

    def wanted(self) -> RowFilter:
        """The filter as it is set."""
        low, high = map(float, self.range.value())
        state = self.state.currentData()
        return RowFilter(
            self.text.text().strip(),
            low,
            high,
            str(self.distortion.currentData()),
            RowState(state) if state else None,
            self.unrated.isChecked(),
        )

    def reset(self) -> None:
        """Show all regions."""
        blocked = self.blockSignals(True)
        self.text.clear()
        self.unrated.setChecked(False)
        self.range.setValue((0, 100))
        self.distortion.setCurrentIndex(0)
        self.state.setCurrentIndex(0)
        self.blockSignals(blocked)
        self._on_changed()

    def _on_changed(self, *_value: object) -> None:
        wanted = self.wanted()
        self.range_words.setText(f"Quality {wanted.low:.0f} \N{EN DASH} {wanted.high:.0f}")
        self.changed.emit(wanted)


def _range_slider(parent: QWidget) -> QRangeSlider:
    slider: QRangeSlider = QRangeSlider(Qt.Orientation.Horizontal, parent)  # type: ignore[no-untyped-call]
    slider.setRange(0, 100)
    slider.setValue((0, 100))
    slider.setToolTip("Only regions whose score lies in this range; the whole range shows those without a score, too")
    return slider


def _choice(parent: QWidget, everything: str, words: list[str]) -> QComboBox:
    box = QComboBox(parent)
    box.addItem(everything, ANY)
    for word in words:
        box.addItem(word, word)
    box.setMinimumContentsLength(6)
    return box
