"""Bring one file here: go on from what is there already, hash it on the way, and keep nothing that is wrong."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from seagull_iqa.errors import CheckpointError, ModelError
from seagull_iqa.hub.manifest import FileEntry
from seagull_iqa.hub.routes import Hub, HubFile, HubLostError

PART = ".part"
WRONG = ".wrong"
_CHUNK = 2**20
_TRIES = 5
_PAUSE_S = 1.0

Tick = Callable[[int, str], None]
"""Called with how many bytes of the file are known to be here, and what is being done; may raise to cancel."""


class _Hashes:
    """SHA-256 of a file's content, and git's own hash where that is what the hub knows."""

    def __init__(self, file: HubFile) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)

    def feed(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        if not self._file.sha256:
            self._git.update(chunk)

    @property
    def agree(self) -> bool:
        return self.sha256 == self._file.sha256 if self._file.sha256 else self._git.hexdigest() == self._file.sha1

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class Transfer:
    """The way of one file of a revision into a folder.

    Parameters
    ----------
    hub : Hub
    revision : str
        All 40 letters.
    file : HubFile
    folder : Path
        Exists. While it is incomplete the file ends in ".part" there.
    """

    def __init__(self, hub: Hub, revision: str, file: HubFile, folder: Path) -> None:
        self._hub = hub
        self._revision = revision
        self._file = file
        self._whole = folder / file.name
        self._part = folder / (file.name + PART)
        self._wrong = folder / (file.name + WRONG)
        self._hashes = _Hashes(file)

    def run(self, tick: Tick) -> FileEntry:
        """Have the file here, whole and hashed.

        Raises
        ------
        CheckpointError
            The bytes are not those that the hub describes; they are set aside under ".wrong".
        ModelError
            The hub cannot be reached any more; what has come stays.
        OSError
            The disk cannot be written.
        """
        if self._whole.is_file():
            # A finished file was hashed before it got its name, but somebody else may have put this one here.
            self._whole.replace(self._part)
        if self._part.is_file() and self._part.stat().st_size > self._file.size:
            self._part.replace(self._wrong)
        self._read_part(tick)
        self._fetch_patiently(tick)
        return self._accept()

    def _read_part(self, tick: Tick) -> None:
        if not self._part.is_file():
            return
        here = 0
        with self._part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                self._hashes.feed(chunk)
                here += len(chunk)
                tick(here, f"checking what is here of {self._file.name}")

    def _fetch_patiently(self, tick: Tick) -> None:
        here, tries = self._here(), 0
        while here < self._file.size or not self._part.exists():
            try:
                self._fetch(here, tick)
            except HubLostError as error:
                tries = 1 if self._here() > here else tries + 1
                if tries >= _TRIES:
                    raise ModelError(error.message, error.hint) from error
                tick(self._here(), f"waiting for the hub, {self._file.name}")
                time.sleep(_PAUSE_S * tries)
            here = self._here()

    def _here(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _fetch(self, start: int, tick: Tick) -> None:
        with self._hub.content(self._revision, self._file.name, start) as reply, self._part.open("ab") as file:
            if start and reply.status_code != HTTPStatus.PARTIAL_CONTENT:
                # This server knows no ranges: all comes again.
                file.truncate(0)
                self._hashes, start = _Hashes(self._file), 0
            here = start
            for chunk in reply.iter_raw(_CHUNK):
                file.write(chunk)
                self._hashes.feed(chunk)
                here += len(chunk)
                tick(here, self._file.name)
                if here > self._file.size:
                    break
        if here == start < self._file.size:
            raise HubLostError("nothing came")

    def _accept(self) -> FileEntry:
        if self._here() != self._file.size or not self._hashes.agree:
            self._part.replace(self._wrong)
            raise CheckpointError(
                f"{self._file.name} is not the file that the hub describes: its hash differs.",
                f"It was set aside as {self._wrong.name}; download again, over another network where it happens twice.",
            )
        self._part.replace(self._whole)
        return FileEntry(self._file.size, self._hashes.sha256)
