"""What spoils a region, to be said: one chip a distortion, each click or key the next severity."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from napari_seagull.views.flow_layout import FlowLayout
from napari_seagull.views.palette import CLEAN as CLEAN_COLOR
from napari_seagull.views.palette import NOT_SCORED, RGB, SEVERITY_COLORS, ink_on
from seagull_iqa.domain.distortion import CLEAN, Distortion, Severity

CHIP_HEIGHT, PAD = 24, 8
TIP = "Each click: moderate, severe, extreme, trivial, minor, none. A right click takes it back."


class VerdictChip(QAbstractButton):
    """One word with its key; filled in the colour of its severity, which it also says."""

    cleared = Signal()

    def __init__(self, word: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._word, self._hint = word, ""
        self._said, self._color = "", NOT_SCORED
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setText(word)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def said(self) -> str:
        """The severity it shows; "" for none."""
        return self._said

    def show_hint(self, hint: str) -> None:
        """Write that key before the word."""
        self._hint = hint
        self.updateGeometry()
        self.update()

    def show_said(self, said: str, color: RGB) -> None:
        """Show that this was said of the region; "" for nothing."""
        if (said, color) != (self._said, self._color):
            self._said, self._color = said, color
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as its words."""
        width = self.fontMetrics().horizontalAdvance(self._words()) + 2 * PAD
        hint = self.fontMetrics().horizontalAdvance(self._hint) + 6 if self._hint else 0
        return QSize(width + hint, CHIP_HEIGHT)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """The right button takes back what was said."""
        if event is not None and event.button() == Qt.MouseButton.RightButton:
            self.cleared.emit()
            event.accept()
            return
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw ground, key and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        edge = QColor(ink)
        edge.setAlpha(200 if self.underMouse() else 110)
        ground = QColor(*self._color)
        if self._said:
            ink = QColor(*ink_on(self._color))
            edge = ground
        else:
            ground.setAlpha(0)
        painter.setPen(QPen(edge, 1.2))
        painter.setBrush(ground)
        half = self.height() / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), half - 1, half - 1)
        painter.setPen(ink)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        hint = self.fontMetrics().horizontalAdvance(self._hint) + 6 if self._hint else 0
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(PAD, 0, hint, self.height()), middle, self._hint)
        font.setBold(False)
        painter.setFont(font)
        painter.drawText(QRectF(PAD + hint, 0, self.width() - PAD - hint, self.height()), middle, self._words())
        painter.end()

    def _words(self) -> str:
        return f"{self._word}: {self._said}" if self._said and self._said != self._word else self._word


class DistortionRow(QWidget):
    """The seven distortions, and "clean"; tells what the person says."""

    cycle_wished = Signal(object)  # Distortion: its next severity
    clear_wished = Signal(object)  # Distortion: not there
    clean_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        flow = FlowLayout(self)
        self.chips = {distortion: VerdictChip(distortion.value, self) for distortion in Distortion}
        self.clean = VerdictChip(CLEAN, self)
        self.clean.setToolTip("Nothing spoils this region")
        for distortion, chip in self.chips.items():
            chip.setToolTip(TIP)
            chip.clicked.connect(lambda _checked=False, each=distortion: self.cycle_wished.emit(each))
            chip.cleared.connect(lambda each=distortion: self.clear_wished.emit(each))
            flow.addWidget(chip)
        self.clean.clicked.connect(self.clean_wished)
        flow.addWidget(self.clean)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_severities(self, severities: Mapping[Distortion, Severity], *, clean: bool) -> None:
        """Show what was said."""
        for distortion, chip in self.chips.items():
            severity = severities.get(distortion)
            chip.show_said(severity.word if severity else "", SEVERITY_COLORS[severity] if severity else NOT_SCORED)
        self.clean.show_said(CLEAN if clean else "", CLEAN_COLOR)

    def show_hints(self, hints: Mapping[Distortion, str], clean: str) -> None:
        """Write a key onto each chip."""
        for distortion, chip in self.chips.items():
            chip.show_hint(hints[distortion])
        self.clean.show_hint(clean)
