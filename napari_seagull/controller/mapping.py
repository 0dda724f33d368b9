"""The quality of the whole image as a layer over it, with progress and a way to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk, role_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.layers.images import map_layer
from napari_seagull.session.commands import AcceptMaps
from napari_seagull.tasks import Task
from napari_seagull.views.map_bar import TITLES, MapBar
from napari_seagull.views.palette import QUALITY_STOPS
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.report import QUALITY_MAP, ScoreMap
from seagull_iqa.errors import JobCancelledError, SeagullError

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.utils import Colormap

OPACITY = 0.6


class Mapper(QObject):
    """Makes the maps of the present image once, and shows whichever is wished."""

    def __init__(self, desk: Desk, images: ImageWatch, backend: BackendDesk, bar: MapBar, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images, self._backend, self._bar = desk, images, backend, bar
        self._task: Task | None = None
        bar.map_wished.connect(self._on_map_wished)
        bar.stop_wished.connect(self._on_stop_wished)

    @property
    def is_idle(self) -> bool:
        """True when no map is being made."""
        return self._task is None

    def _on_map_wished(self, name: str) -> None:
        session, client = self._desk.session, self._backend.client
        image, layer = session.image, self._images.layer
        if image is None or layer is None or not self._images.is_current:
            self._desk.tell("There is no image to map. Open one, or wait a moment until it is read.")
            return
        if name in session.maps:
            self._show(session.maps[name], layer)
            return
        if client is None:
            self._desk.tell("The backend is not ready. Wait until its spot is green, or restart it.")
            return
        self._bar.show_progress(Progress(0, 0, "Sending the image"))
        self._task = self._desk.tasks.start(
            "maps",
            lambda task: client.maps(image, progress=task.report),
            done=lambda maps: self._on_done(maps, image.sha256, name),
            failed=self._on_failed,
            progressed=self._bar.show_progress,
        )

    def _on_stop_wished(self) -> None:
        if self._task is not None:
            self._task.stop()

    def _on_done(self, maps: dict[str, ScoreMap], image: str, name: str) -> None:
        self._end()
        self._desk.session.do(AcceptMaps(image, maps))
        layer, present = self._images.layer, self._desk.session.image
        if layer is None or present is None or present.sha256 != image:
            self._desk.tell("The image changed while its map was made. Ask for the map again.")
        elif name not in maps:
            self._desk.tell(f"This model makes no {TITLES.get(name, name).lower()}. Choose another map.")
        else:
            self._show(maps[name], layer)

    def _on_failed(self, error: SeagullError) -> None:
        self._end()
        if not isinstance(error, JobCancelledError):
            self._desk.tell(str(error))
            self._backend.look_again()

    def _end(self) -> None:
        self._task = None
        self._bar.show_progress(None)

    def _show(self, score_map: ScoreMap, image: Image) -> None:
        """Lay the map over the image, under the regions; an older one of the same name goes."""
        from napari.layers import Image

        layers = self._desk.viewer.layers
        data, keywords, _kind = map_layer(score_map, image, plane=self._images.plane)
        title = f"{TITLES[score_map.name]}: {image.name}"
        for old in [layer for layer in layers if role_of(layer) == "map" and layer.name == title]:
            layers.remove(old)
        keywords = {**keywords, "name": title, "opacity": OPACITY, "blending": "translucent_no_depth"}
        made = Image(data, colormap=_colormap(score_map.name), interpolation2d="linear", **keywords)
        made.colorbar.visible = True
        active = layers.selection.active
        layers.insert(layers.index(image) + 1, made)
        for other in layers:
            if role_of(other) == "map" and other is not made:
                other.visible = False
        layers.selection.active = active if active in layers else made


def _colormap(name: str) -> Colormap | str:
    """The colours of the regions for quality; for the others one that is as readable to the colour-blind."""
    if name != QUALITY_MAP:
        return "viridis" if name == "weight" else "inferno"
    from napari.utils import Colormap

    colors = [[*(channel / 255 for channel in color), 1.0] for _value, color in QUALITY_STOPS]
    return Colormap(colors, name="SEAGULL quality", controls=[value / 100 for value, _color in QUALITY_STOPS])
