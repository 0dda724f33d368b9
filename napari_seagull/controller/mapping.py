"""The quality of the whole image as a layer over it, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import PAINTED, REGIONS, ROLE_KEY, SEGMENTS, Desk, role_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.layers.images import map_layer
from napari_seagull.layers.large import whole, widened
from napari_seagull.session.commands import AcceptMaps
from napari_seagull.tasks import Task
from napari_seagull.views.map_bar import TITLES, MapBar
from napari_seagull.views.map_colors import Stops, ramp_of
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.report import MAP_NAMES, ScoreMap
from seagull_iqa.errors import JobCancelledError, SeagullError
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.utils import Colormap

Values = NDArray[np.float32]

OPACITY = 0.6

OURS = (REGIONS, PAINTED, SEGMENTS)
"""Layers that hold regions: always over the maps."""


@dataclass(frozen=True, eq=False)
class CoarseMaps:
    """Maps that come before the last ones, to be shown meanwhile."""

    maps: dict[str, ScoreMap]


class Mapper(QObject):
    """Makes the maps of the present image once, and shows whichever is wished."""

    shown_changed = Signal()  # another map is shown, or none

    def __init__(self, desk: Desk, images: ImageWatch, backend: BackendDesk, bar: MapBar, parent: QObject) -> None:
        super().__init__(parent)
        self.opacity = OPACITY
        self._desk, self._images, self._backend = desk, images, backend
        self._bars: list[MapBar] = []
        self._names: Collection[str] = MAP_NAMES
        self._task: Task | None = None
        self._shown: ScoreMap | None = None
        self._coarse = False
        self.listen_to(bar)
        desk.session.maps_changed.connect(self._on_maps_changed)
        desk.viewer.layers.events.inserted.connect(self._on_inserted)

    @property
    def shown(self) -> ScoreMap | None:
        """The map of the present image that was shown last; None where there is none."""
        return self._shown

    @property
    def is_coarse(self) -> bool:
        """What is shown is being refined."""
        return self._coarse

    @property
    def layers(self) -> list[Image]:
        """The layers of our maps, those of earlier images too."""
        return [layer for layer in self._desk.viewer.layers if role_of(layer) == "map"]

    def listen_to(self, bar: MapBar) -> None:
        """Hear the wishes of one more bar, and show it how far a map is."""
        self._bars.append(bar)
        bar.offer(self._names)
        bar.map_wished.connect(self._on_map_wished)
        bar.stop_wished.connect(self._on_stop_wished)

    def forget(self, bar: MapBar) -> None:
        """That bar has gone."""
        self._bars.remove(bar)

    def offer(self, names: Collection[str]) -> None:
        """The model makes these maps."""
        self._names = names
        for bar in self._bars:
            bar.offer(names)

    def close(self) -> None:
        """Listen no more."""
        self._desk.session.maps_changed.disconnect(self._on_maps_changed)
        self._desk.viewer.layers.events.inserted.disconnect(self._on_inserted)

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401
        """Regions that come while a map is shown lie over it, or they would not be seen."""
        if role_of(event.value) in OURS:
            QTimer.singleShot(0, self._sink)

    def _sink(self) -> None:
        image, layers = self._images.layer, self._desk.viewer.layers
        if image is None or image not in layers:
            return
        ours = [layers.index(layer) for layer in layers if role_of(layer) in OURS]
        for layer in self.layers:
            if ours and layers.index(image) < min(ours) < layers.index(layer):
                layers.move(layers.index(layer), layers.index(image) + 1)

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
            self._desk.tell(NOT_READY)
            return
        if self._task is not None:
            return  # both panels ask for the same maps
        self._say(Progress(0, 0, "Sending the image"))
        self._task = self._desk.tasks.start(
            "maps",
            lambda task: _made(client, image, task),
            done=lambda maps: self._on_done(maps, image.sha256, name),
            failed=self._on_failed,
            progressed=lambda news: self._on_news(news, image.sha256, name),
        )

    def _on_stop_wished(self) -> None:
        if self._task is not None:
            self._task.stop()

    def put_away(self) -> None:
        """Another model answers from now on: a map under way ends, and those that are shown say whose they are."""
        if self._task is not None:
            self._task.drop()
            self._end()
        for layer in self.layers:
            _name_as_former(layer)

    def _on_news(self, news: Progress | CoarseMaps, image: str, name: str) -> None:
        if isinstance(news, Progress):
            self._say(news)
            return
        layer, present = self._images.layer, self._desk.session.image
        if layer is not None and present is not None and present.sha256 == image and name in news.maps:
            self._show(news.maps[name], layer, coarse=True)

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
        self._say(None)

    def _say(self, progress: Progress | None) -> None:
        for bar in self._bars:
            bar.show_progress(progress)

    def _on_maps_changed(self) -> None:
        if not self._desk.session.maps and self._shown is not None:
            self._shown = None
            self.shown_changed.emit()

    def _show(self, score_map: ScoreMap, image: Image, *, coarse: bool = False) -> None:
        """Lay the map over the image, under the regions; an older one of the same name is brought up to date."""
        data, keywords, _kind = map_layer(score_map, image, plane=self._images.plane)
        titles = {_title(score_map, image, coarse=kind) for kind in (False, True)}
        keywords["name"] = _title(score_map, image, coarse=coarse)
        keywords["metadata"][ROLE_KEY] |= {"image": str(image.name), "coarse": coarse}
        layers = self._desk.viewer.layers
        known = [layer for layer in layers if role_of(layer) == "map" and layer.name in titles]
        fitting = next((layer for layer in known if layer.ndim == data.ndim), None)
        for old in [layer for layer in known if layer is not fitting]:
            layers.remove(old)
        shown = self._laid(data, keywords, image) if fitting is None else _renewed(fitting, data, keywords)
        shown.visible = True
        for other in self.layers:
            if other is not shown:
                other.visible = False
        self._shown, self._coarse = score_map, coarse
        self.shown_changed.emit()

    def _laid(self, data: Values, keywords: dict[str, Any], image: Image) -> Image:
        """A new layer over the image; what was active stays active."""
        from napari.layers import Image

        layers = self._desk.viewer.layers
        how = {"opacity": self.opacity, "blending": "translucent_no_depth", "interpolation2d": "linear"}
        made = Image(data, colormap=_colormap(keywords["metadata"][ROLE_KEY]["map"]), **how, **keywords)
        made.colorbar.visible = True
        active = layers.selection.active
        layers.insert(layers.index(image) + 1, made)
        layers.selection.active = active if active in layers else made
        return made


def _made(client: Client, image: PreparedImage, task: Task) -> dict[str, ScoreMap]:
    """The maps, those of a large image by its overview; on a worker thread."""

    def on_coarse(maps: dict[str, ScoreMap]) -> None:
        task.report(CoarseMaps(widened(maps, image)))

    return widened(client.maps(whole(image), progress=task.report, partial=on_coarse), image)


def _title(score_map: ScoreMap, image: Image, *, coarse: bool) -> str:
    return f"{TITLES[score_map.name]}{' (coarse)' if coarse else ''}: {image.name}"


def _renewed(layer: Image, data: Values, keywords: dict[str, Any]) -> Image:
    """The layer with other values in other places; how it looks is the user's."""
    layer.data = data
    layer.scale = keywords.get("scale", np.ones(data.ndim))
    layer.translate = keywords.get("translate", np.zeros(data.ndim))
    layer.affine = keywords.get("affine", np.eye(data.ndim + 1))
    layer.metadata = keywords["metadata"]
    layer.name = keywords["name"]
    return layer


def _name_as_former(layer: Layer) -> None:
    """Let a map say that a model has made it that no longer answers; a name that the user gave stays."""
    facts = layer.metadata[ROLE_KEY]
    title, model = TITLES.get(facts["map"], ""), facts.get("model")
    if model and not facts.get("former") and layer.name.startswith(title):
        layer.name = f"{title} of {model}{layer.name.removeprefix(title)}"
        layer.metadata = {**layer.metadata, ROLE_KEY: {**facts, "former": True}}


def _colormap(name: str) -> Colormap:
    """The colours of the map of that name, the same as in its histogram and legend."""
    return layer_colormap(ramp_of(name), f"SEAGULL {name}")


def layer_colormap(stops: Stops, name: str) -> Colormap:
    """Colours of ours as napari takes them."""
    from napari.utils import Colormap

    colors = [[*(channel / 255 for channel in color), 1.0] for _share, color in stops]
    return Colormap(colors, name=name, controls=[share for share, _color in stops])
