"""What of the image is scored, when, and whether all scores in the table rest on the same."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_seagull.views.palette import SEVERITY_COLORS, hex_code, ink_on
from seagull_iqa.domain.distortion import Severity

WAYS: tuple[tuple[str, str, str], ...] = (
    ("automatic", "Automatic", "8-bit and colour as stored, everything else as shown"),
    ("as stored", "As stored", "Contrast limits never count; more than 8 bit is mapped from the layer's whole range"),
    ("as shown", "As shown", "Through the contrast limits, 8-bit gray too"),
    ("composite", "All visible layers", "Every visible image of this size, in its colours, as on the canvas"),
)
"""Value, name, and what it means."""


class PixelForm(QWidget):
    """Tells what is wished; what is scored now stands beside the heading (`now`)."""

    choice_wished = Signal(str, object)  # one of WAYS, and the channel or None
    live_wished = Signal(bool)
    score_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.now = QLabel(self)
        self.now.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.way = QComboBox(self)
        for value, name, meaning in WAYS:
            self.way.addItem(name, value)
            self.way.setItemData(self.way.count() - 1, meaning, 3)  # the tool tip of the entry
        self.way.setToolTip("Which pixels are scored: for all regions, and noted with every score")
        self.channel = QComboBox(self)
        self.channel.setToolTip("Score one colour as gray, or all of them together")
        self.live = QCheckBox("Score while I draw", self)
        self.live.setChecked(True)
        self.live.setToolTip("Every edit is scored as soon as it has ended")
        self.score_button = QPushButton("Score all", self)
        self.score_button.setToolTip("Score every region of this plane that has no score that counts")
        self.mixture = QLabel(self)
        self.mixture.setWordWrap(True)
        self._lay_out()
        self.way.activated.connect(self._on_chosen)
        self.channel.activated.connect(self._on_chosen)
        self.live.toggled.connect(self.live_wished)
        self.score_button.clicked.connect(self.score_wished)
        self.show_channels(())
        self.show_mixture("")

    def _lay_out(self) -> None:
        choice = QHBoxLayout()
        choice.addWidget(self.way, 1)
        choice.addWidget(self.channel)
        when = QHBoxLayout()
        when.addWidget(self.live, 1)
        when.addWidget(self.score_button)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Pixels", choice)
        form.addRow("When", when)

    def _on_chosen(self) -> None:
        self.choice_wished.emit(str(self.way.currentData()), self.channel.currentData())

    def show_choice(self, way: str, channel: int | None) -> None:
        """Show what is chosen."""
        self.way.setCurrentIndex(max(0, self.way.findData(way)))
        self.channel.setCurrentIndex(max(0, self.channel.findData(channel)))

    def show_channels(self, names: Sequence[str]) -> None:
        """Offer these channels; none where the image has no colour."""
        chosen = self.channel.currentData()
        self.channel.clear()
        self.channel.addItem("All channels", None)
        for index, name in enumerate(names):
            self.channel.addItem(f"Only {name}", index)
        self.channel.setCurrentIndex(max(0, self.channel.findData(chosen)))
        self.channel.setVisible(bool(names))

    def show_now(self, words: str) -> None:
        """Say what is scored now."""
        self.now.setText(words)
        self.now.setToolTip(words)

    def show_live(self, *, live: bool) -> None:
        """Show whether every edit is scored."""
        blocked = self.live.blockSignals(True)
        self.live.setChecked(live)
        self.live.blockSignals(blocked)

    def show_mixture(self, sentence: str) -> None:
        """Warn, in one line, that the scores of the table cannot be compared; "" takes the warning away."""
        color = SEVERITY_COLORS[Severity.MINOR]
        self.mixture.setStyleSheet(
            f"background: {hex_code(color)}; color: {hex_code(ink_on(color))}; padding: 3px 6px; border-radius: 3px;"
        )
        self.mixture.setText(sentence)
        self.mixture.setVisible(bool(sentence))
