"""The further panels as napari opens them: images, regions, report, map, comparison, over time, fine-tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seagull.controller.dock import controller_of, open_rate
from napari_seagull.controller.preferences import PLUGIN
from napari_seagull.views.compare_panel import ComparePanel
from napari_seagull.views.folder_panel import FolderPanel
from napari_seagull.views.map_panel import MapPanel
from napari_seagull.views.region_panels import RegionsPanel, ReportPanel
from napari_seagull.views.series_panel import SeriesPanel
from napari_seagull.views.tune_panel import TunePanel

if TYPE_CHECKING:
    import napari.viewer

REGIONS, REPORT, IMAGES = "SEAGULL regions", "SEAGULL report", "SEAGULL images"
TUNE = "SEAGULL fine-tune"
MAP, COMPARE, SERIES = "SEAGULL quality map", "SEAGULL compare", "SEAGULL over time"
"""Names of the panels in the manifest."""

PANELS = {
    "images": IMAGES, "regions": REGIONS, "report": REPORT, "map": MAP, "compare": COMPARE, "series": SERIES,
    "tune": TUNE,
}  # fmt: skip
"""What the menu of the panel wishes -> the panel."""


class RegionsDock(RegionsPanel):
    """The docked panel "SEAGULL regions"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        viewer = _plain(viewer)
        self.desk = controller_of(viewer).regions_in(self)
        self.box.deeds.rate_wished.connect(lambda: open_rate(viewer))
        self.box.deeds.tune_wished.connect(lambda: open_panel(viewer, TUNE))


class ReportDock(ReportPanel):
    """The docked panel "SEAGULL report"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = controller_of(_plain(viewer)).report_in(self)


class ImagesDock(FolderPanel):
    """The docked panel "SEAGULL images"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = controller_of(_plain(viewer)).folder_in(self)


class MapDock(MapPanel):
    """The docked panel "SEAGULL quality map"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = controller_of(_plain(viewer)).map_in(self)


class CompareDock(ComparePanel):
    """The docked panel "SEAGULL compare"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.comparer = controller_of(_plain(viewer)).compare_in(self)


class SeriesDock(SeriesPanel):
    """The docked panel "SEAGULL over time"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.series = controller_of(_plain(viewer)).series_in(self)


class TuneDock(TunePanel):
    """The docked panel "SEAGULL fine-tune"; opens the main one where it is closed."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        viewer = _plain(viewer)
        self.tuner = controller_of(viewer).tune_in(self, lambda: open_rate(viewer).rater)


def open_panel(viewer: napari.viewer.Viewer, name: str) -> None:
    """Open one of these panels, or bring it to the front."""
    dock, _panel = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    dock.show()
    dock.raise_()


def _plain(viewer: napari.viewer.Viewer) -> napari.viewer.Viewer:
    """Without the proxy that napari hands to plugins, through which no layer is identical to itself."""
    plain: napari.viewer.Viewer = getattr(viewer, "__wrapped__", viewer)
    return plain
