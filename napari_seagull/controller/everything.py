"""All regions of the image in one go: the search, the filters that follow the sliders, and keeping what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.grounds import Grounds
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.keeping import Keeper, Kept
from napari_seagull.controller.preview_layer import PreviewLayer
from napari_seagull.layers.geometry import pointed_at
from napari_seagull.layers.images import plane_shape
from napari_seagull.layers.windows import Ground
from napari_seagull.session.records import Plane
from napari_seagull.tasks import Task
from napari_seagull.views.everything_form import EverythingForm
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import EverythingSpec, Point, Prompts
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import BackendError, JobCancelledError, SeagullError
from seagull_iqa.imaging.proposals import Findings

DRAW_MS = 25
"""Sliders rest this long before the outlines are drawn again; the number on the button follows at once."""


@dataclass(frozen=True, eq=False)
class Harvest:
    """What was found on which pixels."""

    ground: Ground
    findings: Findings

    def masks(self, indices: list[int]) -> list[RegionMask]:
        """Of the whole plane."""
        return [self.ground.outwards(self.findings.candidates[index].mask) for index in indices]


class Everything(QObject):
    """One search at a time; what it has found waits for the sliders and the button."""

    began = Signal()  # what was pointed at must go

    def __init__(
        self,
        desk: Desk,
        images: ImageWatch,
        grounds: Grounds,
        backend: BackendDesk,
        keeper: Keeper,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._desk, self._images, self._grounds = desk, images, grounds
        self._backend, self._keeper = backend, keeper
        self._form: EverythingForm | None = None
        self._preview: PreviewLayer | None = None
        self._task: Task | None = None
        self._wanted: tuple[Plane, Point] | None = None
        self._harvest: Harvest | None = None
        self._draw = debounce(DRAW_MS, self._show_outlines, self)
        grounds.arrived.connect(self._go_on)
        grounds.failed.connect(self._on_failed)
        desk.session.image_changed.connect(self._on_image_changed)

    def show_in(self, form: EverythingForm, preview: PreviewLayer) -> None:
        """Use that form and that layer."""
        self._form, self._preview = form, preview
        form.stop_wished.connect(self._on_stop_wished)
        form.filter_changed.connect(self._on_filter_changed)
        form.keep_wished.connect(self._on_keep_wished)
        form.drop_wished.connect(self.drop)

    @property
    def is_idle(self) -> bool:
        """True when nothing is searched."""
        return self._task is None and self._wanted is None and not self._draw.isActive()

    @property
    def has_harvest(self) -> bool:
        """True while something that was found waits to be kept or dropped."""
        return self._harvest is not None

    def close(self) -> None:
        """Listen no more."""
        self._draw.stop()
        self._desk.session.image_changed.disconnect(self._on_image_changed)
        self._wanted = None

    def search(self) -> None:
        """Find all regions of the plane on screen; of a large plane, of the part in the middle of the window."""
        layer, plane = self._images.layer, self._images.on_screen
        if layer is None or plane is None:
            self._desk.tell("There is no image to cut into regions. Open one, or a sample under File > Open Sample.")
        elif self._backend.client is None:
            self._desk.tell(NOT_READY)
        elif self._task is None:
            self.drop()
            self.began.emit()
            height, width = plane_shape(layer)
            place = pointed_at(layer, plane, self._desk.viewer.scene.camera.center)
            row, column = np.clip(place, 0, (height - 1, width - 1))
            self._wanted = (plane, (float(row), float(column)))
            self._say(Progress(0, 0, "Reading the image"))
            self._go_on()

    def drop(self) -> None:
        """Forget what was found."""
        had, self._harvest = self._harvest, None
        self._draw.stop()
        if had is not None:
            self._say(None)
            if self._preview is not None:
                self._preview.clear()

    def _go_on(self) -> None:
        """Search, once the pixels are there."""
        wanted, client = self._wanted, self._backend.client
        if wanted is None or client is None or self._task is not None:
            return
        try:
            ground = self._grounds.at(wanted[0], Prompts((wanted[1],)))
        except SeagullError as error:
            self._on_failed(error)
            return
        if ground is not None:
            self._start(client, ground)

    def _start(self, client: Client, ground: Ground) -> None:
        self._wanted = None
        layer = self._images.layer
        self._say(Progress(0, 0, "Finding all regions"))
        self._task = self._desk.tasks.start(
            "everything",
            lambda task: _found(client, ground, task),
            done=lambda harvest: self._on_found(harvest, here=self._images.layer is layer),
            failed=self._on_failed,
            progressed=self._say,
        )

    def _on_stop_wished(self) -> None:
        self._wanted = None
        if self._task is not None:
            self._task.stop()
        else:
            self._say(None)

    def _on_found(self, harvest: Harvest, *, here: bool) -> None:
        self._task = None
        if not here or harvest.ground.plane != self._images.on_screen:
            self._say(None)
            self._desk.tell("Another image or plane is on screen than was searched. Ask for everything again.")
        elif not harvest.findings.candidates:
            self._say(None)
            self._desk.tell("Nothing was found in this image. Click on what you mean instead.")
        else:
            self._harvest = harvest
            self._on_filter_changed()

    def _on_failed(self, error: SeagullError) -> None:
        if self._task is None and self._wanted is None:
            return
        self._task = self._wanted = None
        self._say(None)
        if not isinstance(error, JobCancelledError):
            self._desk.tell(str(error))
        if isinstance(error, BackendError):
            self._backend.look_again()

    def _say(self, progress: Progress | None) -> None:
        if self._form is not None:
            self._form.show_progress(progress)

    def _kept(self) -> list[int]:
        if self._harvest is None or self._form is None:
            return []
        return self._harvest.findings.kept(self._form.filter())

    def _on_filter_changed(self) -> None:
        if self._harvest is not None and self._form is not None:
            self._form.show_count(len(self._kept()), len(self._harvest.findings.candidates))
            if not self._draw.isActive():
                self._draw.start()

    def _show_outlines(self) -> None:
        layer, harvest = self._images.layer, self._harvest
        if layer is not None and harvest is not None and self._preview is not None:
            self._preview.show_many(harvest.masks(self._kept()), layer, harvest.ground.plane)

    def _on_keep_wished(self) -> None:
        harvest, indices = self._harvest, self._kept()
        if harvest is None:
            return
        kept = [Kept(mask, harvest.ground.plane) for mask in harvest.masks(indices)]
        self.drop()
        try:
            self._keeper.add(kept)
        except SeagullError as error:
            self._desk.tell(str(error))

    def _on_image_changed(self) -> None:
        """What was found in other pixels is of no use."""
        harvest, image = self._harvest, self._desk.session.image
        if harvest is not None and (image is None or image.sha256 != harvest.ground.image.sha256):
            whole = harvest.ground.image.shape == harvest.ground.shape
            if whole or harvest.ground.plane != self._images.on_screen:
                self.drop()


def _found(client: Client, ground: Ground, task: Task) -> Harvest:
    """Search and measure; on a worker thread."""
    candidates = client.segmenting.everything(ground.image, EverythingSpec(), progress=task.report)
    return Harvest(ground, Findings.of(candidates, ground.image.shape))
