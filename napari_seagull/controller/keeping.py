"""Masks that are kept: new regions, parts added and taken away, and the way back, one step a deed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.our_layers import OurLayers
from napari_seagull.controller.regions_layer import REGIONS_NAME
from napari_seagull.controller.segments_layer import SEGMENTS_NAME
from napari_seagull.session.commands import AddRegion, Command, DeleteRegion, EditRegion, SelectRegions
from napari_seagull.session.records import LabelSource, Plane, RegionRecord, SegmentSource, ShapeSource, Source
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.imaging.contours import SnappedPolygon
from seagull_iqa.imaging.refine import united, without

MOST_DEEDS = 100
"""So many deeds can be taken back."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What is to be kept: a mask of one plane, as itself or as a polygon."""

    mask: RegionMask
    plane: Plane
    polygon: SnappedPolygon | None = None


@dataclass(frozen=True, eq=False)
class Deed:
    """What was done to some regions: the records before and after; None where there was, or is, none."""

    before: dict[str, RegionRecord | None]
    after: dict[str, RegionRecord | None]


class Keeper(QObject):
    """Turns masks into regions of the session, shown as segments or as polygons; every deed can be taken back."""

    changed = Signal()  # there is something else to take back

    def __init__(
        self,
        desk: Desk,
        images: ImageWatch,
        layers: OurLayers,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._desk, self._images = desk, images
        self._shapes, self._labels, self._segments = layers.shapes, layers.labels, layers.segments
        self._done: list[Deed] = []
        self._undone: list[Deed] = []

    @property
    def can_undo(self) -> bool:
        """There is a deed to take back."""
        return bool(self._done)

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
            self._note(dict.fromkeys(made))
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
        self._note({region: before})

    def undo(self) -> bool:
        """Take the last deed back; False where there is none."""
        if not self._done:
            return False
        deed = self._done.pop()
        self._undone.append(deed)
        self._restore(deed.before)
        return True

    def redo(self) -> bool:
        """Do the deed again that was taken back last; False where there is none."""
        if not self._undone:
            return False
        deed = self._undone.pop()
        self._done.append(deed)
        self._restore(deed.after)
        return True

    def _source(self, kept: Kept) -> Source:
        if kept.polygon is None:
            return SegmentSource(SEGMENTS_NAME)
        corners = tuple((*map(float, kept.plane), float(row), float(column)) for row, column in kept.polygon.vertices)
        return ShapeSource(REGIONS_NAME, "polygon", corners)

    def _note(self, before: dict[str, RegionRecord | None]) -> None:
        """Remember a deed, and show it on the canvas."""
        if not before:
            return
        regions = self._desk.session.regions
        self._done = [*self._done[-MOST_DEEDS + 1 :], Deed(before, {key: regions.get(key) for key in before})]
        self._undone.clear()
        self._show(before)
        self.changed.emit()

    def _restore(self, wanted: dict[str, RegionRecord | None]) -> None:
        """Bring these regions to where they were: masks and sources; scores follow by themselves."""
        regions = self._desk.session.regions
        before = {key: regions.get(key) for key in wanted}
        for key, record in wanted.items():
            if record is None and key in regions:
                self._desk.session.do(DeleteRegion(key))
            elif record is not None and key in regions:
                self._desk.session.do(EditRegion(key, record.region.mask, record.source, record.plane))
            elif record is not None:
                self._desk.session.do(AddRegion(record.region, record.source, record.plane))
        self._show(before)
        self.changed.emit()

    def _show(self, before: dict[str, RegionRecord | None]) -> None:
        """Take regions off the layer they have left, and draw them on the one they live in now."""
        after = self._desk.session.regions
        for key, old in before.items():
            new = after.get(key)
            if old is not None and (new is None or new.source != old.source):
                self._take_off(key, old)
            if new is not None and (old is None or old.source != new.source):
                self._draw(new)
        self._segments.restore()

    def _take_off(self, key: str, old: RegionRecord) -> None:
        if isinstance(old.source, ShapeSource):
            self._shapes.remove([key])
        elif isinstance(old.source, LabelSource):
            self._labels.wipe(old)

    def _draw(self, record: RegionRecord) -> None:
        image = self._images.layer
        if isinstance(record.source, ShapeSource) and image is not None:
            self._shapes.draw(record, image)
        elif isinstance(record.source, LabelSource):
            self._labels.paint(record)
