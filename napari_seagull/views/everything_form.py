"""All regions of the image: how far the search is, filters that answer at once, and keeping what is left."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)
from superqt import QRangeSlider

from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import EverythingFilter

STEPS = 200
LEAST_SHARE = 1e-5
"""The left end of the area slider: a hundred-thousandth of the image; the right end is all of it."""


class EverythingForm(QWidget):
    """Hidden until everything is asked for; then a progress bar, then three sliders and two buttons."""

    stop_wished = Signal()
    filter_changed = Signal()
    keep_wished = Signal()
    drop_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar(self)
        self.bar.setMaximumHeight(20)
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.stop_button = QPushButton("Cancel", self)
        self.area: Any = QRangeSlider(Qt.Orientation.Horizontal, self)  # type: ignore[no-untyped-call]
        self.area.setToolTip("Regions smaller or larger than this share of the image are left out")
        self.stability = QSlider(Qt.Orientation.Horizontal, self)
        self.stability.setToolTip("Regions whose outline depends on where the line is drawn are left out")
        self.overlap = QSlider(Qt.Orientation.Horizontal, self)
        self.overlap.setToolTip("Of two regions that overlap more than this, the better one stays")
        self.area.setRange(0, STEPS)
        for slider in (self.stability, self.overlap):
            slider.setRange(0, 100)
        self.area_words, self.stability_words, self.overlap_words = (QLabel(self) for _slider in range(3))
        self.keep_button = QPushButton(self)
        self.drop_button = QPushButton("Drop", self)
        self.drop_button.setToolTip("Forget what was found")
        self._lay_out()
        self.reset()
        self.area.valueChanged.connect(self._on_filter)
        for slider in (self.stability, self.overlap):
            slider.valueChanged.connect(self._on_filter)
        self.stop_button.clicked.connect(lambda: self.stop_wished.emit())
        self.keep_button.clicked.connect(lambda: self.keep_wished.emit())
        self.drop_button.clicked.connect(lambda: self.drop_wished.emit())
        self.show_progress(None)

    def _lay_out(self) -> None:
        self._running, self._found = QWidget(self), QWidget(self)
        line = QHBoxLayout(self._running)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.bar, 1)
        line.addWidget(self.stop_button)
        grid = QGridLayout(self._found)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        rows = (
            ("Area", self.area, self.area_words),
            ("Stability", self.stability, self.stability_words),
            ("Overlap", self.overlap, self.overlap_words),
        )
        widest = self.fontMetrics().horizontalAdvance("0.001 to 100 %") + 4
        for row, (title, slider, words) in enumerate(rows):
            grid.addWidget(QLabel(title, self), row, 0)
            grid.addWidget(slider, row, 1)
            words.setMinimumWidth(widest)
            words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(words, row, 2)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.keep_button, 1)
        buttons.addWidget(self.drop_button)
        grid.addLayout(buttons, len(rows), 0, 1, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._running)
        column.addWidget(self._found)

    def reset(self, wish: EverythingFilter | None = None) -> None:
        """Put the sliders where a search begins."""
        wish = wish or EverythingFilter()
        self.area.setValue((_to_step(wish.least_share), _to_step(wish.most_share)))
        self.stability.setValue(round(100 * wish.least_stability))
        self.overlap.setValue(round(100 * wish.most_overlap))
        self._show_words()

    def filter(self) -> EverythingFilter:
        """What the sliders say."""
        low, high = self.area.value()
        return EverythingFilter(
            0.0 if low <= 0 else _to_share(low),
            1.0 if high >= STEPS else _to_share(high),
            self.stability.value() / 100,
            self.overlap.value() / 100,
        )

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far the search is; None where there is none."""
        self._running.setVisible(progress is not None)
        self._found.setVisible(False)
        self.setVisible(progress is not None)
        if progress is not None:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            words = progress.message or "Finding all regions"
            self.bar.setFormat(f"{words} %p%" if progress.total else words)

    def show_count(self, kept: int, found: int) -> None:
        """Show the sliders, and how many of those that were found they let through."""
        self.setVisible(True)
        self._running.setVisible(False)
        self._found.setVisible(True)
        self.keep_button.setText(f"Keep these {kept}")
        self.keep_button.setToolTip(f"{kept} of {found} become regions and are scored; one Undo takes all back")
        self.keep_button.setEnabled(kept > 0)

    def _on_filter(self, *_value: object) -> None:
        self._show_words()
        self.filter_changed.emit()

    def _show_words(self) -> None:
        wish = self.filter()
        self.area_words.setText(f"{_percent(wish.least_share)} to {_percent(wish.most_share)} %")
        self.stability_words.setText(f"≥ {self.stability.value()} %")
        self.overlap_words.setText(f"≤ {self.overlap.value()} %")


def _to_share(step: int) -> float:
    """The slider is logarithmic: small regions matter as much as large ones."""
    return float(LEAST_SHARE ** (1.0 - step / STEPS))


def _to_step(share: float) -> int:
    return round(STEPS * (1.0 - math.log(max(share, LEAST_SHARE)) / math.log(LEAST_SHARE)))


def _percent(share: float) -> str:
    return f"{100 * share:.2g}" if share < 0.995 else "100"
