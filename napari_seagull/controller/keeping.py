"""Masks that are kept: new regions, parts added and taken away, each one step of the session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.canvas import Canvas
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.our_layers import OurLayers
from napari_seagull.controller.regions_layer import REGIONS_NAME
from napari_seagull.controller.segments_layer import SEGMENTS_NAME
from napari_seagull.controller.undoing import Undoer
from napari_seagull.session.commands import AddRegion, Change, Command, EditRegion, SelectRegions
from napari_seagull.session.records import Plane, SegmentSource, ShapeSource, Source
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.imaging.contours import SnappedPolygon
from seagull_iqa.imaging.refine import united, without


@dataclass(frozen=True, eq=False)
class Kept:
    """What is to be kept: a mask of one plane, as itself or as a polygon."""

    mask: RegionMask
    plane: Plane
    polygon: SnappedPolygon | None = None


class Keeper(QObject):
    """Turns masks into regions of the session, shown as segments or as polygons; each is a step for undo."""

    changed = Signal()  # there is something else to take back

    def __init__(self, desk: Desk, images: ImageWatch, layers: OurLayers, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._canvas = Canvas(images, layers)
        self.undoer = Undoer(desk, layers, self._canvas, self)
        desk.session.history_changed.connect(self.changed)

    @property
    def can_undo(self) -> bool:
        """There is a step to take back."""
        return self._desk.session.can_undo

    def close(self) -> None:
        """Listen no more."""
        self._desk.session.history_changed.disconnect(self.changed)
        self.undoer.close()

    def add(self, kept: Sequence[Kept], names: Sequence[str] = ()) -> list[str]:
        """Make a region of each of these, in one deed; their ids.

        Raises
        ------
        RegionError
            A mask belongs to another image; the regions before it stay, and can be taken back.
        """
        made: list[str] = []

        def commands() -> Iterator[Command]:
            for index, one in enumerate(kept):
                name = names[index] if index < len(names) else self._desk.session.next_name()
                mask = one.mask if one.polygon is None else one.polygon.mask
                region = Region(mask, name, RegionOrigin.SEGMENTED)
                yield AddRegion(region, self._source(one), one.plane)
                made.append(region.id)

        try:
            self._desk.session.do_all(commands())
        finally:
            regions = self._desk.session.regions
            self._canvas.follow([Change(None, regions[key]) for key in made])
        if made:
            self._desk.session.do(SelectRegions((made[-1],)))
        return made

    def merge(self, region: str, kept: Kept, *, taken: bool) -> None:
        """Add a mask to a region, or take it away from it; drawn and painted regions become segments by that.

        Raises
        ------
        EmptyRegionError
            Nothing of the region would be left.
        UnknownRegionError, RegionError
            It is gone, or belongs to another image or plane.
        """
        before = self._desk.session.record(region)
        old = before.region.mask
        mask = without(old, kept.mask) if taken else united(old, kept.mask)
        self._desk.session.do(EditRegion(region, mask, SegmentSource(SEGMENTS_NAME), kept.plane))
        self._canvas.follow([Change(before, self._desk.session.record(region))])

    def undo(self) -> bool:
        """Take the last step back, whatever it was; False where there is none."""
        return self.undoer.undo()

    def redo(self) -> bool:
        """Take the step again that was taken back last; False where there is none."""
        return self.undoer.redo()

    def _source(self, kept: Kept) -> Source:
        if kept.polygon is None:
            return SegmentSource(SEGMENTS_NAME)
        corners = tuple((*map(float, kept.plane), float(row), float(column)) for row, column in kept.polygon.vertices)
        return ShapeSource(REGIONS_NAME, "polygon", corners)
