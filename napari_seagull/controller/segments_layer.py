"""Our Labels layer of regions that were found: a picture of masks that the session holds, one label a region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import ROLE_KEY, SEGMENTS, Desk, debounce, left_over
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.prompt_layer import CLICK_REACH
from napari_seagull.controller.regions_layer import Look
from napari_seagull.layers.images import plane_shape
from napari_seagull.layers.pictures import Frame, composed, placed
from napari_seagull.session.commands import AddRegion
from napari_seagull.session.records import RegionRecord, SegmentSource
from napari_seagull.views.palette import quality_rgb

if TYPE_CHECKING:
    from napari.layers import Labels

SEGMENTS_NAME = "SEAGULL segments"
FACE = 0.3
"""Opacity of the inside of a segment; its outline is opaque."""

OUTLINE_SHARE = 1 / 500
"""Width of an outline, as a share of the shorter side of the picture."""

GATHER_MS = 30


class SegmentsLayer(QObject):
    """Draws the segmented regions of the plane on screen; a click on one selects it. Masks may overlap."""

    picked = Signal(tuple)  # ids of the region that was clicked
    gone = Signal()  # the layer was deleted

    def __init__(self, desk: Desk, images: ImageWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images = desk, images
        self._layer: Labels | None = None
        self._values: dict[str, int] = {}
        self._looks: Mapping[str, Look] = {}
        self._shown: object = None
        self._gather = debounce(GATHER_MS, self._draw, self)
        self._wanted = True
        self._adopt()
        desk.session.regions_changed.connect(self._on_changed)
        desk.session.image_changed.connect(self._on_changed)
        images.moved.connect(self._on_changed)
        desk.viewer.dims.events.point.connect(self._on_changed)
        desk.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layer(self) -> Labels | None:
        """Our layer, if there is one."""
        return self._layer

    @property
    def is_idle(self) -> bool:
        """True when all is drawn."""
        return not self._gather.isActive()

    def close(self) -> None:
        """Listen no more."""
        self._gather.stop()
        self._desk.session.regions_changed.disconnect(self._on_changed)
        self._desk.session.image_changed.disconnect(self._on_changed)
        self._images.moved.disconnect(self._on_changed)
        self._desk.viewer.dims.events.point.disconnect(self._on_changed)
        self._desk.viewer.layers.events.removed.disconnect(self._on_removed)
        if self._layer is not None:
            self._layer.locked = False
            self._layer.mouse_drag_callbacks.remove(self._on_press)
            self._layer = None

    def has_lost_regions(self) -> bool:
        """True while the session holds segmented regions that no layer shows."""
        return self._layer is None and not self._wanted and bool(self._records())

    def restore(self) -> None:
        """Bring the layer back after it was deleted."""
        self._wanted = True
        self._draw()

    def region_at(self, value: int) -> str:
        """The region whose inside or outline has that label; "" for none."""
        return next((region for region, number in self._values.items() if number == value // 2), "")

    def select(self, ids: Sequence[str]) -> None:
        """Choose the label of the first of those regions."""
        values = [2 * self._values[region] for region in ids if region in self._values]
        if self._layer is not None and values and self._layer.selected_label != values[0]:
            self._layer.selected_label = values[0]

    def write_looks(self, looks: Mapping[str, Look]) -> None:
        """Colour each region by its score, and let napari's status bar tell it."""
        self._looks = looks
        if self._layer is not None:
            self._colour(self._layer)

    def _adopt(self) -> None:
        """Take over the layer of an earlier panel, with its regions: the layer remembers their very masks."""
        layer: Labels | None = left_over(self._desk.viewer, SEGMENTS)
        if layer is None:
            return
        self._layer = self._made_ours(layer)
        known = self._desk.session.regions
        commands = [
            AddRegion(region, SegmentSource(SEGMENTS_NAME), plane)
            for region, plane in layer.metadata[ROLE_KEY].get("regions", ())
            if region.id not in known
        ]
        self._desk.session.do_all(commands)
        self._gather.start()

    def _made_ours(self, layer: Labels) -> Labels:
        layer.editable = False
        # napari can crash on redrawing after such a layer was deleted (napari#6472); regions go by the table.
        layer.locked = True
        layer.mouse_drag_callbacks.append(self._on_press)
        return layer

    def _records(self) -> list[RegionRecord]:
        return [r for r in self._desk.session.regions.values() if isinstance(r.source, SegmentSource)]

    def _on_changed(self, *_change: object) -> None:
        if not self._gather.isActive():
            self._gather.start()

    def _draw(self) -> None:
        """Draw the masks of the plane on screen, where they are not what is shown already."""
        image, plane = self._images.layer, self._images.on_screen
        records = self._records()
        if image is None or plane is None or not self._wanted or (not records and self._layer is None):
            return
        shape = plane_shape(image)
        here = [r for r in records if r.plane == plane and r.region.mask.shape == shape]
        state = (id(image), plane, [(r.id, r.geometry) for r in here])
        frame = Frame.over(shape, [r.region.mask.box for r in here])
        keywords = placed(frame, image, plane)
        if state != self._shown or self._layer is None:
            self._shown = state
            for record in here:
                self._values.setdefault(record.id, len(self._values) + 1)
            width = max(1, round(min(frame.cells) * OUTLINE_SHARE))
            labels = composed([(self._values[r.id], r.region.mask) for r in here], frame, width)
            self._lay(labels, keywords)
        if self._layer is not None:
            self._layer.metadata[ROLE_KEY]["regions"] = [(r.region, r.plane) for r in records]
        for name, value in keywords.items():
            if self._layer is not None and not np.array_equal(getattr(self._layer, name), value):
                setattr(self._layer, name, value)

    def _lay(self, labels: Any, keywords: dict[str, Any]) -> None:  # noqa: ANN401
        if self._layer is not None:
            self._layer.data = labels
            self._colour(self._layer)
            return
        from napari.layers import Labels

        mark = {ROLE_KEY: {"role": SEGMENTS}}
        layer = Labels(labels, name=SEGMENTS_NAME, opacity=1.0, metadata=mark, **keywords)
        self._colour(self._made_ours(layer))
        layers, image = self._desk.viewer.layers, self._images.layer
        active = layers.selection.active
        layers.insert(layers.index(image) + 1 if image in layers else len(layers), layer)
        if active is not None:
            layers.selection.active = active
        self._layer = layer

    def _colour(self, layer: Labels) -> None:
        from napari.utils.colormaps import DirectLabelColormap

        known = {value: self._looks.get(region, Look()) for region, value in self._values.items()}
        colors: dict[int | None, Any] = {None: (0.0, 0.0, 0.0, 0.0), 0: (0.0, 0.0, 0.0, 0.0)}
        for value, look in known.items():
            rgb = tuple(channel / 255 for channel in quality_rgb(look.quality))
            colors[2 * value], colors[2 * value + 1] = (*rgb, FACE), (*rgb, 1.0)
        layer.colormap = DirectLabelColormap(color_dict=colors)
        told = [(label, look) for value, look in known.items() for label in (2 * value, 2 * value + 1)]
        layer.features = {
            "index": [label for label, _look in told],
            "name": [look.name for _label, look in told],
            "quality": [float("nan") if look.quality is None else round(look.quality, 1) for _label, look in told],
        }

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:  # noqa: ANN401
        """A click without a drag selects the region under it."""
        start = np.asarray(event.pos, dtype=float)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos, dtype=float) - start).max() < CLICK_REACH:
            value = layer.get_value(event.position, world=True)
            region = self.region_at(int(value or 0))
            if region in self._desk.session.regions:
                self.picked.emit((region,))

    def _on_removed(self, event: Any) -> None:  # noqa: ANN401
        if event.value is self._layer:
            self._layer, self._wanted, self._shown = None, False, None
            self.gone.emit()

