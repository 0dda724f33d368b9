"""Which image is looked at: a list that follows the layers."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

NO_IMAGE = "Open an image first"


class ImageBar(QWidget):
    """A list of image layers, by name."""

    image_wished = Signal(int)  # index in the list that was last shown

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QComboBox(self)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.setMinimumContentsLength(12)
        self.list.setToolTip("The image whose regions are scored")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel("Image", self))
        line.addWidget(self.list, 1)
        self.list.activated.connect(self.image_wished)
        self.show_images([], None)

    def show_images(self, names: Sequence[str], chosen: int | None) -> None:
        """Show these names with that one chosen."""
        blocked = self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems(list(names) or [NO_IMAGE])
        self.list.setCurrentIndex(-1 if names and chosen is None else (chosen or 0))
        self.list.setEnabled(bool(names))
        self.list.blockSignals(blocked)
