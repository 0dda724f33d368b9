"""The demonstration's window: a sample with its scored regions and map, as if drawn and asked for here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_seagull.session.commands import AcceptMaps, AcceptReports, AddRegion, QueueRegions
from napari_seagull.session.records import ShapeSource
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import QUALITY_MAP, QualityReport, ScoreMap
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.samples import Sample

if TYPE_CHECKING:
    import napari.viewer

    from napari_seagull.controller.controller import Controller

PLUGIN = "napari-seagull"
REGIONS_NAME = "SEAGULL regions"


@dataclass(frozen=True)
class Found:
    """What the demonstration found: one report a region, in the same order."""

    sample: Sample
    image: PreparedImage
    regions: Sequence[Region]
    reports: Sequence[QualityReport]
    quality: ScoreMap


def open_demo(
    sample: Sample,
    image: PreparedImage,
    regions: Sequence[Region],
    reports: Sequence[QualityReport],
    quality: ScoreMap,
) -> None:
    """Open napari with all of it; returns when the person closes the window."""
    import napari

    viewer = napari.Viewer()
    show(viewer, Found(sample, image, regions, reports, quality))
    napari.run()


def show(viewer: napari.viewer.Viewer, found: Found) -> Controller:
    """Put the image, the panel, the scored regions and the map into a viewer."""
    viewer.add_image(found.image.rgb, name=found.sample.name, rgb=True)
    _dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN)
    controller: Controller = panel.controller
    when_read(controller, found.image, lambda: lay_out(controller, found))
    return controller


def when_read(controller: Controller, image: PreparedImage, do: Callable[[], None]) -> None:
    """Do something as soon as the panel has read the image, which it does beside the window's loop."""
    session = controller.session

    def look() -> None:
        if session.image is not None and session.image.sha256 == image.sha256:
            session.image_changed.disconnect(look)
            do()

    session.image_changed.connect(look)
    look()


def lay_out(controller: Controller, found: Found) -> None:
    """Give the session what was found, by the same commands as a person and a backend would."""
    session, layer = controller.session, controller.images.layer
    if layer is None:
        return
    sources = _sources(found.sample)
    session.do_all([AddRegion(region, sources.get(region.id)) for region in found.regions])
    session.do(QueueRegions(tuple(region.id for region in found.regions)))
    tickets = session.tickets(region.id for region in found.regions)
    session.do(AcceptReports(tuple((tickets[report.region], report) for report in found.reports)))
    session.do(AcceptMaps(found.image.sha256, {QUALITY_MAP: found.quality}))
    controller.shapes.ensure(layer)
    controller.panel.map_bar.map_wished.emit(QUALITY_MAP)


def _sources(sample: Sample) -> dict[str, ShapeSource]:
    """Region id -> the shape that draws it."""
    entries = json.loads(sample.regions_path.read_text(encoding="utf-8"))["regions"]
    return {entry["id"]: _source(entry) for entry in entries}


def _source(entry: dict[str, Any]) -> ShapeSource:
    """The shape of one entry of a regions file, in the frame of napari's layers."""
    if "polygon" in entry:
        return ShapeSource(REGIONS_NAME, "polygon", tuple((float(row), float(col)) for row, col in entry["polygon"]))
    kind, name = ("rectangle", "box") if "box" in entry else ("ellipse", "ellipse")
    # Edges of pixels lie half a pixel before the whole numbers, which are centres.
    r0, c0, r1, c1 = (float(value) - 0.5 for value in entry[name])
    return ShapeSource(REGIONS_NAME, kind, ((r0, c0), (r0, c1), (r1, c1), (r1, c0)))
