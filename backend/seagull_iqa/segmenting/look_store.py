"""Looks on disk, by what was looked at and what looked: they survive a restart, and the longest unused go first."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_bytes
from seagull_iqa.segmenting.interface import Packed

DISK_BYTES = 2 * 10**9
"""Most that is kept where nobody says otherwise."""

_LOG = logging.getLogger(__name__)
_STALE_S = 3600.0
_DAMAGE = (OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise for files that are cut off, changed, or none of ours."""


class LookStore:
    """A folder of looks. Several programs may share it; what one removes, the others take anew.

    Parameters
    ----------
    folder : Path or None
        Made when the first look is kept; None keeps nothing.
    limit : int
        Most bytes of files; 0 keeps nothing.
    """

    def __init__(self, folder: Path | None, limit: int = DISK_BYTES) -> None:
        self.folder = folder if limit else None
        self.limit = limit if folder is not None else 0

    def has(self, identity: str, key: str) -> bool:
        """Whether there is a look that this engine took of this view."""
        path = self._path(identity, key)
        return path is not None and path.is_file()

    def load(self, identity: str, key: str) -> dict[str, NDArray[Any]] | None:
        """The look's arrays, which now count as just used; None where there is none. A damaged file is removed."""
        path = self._path(identity, key)
        if path is None or not path.is_file():
            return None
        try:
            arrays = _read(path, self.limit)
            os.utime(path)
        except _DAMAGE as error:
            _LOG.warning("A kept look was damaged and has been removed: %s", error)
            self.drop(identity, key)
            return None
        return arrays

    def save(self, identity: str, key: str, packed: Packed) -> bool:
        """Keep a look, and let go of the longest unused ones beyond the limit; False where it cannot be kept."""
        path = self._path(identity, key)
        nbytes = sum(array.nbytes for array in packed.values())
        if path is None or nbytes > self.limit:
            return False
        try:
            save_bytes(path, _written(packed))
        except SeagullError as error:
            # A full disk costs speed after a restart, nothing else. What was cleared while it was written is as wished.
            if not isinstance(error.__cause__, FileNotFoundError):
                _LOG.warning("A look is not kept: %s", error)
            return False
        self._tidy(path)
        return True

    def drop(self, identity: str, key: str) -> None:
        """Remove one look; harmless where there is none."""
        path = self._path(identity, key)
        if path is not None:
            _removed(path)

    def held(self) -> tuple[int, int]:
        """How many looks are kept, and their bytes."""
        sizes = [entry.stat().st_size for entry in self._entries() if entry.name.endswith(".npz")]
        return len(sizes), sum(sizes)

    def clear(self) -> int:
        """Remove all looks; the number of bytes freed."""
        return sum(_removed(Path(entry.path)) for entry in self._entries())

    def _path(self, identity: str, key: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{identity} {key}".encode()).hexdigest()
        return self.folder / f"{name}.npz"

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        """Our files, also those that were never finished."""
        if self.folder is None:
            return
        with suppress(OSError), os.scandir(self.folder) as entries:
            yield from (entry for entry in entries if entry.name.endswith((".npz", ".part")))

    def _tidy(self, newest: Path) -> None:
        kept: list[tuple[float, int, Path]] = []
        for entry in self._entries():
            with suppress(OSError):
                status = entry.stat()
                if entry.name.endswith(".npz"):
                    kept.append((status.st_mtime, status.st_size, Path(entry.path)))
                elif time.time() - status.st_mtime > _STALE_S:
                    _removed(Path(entry.path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self.limit:
                return
            if path != newest:
                total -= size
                _removed(path)


def _written(packed: Packed) -> bytes:
    """What `np.load` reads. Not compressed: that would take longer than many a look. The checksums find damage."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in packed.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    return buffer.getvalue()


def _read(path: Path, limit: int) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > limit + 2**20:
            raise ValueError("it unpacks to more than is ever kept")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _removed(path: Path) -> int:
    """Remove a file; the bytes freed, 0 where it is gone or held by another program."""
    try:
        nbytes = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return nbytes
