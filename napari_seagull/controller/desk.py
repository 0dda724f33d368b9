"""What every part of the controller works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_seagull.safekeeping.places import Origin
from napari_seagull.session.session import Session
from napari_seagull.tasks import Tasks
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

ROLE_KEY = "seagull"
"""Our layers say what they are under this key of `layer.metadata`."""

REGIONS, PAINTED, MAP = "regions", "painted", "map"
SEGMENTS, PROMPTS, PREVIEW = "segments", "prompts", "preview"
"""What a layer of ours can be."""


@dataclass(frozen=True)
class Desk:
    """What every part of the controller works with.

    Attributes
    ----------
    viewer : napari ViewerModel
        Layers and sliders.
    session : Session
        What the user has on the table.
    tasks : Tasks
        The door to other threads.
    tell : callable
        Shows one sentence to the user: a problem, and what to do.
    note : callable
        Shows one sentence to the user that is no problem.
    """

    viewer: ViewerModel
    session: Session
    tasks: Tasks
    tell: Callable[[str], None]
    note: Callable[[str], None]


def role_of(layer: Layer) -> str:
    """What a layer is to us: "regions", "painted", "map", or "" for a layer of somebody else."""
    mark = layer.metadata.get(ROLE_KEY)
    if not isinstance(mark, dict):
        return ""
    return MAP if "map" in mark else str(mark.get("role", ""))


def file_of(layer: Layer) -> str:
    """The file of an image, as napari knows it, or as our reader said; "" where it has none."""
    mark = layer.metadata.get(ROLE_KEY)
    said = mark.get("file", "") if isinstance(mark, dict) else ""
    return str(said or layer.source.path or "")


def origin_of(layer: Layer, image: PreparedImage) -> Origin:
    """Where a layer came from."""
    return Origin(file_of(layer), layer.source.sample is not None, image.sha256)


def left_over(viewer: ViewerModel, role: str) -> Any:  # noqa: ANN401
    """The layer with that role that an earlier panel has left in the viewer; None where there is none."""
    return next((layer for layer in viewer.layers if role_of(layer) == role), None)


def debounce(wait_ms: int, call: Callable[[], None], parent: Any) -> QTimer:  # noqa: ANN401
    """A timer that calls once, that many ms after its last `start()`."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(wait_ms)
    timer.timeout.connect(call)
    return timer
