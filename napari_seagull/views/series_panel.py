"""The panel "Over time": the quality of the selected region on every plane of a stack or series."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_seagull.views.docked import DockedPanel
from napari_seagull.views.line_plot import LinePlot, PlotPoint
from napari_seagull.views.status_strip import StatusStrip
from seagull_iqa.domain.progress import Progress


class SeriesPanel(DockedPanel):
    """Tells what is wished and shows what it is given."""

    start_wished = Signal(int)  # axis of the image
    stop_wished = Signal()
    index_wished = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL over time")
        self.subject = QLabel(self)
        self.subject.setWordWrap(True)
        self.axis = QComboBox(self)
        self.axis.setToolTip("Along which slider")
        self.button = QPushButton("Score all planes", self)
        self.button.setToolTip("Score this region on every plane along the slider; planes are read one by one")
        self.copy_button = QPushButton("Copy", self)
        self.copy_button.setToolTip("Copy index, quality and interval for a spreadsheet")
        self.bar = QProgressBar(self)
        self.bar.setMaximumHeight(20)
        self.stop_button = QPushButton("Cancel", self)
        self.plot = LinePlot(self)
        self.status = StatusStrip(self)
        self._points: list[PlotPoint] = []
        line = QHBoxLayout()
        line.addWidget(self.axis, 1)
        line.addWidget(self.bar, 1)
        for part in (self.button, self.copy_button, self.stop_button):
            line.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.subject)
        column.addLayout(line)
        column.addWidget(self.plot, 1)
        column.addWidget(self.status)
        self.setMinimumWidth(300)
        self.button.clicked.connect(lambda: self.start_wished.emit(int(self.axis.currentData() or 0)))
        self.stop_button.clicked.connect(self.stop_wished)
        self.copy_button.clicked.connect(self.copy)
        self.plot.index_wished.connect(self.index_wished)
        self.show_progress(None)
        self.show_points([], 1, "")

    def show_subject(self, words: str, *, ready: bool) -> None:
        """Say which region is meant, or what to do first."""
        self.subject.setText(words)
        self.button.setEnabled(ready)

    def show_axes(self, axes: Sequence[tuple[int, str]]) -> None:
        """Offer these axes: index along the image and name."""
        present = [(self.axis.itemData(line), self.axis.itemText(line)) for line in range(self.axis.count())]
        if present == list(axes):
            return
        self.axis.clear()
        for index, name in axes:
            self.axis.addItem(name, index)

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far the series is; None when none is under way."""
        busy = progress is not None
        for part in (self.axis, self.button, self.copy_button):
            part.setVisible(not busy)
        for shown in (self.bar, self.stop_button):
            shown.setVisible(busy)
        if progress is not None:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            self.bar.setFormat(f"{progress.message} %v of %m")

    def show_points(self, points: Sequence[PlotPoint], length: int, axis: str) -> None:
        """Show these planes of so many."""
        self._points = list(points)
        self.copy_button.setEnabled(bool(points))
        self.plot.show_points(points, length, axis)

    def copy(self) -> None:
        """Put the points onto the clipboard, one a line."""
        clipboard = QGuiApplication.clipboard()
        lines = ["index\tquality\tlow\thigh"]
        for point in sorted(self._points, key=lambda one: one.index):
            low, high = point.interval or (float("nan"), float("nan"))
            lines.append(f"{point.index}\t{point.value:.2f}\t{low:.2f}\t{high:.2f}")
        if clipboard is not None:
            clipboard.setText("\n".join(lines))
