"""Both ways between the table and the files of other programs."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QWidget

from napari_seagull.controller.canvas import Canvas
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.exporting import Exporter
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.importing import Importer


class Exchange:
    """Writes what lies on the table, and takes regions in.

    Attributes
    ----------
    exporter : Exporter
    importer : Importer
    """

    def __init__(
        self, desk: Desk, images: ImageWatch, canvas: Canvas, window: QWidget, author: Callable[[], str]
    ) -> None:
        self.exporter = Exporter(desk, images, window, author)
        self.importer = Importer(desk, images, canvas, window)

    def close(self) -> None:
        """Put the windows away."""
        self.exporter.close()
