"""The regions that were gathered: their names, their pictures, and the way to each in the rating mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.preferences import PLUGIN
from napari_seagull.controller.rating import Rater
from napari_seagull.controller.safe import Safe
from napari_seagull.controller.tuning_gather import Gatherer
from napari_seagull.controller.zooming import Zoom
from napari_seagull.layers.thumbnails import region_picture
from napari_seagull.safekeeping.labelled import Labelled
from napari_seagull.session.commands import SelectRegions
from napari_seagull.views.picture import PictureView
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.session_file import find_image
from seagull_iqa.formats.session_pixels import sample_of
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

GONE = "Its image is not at hand."


@dataclass(frozen=True, eq=False)
class Place:
    """Where a region is: its image, and the session that holds it."""

    region: Region
    source: Labelled
    image: PreparedImage | None


@dataclass(frozen=True, eq=False)
class Ways:
    """What leads to a region."""

    gatherer: Gatherer
    safe: Safe
    zoom: Zoom
    open_rater: Callable[[], Rater]


class TuningRegions(QObject):
    """Knows each region that was gathered by its id."""

    def __init__(self, desk: Desk, ways: Ways, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._ways = desk, ways
        self._places: dict[str, Place] = {}
        self._pending: tuple[str, bool] | None = None
        ways.gatherer.gathered.connect(self._on_gathered)
        desk.session.regions_changed.connect(self._on_regions_changed)

    def close(self) -> None:
        """Listen no more."""
        self._ways.gatherer.gathered.disconnect(self._on_gathered)
        self._desk.session.regions_changed.disconnect(self._on_regions_changed)

    def place(self, region: str) -> Place | None:
        """Where that region is; None where it is not known (any more)."""
        return self._places.get(region)

    def name(self, region: str) -> str:
        """What a person calls it."""
        place = self._places.get(region)
        return "a region" if place is None else place.region.name

    def image_name(self, region: str) -> str:
        """What a person calls its image."""
        place = self._places.get(region)
        return "" if place is None else place.source.name

    def show(self, pairs: Iterable[tuple[str, PictureView]]) -> None:
        """Show regions in views, made elsewhere."""
        wanted = [(self._places.get(region), view, view.side) for region, view in pairs]
        for place, view, side in wanted:
            if place is None or place.image is None or place.region.mask.shape != place.image.shape:
                view.show_pixels(None, GONE)
                continue
            self._draw(place.image, place.region.mask, view, side)

    def _draw(self, image: PreparedImage, mask: RegionMask, view: PictureView, side: int) -> None:
        self._desk.tasks.start(
            "picture",
            lambda _task: region_picture(image.rgb, mask, side),
            done=view.show_pixels,
            failed=lambda error: view.show_pixels(None, str(error)),
        )

    def go_to(self, region: str, *, rate: bool) -> None:
        """Bring a region to the middle of the canvas; with `rate`, in the rating mode. Opens its image where needed."""
        self._pending = (region, rate)
        if region in self._desk.session.regions:
            self._arrive()
            return
        place = self._places.get(region)
        layer = None if place is None else self._layer(place)
        if place is None or layer is None:
            self._pending = None
            name = "" if place is None else f" of {place.source.name}"
            self._desk.tell(f"The image{name} could not be opened. Open it yourself; its regions come back with it.")
            return
        self._ways.safe.turn_to(layer)

    def _layer(self, place: Place) -> Image | None:
        """The layer with the image of that region, opened where it is not there."""
        shown = None if place.image is None else self._ways.gatherer.layer_of(place.image.sha256)
        if shown is not None:
            return shown
        viewer, document = self._desk.viewer, place.source.document
        if document is None:
            return None
        path = find_image(document, Path(place.source.key))
        sample = sample_of(document.image) if path is None and document.image is not None else None
        try:
            if path is not None:
                opened = viewer.open(str(path))
            else:
                opened = [] if sample is None else viewer.open_sample(PLUGIN, sample.name)
        except (OSError, ValueError, KeyError) as error:
            self._desk.tell(f"{place.source.name} could not be opened ({error}). Open it yourself.")
            return None
        found: Image | None = next((layer for layer in opened or () if type(layer).__name__ == "Image"), None)
        return found

    def _on_gathered(self) -> None:
        self._places = {}
        for source in self._ways.gatherer.found:
            if source.document is None:
                continue
            images = {image.pixels.plane: image for image in source.images}
            for one in source.document.regions:
                if one.id not in self._places:
                    self._places[one.id] = Place(one.region, source, images.get(one.plane))

    def _on_regions_changed(self, _ids: object) -> None:
        if self._pending is not None and self._pending[0] in self._desk.session.regions:
            self._desk.tasks.post(self._arrive)  # once the layers have followed

    def _arrive(self) -> None:
        if self._pending is None:
            return
        (region, rate), self._pending = self._pending, None
        try:
            self._look_at(region, rate=rate)
        except SeagullError as error:
            self._desk.tell(str(error))

    def _look_at(self, region: str, *, rate: bool) -> None:
        session = self._desk.session
        session.do(SelectRegions((region,)))
        if rate:
            rater = self._ways.open_rater()
            rater.start()
            if rater.current != (region,):
                session.do(SelectRegions(()))
                session.do(SelectRegions((region,)))
        self._ways.zoom.to([region])
