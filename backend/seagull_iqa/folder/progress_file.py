"""What was scored so far, one line an image, on the disk before the next one is begun."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from seagull_iqa.errors import SeagullError
from seagull_iqa.folder.listing import Stamp
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.values import Row

if TYPE_CHECKING:
    from filelock import FileLock

FORMAT, VERSION = "seagull-folder", 1
SUFFIX = ".progress"


@dataclass(frozen=True)
class ImageRecord:
    """What came of one image.

    Attributes
    ----------
    image : str
        Its path, as it was given.
    stamp : tuple of int
        `listing.stamp_of` when it was read.
    rows : tuple of dict
        One for each region, with the columns of `formats.values` and those of `formats.tables`.
    error : str
        One sentence where it could not be scored.
    """

    image: str
    stamp: Stamp
    rows: tuple[Row, ...] = ()
    error: str = ""


def progress_path(table: Path) -> Path:
    """Where the progress of a table lies while it is not complete."""
    return table.with_name(table.name + SUFFIX)


def readable(name: str) -> str:
    """A name that can be written as UTF-8: bytes of a file's name that are no text become backslashes and digits."""
    return name.encode("utf-8", "backslashreplace").decode()


class ProgressFile:
    """Open with `begin`; one process at a time.

    Attributes
    ----------
    path : Path
    known : mapping of str to tuple of int
        Image -> the stamp under which it was recorded last.
    """

    def __init__(self, path: Path, file: FileIO, known: dict[str, Stamp], lock: FileLock) -> None:
        self.path, self._file, self.known, self._lock = path, file, known, lock

    @classmethod
    def begin(cls, table: Path, settings: Mapping[str, Any]) -> ProgressFile:
        """Begin, or go on where the last process stopped; a line that was torn off is cut off.

        Parameters
        ----------
        table : Path
            The table that is made.
        settings : mapping
            Model and regions that are asked about; JSON. Progress made with others is not mixed with it.

        Raises
        ------
        FormatError
            The progress was made with other settings, the file is none of ours, or another process is at it.
        SeagullError
            It cannot be written.
        """
        from filelock import FileLock, Timeout  # takes a while to load, and a window may never need it

        path = progress_path(table)
        header = json.dumps({"format": FORMAT, "version": VERSION, "settings": settings}, sort_keys=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
            known, whole = _read(path, header)
            file = path.open("r+b" if whole else "w+b", buffering=0)
            if not whole:
                file.write(header.encode() + b"\n")
                os.fsync(file.fileno())
            else:
                file.truncate(whole)
            file.seek(0, os.SEEK_END)
        except Timeout:
            raise FormatError(f"Another process makes {table.name}.", "Wait for it, or give another name.") from None
        except OSError as error:
            _let_go(lock)
            raise _unwritable(path, error) from error
        except FormatError:
            _let_go(lock)
            raise
        return cls(path, file, known, lock)

    def add(self, record: ImageRecord) -> None:
        """Write what came of an image, and wait until it is on the disk."""
        values = {"image": record.image, "stamp": record.stamp, "rows": record.rows, "error": record.error}
        left = memoryview(json.dumps(values, ensure_ascii=True).encode() + b"\n")
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.known[record.image] = record.stamp

    def records(self, images: Sequence[str]) -> Iterator[ImageRecord]:
        """The newest record of each of these images, read again from the disk one by one, in the order written."""
        newest = {}
        with self.path.open("rb") as file:
            place = len(file.readline())
            for line in file:
                newest[json.loads(line)["image"]] = place
                place += len(line)
            wanted = set(images)
            for image, start in sorted(newest.items(), key=lambda one: one[1]):
                if image in wanted:
                    file.seek(start)
                    values = json.loads(file.readline())
                    yield ImageRecord(image, tuple(values["stamp"]), tuple(values["rows"]), values["error"])

    def remove(self) -> None:
        """The table is complete."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()
        _let_go(self._lock)

    def __enter__(self) -> ProgressFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(path: Path, header: str) -> tuple[dict[str, Stamp], int]:
    """Image -> stamp, and how many bytes are whole; ({}, 0) where there is nothing."""
    if not path.exists():
        return {}, 0
    known: dict[str, Stamp] = {}
    with path.open("rb") as file:
        first = file.readline()
        if not first.endswith(b"\n"):
            return {}, 0
        if first.decode("utf-8", "replace").strip() != header:
            raise FormatError(
                f"{path.name} was begun with another model or other regions.",
                "Delete it to begin anew, or give another --out.",
            )
        whole = len(first)
        for line in file:
            if not line.endswith(b"\n"):
                break
            try:
                values = json.loads(line)
                known[str(values["image"])] = tuple(int(one) for one in values["stamp"])
            except (ValueError, KeyError, TypeError):
                raise FormatError(f"{path.name} is damaged.", "Delete it to begin anew.") from None
            whole += len(line)
    return known, whole


def _let_go(lock: FileLock) -> None:
    if lock.is_locked:
        with suppress(OSError):  # before it is free, so that nobody else's is taken away; Windows does it itself
            Path(lock.lock_file).unlink()
    lock.release()


def _unwritable(path: Path, error: OSError) -> SeagullError:
    why = error.strerror or error
    return SeagullError(f"{path} cannot be written ({why}).", "Make room, or choose another folder.")
