"""Regions on the layers they live in: drawn, painted or shown anew where the session changed them without a hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_seagull.controller.desk import role_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.our_layers import OurLayers
from napari_seagull.session.commands import Change
from napari_seagull.session.records import LabelSource, RegionRecord, SegmentSource, ShapeSource

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image


def bring_up(layers: LayerList, image: Image) -> None:
    """Have an image, and our layers over it, above all others."""
    for layer in [image, *(one for one in layers if role_of(one) and one is not image)]:
        if layer in layers:
            layers.move(layers.index(layer), len(layers))


class Canvas:
    """Brings our layers to where the session is."""

    def __init__(self, images: ImageWatch, layers: OurLayers) -> None:
        self._images, self._layers = images, layers

    def follow(self, changes: Sequence[Change]) -> None:
        """Take regions off the layer they have left, and put them on the one they live in now."""
        moved = [change for change in changes if _moved(change)]
        shapes = self._layers.shapes
        shapes.remove([change.id for change in moved if _lives_in(change.before, ShapeSource)])
        drawn = [change.after for change in moved if change.after and _lives_in(change.after, ShapeSource)]
        image, labels = self._images.layer, self._layers.labels
        if drawn and image is not None:
            shapes.draw(drawn, image)
        painted = [c for c in moved if _lives_in(c.before, LabelSource) or _lives_in(c.after, LabelSource)]
        if painted and labels.layer is not None:
            labels.follow(painted)
        elif image is not None and any(_lives_in(c.after, LabelSource) for c in painted):
            labels.ensure(image)  # paints every region that the session remembers
        if any(_lives_in(c.before, SegmentSource) or _lives_in(c.after, SegmentSource) for c in moved):
            self._layers.segments.restore()


def _lives_in(record: RegionRecord | None, kind: type) -> bool:
    return record is not None and isinstance(record.source, kind)


def _moved(change: Change) -> bool:
    """Whether it looks different on its layer by now, or lives in another."""
    before, after = change.before, change.after
    if before is None or after is None:
        return before is not after
    return before.source != after.source or before.geometry != after.geometry
