"""Our picture of what is proposed: one mask, or the outlines of many; a layer that is nobody's data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import PREVIEW, ROLE_KEY, Desk, left_over
from napari_seagull.layers.geometry import magnification
from napari_seagull.layers.pictures import RGBA, Frame, Ink, draw_into, drawn_mask, placed
from napari_seagull.session.records import Plane
from napari_seagull.views.palette import PROPOSED
from seagull_iqa.domain.region import RegionMask

if TYPE_CHECKING:
    from napari.layers import Image

PREVIEW_NAME = "SEAGULL preview"

FACE, HOVER_FACE, MANY_FACE = 105, 55, 40
"""Opacity of what was asked for, of what lies under the pointer, and of one among many; 0..255."""

OUTLINE_PX = 2.0
"""Width of an outline on the screen."""


class PreviewLayer(QObject):
    """Shows masks over one plane of an image, and puts them away."""

    def __init__(self, desk: Desk, parent: QObject, *, role: str = PREVIEW, name: str = PREVIEW_NAME) -> None:
        super().__init__(parent)
        self._desk, self._role, self._name = desk, role, name
        self._layer: Image | None = left_over(desk.viewer, role)
        desk.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layer(self) -> Image | None:
        """Our layer, if there is one."""
        return self._layer

    @property
    def is_shown(self) -> bool:
        """True while something is proposed on the canvas."""
        return self._layer is not None and bool(self._layer.visible)

    def close(self) -> None:
        """Listen no more; the layer is emptied and let go."""
        self._desk.viewer.layers.events.removed.disconnect(self._on_removed)
        self.clear()
        if self._layer is not None:
            self._layer.locked = False
            self._layer = None

    def clear(self) -> None:
        """Show nothing."""
        if self._layer is not None and self._layer.visible:
            self._layer.visible = False
            self._layer.data = np.zeros((1, 1, 4), dtype=np.uint8)

    def show(self, mask: RegionMask, image: Image, plane: Plane, *, hover: bool = False) -> None:
        """Show one mask; fainter where it only lies under the pointer."""
        ink = Ink(PROPOSED, HOVER_FACE if hover else FACE, self._outline(image, plane))
        frame, picture = drawn_mask(mask, ink)
        self._lay(frame, picture, image, plane)

    def show_many(self, masks: Sequence[RegionMask], image: Image, plane: Plane) -> None:
        """Show the outlines of many masks, the large ones first."""
        if not masks:
            self.clear()
            return
        frame = Frame.over(masks[0].shape, [mask.box for mask in masks])
        picture = np.zeros((*frame.cells, 4), dtype=np.uint8)
        ink = Ink(PROPOSED, MANY_FACE, max(1, self._outline(image, plane) // frame.step))
        for mask in sorted(masks, key=lambda one: -one.area):
            draw_into(picture, frame, mask, ink)
        self._lay(frame, picture, image, plane)

    def _outline(self, image: Image, plane: Plane) -> int:
        """Px of the plane that an outline is wide, so that it is seen at this zoom."""
        screen = float(self._desk.viewer.scene.camera.zoom) * magnification(image, plane)
        return int(np.clip(round(OUTLINE_PX / max(screen, 1e-9)), 1, 40))

    def _lay(self, frame: Frame, picture: RGBA, image: Image, plane: Plane) -> None:
        keywords = placed(frame, image, plane)
        layer = self._layer
        if layer is None:
            self._layer = self._added(picture, keywords)
            return
        layer.data = picture
        for name, value in keywords.items():
            if not np.array_equal(getattr(layer, name), value):
                setattr(layer, name, value)
        layer.visible = True

    def _added(self, picture: RGBA, keywords: dict[str, object]) -> Image:
        """A new layer under the marks; what was active stays active."""
        from napari.layers import Image

        made = Image(
            picture,
            rgb=True,
            name=self._name,
            blending="translucent_no_depth",
            metadata={ROLE_KEY: {"role": self._role}},
            **keywords,
        )
        made.locked = True
        layers = self._desk.viewer.layers
        active, top = layers.selection.active, len(layers)
        layers.insert(top - 1 if active is not None and active is layers[-1] else top, made)
        if active is not None:
            layers.selection.active = active
        return made

    def _on_removed(self, event: object) -> None:
        if getattr(event, "value", None) is self._layer:
            self._layer = None
