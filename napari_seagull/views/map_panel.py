"""The panel "Quality map": which map, how its values are spread, what lies under the mouse, and regions out of it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.docked import DockedPanel
from napari_seagull.views.histogram import Histogram
from napari_seagull.views.map_bar import TITLES, MapBar
from napari_seagull.views.map_colors import ramp_of
from napari_seagull.views.status_strip import StatusStrip
from napari_seagull.views.threshold_form import ThresholdForm
from seagull_iqa.domain.report import QUALITY_MAP, WEIGHT_MAP, ScoreMap
from seagull_iqa.imaging.map_regions import histogram

UNITS = {QUALITY_MAP: "Quality, 0 bad to 100 excellent", WEIGHT_MAP: "Importance per px, 1 is the mean of the image"}
NO_MAP = "No map yet. Choose one and press “Show map”; the first one takes a moment, the others are there with it."


class MapPanel(DockedPanel):
    """Tells what is wished and shows what it is given; knows no layer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL quality map")
        self.bar = MapBar(self)
        self.unit = QLabel(self)
        self.unit.setWordWrap(True)
        self.histogram = Histogram(self)
        self.pointed = QLabel(self)
        self.form = ThresholdForm(self)
        self.status = StatusStrip(self)
        self._name = ""
        self._shape: tuple[int, int] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        for part in (self.bar, self.unit, self.histogram, self.pointed, self.form):
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(self.status)
        for label in (self.unit, self.pointed):
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.pointed.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(300)
        self.histogram.threshold_wished.connect(self.form.show_value)
        self.form.changed.connect(self._follow)
        self.show_map(None)

    def show_map(self, score_map: ScoreMap | None, *, coarse: bool = False) -> None:
        """Show how that map is spread; None where there is none."""
        known = score_map is not None
        for part in (self.histogram, self.pointed, self.form):
            part.setVisible(known)
        if score_map is None:
            self.unit.setText(NO_MAP)
            self._name = ""
            return
        if score_map.name != self._name:
            self._name = score_map.name
            self.form.show_limits(score_map.limits, low_is_bad=score_map.name == QUALITY_MAP)
        if score_map.shape != self._shape:
            self._shape = score_map.shape
            self.form.show_image(score_map.shape)
        title = UNITS.get(score_map.name, f"{TITLES[score_map.name].removesuffix(' map')}, 0 none to 5 extreme")
        self.unit.setText(f"{title}{' (coarse, being refined)' if coarse else ''}")
        self.histogram.show_values(histogram(score_map).tolist(), score_map.limits, ramp_of(score_map.name))
        self._follow()
        self.show_pointed(None)

    def show_pointed(self, value: float | None) -> None:
        """Say the value under the mouse."""
        self.pointed.setText("Under the mouse: " + ("\N{EN DASH}" if value is None else said(self._name, value)))
        self.histogram.show_pointed(value)

    def _follow(self) -> None:
        wanted = self.form.wanted()
        self.histogram.show_threshold(wanted.value, below=wanted.below)


def said(name: str, value: float) -> str:
    """One value of a map, in words: "quality 63"."""
    if name == QUALITY_MAP:
        return f"quality {value:.0f}"
    return f"importance {value:.2f}" if name == WEIGHT_MAP else f"{name} {value:.1f} of 5"
