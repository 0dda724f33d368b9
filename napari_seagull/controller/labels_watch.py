"""What the user paints: each label of our Labels layer is a region, looked at again after each stroke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import PAINTED, ROLE_KEY, Desk, debounce, role_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.regions_layer import Look
from napari_seagull.layers.images import aligned, data_shape, plane_shape
from napari_seagull.layers.labels import label_regions, touched_values
from napari_seagull.session.commands import (
    AddRegion,
    Change,
    Command,
    DeleteRegion,
    EditRegion,
    Rejection,
    RejectRegions,
    SelectRegions,
)
from napari_seagull.session.records import LabelSource, Plane, RegionRecord
from napari_seagull.views.palette import quality_rgb
from seagull_iqa.domain.region import Box, Region, RegionMask, RegionOrigin
from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

PAINTED_NAME = "SEAGULL painted"
SETTLE_MS = 350
"""A stroke has ended when nothing is painted for so long."""


class LabelsWatch(QObject):
    """Follows one Labels layer."""

    picked = Signal(tuple)  # ids of the region whose label the user chose
    gone = Signal()  # the layer was deleted

    def __init__(self, desk: Desk, images: ImageWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images = desk, images
        self._layer: Labels | None = None
        self._patches: dict[Plane, Box] = {}
        self._all = False
        self._by_hand = False
        self._value = 0
        self._settle = debounce(SETTLE_MS, self._work, self)
        desk.viewer.layers.events.inserted.connect(self._on_inserted)
        desk.viewer.layers.events.removed.connect(self._on_removed)
        images.moved.connect(self.touch_all)
        desk.session.image_changed.connect(self._settle_again)
        for layer in desk.viewer.layers:
            self._adopt(layer)

    @property
    def layer(self) -> Labels | None:
        """Our layer, if there is one."""
        return self._layer

    @property
    def is_idle(self) -> bool:
        """True when no stroke waits to be looked at."""
        return not self._settle.isActive()

    def close(self) -> None:
        """Listen no more."""
        self._settle.stop()
        if self._layer is not None:
            self._layer.locked = False
        self._desk.viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._desk.viewer.layers.events.removed.disconnect(self._on_removed)
        self._images.moved.disconnect(self.touch_all)
        self._desk.session.image_changed.disconnect(self._settle_again)
        self._leave()

    def ensure(self, image: Image) -> Labels:
        """Our layer; made over the image, with every painted region the session remembers, where there is none."""
        if self._layer is None:
            layer = self._make(image)
            self._desk.viewer.add_layer(layer)
            self._adopt(layer)
            return layer
        return self._layer

    def start_new(self) -> None:
        """Let the brush paint a label that no region has yet."""
        if self._layer is not None:
            used = [record.source.value for record in self._painted() if isinstance(record.source, LabelSource)]
            self._layer.selected_label = max([int(np.max(self._layer.data)), *used], default=0) + 1

    def remove(self, ids: Sequence[str]) -> None:
        """Take the labels of those regions off the canvas."""
        self.follow([Change(record, None) for record in self._painted() if record.id in ids])

    def follow(self, changes: Sequence[Change]) -> None:
        """Bring the pixels to where the session has these regions now, in one go a plane."""
        layer = self._layer
        if layer is None:
            return
        planes = {record.plane for change in changes for record in (change.before, change.after) if record is not None}
        for plane in planes:
            if not _has_plane(layer.data.shape, plane):
                continue
            old = np.asarray(layer.data[plane])
            new = old.copy()
            new[np.isin(old, [value for value, _mask in _painted_on(plane, [c.before for c in changes])])] = 0
            for value, mask in _painted_on(plane, [change.after for change in changes]):
                if new.shape == mask.shape:
                    row0, column0, row1, column1 = mask.box
                    new[row0:row1, column0:column1][mask.inside] = value
            self._set(plane, old != new, new)

    def _set(self, plane: Plane, where: NDArray[np.bool_], values: NDArray[np.integer[Any]]) -> None:
        places = np.nonzero(where)
        lead = tuple(np.full(len(places[0]), index) for index in plane)
        if self._layer is not None and len(places[0]):
            self._layer.data_setitem((*lead, *places), values[places])

    def flush(self) -> None:
        """Look now at what was painted a moment ago."""
        if self._settle.isActive():
            self._settle.stop()
            self._work()

    def select(self, ids: Sequence[str]) -> None:
        """Choose the label of the first of those regions."""
        layer = self._layer
        if layer is None:
            return
        values = [r.source.value for r in self._painted() if r.id in ids and isinstance(r.source, LabelSource)]
        if values and layer.selected_label != values[0]:
            self._value = values[0]
            layer.selected_label = values[0]

    def touch_all(self) -> None:
        """Look at every label again."""
        self._all = True
        self._settle.start()

    def _on_data(self, _event: object = None) -> None:
        self._by_hand = True
        self.touch_all()

    def has_lost_regions(self) -> bool:
        """True while the session holds painted regions that no layer shows."""
        return self._layer is None and bool(self._painted())

    def _painted(self) -> list[RegionRecord]:
        return [r for r in self._desk.session.regions.values() if isinstance(r.source, LabelSource)]

    def _make(self, image: Image) -> Labels:
        from napari.layers import Labels

        data = np.zeros(data_shape(image), dtype=np.int32)
        for record in self._painted():
            source = record.source
            fits = record.region.mask.shape == plane_shape(image) and _has_plane(data.shape, record.plane)
            if isinstance(source, LabelSource) and fits:
                data[record.plane][record.region.mask.pixels] = source.value
        mark = {ROLE_KEY: {"role": PAINTED}}
        layer = Labels(data, name=PAINTED_NAME, opacity=0.45, metadata=mark, **aligned(image))
        layer.brush_size = max(4, min(plane_shape(image)) // 20)
        return layer

    def _adopt(self, layer: Layer) -> None:
        if self._layer is not None or role_of(layer) != PAINTED:
            return
        labels: Labels = layer
        self._layer, self._value = labels, int(labels.selected_label)
        # napari can crash on redrawing after such a layer was deleted (napari#6472); regions go by the table.
        labels.locked = True
        labels.events.labels_update.connect(self._on_update)
        labels.events.paint.connect(self._settle_again)
        labels.events.data.connect(self._on_data)
        labels.events.selected_label.connect(self._on_selected)
        self.touch_all()

    def _leave(self) -> None:
        layer, self._layer = self._layer, None
        if layer is not None:
            layer.events.labels_update.disconnect(self._on_update)
            layer.events.paint.disconnect(self._settle_again)
            layer.events.data.disconnect(self._on_data)
            layer.events.selected_label.disconnect(self._on_selected)

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401
        self._adopt(event.value)

    def _on_removed(self, event: Any) -> None:  # noqa: ANN401
        if event.value is self._layer:
            self._leave()
            self.gone.emit()

    def _on_update(self, event: Any) -> None:  # noqa: ANN401
        row, column = (int(value) for value in event.offset[-2:])
        height, width = event.data.shape[-2:]
        self._by_hand = True
        plane = self._images.on_screen
        plane = self._images.plane if plane is None else plane
        self._patches[plane] = _united(self._patches.get(plane), (row, column, row + height, column + width))
        self._settle.start()

    def _settle_again(self, _event: object = None) -> None:
        if self._patches or self._all:
            self._settle.start()

    def _on_selected(self, _event: object = None) -> None:
        layer = self._layer
        if layer is None or int(layer.selected_label) == self._value:
            return  # napari tells it with every change of the colours, too
        self._value = int(layer.selected_label)
        if (chosen := self._by_value(self._images.plane).get(self._value)):
            self.picked.emit((chosen,))

    def _by_value(self, plane: Plane) -> dict[int, str]:
        return {r.source.value: r.id for r in self._painted() if r.plane == plane and isinstance(r.source, LabelSource)}

    def _work(self) -> None:
        """See what became of the labels that were touched."""
        layer, image = self._layer, self._images.layer
        if layer is None or image is None or not self._images.is_current or not (self._all or self._patches):
            return
        axes = len(self._images.plane)
        looks: dict[Plane, Box | None] = {one: box for one, box in self._patches.items() if len(one) == axes}
        if self._all:
            looks[self._images.plane] = None
        self._patches, self._all = {}, False
        by_hand, self._by_hand = self._by_hand, False
        for plane, patch in looks.items():
            self._look_at(layer, image, plane, patch, by_hand=by_hand)

    def _look_at(self, layer: Labels, image: Image, plane: Plane, patch: Box | None, *, by_hand: bool) -> None:
        """See what became of the labels of one plane: of those in the patch, or of all."""
        by_value = self._by_value(plane)
        known = {value: self._desk.session.regions[region].region.mask for value, region in by_value.items()}
        try:
            values = (
                None
                if patch is None
                else touched_values(layer, image, plane=plane, patch=patch, known=known)
            )
            found = label_regions(layer, image, plane=plane, values=values)
        except SeagullError as error:
            self._desk.tell(str(error))
            return
        looked_at = set(by_value) if values is None else values
        gone = [by_value[v] for v in looked_at if v in by_value and v not in found]
        commands: list[Command] = [DeleteRegion(region) if by_hand else _outside(region) for region in gone]
        new: list[str] = []
        for value, drawn in found.items():
            if value in by_value:
                commands.append(EditRegion(by_value[value], drawn.mask, drawn.source, drawn.plane))
            else:
                region = Region(drawn.mask, f"Label {value}", RegionOrigin.PAINTED)
                commands.append(AddRegion(region, drawn.source, drawn.plane))
                new.append(region.id)
        if new:
            commands.append(SelectRegions((new[-1],)))
        self._desk.session.do_all(commands, step=by_hand)  # what follows from a moved image is no step of its own

    def write_looks(self, looks: Mapping[str, Look]) -> None:
        """Colour each label by its score, and let napari's status bar tell it."""
        from napari.utils.colormaps import DirectLabelColormap

        layer = self._layer
        if layer is None:
            return
        by_value = self._by_value(self._images.plane)
        known = {value: looks[region] for value, region in by_value.items() if region in looks}
        gray = (0.6, 0.6, 0.6, 1.0)
        colors: dict[int | None, Any] = {None: gray, 0: (0.0, 0.0, 0.0, 0.0), layer.selected_label: gray}
        for value, look in known.items():
            colors[value] = (*(channel / 255 for channel in quality_rgb(look.quality)), 1.0)
        layer.colormap = DirectLabelColormap(color_dict=colors)
        layer.features = {
            "index": list(known),
            "name": [look.name for look in known.values()],
            "quality": [float("nan") if look.quality is None else round(look.quality, 1) for look in known.values()],
        }


def _painted_on(plane: Plane, records: Sequence[RegionRecord | None]) -> list[tuple[int, RegionMask]]:
    """Value and mask of those that are painted on a plane."""
    return [
        (record.source.value, record.region.mask)
        for record in records
        if record is not None and record.plane == plane and isinstance(record.source, LabelSource)
    ]


def _united(first: Box | None, second: Box) -> Box:
    if first is None:
        return second
    return (
        min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3])
    )  # fmt: skip


def _has_plane(shape: Sequence[int], plane: Plane) -> bool:
    """Whether a stack of that shape has that plane: the file may have had more of them once."""
    lead = shape[:-2]
    return len(lead) == len(plane) and all(0 <= index < length for index, length in zip(plane, lead, strict=True))


def _outside(region: str) -> RejectRegions:
    return RejectRegions((Rejection(region, "The region holds no pixel of the image.", "Choose the image it is of."),))
