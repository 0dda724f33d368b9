"""Regions out of the files of other programs, onto the table in one step that undo takes back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_seagull.controller.canvas import Canvas
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.segments_layer import SEGMENTS_NAME
from napari_seagull.safekeeping.translating import image_of, recall_of
from napari_seagull.session.commands import Change, Recall, SelectRegions
from napari_seagull.session.records import ImageFacts, LabelSource, Plane, RegionRecord, SegmentSource, ShapeSource
from napari_seagull.views.sizes import counted
from seagull_iqa.domain.annotation import Preference
from seagull_iqa.domain.region import new_region_id
from seagull_iqa.errors import RegionError, SeagullError
from seagull_iqa.formats.catalogue import import_from
from seagull_iqa.formats.session_document import SessionDocument, SessionImage

FILES = "Regions (*.json *.geojson *.zip *.roi *.csv *.parquet *.txt *.tif *.tiff *.png);;All files (*)"
NO_IMAGE = "Open the image first that these regions are about."


@dataclass(frozen=True)
class Taken:
    """What a file gives to the table.

    Attributes
    ----------
    command : Recall
    here : int
        Regions of the file that lie on the table already.
    """

    command: Recall
    here: int = 0


class Importer(QObject):
    """Asks for a file, reads it on a thread of its own, and puts its regions on the table and on the canvas."""

    def __init__(self, desk: Desk, images: ImageWatch, canvas: Canvas, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._images, self._canvas, self._window = desk, images, canvas, window

    def ask_file(self) -> None:
        """Let the person choose a file."""
        name, _kind = QFileDialog.getOpenFileName(self._window, "Take regions in from a file", "", FILES)
        if name:
            self.take_in(Path(name))

    def ask_folder(self) -> None:
        """Let the person choose a folder with an OME-Zarr."""
        name = QFileDialog.getExistingDirectory(self._window, "Take regions in from an OME-Zarr")
        if name:
            self.take_in(Path(name))

    def take_in(self, path: Path) -> None:
        """Take in what a file holds; nothing changes where it cannot be read or is about another image."""
        image = self._desk.session.image
        if image is None:
            self._desk.tell(NO_IMAGE)
            return
        layer = self._images.layer
        facts = image_of(ImageFacts(image.sha256, image.shape, image.name, "", image.pixels))
        self._desk.tasks.start(
            "import",
            lambda _task: import_from(path, facts),
            done=lambda made: self._on_read(path.name, made[0], made[1], facts, here=self._images.layer is layer),
            failed=lambda error: self._desk.tell(str(error)),
        )

    def _on_read(
        self, name: str, document: SessionDocument, notes: tuple[str, ...], facts: SessionImage, *, here: bool
    ) -> None:
        session = self._desk.session
        if not here or session.image is None or session.image.shape != facts.shape:
            self._desk.tell("Another image was opened meanwhile, so nothing was taken in. Open the first one again.")
            return
        try:
            taken = taken_from(document, session.regions, facts.pixels.plane)
            if taken.command.records:
                session.do_all([taken.command])
        except SeagullError as error:
            self._desk.tell(str(error))
            return
        back = [session.regions[record.id] for record in taken.command.records]
        self._canvas.follow([Change(None, record) for record in back])
        if back:
            session.do(SelectRegions((back[0].id,)))
        said = [f"{counted(len(back), 'region')} taken in from {name}."]
        if taken.here:
            said.append(f"{counted(taken.here, 'region')} of it {'was' if taken.here == 1 else 'were'} here already.")
        self._desk.note(" ".join([*said, *notes]))


def taken_from(document: SessionDocument, known: Mapping[str, RegionRecord], plane: Plane) -> Taken:
    """What of a file comes onto the table.

    A region without a plane lies on the one that is shown; one that is there with the same pixels is left out; one
    whose id another region has gets an id of its own. Only drawn outlines come back as such; all else as masks.

    Raises
    ------
    RegionError
        The file is about an image with another number of axes.
    """
    command = recall_of(document)
    renamed: dict[str, str] = {}
    records, here = list[RegionRecord](), 0
    for record in command.records:
        if record.plane and len(record.plane) != len(plane):
            raise RegionError(
                f"The file is about a stack of {len(record.plane)} leading axes, this image has {len(plane)}.",
                "Open the image that these regions were made on.",
            )
        placed = _placed(record, record.plane or plane)
        if (there := known.get(record.id)) is not None:
            if there.geometry == placed.geometry and there.plane == placed.plane:
                here += 1
                continue
            renamed[record.id] = new_region_id()
            placed = _named_anew(placed, renamed[record.id])
        records.append(placed)
    there_then = {record.id for record in records} | set(known)
    preferences = tuple(
        replace(one, better=renamed.get(one.better, one.better), worse=renamed.get(one.worse, one.worse))
        for one in command.preferences
    )
    return Taken(Recall(tuple(records), _about(preferences, there_then)), here)


def _placed(record: RegionRecord, plane: Plane) -> RegionRecord:
    source = record.source
    drawn = isinstance(source, ShapeSource) and source.vertices and len(source.vertices[0]) == len(plane) + 2
    if not drawn or isinstance(source, LabelSource):
        source = SegmentSource(SEGMENTS_NAME)
    return replace(record, plane=plane, source=source)


def _named_anew(record: RegionRecord, region: str) -> RegionRecord:
    """A copy of a region under another id, with all that is said of it."""
    return replace(
        record,
        region=replace(record.region, id=region),
        report=None if record.report is None else replace(record.report, region=region),
        answered=None if record.answered is None else replace(record.answered, region=region),
        annotations=tuple(replace(one, region=region, id=new_region_id()) for one in record.annotations),
    )


def _about(preferences: tuple[Preference, ...], ids: Collection[str]) -> tuple[Preference, ...]:
    return tuple(one for one in preferences if one.better in ids and one.worse in ids)
