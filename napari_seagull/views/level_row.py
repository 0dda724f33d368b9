"""A score to be given: five buttons with the words of the levels and their keys, and a slider for what lies between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QSizePolicy, QSlider, QVBoxLayout, QWidget

from napari_seagull.views.palette import IMPORTANCE, RGB, ink_on, quality_rgb
from seagull_iqa.domain.levels import IMPORTANCE_WORDS, QUALITY_WORDS, level_value

SMALLEST_PT = 6.0
HALF_A_LEVEL = 12.5


class LevelButton(QAbstractButton):
    """One level: its key above its word, in its colour; filled when it is the one that was given."""

    def __init__(self, word: str, color: RGB, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._word, self._color, self._hint = word, color, ""
        self.setCheckable(True)
        self.setAutoExclusive(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setText(word)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(48)

    def show_hint(self, hint: str) -> None:
        """Write that key onto it."""
        self._hint = hint
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for a short word, and for a key above it."""
        line = self.fontMetrics().height()
        return QSize(62, 2 * line + 6 if self._hint else line + 10)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw ground, key and word."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground, ink = QColor(*self._color), self.palette().color(self.foregroundRole())
        if self.isChecked():
            ink = QColor(*ink_on(self._color))
        else:
            ground.setAlpha(95 if self.underMouse() else 50)
        painter.setPen(QPen(QColor(*self._color), 1.2) if self.isEnabled() else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4.0, 4.0)
        painter.setPen(ink)
        self._paint_words(painter)
        painter.end()

    def _paint_words(self, painter: QPainter) -> None:
        font, half = painter.font(), self.height() / 2
        place = QRectF(self.rect())
        if self._hint:
            place = QRectF(0, half - 2, self.width(), half)
            font.setBold(True)
            painter.setFont(font)
            painter.drawText(QRectF(0, 2, self.width(), half), Qt.AlignmentFlag.AlignCenter, self._hint)
        font.setBold(self.isChecked())
        painter.setFont(_fitting(font, self._word, self.width() - 4))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._word)


def _fitting(font: QFont, word: str, width: int) -> QFont:
    """The font, made smaller until the word fits; letters below 6 pt are not worth it."""
    found = QFont(font)
    while QFontMetricsF(found).horizontalAdvance(word) > width and found.pointSizeF() > SMALLEST_PT:
        found.setPointSizeF(found.pointSizeF() - 0.5)
    return found


class LevelRow(QWidget):
    """One score, 0..100, given by a level or by the slider; tells it while a person gives it."""

    wished = Signal(float)

    def __init__(
        self, title: str, words: Sequence[str], color_of: Callable[[int], RGB], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._words = title, tuple(words)
        self.title = QLabel(self)
        self.buttons = [LevelButton(word, color_of(level), self) for level, word in enumerate(words)]
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, 100)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.setToolTip(f"{title}, 0 to 100")
        line = QHBoxLayout()
        line.setSpacing(3)
        for level, button in enumerate(self.buttons):
            button.setToolTip(f"{title} {level_value(level):.0f} of 100: {words[level]}")
            button.clicked.connect(lambda _checked=False, level=level: self.wished.emit(level_value(level)))
            line.addWidget(button)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title)
        head.addWidget(self.slider, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addLayout(line)
        self.slider.valueChanged.connect(lambda value: self.wished.emit(float(value)))
        self.show_value(None)

    def show_value(self, value: float | None) -> None:
        """Show that score; None where none was given."""
        for level, button in enumerate(self.buttons):
            off = None if value is None else abs(value - level_value(level))
            button.setChecked(off is not None and off < HALF_A_LEVEL)
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(50 if value is None else round(value))
        self.slider.blockSignals(blocked)
        self.title.setText(self._title if value is None else f"{self._title}  {value:.0f}")

    def show_hints(self, hints: Sequence[str]) -> None:
        """Write a key onto each level."""
        for button, hint in zip(self.buttons, hints, strict=True):
            button.show_hint(hint)


def quality_row(parent: QWidget | None = None) -> LevelRow:
    """Bad to excellent, in the colours that quality has everywhere."""
    return LevelRow("Quality", QUALITY_WORDS, lambda level: quality_rgb(level_value(level)), parent)


def importance_row(parent: QWidget | None = None) -> LevelRow:
    """Unimportant to essential."""
    return LevelRow("Importance", IMPORTANCE_WORDS, lambda _level: IMPORTANCE, parent)
