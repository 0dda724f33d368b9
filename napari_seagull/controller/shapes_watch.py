"""What the user draws: shapes of our layer become regions when their edit has ended, and go when they are deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_seagull.controller.desk import REGIONS, Desk, debounce, role_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.regions_layer import drawable, ids_of, make_regions_layer, write_ids
from napari_seagull.layers.images import plane_shape
from napari_seagull.layers.shapes import shape_region
from napari_seagull.session.commands import (
    AddRegion,
    Command,
    DeleteRegion,
    EditRegion,
    Rejection,
    RejectRegions,
    SelectRegions,
)
from napari_seagull.session.records import RegionRecord, ShapeSource
from seagull_iqa.domain.region import Region, RegionOrigin, new_region_id
from seagull_iqa.errors import RegionError, SeagullError

if TYPE_CHECKING:
    from napari.layers import Image, Layer, Shapes

SETTLE_MS = 250
"""An edit has ended when nothing happens for so long."""

SLICE_S = 0.008
"""Longest time spent on outlines before the window gets its turn again."""


class ShapesWatch(QObject):
    """Follows one Shapes layer; many changed shapes are worked off in slices, so that the window stays fluid."""

    picked = Signal(tuple)  # ids of the shapes that the user selected on the canvas
    gone = Signal()  # the layer was deleted
    found = Signal()  # a layer is followed

    def __init__(self, desk: Desk, images: ImageWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images = desk, images
        self._layer: Shapes | None = None
        self._known: set[str] = set()
        self._touched: dict[str, None] = {}
        self._by_hand: set[str] = set()
        self._gesture: object = None
        self._fresh: list[str] = []
        self._expected: list[str] = []
        self._selecting = False
        self._settle = debounce(SETTLE_MS, self._start, self)
        self._slices = QTimer(self)
        self._slices.setInterval(0)
        self._slices.timeout.connect(self._work_slice)
        desk.viewer.layers.events.inserted.connect(self._on_inserted)
        desk.viewer.layers.events.removed.connect(self._on_removed)
        images.moved.connect(self.touch_all)
        desk.session.image_changed.connect(self._start)
        for layer in desk.viewer.layers:
            self._adopt(layer)

    @property
    def layer(self) -> Shapes | None:
        """Our layer, if there is one."""
        return self._layer

    @property
    def is_idle(self) -> bool:
        """True when no edit waits to be looked at, or none can be, for want of an image."""
        return not self._touched or self._layer is None or self._desk.session.image is None

    def close(self) -> None:
        """Listen no more."""
        self._settle.stop()
        if self._layer is not None:
            self._layer.locked = False
        self._slices.stop()
        self._desk.viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._desk.viewer.layers.events.removed.disconnect(self._on_removed)
        self._images.moved.disconnect(self.touch_all)
        self._desk.session.image_changed.disconnect(self._start)
        self._leave()

    def settle_after(self, rest_ms: int) -> None:
        """Let an edit have ended when nothing has happened for so long."""
        self._settle.setInterval(rest_ms)

    def ensure(self, image: Image) -> Shapes:
        """Our layer; made over the image, with every region the session remembers, where there is none."""
        if self._layer is None:
            layer = make_regions_layer(image, list(self._desk.session.regions.values()))
            self._desk.viewer.add_layer(layer)
            self._adopt(layer)
            return layer
        return self._layer

    def select(self, ids: Sequence[str]) -> None:
        """Select those shapes on the canvas."""
        layer = self._layer
        if layer is None:
            return
        wanted = {index for index, region in enumerate(ids_of(layer)) if region and region in set(ids)}
        if wanted == set(layer.selected_data):
            return
        self._selecting = True
        layer.selected_data = wanted
        self._selecting = False

    def remove(self, ids: Sequence[str]) -> None:
        """Take those shapes off the canvas."""
        layer = self._layer
        if layer is None:
            return
        indices = [index for index, region in enumerate(ids_of(layer)) if region in set(ids)]
        self._known -= set(ids)
        if indices:
            layer.remove(indices)

    def draw(self, records: Sequence[RegionRecord], image: Image) -> None:
        """Draw the shapes of regions that the session holds already."""
        if self._layer is None:
            self.ensure(image)  # draws every region that the session remembers
            return
        there, axes = set(ids_of(self._layer)), self._layer.ndim
        absent = [
            (record.id, source)
            for record in records
            if record.id not in there and (source := drawable(record, axes)) is not None
        ]
        if absent:
            self._expected += [region for region, _source in absent]
            shapes = [np.asarray(source.vertices) for _region, source in absent]
            self._layer.add(shapes, shape_type=[source.kind for _region, source in absent])

    def flush(self) -> None:
        """Look now at what was drawn a moment ago."""
        self._settle.stop()
        while self._touched and self._is_ready():
            self._work_slice()

    def touch_all(self) -> None:
        """Look at every shape again: the image has moved, or is another one."""
        if self._layer is not None:
            self._touch([region for region in ids_of(self._layer) if region])

    def _adopt(self, layer: Layer) -> None:
        if self._layer is not None or role_of(layer) != REGIONS:
            return
        shapes: Shapes = layer
        self._layer = shapes
        # napari can crash on redrawing after such a layer was deleted (napari#6472); regions go by the table.
        shapes.locked = True
        shapes.events.data.connect(self._on_data)
        shapes.selected_data.events.items_changed.connect(self._on_selected)
        self._name_new()
        self._known = set(ids_of(shapes))
        self.touch_all()
        self.found.emit()

    def _leave(self) -> None:
        layer, self._layer = self._layer, None
        self._known.clear()
        self._touched.clear()
        self._by_hand.clear()
        if layer is not None:
            layer.events.data.disconnect(self._on_data)
            layer.selected_data.events.items_changed.disconnect(self._on_selected)

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401
        self._adopt(event.value)

    def _on_removed(self, event: Any) -> None:  # noqa: ANN401
        if event.value is self._layer:
            self._leave()
            self.gone.emit()

    def _on_data(self, event: Any) -> None:  # noqa: ANN401
        action = str(getattr(getattr(event, "action", None), "value", ""))
        layer = self._layer
        if layer is None or action not in ("added", "changed", "removed"):
            return
        if action == "added":
            self._fresh += self._name_new(by_hand=True)
        self._delete_vanished()
        if action == "changed":
            ids = ids_of(layer)
            touched = [ids[index] for index in event.data_indices if -len(ids) <= index < len(ids)]
            self._touch([region for region in touched if region], by_hand=True)

    def _name_new(self, *, by_hand: bool = False) -> list[str]:
        """Give each new shape an identity; a copy that napari pasted gets one of its own."""
        layer = self._layer
        if layer is None:
            return []
        seen: set[str] = set()
        new: dict[int, str] = {}
        expected: set[str] = set()
        for index, region in enumerate(ids_of(layer)):
            if not region and self._expected:
                new[index] = self._expected.pop(0)
                expected.add(new[index])
            elif not region or region in seen:
                new[index] = new_region_id()
            seen.add(new.get(index, region))
        if new:
            write_ids(layer, new)
            self._known |= set(new.values())
            self._touch(list(expected))
            self._touch([region for region in new.values() if region not in expected], by_hand=by_hand)
        return [region for region in new.values() if region not in expected]

    def _delete_vanished(self) -> None:
        layer = self._layer
        if layer is None:
            return
        vanished = self._known - set(ids_of(layer))
        self._known -= vanished
        regions = self._desk.session.regions
        self._desk.session.do_all([DeleteRegion(region) for region in vanished if region in regions])

    def _touch(self, ids: Sequence[str], *, by_hand: bool = False) -> None:
        """Look at these soon; what a hand did is a step that can be taken back, all else only follows from one."""
        self._touched.update(dict.fromkeys(ids))
        if by_hand and ids:
            if not self._by_hand:
                self._gesture = object()
            self._by_hand.update(ids)
        self._settle.start()

    def _start(self) -> None:
        if self._touched and self._layer is not None and not self._settle.isActive():
            self._slices.start()

    def _is_ready(self) -> bool:
        image = self._desk.session.image
        layer = self._images.layer
        return self._images.is_current and image is not None and layer is not None and plane_shape(layer) == image.shape

    def _work_slice(self) -> None:
        if not self._is_ready() or not self._touched or self._layer is None:
            self._slices.stop()
            return
        try:
            session, until = self._desk.session, time.perf_counter() + SLICE_S
            session.do_all(self._commands(until, by_hand=True), gesture=self._gesture)
            session.do_all(self._commands(until, by_hand=False), step=False)
        except SeagullError as error:
            self._desk.tell(str(error))
        if not self._touched:
            self._slices.stop()
            self._select_fresh()

    def _commands(self, until: float, *, by_hand: bool) -> Iterator[Command]:
        """What became of the shapes that were touched, until this slice of time is over."""
        layer, image = self._layer, self._images.layer
        if layer is None or image is None:
            return
        indices = {region: index for index, region in enumerate(ids_of(layer))}
        for region in [region for region in self._touched if (region in self._by_hand) == by_hand]:
            if time.perf_counter() > until:
                return
            del self._touched[region]
            self._by_hand.discard(region)
            if region in indices and (command := self._command(region, indices[region])) is not None:
                yield command

    def _command(self, region: str, index: int) -> Command | None:
        layer, image = self._layer, self._images.layer
        if layer is None or image is None:
            return None
        known = region in self._desk.session.regions
        try:
            drawn = shape_region(layer, index, image, plane=self._images.plane)
        except RegionError as error:
            if known:
                return RejectRegions((Rejection(region, error.message, error.hint),))
            self._desk.tell(str(error))
            return None
        if known:
            return EditRegion(region, drawn.mask, drawn.source, drawn.plane)
        name = self._desk.session.next_name()
        return AddRegion(Region(drawn.mask, name, RegionOrigin.DRAWN, region), drawn.source, drawn.plane)

    def _select_fresh(self) -> None:
        regions = self._desk.session.regions
        fresh, self._fresh = [region for region in self._fresh if region in regions], []
        if fresh:
            self._desk.session.do(SelectRegions((fresh[-1],)))

    def _on_selected(self, *_change: object) -> None:
        layer = self._layer
        if layer is None or self._selecting:
            return
        ids, regions = ids_of(layer), self._desk.session.regions
        chosen = [ids[index] for index in sorted(layer.selected_data) if index < len(ids)]
        if all(region in regions for region in chosen):
            self.picked.emit(tuple(chosen))

    def has_lost_regions(self) -> bool:
        """True while the session holds drawn regions that no layer shows."""
        records = self._desk.session.regions.values()
        return self._layer is None and any(isinstance(record.source, ShapeSource) for record in records)
