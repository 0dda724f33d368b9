"""Gathers what people have labelled: on the table of this window, and in session files of other images."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.safe import Safe
from napari_seagull.controller.tuning_store import TuningFiles, TuningStore
from napari_seagull.layers.images import PixelRequest
from napari_seagull.layers.large import LargeImage
from napari_seagull.safekeeping.labelled import Labelled, labelled, read_labelled, session_files
from napari_seagull.safekeeping.places import Place
from napari_seagull.safekeeping.translating import events_of_table
from napari_seagull.session.records import Plane, Table
from napari_seagull.tasks import Task
from seagull_iqa.domain.annotation import now_utc
from seagull_iqa.errors import ImageError, SeagullError
from seagull_iqa.formats.folding import fold
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

SETTLE_MS = 400
"""Nothing was said for so long before it is gathered."""

MOST_AT_HAND = 64
"""So many images that were looked at in this window are kept; others are read from their files."""

TOO_LARGE = "An image of this size is not learned from yet; only images that are read whole are."
Stamp = tuple[object, ...]


class Gatherer(QObject):
    """Reads on a thread of its own, again only what has changed; tells when everything is gathered."""

    gathered = Signal()

    def __init__(self, desk: Desk, images: ImageWatch, safe: Safe, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images, self._safe = desk, images, safe
        self._store = TuningStore(os.environ)
        self._files = self._store.read()
        self._at_hand: OrderedDict[str, PreparedImage] = OrderedDict()
        self._layers: dict[str, Image] = {}
        self._read: dict[str, tuple[Stamp, Labelled]] = {}
        self._found: tuple[Labelled, ...] = ()
        self._task: Task | None = None
        self._settle = debounce(SETTLE_MS, self._gather, self)
        session = desk.session
        session.regions_changed.connect(self.wake)
        session.preferences_changed.connect(self.wake)
        session.image_changed.connect(self._on_image_changed)
        safe.kept.connect(self._on_kept)
        self._keep_files(safe.side_cars)
        self._on_image_changed()

    def close(self) -> None:
        """Listen no more."""
        self._settle.stop()
        if self._task is not None:
            self._task.drop()
        session = self._desk.session
        session.regions_changed.disconnect(self.wake)
        session.preferences_changed.disconnect(self.wake)
        session.image_changed.disconnect(self._on_image_changed)
        self._safe.kept.disconnect(self._on_kept)

    @property
    def is_idle(self) -> bool:
        """True when nothing is being read."""
        return self._task is None and not self._settle.isActive()

    @property
    def found(self) -> tuple[Labelled, ...]:
        """What there is, this window's first."""
        return self._found

    def wake(self, *_change: object) -> None:
        """Something was said."""
        self._settle.start()

    def add(self, paths: Iterable[Path]) -> None:
        """Learn from these session files too, and from those in these folders."""
        wanted = list(paths)
        self._desk.tasks.start(
            "sessions", lambda _task: session_files(wanted), done=self._on_listed, failed=_told_by(self._desk)
        )

    def leave_out(self, keys: Sequence[str]) -> None:
        """Do not learn from these files any more."""
        self._take(self._files.without(keys))

    def layer_of(self, sha256: str) -> Image | None:
        """The layer in this window that shows that image; None where there is none any more."""
        layer = self._layers.get(sha256)
        return layer if layer is not None and layer in self._desk.viewer.layers else None

    def _on_listed(self, paths: list[Path]) -> None:
        if not paths:
            self._desk.tell("There is no session file (NAME.seagull.json) there. Choose another folder.")
            return
        self._take(self._files.with_files(paths, asked=True))

    def _on_kept(self) -> None:
        self._keep_files(self._safe.side_cars)

    def _keep_files(self, paths: Sequence[Path]) -> None:
        self._take(self._files.with_files([path.absolute() for path in paths], asked=False))

    def _take(self, files: TuningFiles) -> None:
        if files != self._files:
            self._files = files
            if problem := self._store.write(self._files):
                self._desk.tell(problem)
        self.wake()

    def _on_image_changed(self) -> None:
        image, layer = self._desk.session.image, self._images.layer
        if image is not None and layer is not None and not isinstance(image, LargeImage):
            self._at_hand[image.sha256] = image
            self._at_hand.move_to_end(image.sha256)
            self._layers[image.sha256] = layer
            while len(self._at_hand) > MOST_AT_HAND:
                self._at_hand.popitem(last=False)
        self.wake()

    def _gather(self) -> None:
        """Read elsewhere; what changes meanwhile is gathered after that."""
        if self._task is not None:
            self._settle.start()
            return
        here, at_hand, known = self._here(), dict(self._at_hand), dict(self._read)
        table_car = self._safe.side_car if here is not None else None
        paths = [Path(one) for one in self._files.chosen if table_car is None or one != str(table_car.absolute())]
        self._task = self._desk.tasks.start(
            "gather",
            lambda task: _gathered(here, paths, at_hand, known, task),
            done=self._on_gathered,
            failed=self._on_failed,
        )

    def _here(self) -> Callable[[], Labelled] | None:
        """What lies on the table, to be made elsewhere; None where it is of another image, or nothing."""
        table, layer = self._desk.session.table, self._images.layer
        if table.image is None or layer is None or not table.regions or self._safe.holds_another:
            return None
        if isinstance(table.image, LargeImage):
            name = table.layer
            return lambda: Labelled("", name, SessionDocument(), problem=TOO_LARGE)
        requests = dict[Plane, PixelRequest]()
        for plane in {record.plane for record in table.regions.values()}:
            try:
                requests[plane] = self._images.request(layer, plane)
            except SeagullError:
                continue  # a plane that cannot be read has no pixels to learn from, and is told as such
        path = str(layer.source.path or "")
        return lambda: _of_table(table, path, requests)

    def _on_gathered(self, made: tuple[tuple[Labelled, ...], dict[str, tuple[Stamp, Labelled]]]) -> None:
        self._task = None
        self._found, self._read = made
        self.gathered.emit()

    def _on_failed(self, error: SeagullError) -> None:
        self._task = None
        self._desk.tell(str(error))


def _told_by(desk: Desk) -> Callable[[SeagullError], None]:
    return lambda error: desk.tell(str(error))


def _of_table(table: Table, path: str, requests: dict[Plane, PixelRequest]) -> Labelled:
    """On a worker thread."""
    document = fold(events_of_table(table, path, now_utc()))
    if document.image is not None:
        document = replace(document, image=replace(document.image, name=table.layer))
    shown = table.image

    def at_hand(_sha256: str, plane: Plane) -> PreparedImage | None:
        return shown if shown is not None and shown.pixels.plane == plane else None

    def read(plane: Plane) -> PreparedImage:
        if plane not in requests:
            raise ImageError("A plane with labels cannot be read.", "Go to that plane, and wait until it is scored.")
        return requests[plane].prepare()

    return labelled("", document, at_hand, read)


def _gathered(
    here: Callable[[], Labelled] | None,
    paths: Sequence[Path],
    at_hand: dict[str, PreparedImage],
    known: dict[str, tuple[Stamp, Labelled]],
    task: Task,
) -> tuple[tuple[Labelled, ...], dict[str, tuple[Stamp, Labelled]]]:
    """On a worker thread: everything, and what was read of files for the next time."""
    found = [] if here is None else [here()]
    read: dict[str, tuple[Stamp, Labelled]] = {}
    for path in paths:
        task.report(None)
        stamp = (_stamp(path), frozenset(at_hand))
        kept = known.get(str(path))
        if kept is None or kept[0][0] != stamp[0] or (kept[1].problem and kept[0] != stamp):
            kept = (stamp, read_labelled(path, lambda sha256, _plane: at_hand.get(sha256)))
        read[str(path)] = kept
        if kept[1].document is None or kept[1].document.regions or kept[1].problem:
            found.append(kept[1])
    return tuple(found), read


def _stamp(path: Path) -> tuple[object, ...]:
    """What changes when a session is written."""
    place, said = Place(path), list[object]()
    for one in (place.side_car, place.journal):
        try:
            status = one.stat()
        except OSError:
            said.append(None)
        else:
            said.append((status.st_mtime_ns, status.st_size))
    return tuple(said)
