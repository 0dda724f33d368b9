"""The panel "Quality map": histogram of the map that is shown, the value under the mouse, and regions out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.keeping import Keeper, Kept
from napari_seagull.controller.mapping import Mapper
from napari_seagull.controller.preview_layer import PreviewLayer
from napari_seagull.layers.geometry import pointed_at
from napari_seagull.layers.images import plane_shape
from napari_seagull.tasks import Task
from napari_seagull.views.map_panel import MapPanel, said
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.map_regions import MapValues, Threshold, value_at

THRESHOLD, THRESHOLD_NAME = "threshold", "SEAGULL threshold"
SETTLE_MS = 60
"""The line rests this long before the map is cut again."""

REST_MS = 60
"""The mouse rests this long before napari's status bar names the value: napari writes it on every move itself."""


class MapDesk(QObject):
    """Serves one panel as long as it is open."""

    def __init__(self, desk: Desk, images: ImageWatch, mapper: Mapper, keeper: Keeper, panel: MapPanel) -> None:
        super().__init__(panel)
        self._desk, self._images, self._mapper, self._keeper, self._panel = desk, images, mapper, keeper, panel
        self._preview = PreviewLayer(desk, self, role=THRESHOLD, name=THRESHOLD_NAME)
        self._values: tuple[ScoreMap, MapValues] | None = None
        self._masks: list[RegionMask] | None = None
        self._task: Task | None = None
        self._pointed: float | None = None
        self._closed = False
        self._settle = debounce(SETTLE_MS, self._cut, self)
        self._rest = debounce(REST_MS, self._tell_value, self)
        mapper.listen_to(panel.bar)
        mapper.shown_changed.connect(self._on_shown_changed)
        panel.form.changed.connect(self._on_form_changed)
        panel.form.make_wished.connect(self._on_make_wished)
        panel.closed.connect(self.close)
        panel.destroyed.connect(self.close)
        desk.viewer.mouse_move_callbacks.append(self._on_move)
        self._on_shown_changed()

    @property
    def is_idle(self) -> bool:
        """True when nothing is being cut."""
        return self._task is None and not self._settle.isActive()

    @property
    def preview(self) -> PreviewLayer:
        """What would become regions."""
        return self._preview

    def close(self) -> None:
        """Listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        self._settle.stop()
        self._rest.stop()
        self._drop_task()
        self._mapper.forget(self._panel.bar)
        self._mapper.shown_changed.disconnect(self._on_shown_changed)
        self._desk.viewer.mouse_move_callbacks.remove(self._on_move)
        self._preview.close()
        layer = next((one for one in self._desk.viewer.layers if one.name == THRESHOLD_NAME), None)
        if layer is not None and layer.metadata.get("seagull", {}).get("role") == THRESHOLD:
            self._desk.viewer.layers.remove(layer)

    def _on_shown_changed(self) -> None:
        shown = self._mapper.shown
        self._panel.show_map(shown, coarse=self._mapper.is_coarse)
        self._masks = None
        self._panel.form.show_count(None, 0.0)
        if shown is None:
            self._settle.stop()
            self._drop_task()
            self._values = None
            self._preview.clear()
        else:
            self._settle.start()

    def _on_form_changed(self) -> None:
        self._settle.start()

    def _drop_task(self) -> None:
        if self._task is not None:
            self._task.drop()
            self._task = None

    def _cut(self) -> None:
        """Cut the map elsewhere; what was being cut for an earlier wish is dropped."""
        shown, wanted = self._mapper.shown, self._panel.form.wanted()
        if shown is None:
            return
        self._drop_task()
        known = self._values[1] if self._values is not None and self._values[0] is shown else None
        self._task = self._desk.tasks.start(
            "threshold",
            lambda _task: _cut_up(shown, known, wanted),
            done=lambda made: self._on_cut(shown, *made),
            failed=self._on_failed,
        )

    def _on_cut(self, shown: ScoreMap, values: MapValues, masks: list[RegionMask]) -> None:
        self._task = None
        if shown is not self._mapper.shown:
            return
        self._values, self._masks = (shown, values), masks
        area = sum(mask.area for mask in masks)
        self._panel.form.show_count(len(masks), area / (shown.shape[0] * shown.shape[1]))
        layer = self._images.layer
        if layer is not None and masks and self._panel.form.preview.isChecked():
            self._preview.show_many(masks, layer, self._images.plane)
        else:
            self._preview.clear()

    def _on_failed(self, error: SeagullError) -> None:
        self._task = None
        self._panel.status.show_problem(str(error))

    def _on_make_wished(self) -> None:
        """The regions that are counted and outlined, as one step."""
        if not self._masks or not self.is_idle:
            return
        wanted, plane = self._panel.form.wanted(), self._images.plane
        words = f"{'Below' if wanted.below else 'Above'} {wanted.value:g}"
        names = [f"{words}, {index}" for index in range(1, len(self._masks) + 1)]
        self._preview.clear()
        try:
            made = self._keeper.add([Kept(mask, plane) for mask in self._masks], names)
        except SeagullError as error:
            self._panel.status.show_problem(str(error))
        else:
            count = f"{len(made):,} {'region' if len(made) == 1 else 'regions'}"
            self._panel.status.show_note(f"{count} made. Ctrl+Z takes them back in one step.")

    def _on_move(self, _viewer: object, event: Any) -> None:  # noqa: ANN401
        """Read the map under the mouse, whichever layer is chosen."""
        layer, shown = self._images.layer, self._mapper.shown
        value = None
        if layer is not None and shown is not None and shown.shape == plane_shape(layer):
            plane = self._images.on_screen
            if plane is not None:
                row, column = pointed_at(layer, plane, np.asarray(event.position))
                value = value_at(shown, row, column)
        self._pointed = value
        self._panel.show_pointed(value)
        if value is not None:
            self._rest.start()

    def _tell_value(self) -> None:
        shown, viewer = self._mapper.shown, self._desk.viewer
        if shown is None or self._pointed is None:
            return
        words = said(shown.name, self._pointed)
        present = viewer.status.get("coordinates", "") if isinstance(viewer.status, dict) else str(viewer.status)
        kept = present.split("  \N{MIDDLE DOT} ")[0].strip()
        viewer.status = f"{kept}  \N{MIDDLE DOT} {words}" if kept else words


def _cut_up(shown: ScoreMap, known: MapValues | None, wanted: Threshold) -> tuple[MapValues, list[RegionMask]]:
    """On a worker thread."""
    values = known or MapValues.of(shown)
    return values, values.regions(wanted)
