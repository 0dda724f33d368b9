"""Click, and the region is there: makes the parts that point, ask, show and keep, and tells how far they are."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.carrying import Carrier
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.engine_desk import EngineDesk
from napari_seagull.controller.everything import Everything
from napari_seagull.controller.grounds import Grounds
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.keeping import Keeper
from napari_seagull.controller.pointing import Pointer
from napari_seagull.controller.prefetching import Prefetcher
from napari_seagull.controller.prompt_layer import PromptLayer
from napari_seagull.controller.proposing import Proposer
from napari_seagull.layers.geometry import pointed_at
from napari_seagull.layers.images import plane_shape
from napari_seagull.views.find_box import FindBox
from napari_seagull.views.segment_bar import PointTool, SegmentFacts
from seagull_iqa.domain.prompts import Point

HOW = {
    PointTool.CLICK: "Click inside a region; a drag is a box. Ctrl+click: not this.",
    PointTool.BOX: "Drag a box round a region, then click to correct. Ctrl+click: not this.",
    PointTool.SCRIBBLE: "Drag a line inside a region. Ctrl+drag: not this.",
}
MOVE = "The wheel zooms; hold Space to move the image."


class Segmenter(QObject):
    """Joins the tools of the panel with the canvas, the engine and the session."""

    def __init__(
        self, desk: Desk, images: ImageWatch, backend: BackendDesk, keeper: Keeper, box: FindBox, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._desk, self._images, self._keeper, self._box = desk, images, keeper, box
        self.prompts = PromptLayer(desk, self)
        self.grounds = Grounds(desk, images, self)
        self.proposer = Proposer(desk, self.grounds, backend, self)
        self.engines = EngineDesk(desk, backend, box.engines, self)
        self.pointer = Pointer(desk, images, self.prompts, self.proposer, keeper, box.refining)
        self.everything = Everything(desk, images, self.grounds, backend, keeper, self)
        self.everything.show_in(box.everything, self.pointer.preview)
        self.carrier = Carrier(desk, images, backend, keeper, self)
        self.prefetcher = Prefetcher(desk, images, backend, self)
        self._image_id: object = None
        self._connect_bar()
        self._connect_parts()
        self._tell()

    @property
    def is_idle(self) -> bool:
        """True when no answer is awaited and nothing is under way."""
        return all(part.is_idle for part in (self.pointer, self.proposer, self.everything, self.carrier))

    def close(self) -> None:
        """Listen no more."""
        session = self._desk.session
        session.image_changed.disconnect(self._on_image_changed)
        session.selection_changed.disconnect(self._on_selection_changed)
        session.regions_changed.disconnect(self._on_selection_changed)
        dims = self._desk.viewer.dims.events
        for emitter in (dims.point, dims.order, dims.ndisplay):
            emitter.disconnect(self._on_plane_changed)
        self._images.moved.disconnect(self._on_moved)
        parts = (self.prefetcher, self.proposer, self.everything, self.engines)
        for part in (*parts, self.prompts, self.pointer, self.grounds):
            part.close()

    def choose(self, tool: PointTool | None) -> None:
        """Point with that tool from now on; None stops pointing."""
        layer, plane = self._images.layer, self._images.on_screen
        if tool is None:
            self.prompts.leave()
        elif layer is None:
            self._desk.tell("There is no image to point at. Open one, or a sample under File > Open Sample.")
        elif plane is None:
            self._desk.tell("Regions are pointed at in 2D, with the last two axes on screen. Switch to that.")
        else:
            self.prompts.take(tool, layer, plane)
            self.proposer.warm(plane, self._middle())
        self._tell()

    def _connect_bar(self) -> None:
        bar = self._box.bar
        bar.tool_wished.connect(self.choose)
        bar.minus_wished.connect(self._on_minus_wished)
        bar.everything_wished.connect(self.everything.search)
        bar.keep_wished.connect(self._on_keep_wished)
        bar.next_wished.connect(self.pointer.cycle)
        bar.drop_wished.connect(self.pointer.drop)
        bar.undo_wished.connect(self.pointer.undo)
        bar.carry_wished.connect(self._on_carry_wished)

    def _connect_parts(self) -> None:
        self.prompts.accepted.connect(self._on_keep_wished)
        self.prompts.rejected.connect(self._on_rejected)
        self.prompts.carried.connect(self._on_carried)
        self.prompts.left.connect(self._on_left)
        for part in (self.pointer, self.proposer, self._keeper, self.carrier):
            part.changed.connect(self._tell)
        self.pointer.began.connect(self.everything.drop)
        self.proposer.prepared.connect(self._on_prepared)
        self.engines.changed.connect(self._on_engine_changed)
        self.everything.began.connect(self.pointer.drop)
        session = self._desk.session
        session.image_changed.connect(self._on_image_changed)
        session.selection_changed.connect(self._on_selection_changed)
        session.regions_changed.connect(self._on_selection_changed)
        dims = self._desk.viewer.dims.events
        for emitter in (dims.point, dims.order, dims.ndisplay):
            emitter.connect(self._on_plane_changed)
        self._images.moved.connect(self._on_moved)

    def _middle(self) -> Point:
        """The px of the plane in the middle of the window."""
        layer, plane = self._images.layer, self._images.on_screen
        if layer is None or plane is None:
            return (0.0, 0.0)
        height, width = plane_shape(layer)
        row, column = pointed_at(layer, plane, self._desk.viewer.scene.camera.center)
        return (float(np.clip(row, 0, height - 1)), float(np.clip(column, 0, width - 1)))

    def _on_keep_wished(self) -> None:
        self.pointer.keep(self._box.bar.wanted_purpose())

    def _on_minus_wished(self, minus: bool) -> None:
        self.prompts.minus = minus

    def _on_rejected(self) -> None:
        """Escape: drop the marks; where there are none, what was found; where there is nothing, the tool."""
        if not self.pointer.sketch.is_empty:
            self.pointer.drop()
        elif self.everything.has_harvest:
            self.everything.drop()
        else:
            self.prompts.leave()

    def _on_carried(self) -> None:
        self._on_carry_wished(self._box.bar.carry_planes.value())

    def _on_carry_wished(self, planes: int) -> None:
        """What is proposed just now is kept first: it is what is meant."""
        if self.pointer.shown is not None:
            self._on_keep_wished()
        self.carrier.carry(planes)

    def _on_left(self) -> None:
        self.pointer.drop()
        self._tell()

    def _on_prepared(self) -> None:
        self.engines.refresh()
        self.prefetcher.wake()

    def _on_engine_changed(self) -> None:
        """Another engine: what it means by the marks is asked anew."""
        self.proposer.forget_looks()
        self.prefetcher.forget_looks()
        plane = self._images.on_screen
        if self.prompts.tool is not None and plane is not None:
            self.proposer.warm(plane, self._middle())
            self.pointer.ask_again()

    def _on_plane_changed(self, _event: object = None) -> None:
        """Marks belong to their plane; where none can be pointed at, the tool is put away."""
        plane = self._images.on_screen
        if self.prompts.tool is None:
            return
        if plane is None:
            self.prompts.leave()
            return
        if plane != self.pointer.sketch.plane and not self.pointer.sketch.is_empty:
            self.pointer.drop()
        self._take_again()

    def _on_moved(self) -> None:
        """The image was moved, or another one was chosen: marks and tool follow it."""
        if self.prompts.tool is None:
            return
        if self._image_id is not self._images.layer:
            self.pointer.drop()
        self._take_again()

    def _take_again(self) -> None:
        layer, plane, tool = self._images.layer, self._images.on_screen, self.prompts.tool
        self._image_id = layer
        if tool is not None and layer is not None and plane is not None:
            self.prompts.take(tool, layer, plane)
            self.pointer.show()
        elif layer is None:
            self.prompts.leave()
        self._tell()

    def _on_image_changed(self) -> None:
        plane = self._images.on_screen
        if self.prompts.tool is not None and plane is not None:
            self.proposer.warm(plane, self._middle())
        self._tell()

    def _on_selection_changed(self, _ids: object = None) -> None:
        session, plane = self._desk.session, self._images.on_screen
        chosen = [session.regions[key] for key in session.selection if key in session.regions]
        self._box.bar.offer_purposes(next((r.region.name for r in chosen[:1] if r.plane == plane), ""))

    def _tell(self) -> None:
        """Show how far it is."""
        shown, sketch = self.pointer.shown, self.pointer.sketch
        self.pointer.may_hover = self.engines.hover and not self.everything.has_harvest
        self._box.bar.show_facts(
            SegmentFacts(
                tool=self.prompts.tool,
                sentence=self._sentence(),
                candidate=0 if shown is None else shown.index + 1,
                candidates=0 if shown is None else len(shown.masks),
                marks=not sketch.is_empty,
                can_undo=not sketch.is_empty or self._keeper.can_undo,
                planes=self.carrier.planes_left(),
            )
        )

    def _sentence(self) -> str:
        tool, shown, sketch = self.prompts.tool, self.pointer.shown, self.pointer.sketch
        preparing = self.proposer.preparing
        if not self.carrier.is_idle:
            return "Carrying the region from plane to plane …"
        if preparing is not None:
            share = f" {100 * preparing.done // preparing.total} %" if preparing.total else ""
            kept = "Your click is kept, and answered then." if self.proposer.is_waiting else "You may click already."
            return f"Preparing the image …{share} {kept}"
        if tool is None:
            if self._images.layer is None:
                return "Open an image; then a click on something makes it a region."
            return "Choose Click, then click on something: it becomes a region and is scored."
        if self.proposer.is_waiting:
            return "Looking …"
        if shown is not None:
            many = f"Mask {shown.index + 1} of {len(shown.masks)}" if len(shown.masks) > 1 else "One mask"
            return f"{many}, scored {shown.score:.2f} by the engine. Click to correct; Ctrl+click: not this."
        if not sketch.is_empty:
            return "Now click inside the region."
        return f"{HOW[tool]} {MOVE}"
