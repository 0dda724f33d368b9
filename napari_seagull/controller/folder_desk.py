"""Serves the panel "Images": lists a folder, opens its images one by one, and scores all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QImage, QKeySequence
from qtpy.QtWidgets import QShortcut

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.folder_opening import Opener
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.safe import Safe
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.safekeeping.image_list import ImageList, ListedImage
from napari_seagull.safekeeping.places import Places
from napari_seagull.tasks import Task
from napari_seagull.views.folder_panel import FolderPanel
from napari_seagull.views.folder_rows import ImageRow, Review
from napari_seagull.views.folder_table import ICON
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import BackendError, JobCancelledError, SeagullError
from seagull_iqa.folder.scoring import score_folder
from seagull_iqa.folder.summary import FolderSummary
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.imaging.thumbnails import thumbnail

TOGETHER = 8
"""So many small pictures are made in one go; those that were wished last come first."""

GATHER_MS, LATER_MS = 30, 800
KEYS = (("Alt+Right", 1), ("Alt+Left", -1))


class FolderDesk(QObject):
    """Reads and scores on threads of their own."""

    def __init__(
        self, desk: Desk, images: ImageWatch, safe: Safe, backend: BackendDesk, verdicts: Verdicts, panel: FolderPanel
    ) -> None:
        super().__init__(panel)
        self._desk, self._safe, self._backend, self._verdicts, self._panel = desk, safe, backend, verdicts, panel
        self._opener = Opener(desk, images, safe, self)
        self._list: ImageList | None = None
        self._scoring: Task | None = None
        self._wished: list[Path] = []
        self._drawing = self._closed = False
        self._pictures = debounce(GATHER_MS, self._draw, self)
        self._look_again = debounce(LATER_MS, self._reread, self)
        panel.folder_wished.connect(self.choose)
        panel.table.open_wished.connect(self.open)
        panel.table.images.picture_wished.connect(self._on_picture_wished)
        panel.review_wished.connect(self.review)
        panel.step_wished.connect(self.step)
        panel.score_wished.connect(self.score_all)
        panel.stop_wished.connect(self._on_stop_wished)
        panel.closed.connect(self.close)
        desk.session.regions_changed.connect(self._on_regions_changed)
        self._bind()

    def _bind(self) -> None:
        """Keys in the whole window, as long as the panel is open."""
        for keys, step in KEYS:
            shortcut = QShortcut(QKeySequence(keys), self._panel)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(lambda step=step: self.step(step))
        done = QShortcut(QKeySequence("Alt+R"), self._panel)
        done.setContext(Qt.ShortcutContext.WindowShortcut)
        done.activated.connect(self._on_done_key)

    @property
    def is_idle(self) -> bool:
        """True when nothing is read, drawn or scored."""
        timers = self._pictures.isActive() or self._look_again.isActive()
        return not (timers or self._drawing or self._scoring is not None or self._opener.reading is not None)

    def close(self) -> None:
        """Listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        self._pictures.stop()
        self._look_again.stop()
        self._opener.close()
        if self._scoring is not None:
            self._scoring.drop()
        self._desk.session.regions_changed.disconnect(self._on_regions_changed)

    def choose(self, folder: Path, deeper: bool = False) -> None:
        """List the images of a folder."""
        places = Places.of_user(os.environ)

        def read() -> tuple[ImageList, list[ListedImage]]:
            made = ImageList(folder, places, recursive=deeper)
            return made, made.read()

        self._desk.tasks.start(
            "folder",
            lambda _task: read(),
            done=lambda found: self._on_listed(*found),
            failed=lambda error: self._panel.status.show_problem(str(error)),
        )

    def _on_listed(self, found: ImageList, listed: Sequence[ListedImage]) -> None:
        if self._closed:
            return
        self._list = found
        self._panel.status.clear()
        self._panel.show_folder(found.folder)
        self._panel.show_rows([self._row(one) for one in listed])
        present = self._opener.present
        if present is not None:
            self._panel.table.choose(present)

    def open(self, path: Path) -> None:
        """Look at an image of the list, with its regions."""
        former = self._opener.present
        self._panel.table.choose(path)

        def then() -> None:
            for one in (former, path):
                self._look_at(one)
            paths = self._panel.table.paths()
            after = paths.index(path) + 1 if path in paths else len(paths)
            if after < len(paths):
                self._opener.read_ahead(paths[after])

        self._opener.open(path, then)

    def step(self, by: int) -> None:
        """Go to the next image of the list as it is sorted, or to the one before."""
        paths, here = self._panel.table.paths(), self._opener.reading or self._opener.present
        if not paths:
            return
        at = paths.index(here) + by if here in paths else 0
        if 0 <= at < len(paths):
            self.open(paths[at])
        else:
            self._panel.status.show_note("This is the last image." if by > 0 else "This is the first image.")

    def review(self, path: Path) -> None:
        """Say that an image was reviewed, or is to be looked at again."""
        known = self._list
        row = next((one for one in self._panel.table.images.rows if one.path == path), None)
        if known is None or row is None:
            return
        done, by = row.review is not Review.DONE, self._verdicts.author
        self._desk.tasks.start(
            "review",
            lambda _task: known.review(path, done=done, by=by),
            done=lambda _nothing: self._look_at(path),
            failed=lambda error: self._panel.status.show_problem(str(error)),
        )

    def _on_done_key(self) -> None:
        path = self._opener.present
        if path is not None:
            self.review(path)

    def _on_regions_changed(self, _ids: object) -> None:
        if self._list is not None:
            self._look_again.start()

    def _reread(self) -> None:
        """The side-car of the present image was written meanwhile."""
        if not self._safe.is_written:
            self._look_again.start()
        else:
            self._look_at(self._opener.present)

    def _look_at(self, path: Path | None) -> None:
        """Read again what is known of one image."""
        known = self._list
        if known is None or path is None or path not in known.images:
            return
        self._desk.tasks.start(
            "listed",
            lambda _task: known.read_one(path),
            done=lambda one: None if self._closed else self._panel.show_row(self._row(one)),
            failed=lambda _error: None,
        )

    def _row(self, one: ListedImage) -> ImageRow:
        review = Review.DONE if one.reviewed else Review.WORK if one.regions else Review.NEW
        name = one.path.name if self._list is None else one.path.relative_to(self._list.folder).as_posix()
        return ImageRow(one.path, name, review, one.regions, one.labels, one.quality, one.problem)

    def _on_picture_wished(self, path: Path) -> None:
        self._wished.append(path)
        if not self._drawing:
            self._pictures.start()

    def _draw(self) -> None:
        """Make the small pictures that were wished last."""
        some, self._wished = self._wished[-TOGETHER:], self._wished[:-TOGETHER]
        if not some or self._closed:
            return
        self._drawing = True

        def work(task: Task) -> None:
            for path in reversed(some):
                made = thumbnail(path, 2 * ICON)
                if made is not None:
                    task.report((path, made))

        self._desk.tasks.start(
            "thumbnails",
            work,
            done=self._on_drawn,
            failed=self._on_drawn,
            progressed=self._on_picture,
        )

    def _on_picture(self, news: tuple[Path, NDArray[np.uint8]]) -> None:
        path, rgb = news
        height, width = rgb.shape[:2]
        made = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self._panel.table.images.show_picture(path, made)

    def _on_drawn(self, _outcome: object) -> None:
        self._drawing = False
        self._draw()

    def score_all(self) -> None:
        """Score every image into the table of the list; what was scored before is not scored again."""
        known, client = self._list, self._backend.client
        if known is None or self._scoring is not None:
            return
        if client is None:
            self._panel.status.show_problem(NOT_READY)
            return
        model = self._backend.model
        self._panel.status.clear()
        self._panel.show_progress(Progress(0, len(known.images), ""))
        self._scoring = self._desk.tasks.start(
            "folder scores",
            lambda task: _scored(known, client, model, task),
            done=self._on_scored,
            failed=self._on_not_scored,
            progressed=self._on_scoring,
        )

    def _on_stop_wished(self) -> None:
        if self._scoring is not None:
            self._scoring.stop()

    def _on_scoring(self, news: Progress | tuple[str, float]) -> None:
        if isinstance(news, Progress):
            self._panel.show_progress(news)
            return
        called = [row for row in self._panel.table.images.rows if row.path.name == news[0]]
        if len(called) == 1 and not called[0].regions:
            self._panel.show_row(replace(called[0], quality=news[1]))

    def _on_scored(self, summary: FolderSummary) -> None:
        self._scoring = None
        self._panel.show_progress(None)
        failed = f" {summary.failed} could not be scored; the table says why." if summary.failed else ""
        table = "" if self._list is None else str(self._list.table)
        self._panel.status.show_note(f"Written: {table}.{failed}")
        self._read_all()

    def _read_all(self) -> None:
        known = self._list
        if known is not None:
            self._desk.tasks.start(
                "folder", lambda _task: known.read(), done=self._on_read, failed=lambda _error: None
            )

    def _on_read(self, listed: Sequence[ListedImage]) -> None:
        for one in listed if not self._closed else ():
            self._panel.show_row(self._row(one))

    def _on_not_scored(self, error: SeagullError) -> None:
        self._scoring = None
        self._panel.show_progress(None)
        if isinstance(error, JobCancelledError):
            self._panel.status.show_note("Stopped. “Score all” goes on from here.")
            self._read_all()
        else:
            self._panel.status.show_problem(str(error))
        if isinstance(error, BackendError):
            self._backend.look_again()


def _scored(known: ImageList, client: Client, model: str, task: Task) -> FolderSummary:
    """On a worker thread."""

    def score(image: PreparedImage, regions: Sequence[Region]) -> list[QualityReport]:
        reply = client.assess(image, regions, on_reports=lambda _reports: task.report(()) if task.is_stopped else None)
        for error in reply.errors.values():
            raise error
        scores = [report.quality for report in reply.reports if report.quality is not None]
        if scores:
            task.report((image.name, sum(scores) / len(scores)))
        return list(reply.reports)

    return score_folder(known.images, known.table, score, settings={"model": model}, progress=task.report)
