"""The journal of a session: every event on the disk before it counts as done, so that a crash loses none.

A line is a record: JSON with a number that rises by one, the event, and a checksum of the line before it. A last line
that was torn off was never acknowledged and is left out.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.events import Event, event_of, event_values
from seagull_iqa.formats.folding import fold
from seagull_iqa.formats.reading import MAX_BYTES, FormatError, json_of
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.formats.session_file import read_session
from seagull_iqa.imaging.saving import save_bytes, sync_folder

FORMAT = "seagull-journal"
VERSION = 1
SUFFIX = ".seagull.journal"

MAX_JOURNAL_BYTES = 16 * MAX_BYTES
"""Largest journal that is read; it is cut short each time the side-car is written."""

_CHECK = b', "check": "'


@dataclass(frozen=True)
class Record:
    """An event with its number: 1, 2, 3, ... over the life of a session."""

    number: int
    event: Event


@dataclass(frozen=True)
class JournalContents:
    """What stands in a journal.

    Attributes
    ----------
    session : str
        Identity of the session; "" where the first line was damaged.
    after : int
        Its records follow the one with that number, which the side-car holds.
    records : tuple of Record
        All that are whole, in order.
    whole : int
        Bytes up to the end of the last whole line.
    torn : bool
        The last line was cut off: something was written that was never acknowledged.
    damaged : int
        Lines before the last one that could not be read.
    """

    session: str = ""
    after: int = 0
    records: tuple[Record, ...] = ()
    whole: int = 0
    torn: bool = False
    damaged: int = 0

    @property
    def last(self) -> int:
        """Number of the last record, or of the one before the first."""
        return self.records[-1].number if self.records else self.after


class Journal:
    """An open journal; use `Journal.open`. One process writes to it at a time.

    Attributes
    ----------
    path : Path
    session : str
        Identity of the session.
    last : int
        Number of the last record that is on the disk.
    """

    def __init__(self, path: Path, session: str, file: FileIO, last: int) -> None:
        self.path = path
        self.session = session
        self.last = last
        self._file = file

    @classmethod
    def open(cls, path: Path, session: str, after: int = 0) -> Journal:
        """Open the journal of a session, or begin one; a torn last line is cut off.

        Parameters
        ----------
        path : Path
        session : str
            `SessionDocument.session`.
        after : int
            `SessionDocument.journal`: a new journal goes on from there.

        Raises
        ------
        FormatError
            The file belongs to another session, or is no journal.
        SeagullError
            It cannot be written.
        """
        contents = read_journal(path)
        if contents.whole and contents.session not in ("", session):
            raise FormatError(
                f"{path.name} is the journal of another session.", "Move it away, or resume that session."
            )
        try:
            if not contents.whole:
                save_bytes(path, _header(session, after))
                contents = replace(contents, after=after, whole=path.stat().st_size)
            file = _opened(path, contents.whole)
        except OSError as error:
            raise _unwritable(path, error) from error
        return cls(path, session, file, max(contents.last, after))

    def append(self, events: Sequence[Event]) -> int:
        """Write events and wait until they are on the disk: only then are they done. The number of the last one.

        Raises
        ------
        SeagullError
            They could not be written (the disk is full, say); none of them is in the journal.
        """
        number, lines = self.last, []
        for event in events:
            number += 1
            lines.append(_line({"number": number, **event_values(event)}))
        start = self._file.tell()
        try:
            left = memoryview(b"".join(lines))
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._take_back(start)
            raise _unwritable(self.path, error) from error
        self.last = number
        return number

    def _take_back(self, start: int) -> None:
        """Cut off what was written in part; should even that fail, the next record is written over it."""
        with suppress(OSError):
            self._file.truncate(start)
        self._file.seek(start)

    def compact(self, through: int) -> None:
        """Forget the records that the side-car holds: call it when the side-car with them is on the disk.

        Parameters
        ----------
        through : int
            `SessionDocument.journal` of the side-car.
        """
        kept = [record for record in read_journal(self.path).records if record.number > through]
        lines = [_line({"number": one.number, **event_values(one.event)}) for one in kept]
        # Windows puts no file in the place of an open one.
        self._file.close()
        try:
            save_bytes(self.path, _header(self.session, through) + b"".join(lines))
        finally:
            try:
                self._file = _opened(self.path)
            except OSError as error:
                raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the file; the journal stays."""
        self._file.close()

    def remove(self) -> None:
        """Close and delete it: the side-car holds everything."""
        self.close()
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(path: Path, length: int | None = None) -> FileIO:
    """Unbuffered, so that what could not be written is not tried again behind our back; at its end."""
    file = path.open("r+b", buffering=0)
    if length is not None:
        file.truncate(length)
    file.seek(0, os.SEEK_END)
    return file


def read_journal(path: Path) -> JournalContents:
    """What stands in a journal; nothing where there is none.

    Raises
    ------
    FormatError
        The file is no journal, of a newer version, or too large.
    """
    try:
        if not path.exists():
            return JournalContents()
        if path.stat().st_size > MAX_JOURNAL_BYTES:
            raise FormatError(f"{path.name} has more than {MAX_JOURNAL_BYTES:,} bytes.", "Move it away.")
        with path.open("rb") as file:
            return _contents(file, path.name)
    except OSError as error:
        raise FormatError(f"{path} cannot be opened ({error.strerror or error}).", "Check permissions.") from error


def _contents(lines: Iterable[bytes], name: str) -> JournalContents:
    found = JournalContents()
    records: list[Record] = []
    for position, line in enumerate(lines):
        if not line.endswith(b"\n"):
            found = replace(found, torn=True)
            break
        found = replace(found, whole=found.whole + len(line))
        values = _checked(line, f"{name}, line {position + 1}")
        if values is not None and "format" in values:
            _check_format(values, name)
            found = replace(found, session=str(values.get("session", "")), after=int(values.get("after", 0)))
            continue
        record = None if values is None else _record(values, f"{name}, line {position + 1}")
        if record is None:
            found = replace(found, damaged=found.damaged + 1)
        else:
            records.append(record)
    if found.whole and not found.session and not records:
        raise FormatError(f"{name} is no journal.", "Move it away.")
    return replace(found, records=tuple(records))


def _check_format(values: dict[str, Any], name: str) -> None:
    if values.get("format") != FORMAT:
        raise FormatError(f"{name} is no journal.", "Move it away.")
    if values.get("version") != VERSION:
        raise FormatError(f"{name} is of another version.", "Update napari-seagull.")


def _record(values: dict[str, Any], place: str) -> Record | None:
    number = values.get("number")
    try:
        return Record(number, event_of(values, place)) if isinstance(number, int) else None
    except SeagullError:
        return None


def _checked(line: bytes, place: str) -> dict[str, Any] | None:
    """The values of a line; None where it is not what was written."""
    body, found, check = line.rpartition(_CHECK)
    if not found or check != f'{zlib.crc32(body):08x}"}}\n'.encode():
        return None
    try:
        values = json_of(line.decode("utf-8"), place)
    except (UnicodeDecodeError, FormatError):
        return None
    return values if isinstance(values, dict) else None


def _line(values: dict[str, Any]) -> bytes:
    body = json.dumps(values, ensure_ascii=False, allow_nan=False)[:-1].encode("utf-8", "replace")
    return body + _CHECK + f'{zlib.crc32(body):08x}"}}\n'.encode()


def _header(session: str, after: int) -> bytes:
    return _line({"format": FORMAT, "version": VERSION, "session": session, "after": after})


def _unwritable(path: Path, error: OSError) -> SeagullError:
    return SeagullError(
        f"{path.name} cannot be written ({error.strerror or error}).", "Make room on the disk, or save elsewhere."
    )


@dataclass(frozen=True, eq=False)
class Recovered:
    """A session as it was when the last acknowledged event was done.

    Attributes
    ----------
    document : SessionDocument or None
        None where neither file is there.
    replayed : int
        Events that the journal had and the side-car did not.
    notes : tuple of str
        What a person should know, one sentence each.
    """

    document: SessionDocument | None
    replayed: int = 0
    notes: tuple[str, ...] = ()


def recover(side_car: Path, journal: Path) -> Recovered:
    """The session of a side-car and its journal, either of which may be missing.

    Raises
    ------
    FormatError
        The side-car or the journal cannot be read: nothing is guessed.
    """
    document = read_session(side_car) if side_car.exists() else None
    contents = read_journal(journal)
    if not contents.whole:
        return Recovered(document)
    if document is not None and contents.session not in ("", document.session):
        return Recovered(document, notes=(f"{journal.name} belongs to another session and was left alone.",))
    start = document or (SessionDocument(session=contents.session) if contents.session else SessionDocument())
    fresh = [record for record in contents.records if record.number > start.journal]
    folded = fold((record.event for record in fresh), start)
    done = replace(folded, journal=max(start.journal, contents.last))
    return Recovered(done, len(fresh), tuple(_notes(contents, document)))


def _notes(contents: JournalContents, document: SessionDocument | None) -> Iterator[str]:
    if contents.damaged:
        yield f"{contents.damaged} lines of the journal are damaged; what they said is missing."
    if contents.after > (document.journal if document else 0):
        yield "The side-car is older than its journal; what was done between them is missing."
