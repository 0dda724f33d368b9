"""The quality of the whole image as a layer: which map, make it, how far it is, stop."""

from __future__ import annotations

from collections.abc import Collection

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QWidget

from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.report import QUALITY_MAP, WEIGHT_MAP

TITLES = {QUALITY_MAP: "Quality map", WEIGHT_MAP: "Importance map"} | {
    distortion.value: f"{distortion.value.capitalize()} map" for distortion in Distortion
}
"""Name of a map -> what a person calls it."""


class MapBar(QWidget):
    """A list of maps, a button that makes the chosen one, and its progress with a way to stop."""

    map_wished = Signal(str)  # name of the map
    stop_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QComboBox(self)
        self.list.setToolTip("All maps come from one pass; only the first one takes time")
        self.make_button = QPushButton("Show map", self)
        self.offer(TITLES)
        self.make_button.setToolTip("Make the map and lay it over the image")
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(True)
        self.bar.setMaximumHeight(20)
        self.stop_button = QPushButton("Cancel", self)
        self._lay_out()
        self.make_button.clicked.connect(lambda: self.map_wished.emit(str(self.list.currentData())))
        self.stop_button.clicked.connect(self.stop_wished)
        self.show_progress(None)

    def _lay_out(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for part in (self.list, self.make_button, self.bar, self.stop_button):
            line.addWidget(part)
        for part in (self.list, self.bar):
            part.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def offer(self, names: Collection[str]) -> None:
        """Offer only these maps, in our order; the one that was chosen stays chosen where it is among them."""
        entries = [(title, name) for name, title in TITLES.items() if name in names]
        if entries == [(self.list.itemText(line), self.list.itemData(line)) for line in range(self.list.count())]:
            return
        chosen = self.list.currentData()
        self.list.clear()
        for title, name in entries:
            self.list.addItem(title, name)
        self.list.setCurrentIndex(max(0, self.list.findData(chosen)) if entries else -1)
        self.make_button.setEnabled(bool(entries))

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far a map is; None when none is being made."""
        busy = progress is not None
        self.list.setVisible(not busy)
        self.make_button.setVisible(not busy)
        self.bar.setVisible(busy)
        self.stop_button.setVisible(busy)
        if progress is not None:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            self.bar.setFormat(f"{progress.message or 'Mapping'} %p%" if progress.total else progress.message)
