"""Carry a region to the next planes of a stack: found again from plane to plane, until it gets lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.keeping import Keeper, Kept
from napari_seagull.layers.images import data_shape, plane_shape
from napari_seagull.layers.windows import Ground, is_large, window_request, window_round
from napari_seagull.session.records import Plane, RegionRecord
from napari_seagull.tasks import Task
from seagull_iqa.client import Client
from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import BackendError, JobCancelledError, SeagullError

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True, eq=False)
class Carriage:
    """Where a region was found again, plane after plane, and why it ended; reason "" where all planes were asked."""

    found: tuple[tuple[Plane, RegionMask], ...] = ()
    lost_at: Plane | None = None
    reason: str = ""


Read = Callable[[Plane, RegionMask], Ground]
"""The pixels of a plane around a mask; on any thread."""


class Carrier(QObject):
    """Takes the selected region along the axis before the rows; every plane it reaches gets a region of its own."""

    changed = Signal()  # a carriage began or ended

    def __init__(
        self, desk: Desk, images: ImageWatch, backend: BackendDesk, keeper: Keeper, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._desk, self._images, self._backend, self._keeper = desk, images, backend, keeper
        self._task: Task | None = None

    @property
    def is_idle(self) -> bool:
        """True when no region is being carried."""
        return self._task is None

    def planes_left(self) -> int:
        """How many planes come behind the one on screen."""
        layer, plane = self._images.layer, self._images.on_screen
        if layer is None or not plane:
            return 0
        return data_shape(layer)[len(plane) - 1] - 1 - plane[-1]

    def stop(self) -> None:
        """Carry no farther."""
        if self._task is not None:
            self._task.stop()

    def carry(self, planes: int) -> None:
        """Find the selected region in the next so many planes."""
        layer, client, record = self._images.layer, self._backend.client, self._chosen()
        if self._task is not None:
            return
        if layer is None or record is None:
            self._desk.tell("No region of this plane is selected. Keep or select one, then carry it.")
        elif client is None:
            self._desk.tell(NOT_READY)
        elif self.planes_left() < 1:
            self._desk.tell("This is the last plane; there is none to carry the region to.")
        else:
            ahead = min(planes, self.planes_left())
            try:
                read = self._reader(layer, record.plane)
            except SeagullError as error:
                self._desk.tell(str(error))
                return
            start = (record.plane, record.region.mask)
            self._task = self._desk.tasks.start(
                "carry",
                lambda task: _carried(client, read, start, ahead, task),
                done=lambda carriage: self._on_carried(record, carriage, here=self._images.layer is layer),
                failed=self._on_failed,
            )
            self.changed.emit()

    def _reader(self, layer: Image, plane: Plane) -> Read:
        """Everything that is needed to read planes of a layer, taken off it on the thread of the window."""
        shape = plane_shape(layer)
        if is_large(layer):
            window = window_request(layer, plane, (0, 0, *shape), self._images.choice)
            return lambda there, mask: window.elsewhere(there, window_round(shape, Prompts(mask=mask))).prepare()
        request = self._images.request(layer, plane)
        return lambda there, _mask: Ground(request.elsewhere(there).prepare(), shape, there)

    def _chosen(self) -> RegionRecord | None:
        session = self._desk.session
        records = [session.regions[key] for key in session.selection if key in session.regions]
        return next((record for record in records if record.plane == self._images.on_screen), None)

    def _on_carried(self, record: RegionRecord, carriage: Carriage, *, here: bool) -> None:
        self._task = None
        self.changed.emit()
        if not here:
            self._desk.tell("Another image was chosen meanwhile, so nothing was carried. Choose the first one again.")
            return
        stem = record.region.name.split(" @")[0]
        names = [f"{stem} @{plane[-1]}" for plane, _mask in carriage.found]
        try:
            self._keeper.add([Kept(mask, plane) for plane, mask in carriage.found], names)
        except SeagullError as error:
            self._desk.tell(str(error))
            return
        if carriage.found:
            self._show_plane(carriage.found[-1][0])
        many = len(carriage.found)
        said = f"“{record.region.name}” was carried over {many} plane{'' if many == 1 else 's'}"
        if carriage.lost_at is None:
            self._desk.note(f"{said}; each is scored when its plane is shown.")
        else:
            self._desk.note(f"{said}, and got lost on plane {carriage.lost_at[-1]}: {carriage.reason}")

    def _on_failed(self, error: SeagullError) -> None:
        self._task = None
        self.changed.emit()
        if not isinstance(error, JobCancelledError):
            self._desk.tell(str(error))
        if isinstance(error, BackendError):
            self._backend.look_again()

    def _show_plane(self, plane: Plane) -> None:
        layer = self._images.layer
        if layer is not None:
            world = layer.data_to_world((*plane, 0.0, 0.0))
            dims = self._desk.viewer.dims
            lead = len(dims.point) - len(world)
            for axis in range(len(plane)):
                dims.set_point(lead + axis, float(world[axis]))


def _carried(client: Client, read: Read, start: tuple[Plane, RegionMask], ahead: int, task: Task) -> Carriage:
    """From plane to plane; on a worker thread. What was found before it was stopped is kept."""
    plane, mask = start
    found: list[tuple[Plane, RegionMask]] = []
    before = read(plane, mask)
    for _step in range(ahead):
        if task.is_stopped:
            break
        plane = (*plane[:-1], plane[-1] + 1)
        try:
            here = read(plane, mask)
            known = before.image if before.box == here.box else None
            carried = client.segmenting.carry(here.image, here.mask_inwards(mask), before=known)
        except SeagullError as error:
            return Carriage(tuple(found), plane, str(error))
        if carried.mask is None:
            return Carriage(tuple(found), plane, carried.reason)
        mask, before = here.outwards(carried.mask), here
        found.append((plane, mask))
    return Carriage(tuple(found))
