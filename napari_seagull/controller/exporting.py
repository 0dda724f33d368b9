"""What lies on the table, written for other programs: asked in a window, done on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_seagull.controller.desk import Desk, file_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.layers.large import LargeImage
from napari_seagull.safekeeping.translating import events_of_table
from napari_seagull.session.records import Table
from napari_seagull.views.export_dialog import ExportDialog, FormatRow
from seagull_iqa.domain.annotation import now_utc
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.catalogue import FORMATS, Format, export_to
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.folding import fold
from seagull_iqa.formats.session_document import SessionDocument

NO_REGIONS = "There is nothing to export yet. Draw or find a region first."
NO_MAPS = "There is no map yet. Press “Show map” first."
TOO_LARGE = "This image is read in parts only, and the format holds the whole of it. Choose another one."


class Exporter(QObject):
    """Asks in a window of its own, and writes; one at a time."""

    def __init__(self, desk: Desk, images: ImageWatch, window: QWidget, author: Callable[[], str]) -> None:
        super().__init__(window)
        self._desk, self._images, self._window, self._author = desk, images, window, author
        self._busy = False
        self.dialog: ExportDialog | None = None

    def ask(self) -> None:
        """Open the window, or bring it to the front."""
        session = self._desk.session
        if not session.regions:
            self._desk.note(NO_REGIONS)
            return
        if self.dialog is None:
            self.dialog = ExportDialog(self._window)
            self.dialog.destroyed.connect(self._on_closed)
            self.dialog.export_wished.connect(self._on_export_wished)
            count, chosen = len(session.regions), sum(key in session.regions for key in session.selection)
            self.dialog.offer(self.rows(), self._base(), regions=count, selected=chosen)
        self.dialog.show()
        self.dialog.raise_()

    def close(self) -> None:
        """Put the window away."""
        if self.dialog is not None:
            self.dialog.close()

    def rows(self) -> list[FormatRow]:
        """Every format that is written, with what it lacks at present."""
        return [
            FormatRow(one.name, one.title, one.suffix, one.carries, one.read_by, self._problem(one))
            for one in FORMATS.values() if one.writer is not None
        ]  # fmt: skip

    def document(self) -> SessionDocument:
        """All that is known of the image on the table."""
        return _document(self._desk.session.table, self._source(), self._author())

    def export(self, name: str, path: Path, ids: Collection[str] | None = None) -> None:
        """Write the regions of those ids, or all of them; what comes of it is said in the window."""
        session, source, author = self._desk.session, self._source(), self._author()
        table, image, maps = session.table, session.image, dict(session.maps)
        pixels = None if isinstance(image, LargeImage) else image

        def write() -> list[Path]:
            document = _document(table, source, author)
            return export_to(path, Export(document if ids is None else only(document, ids), pixels, maps), name)

        self._busy = True
        if self.dialog is not None:
            self.dialog.show_busy()
        self._desk.tasks.start("export", lambda _task: write(), done=self._on_written, failed=self._on_failed)

    def _source(self) -> str:
        return "" if self._images.layer is None else file_of(self._images.layer)

    def _problem(self, one: Format) -> str:
        if one.wants_maps and not self._desk.session.maps:
            return NO_MAPS
        large = isinstance(self._desk.session.image, LargeImage)
        return TOO_LARGE if large and (one.wants_image or one.wants_maps) else ""

    def _base(self) -> Path:
        """Beside the image, under its name; in the person's own folder where it has no file."""
        layer, path = self._images.layer, Path(self._source())
        called = "image" if layer is None else str(layer.name)
        name = "".join(letter if letter.isalnum() or letter in " ._-()" else "_" for letter in called)
        folder = path.parent if path.is_file() else Path.home()
        return folder / name

    def _on_export_wished(self, name: str, path: str, only_selected: bool) -> None:
        session = self._desk.session
        wanted = [key for key in (session.selection if only_selected else session.regions) if key in session.regions]
        if not wanted:
            self._say("No region is selected any more; nothing was written." if only_selected else NO_REGIONS)
        elif not self._busy:
            self.export(name, Path(path).expanduser(), wanted if only_selected else None)

    def _on_written(self, made: list[Path]) -> None:
        self._busy = False
        self._say(f"Written: {', '.join(str(path) for path in made)}.")

    def _on_failed(self, error: SeagullError) -> None:
        self._busy = False
        self._say(str(error))

    def _say(self, words: str) -> None:
        if self.dialog is not None:
            self.dialog.show_result(words)
        else:
            self._desk.note(words)

    def _on_closed(self) -> None:
        self.dialog = None


def _document(table: Table, source: str, author: str) -> SessionDocument:
    return replace(fold(events_of_table(table, source, now_utc())), annotator=author)


def only(document: SessionDocument, ids: Collection[str]) -> SessionDocument:
    """The same session with these regions alone, and all that is said of them."""
    return replace(
        document,
        regions=tuple(one for one in document.regions if one.id in ids),
        reports=tuple(one for one in document.reports if one.report.region in ids),
        annotations=tuple(one for one in document.annotations if one.region in ids),
        preferences=tuple(one for one in document.preferences if one.better in ids and one.worse in ids),
    )
