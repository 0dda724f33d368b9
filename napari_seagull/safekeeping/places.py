"""Where the session of an image lies: beside it where that can be, else in a folder of ours."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

from platformdirs import user_data_path

from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.journal import SUFFIX as JOURNAL_SUFFIX
from seagull_iqa.formats.session_file import SUFFIX
from seagull_iqa.imaging.saving import save_text

FOLDER_VARIABLE = "SEAGULL_SESSIONS"
LOCK_SUFFIX = ".seagull.lock"
CHOICE_FILE, KNOWN_FOLDER = "choice.json", "known"
MOST_KNOWN = 10_000
"""So many images are remembered by what they show; those that were not met for longest go first."""


class Why(StrEnum):
    """Why a session lies where it lies, as the end of a sentence."""

    BESIDE = "beside the image"
    CHOSEN = "in your own folder, as you chose"
    READ_ONLY = "in your own folder, since the image's folder cannot be written"
    SAMPLE = "in your own folder, since this is a sample image"
    REMOTE = "in your own folder, since the image comes from the network"
    NO_FILE = "in your own folder, since the image comes from no file"


@dataclass(frozen=True)
class Origin:
    """Where an image came from.

    Attributes
    ----------
    path : str
        Of its file, or its address; "" for an array.
    sample : bool
        It came with a program.
    sha256 : str
        `PreparedImage.sha256` of the plane first shown.
    """

    path: str
    sample: bool
    sha256: str

    @property
    def file(self) -> Path | None:
        """Its file on this machine; None where it has none."""
        if not self.path or "://" in self.path or self.sample:
            return None
        return Path(self.path)

    def same_as(self, other: Origin) -> bool:
        """Whether both are the same image: by their file, or by what they show where they have none."""
        return self.file == other.file if self.file is not None else self.sha256 == other.sha256


@dataclass(frozen=True)
class Place:
    """The files of one session."""

    side_car: Path
    why: Why = Why.BESIDE

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return self.side_car.name.removesuffix(SUFFIX)

    @property
    def journal(self) -> Path:
        """What happened since the side-car was written."""
        return self.side_car.with_name(self.stem + JOURNAL_SUFFIX)

    @property
    def lock(self) -> Path:
        """Who writes them."""
        return self.side_car.with_name(self.stem + LOCK_SUFFIX)

    @property
    def exists(self) -> bool:
        """There is a session already."""
        return self.side_car.exists() or self.journal.exists()

    def numbered(self) -> Iterator[Place]:
        """Places beside this one: NAME.2, NAME.3, ..."""
        for number in count(2):
            yield Place(self.side_car.with_name(f"{self.stem}.{number}{SUFFIX}"), self.why)


class Places:
    """Decides where sessions lie, and remembers where one lay, should its image be moved.

    Parameters
    ----------
    folder : Path
        Ours, for images that have no folder of their own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Places:
        """In the folder of the environment's SEAGULL_SESSIONS, else where programs keep data on this system."""
        named = environ.get(FOLDER_VARIABLE)
        default = user_data_path("napari-seagull", appauthor=False) / "sessions"
        return cls(Path(named).expanduser() if named else default)

    @property
    def beside(self) -> bool | None:
        """Whether files may lie beside images; None where nobody was asked yet."""
        try:
            said = json.loads((self.folder / CHOICE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return bool(said.get("beside", True)) if isinstance(said, dict) else None

    def choose(self, *, beside: bool) -> None:
        """Keep the answer; `SeagullError` where it cannot be kept."""
        save_text(self.folder / CHOICE_FILE, json.dumps({"beside": beside}) + "\n")

    def place_of(self, origin: Origin) -> Place:
        """Where the session of an image lies, or would lie."""
        file = origin.file
        if file is not None and self.beside is not False and _is_writable(file.parent):
            return Place(file.with_name(file.name + SUFFIX), Why.BESIDE)
        return Place(self.folder / f"{self._own_name(origin)}{SUFFIX}", self._reason(origin))

    def own_place_of(self, origin: Origin) -> Place:
        """Where it lies if its image's folder turns out to be read-only."""
        return Place(self.folder / f"{self._own_name(origin)}{SUFFIX}", Why.READ_ONLY)

    def _own_name(self, origin: Origin) -> str:
        """By the path of its file, whose planes are many; by what it shows where it has none."""
        file = origin.file
        if file is None:
            return origin.sha256[:24]
        digest = hashlib.sha256(str(file.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
        return f"{file.name[:60]}-{digest[:12]}"

    def _reason(self, origin: Origin) -> Why:
        if origin.sample:
            return Why.SAMPLE
        if origin.file is None:
            return Why.REMOTE if origin.path else Why.NO_FILE
        return Why.CHOSEN if self.beside is False else Why.READ_ONLY

    def remember(self, sha256: str, place: Place) -> None:
        """Keep where the session of what an image shows lies; what cannot be kept is not worth a word."""
        try:
            save_text(self.folder / KNOWN_FOLDER / f"{sha256[:24]}.txt", str(place.side_car.absolute()))
            _keep_newest(self.folder / KNOWN_FOLDER, MOST_KNOWN)
        except (SeagullError, OSError):
            return

    def remembered(self, sha256: str) -> Place | None:
        """Where a session of an image that shows the same lies; None where there is none any more."""
        note = self.folder / KNOWN_FOLDER / f"{sha256[:24]}.txt"
        try:
            said = note.read_text(encoding="utf-8").strip()
            os.utime(note)  # met again, so that it stays
        except (OSError, UnicodeDecodeError):
            return None
        place = Place(Path(said))
        return place if said.endswith(SUFFIX) and place.exists else None


def _keep_newest(folder: Path, most: int) -> None:
    """Delete the oldest files of a folder where there are more; a tenth too many, so that it is seldom done."""
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.is_file()]
    if len(files) > most:
        oldest = sorted(files, key=lambda entry: entry.stat().st_mtime)
        for entry in oldest[: len(files) - most + most // 10]:
            Path(entry.path).unlink(missing_ok=True)


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
