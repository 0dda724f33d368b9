"""The side-car `NAME.seagull.json`: a session as a file, written whole or not at all, read with every check."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any, TypeVar

from seagull_iqa.domain.annotation import now_utc
from seagull_iqa.errors import ImageError, SeagullError
from seagull_iqa.formats import entries
from seagull_iqa.formats.reading import MAX_BYTES, Budget, FormatError, is_inside, list_under, read_json, unique
from seagull_iqa.formats.session_document import SessionDocument, SessionImage
from seagull_iqa.imaging.saving import save_bytes

FORMAT = "seagull-session"
VERSION = 1
SUFFIX = ".seagull.json"

MAX_ENTRIES = 100_000
"""Most regions, and most annotations, of one session."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a document of one version into one of the next."""

MIGRATIONS: Mapping[int, Migration] = {}
"""By the version they start from; empty as long as there is only one version."""

_T = TypeVar("_T")


def app_name() -> str:
    """This program with its version, as files name it."""
    return f"napari-seagull {version('napari-seagull')}"


class SessionFile:
    """Writes a session again and again: what has not changed since the last time is not put in words anew.

    Parameters
    ----------
    path : Path
        The side-car.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[int, tuple[object, str]] = {}

    def write(self, document: SessionDocument) -> SessionDocument:
        """Write it atomically: a temporary neighbour, synced to the disk, then in its place.

        Returns
        -------
        SessionDocument
            As written: with the time, the program, and the image's path from here.

        Raises
        ------
        SeagullError
            The file cannot be written, or would be too large to be read; what stood there stays.
        """
        stamped = _stamped(document, self.path)
        data = _text(stamped, self._line).encode("utf-8", "replace")
        if len(data) > MAX_BYTES:
            raise FormatError(f"{self.path.name} would have more than {MAX_BYTES:,} bytes.", "Delete some regions.")
        save_bytes(self.path, data)
        self._forget_all_but(stamped)
        return stamped

    def _line(self, noun: object, values: Callable[[Any], object]) -> str:
        known = self._lines.get(id(noun))
        if known is not None and known[0] is noun:
            return known[1]
        line = _json(values(noun))
        self._lines[id(noun)] = (noun, line)
        return line

    def _forget_all_but(self, document: SessionDocument) -> None:
        nouns = (*document.regions, *document.reports, *document.annotations, *document.preferences)
        self._lines = {id(noun): self._lines[id(noun)] for noun in nouns}


def write_session(path: Path, document: SessionDocument) -> SessionDocument:
    """Write a session once; see `SessionFile.write`."""
    return SessionFile(path).write(document)


def read_session(path: Path, migrations: Mapping[int, Migration] = MIGRATIONS) -> SessionDocument:
    """Read a session file from anywhere.

    Raises
    ------
    FormatError
        Not such a file, damaged, of a newer version; the message names the place.
    LimitError
        Larger than what is read.
    """
    return document_of(read_json(path), path.name, migrations)


def document_of(values: object, name: str, migrations: Mapping[int, Migration] = MIGRATIONS) -> SessionDocument:
    """The document in parsed JSON; see `read_session`."""
    found = _current(values, name, migrations)
    image = entries.parsed(entries.ImageEntry, found.get("image"), f"{name}: image").image()
    if image.relative and not is_inside(image.relative):
        raise FormatError(f"{name}: the image's relative path points out of its folder.", "Do not trust this file.")
    budget = Budget(name, MAX_ENTRIES)
    document = SessionDocument(
        image=image,
        regions=_each(found, "regions", name, lambda one, place: (
            entries.parsed(entries.RegionEntry, one, place).region(image.shape, budget))),
        reports=_each(found, "reports", name, entries.checked_report),
        annotations=_each(found, "annotations", name, lambda one, place: (
            entries.parsed(entries.AnnotationEntry, one, place).annotation())),
        preferences=_each(found, "preferences", name, lambda one, place: (
            entries.parsed(entries.PreferenceEntry, one, place).preference())),
        annotator=_word(found, "annotator", name), app=_word(found, "app", name),
        session=_word(found, "session", name) or SessionDocument().session,
        journal=_number(found, "journal", name), saved=_word(found, "saved", name),
    )  # fmt: skip
    unique((one.id for one in document.regions), "regions", name)
    unique((one.report.region for one in document.reports), "reports on the region", name)
    unique((one.id for one in document.annotations), "annotations", name)
    unique((one.id for one in document.preferences), "preferences", name)
    return document


def _current(values: object, name: str, migrations: Mapping[int, Migration]) -> dict[str, Any]:
    """The values in the layout of `VERSION`."""
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise FormatError(f'{name} has no "format": "{FORMAT}".', "Give a file that ends in .seagull.json.")
    said = values.get("version")
    if not isinstance(said, int) or said < 1 or said > VERSION:
        raise FormatError(
            f"{name} is of version {said!r:.20}; this program reads up to version {VERSION}.", "Update napari-seagull."
        )
    for number in range(said, VERSION):
        values = migrations[number](values)
    return values


def _each(found: dict[str, Any], key: str, name: str, read: Callable[[Any, str], _T]) -> tuple[_T, ...]:
    if found.get(key) is None:
        return ()
    result = []
    for number, one in enumerate(list_under(found, key, name, MAX_ENTRIES)):
        place = f"{name}: {key}[{number}]"
        try:
            result.append(read(one, place))
        except FormatError:
            raise
        except SeagullError as error:
            raise type(error)(f"{place}: {error.message}", error.hint) from error
    return tuple(result)


def _word(found: dict[str, Any], key: str, name: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str) or len(value) > 200:
        raise FormatError(f"{name}: {key} is no short text.", "The file was changed or damaged.")
    return value


def _number(found: dict[str, Any], key: str, name: str) -> int:
    value = found.get(key, 0)
    if not isinstance(value, int) or not 0 <= value < 2**53:
        raise FormatError(f"{name}: {key} is no whole number.", "The file was changed or damaged.")
    return value


def _json(values: object) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def _text(document: SessionDocument, line: Callable[[Any, Callable[[Any], object]], str]) -> str:
    """JSON that a person can read: one line a region, a report, an annotation."""
    image = document.image
    if image is None:
        raise ImageError("The session has no image, so there is nothing to save.", "Open an image first.")
    head = {
        "format": FORMAT, "version": VERSION, "app": document.app, "saved": document.saved,
        "session": document.session, "journal": document.journal, "annotator": document.annotator,
        "image": entries.image_values(image),
    }  # fmt: skip
    parts = [f" {_json(key)}: {_json(value)}" for key, value in head.items()]
    lists: tuple[tuple[str, Iterable[object], Callable[[Any], object]], ...] = (
        ("regions", document.regions, entries.region_values),
        ("reports", document.reports, entries.report_values),
        ("annotations", document.annotations, entries.annotation_values),
        ("preferences", document.preferences, entries.preference_values),
    )
    for key, nouns, values in lists:
        lines = ",\n  ".join(line(noun, values) for noun in nouns)
        parts.append(f' "{key}": [\n  {lines}\n ]' if lines else f' "{key}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _stamped(document: SessionDocument, path: Path) -> SessionDocument:
    image = None if document.image is None else replace(document.image, relative=_relative(document.image, path))
    return replace(document, image=image, app=app_name(), saved=now_utc())


def _relative(image: SessionImage, path: Path) -> str:
    """The way from the session file to the image, where it lies in the same folder or below."""
    if not image.path:
        return ""
    here, there = path.absolute().parent, PurePath(image.path)
    return there.relative_to(here).as_posix() if there.is_relative_to(here) and there != here else ""


def find_image(document: SessionDocument, path: Path) -> Path | None:
    """Where the image of a session file lies now: beside it first, then where it was; None where it is gone.

    A path on another machine (\\\\server\\share) is never looked up: a file from a stranger could make this machine
    log in there.
    """
    image = document.image
    if image is None:
        return None
    beside = path.absolute().parent
    tried = [beside / image.relative] if image.relative and is_inside(image.relative) else []
    tried += [beside / PurePath(image.path.replace("\\", "/")).name] if image.path else []
    local = image.path and not image.path.startswith(("\\\\", "//"))
    tried += [Path(image.path)] if local and Path(image.path).is_absolute() else []
    for one in tried:
        try:
            if one.is_file():
                return one
        except (OSError, ValueError):
            continue
    return None
