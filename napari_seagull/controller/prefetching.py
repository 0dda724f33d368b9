"""The next image of the viewer, looked at by the engine while nobody waits, so that its first click is quick too."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.images import ImageWatch
from napari_seagull.layers.images import displayed_plane
from napari_seagull.layers.windows import is_large
from napari_seagull.tasks import Task
from seagull_iqa.errors import SeagullError

QUIET_MS = 1500
"""Nobody has asked for anything for so long."""


class Prefetcher(QObject):
    """Looks one image ahead; large ones are left alone, since nobody knows where they will be clicked."""

    def __init__(self, desk: Desk, images: ImageWatch, backend: BackendDesk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images, self._backend = desk, images, backend
        self._seen: set[int] = set()
        self._task: Task | None = None
        self._quiet = debounce(QUIET_MS, self._begin, self)

    @property
    def is_idle(self) -> bool:
        """True when no image is looked at ahead."""
        return self._task is None

    def wake(self) -> None:
        """The image in hand has been looked at: the next one may follow."""
        self._quiet.start()

    def forget_looks(self) -> None:
        """Another engine answers, or what was kept is gone."""
        self._seen.clear()

    def close(self) -> None:
        """Look at nothing any more."""
        self._quiet.stop()
        if self._task is not None:
            self._task.drop()
            self._task = None

    def _begin(self) -> None:
        client, following = self._backend.client, self._images.following
        if client is None or following is None or self._task is not None or id(following) in self._seen:
            return
        self._seen.add(id(following))
        if is_large(following):
            return
        try:
            request = self._images.request(following, displayed_plane(following, self._desk.viewer.dims))
        except SeagullError:
            return
        self._task = self._desk.tasks.start(
            "prefetch",
            lambda task: client.segmenting.prepare(request.prepare(), progress=task.report),
            done=self._on_end,
            failed=self._on_end,  # nobody asked for it, so nobody is told
        )

    def _on_end(self, _outcome: object) -> None:
        self._task = None
