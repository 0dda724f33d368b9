"""The layers in which regions live: drawn, painted, and found."""

from __future__ import annotations

from dataclasses import dataclass

from napari_seagull.controller.labels_watch import LabelsWatch
from napari_seagull.controller.segments_layer import SegmentsLayer
from napari_seagull.controller.shapes_watch import ShapesWatch


@dataclass(frozen=True)
class OurLayers:
    """The watches over the layers in which regions live."""

    shapes: ShapesWatch
    labels: LabelsWatch
    segments: SegmentsLayer

    def have_lost_regions(self) -> bool:
        """True while the session holds regions that no layer shows."""
        return any(layer.has_lost_regions() for layer in (self.shapes, self.labels, self.segments))
