"""Says, so that nobody can miss it, that the keys rate; and begins and ends that."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_seagull.views.palette import hex_code
from napari_seagull.views.rating_keys import Act, RatingKeys

ON: tuple[int, int, int] = (36, 84, 190)
"""Ground of the banner, under white letters: on both themes."""

OFF_WORDS = "Label regions by keys: how good they are, how much they matter, and what spoils them."
NONE_WORDS = "There is no region to rate yet. Draw some, or find some, in the panel “SEAGULL region quality”."


class RateBanner(QFrame):
    """One line that is blue while the keys rate, with the button that begins or ends it."""

    start_wished = Signal()
    stop_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.start_button = QPushButton("Start rating", self)
        self.start_button.setToolTip("From then on the keys rate, wherever the pointer is, until you end it")
        self.stop_button = QPushButton(self)
        for button in (self.start_button, self.stop_button):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 5, 8, 5)
        line.setSpacing(8)
        line.addWidget(self.words, 1)
        line.addWidget(self.start_button)
        line.addWidget(self.stop_button)
        self.start_button.clicked.connect(self.start_wished)
        self.stop_button.clicked.connect(self.stop_wished)

    def show_keys(self, keys: RatingKeys) -> None:
        """Write the key that ends it onto the button."""
        self.stop_button.setText(f"End  {keys.hint(Act.STOP)}")

    def show_state(self, *, on: bool, pairs: bool, possible: bool) -> None:
        """Say whether the keys rate, and whether there is anything to be rated."""
        what = "RATING: keys compare the two regions" if pairs else "RATING: keys rate the region in the middle"
        self.words.setText(what if on else OFF_WORDS if possible else NONE_WORDS)
        ground = f"RateBanner {{ background-color: {hex_code(ON)}; border-radius: 4px; }}"
        letters = "color: white; background: transparent; font-weight: bold;" if on else ""
        self.setStyleSheet(ground if on else "")
        self.words.setStyleSheet(letters)
        self.start_button.setVisible(not on)
        self.start_button.setEnabled(possible)
        self.stop_button.setVisible(on)
