"""Two regions side by side, and which of them is better."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_seagull.views.picture import PictureView
from napari_seagull.views.rating_keys import Act, RatingKeys
from napari_seagull.views.rows import RegionRow

PICTURE_HEIGHT = 110


class PairPicture(PictureView):
    """A picture that is chosen by a click."""

    clicked = Signal()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Tell the click."""
        self.clicked.emit()
        super().mousePressEvent(event)


class PairView(QWidget):
    """Asks which of two regions looks better."""

    deed_wished = Signal(object)  # Act.LEFT, Act.RIGHT or Act.EQUAL

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = QLabel("Which of these two looks better?", self)
        font = self.question.font()
        font.setBold(True)
        self.question.setFont(font)
        self.left, self.right = PairPicture(PICTURE_HEIGHT, self), PairPicture(PICTURE_HEIGHT, self)
        self.names = (QElidingLabel(self), QElidingLabel(self))
        self.buttons = {act: self._button(act) for act in (Act.LEFT, Act.EQUAL, Act.RIGHT)}
        grid = QGridLayout()
        grid.setSpacing(6)
        for column, (name, picture) in enumerate(zip(self.names, (self.left, self.right), strict=True)):
            name.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(name, 0, column)
            grid.addWidget(picture, 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(1, 1)
        grid.addWidget(self.buttons[Act.LEFT], 2, 0)
        grid.addWidget(self.buttons[Act.RIGHT], 2, 1)
        column_ = QVBoxLayout(self)
        column_.setContentsMargins(0, 0, 0, 0)
        column_.addWidget(self.question)
        column_.addLayout(grid, 1)
        column_.addWidget(self.buttons[Act.EQUAL])
        self.left.clicked.connect(lambda: self.deed_wished.emit(Act.LEFT))
        self.right.clicked.connect(lambda: self.deed_wished.emit(Act.RIGHT))
        self.show_hints(RatingKeys())

    def show_rows(self, left: RegionRow, right: RegionRow) -> None:
        """Name the two regions."""
        for label, row in zip(self.names, (left, right), strict=True):
            label.setText(row.name)

    def show_hints(self, keys: RatingKeys) -> None:
        """Write the keys onto the buttons."""
        words = {Act.LEFT: "This one", Act.RIGHT: "This one", Act.EQUAL: "No difference"}
        for act, button in self.buttons.items():
            button.setText(f"{words[act]}   {keys.hint(act)}")

    def _button(self, act: Act) -> QPushButton:
        button = QPushButton(self)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda: self.deed_wished.emit(act))
        return button
