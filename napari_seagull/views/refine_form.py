"""How a mask is tidied before it is kept, and whether it is kept as a mask or as a polygon."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QWidget

from seagull_iqa.imaging.refine import RefineSpec


class RefineForm(QWidget):
    """Holes, islands, smoothing; and snapping to a polygon, with what that costs."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.holes = QCheckBox("Fill holes", self)
        self.holes.setToolTip("Holes that do not reach the border become part of the region")
        self.islands = QSpinBox(self)
        self.islands.setRange(0, 1_000_000)
        self.islands.setSuffix(" px")
        self.islands.setToolTip("Separate parts smaller than this are dropped; the largest part always stays")
        self.smooth = QDoubleSpinBox(self)
        self.smooth.setRange(0.0, 50.0)
        self.smooth.setDecimals(1)
        self.smooth.setSuffix(" px")
        self.smooth.setToolTip("Bumps and bays narrower than about twice this radius are rounded off")
        self.polygon = QCheckBox("Keep as polygon", self)
        self.polygon.setToolTip("Draw the region with corners that can be moved; it is off by the tolerance at most")
        self.tolerance = QDoubleSpinBox(self)
        self.tolerance.setRange(0.0, 50.0)
        self.tolerance.setDecimals(1)
        self.tolerance.setValue(1.5)
        self.tolerance.setSuffix(" px")
        self.tolerance.setToolTip("How far the polygon may be off")
        self.cost = QLabel("", self)
        self.cost.setWordWrap(True)
        self._lay_out()
        self.holes.toggled.connect(self._on_changed)
        self.polygon.toggled.connect(self._on_changed)
        for box in (self.islands, self.smooth, self.tolerance):
            box.valueChanged.connect(self._on_changed)
        self.show_cost(None)
        self._on_changed()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 0, 0, 4)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.holes, 0, 0, 1, 2)
        for row, (words, box) in enumerate(
            (("Drop islands below", self.islands), ("Smooth by", self.smooth)), start=1
        ):
            grid.addWidget(QLabel(words, self), row, 0)
            grid.addWidget(box, row, 1)
        grid.addWidget(self.polygon, 3, 0)
        grid.addWidget(self.tolerance, 3, 1)
        grid.addWidget(self.cost, 4, 0, 1, 2)

    def spec(self) -> RefineSpec:
        """How the mask is tidied."""
        return RefineSpec(self.holes.isChecked(), self.islands.value(), self.smooth.value())

    def wanted_tolerance(self) -> float | None:
        """How far a polygon may be off, in px; None where the mask is kept as it is."""
        return self.tolerance.value() if self.polygon.isChecked() else None

    def show_cost(self, iou: float | None) -> None:
        """Say what snapping to a polygon has cost; None where nothing is snapped."""
        self.cost.setVisible(iou is not None)
        if iou is not None:
            self.cost.setText(f"Polygon and mask: IoU {iou:.3f}, so {100 * (1 - iou):.1f} % is lost.")

    def reset(self) -> None:
        """Tidy nothing."""
        blockers = [QSignalBlocker(part) for part in (self.holes, self.islands, self.smooth, self.polygon)]
        self.holes.setChecked(False)
        self.islands.setValue(0)
        self.smooth.setValue(0.0)
        self.polygon.setChecked(False)
        del blockers
        self._on_changed()

    def _on_changed(self, *_value: object) -> None:
        self.tolerance.setEnabled(self.polygon.isChecked())
        self.changed.emit()
