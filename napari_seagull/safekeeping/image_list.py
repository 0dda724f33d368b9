"""A folder of images as a list to work through: what is known of each, and which of them were reviewed.

What was reviewed lies in one readable file in the folder, `seagull-images.json`; of a folder that cannot be written,
among our own. Regions and labels come from the sessions of the images, scores also from the list's own table.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_seagull.safekeeping.places import Origin, Places
from seagull_iqa.domain.annotation import now_utc
from seagull_iqa.errors import SeagullError
from seagull_iqa.folder.listing import images_in
from seagull_iqa.formats.journal import recover
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.formats.tables import csv_rows
from seagull_iqa.imaging.saving import save_text

FORMAT, VERSION = "seagull-images", 1
REVIEW_FILE, TABLE_FILE = "seagull-images.json", "seagull-scores.csv"


@dataclass(frozen=True)
class ListedImage:
    """What is known of one image of the list.

    Attributes
    ----------
    path : Path
    regions, labels : int
        Regions in its session, and how many of them somebody has labelled.
    quality : float or None
        0..100: the mean of its regions' scores, else that of the table; None where it has none.
    reviewed : bool
    problem : str
        One sentence where its session cannot be read.
    """

    path: Path
    regions: int = 0
    labels: int = 0
    quality: float | None = None
    reviewed: bool = False
    problem: str = ""


class ImageList:
    """The list of one folder; reads files, so on a thread of its own.

    Attributes
    ----------
    folder : Path
    images : tuple of Path
        By name.
    """

    def __init__(self, folder: Path, places: Places, *, recursive: bool = False) -> None:
        self.folder, self._places = folder, places
        self.images = tuple(images_in(folder, recursive=recursive))

    @property
    def table(self) -> Path:
        """Where the scores of all images are written."""
        return self._own_folder() / TABLE_FILE

    def read(self) -> list[ListedImage]:
        """What is known of every image."""
        reviewed, scores = self._reviewed(), table_scores(self.table)
        return [self._listed(path, reviewed, scores) for path in self.images]

    def read_one(self, path: Path) -> ListedImage:
        """What is known of one of them by now."""
        return self._listed(path, self._reviewed(), table_scores(self.table))

    def review(self, path: Path, *, done: bool, by: str = "") -> None:
        """Keep that an image was reviewed, or is to be looked at again.

        Raises
        ------
        SeagullError
            The file cannot be written.
        """
        known = dict(self._reviewed())
        known.pop(self._name(path), None)
        if done:
            known[self._name(path)] = {"by": by, "time": now_utc()}
        values = {"format": FORMAT, "version": VERSION, "reviewed": dict(sorted(known.items()))}
        save_text(self._own_folder() / REVIEW_FILE, json.dumps(values, indent=1, ensure_ascii=False) + "\n")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _own_folder(self) -> Path:
        if self._places.beside is not False and os.access(self.folder, os.W_OK | os.X_OK):
            return self.folder
        digest = hashlib.sha256(str(self.folder.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
        return self._places.folder / f"{self.folder.name[:60]}-{digest[:12]}"

    def _reviewed(self) -> Mapping[str, object]:
        """Name -> who and when; {} where nothing can be read."""
        with suppress(OSError, ValueError):
            said = json.loads((self._own_folder() / REVIEW_FILE).read_text(encoding="utf-8"))
            if isinstance(said, dict) and isinstance(said.get("reviewed"), dict):
                return dict(said["reviewed"])
        return {}

    def _listed(self, path: Path, reviewed: Mapping[str, object], scores: Mapping[str, float]) -> ListedImage:
        done = self._name(path) in reviewed
        place = self._places.place_of(Origin(str(path), sample=False, sha256=""))
        try:
            document = recover(place.side_car, place.journal).document if place.exists else None
        except SeagullError as error:
            return ListedImage(path, reviewed=done, problem=str(error))
        if document is None or not document.regions:
            return ListedImage(path, quality=scores.get(str(path)), reviewed=done)
        labels = sum(any(not one.says_nothing for one in document.counting(region.id)) for region in document.regions)
        quality = _mean(document)
        return ListedImage(path, len(document.regions), labels, quality, done)


def table_scores(table: Path) -> dict[str, float]:
    """Image -> mean quality of its rows; {} where there is no such table."""
    try:
        rows: Sequence[Mapping[str, str]] = csv_rows(table) if table.is_file() else ()
    except SeagullError:
        return {}
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        with suppress(ValueError, KeyError):
            quality = float(row["quality"])
            found[row["image"]].append(quality)
    return {image: statistics.fmean(values) for image, values in found.items()}


def _mean(document: SessionDocument) -> float | None:
    scores = [one.report.quality for one in document.reports if one.report.quality is not None]
    return statistics.fmean(scores) if scores else None
