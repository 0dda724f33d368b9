"""Files from anywhere, read with every bound checked first: what is wrong with one is told in one sentence."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import ModuleType
from typing import Any, NoReturn

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import LimitError, SeagullError

MAX_BYTES = 64 * 1024**2
"""Largest file of regions, in bytes, unpacked."""

MAX_REGIONS = 10_000
"""Most regions that one file may hold."""

MAX_BOX_PIXELS = 2_000_000_000
"""Most pixels in the boxes of all regions of one file: each takes a byte of memory."""


class FormatError(SeagullError):
    """A file that is not what its format says, or that cannot be written; the message names file and place."""


def needed(module: str, what: str) -> ModuleType:
    """An optional package, by its module's name; `FormatError` that says what to install where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        package = {"fpdf": "fpdf2"}.get(module.split(".")[0], module.split(".")[0])
        raise FormatError(
            f"{what} needs the package {package}, which is not installed.",
            'Run: pip install "napari-seagull[formats]"',
        ) from error


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """A whole file; `FormatError` where it cannot be read, `LimitError` where it is larger than the limit (bytes)."""
    try:
        if not path.is_file():
            raise FormatError(f"There is no file {path}.", "Check the path.")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise FormatError(
            f"{path} cannot be opened ({error.strerror or error}).", "Check path and permissions."
        ) from error
    if len(data) > limit:
        raise LimitError(f"{path.name} has more than {limit:,} bytes.", "Split it into several files.")
    return data


def text_of(data: bytes, name: str) -> str:
    """Bytes as text in UTF-8, with or without its mark; `FormatError` for other encodings."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{name} is not written in UTF-8 (byte {error.start}).", "Save it as UTF-8 and try again."
        ) from error


def json_of(text: str, name: str) -> object:
    """Parsed JSON; `FormatError` where it is none, or holds what JSON has no word for (NaN, Infinity)."""

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number")

    try:
        found: object = json.loads(text, parse_constant=refuse)
        return found
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormatError(f"{name} cannot be read as JSON ({why}).", "Check that it is the right file.") from error


def read_json(path: Path) -> object:
    """A JSON file from anywhere; see `read_bytes`, `text_of` and `json_of`."""
    return json_of(text_of(read_bytes(path), path.name), path.name)


def list_under(document: object, key: str, name: str, most: int = MAX_REGIONS) -> list[Any]:
    """The list that stands under a key; `FormatError` where there is none, `LimitError` where it is too long."""
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise FormatError(f"{name} has no list {key!r}.", "Check that it is the right file.")
    if len(found) > most:
        raise LimitError(f"{name} holds {len(found):,} {key}; at most {most:,} are read.", "Split it up.")
    return found


def zip_entries(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in a zip, in order; nothing is written to the disk.

    Raises
    ------
    FormatError
        Damaged, encrypted, or an entry that points out of the archive.
    LimitError
        More than `MAX_REGIONS` entries, or more than `MAX_BYTES` when unpacked.
    """
    read_bytes(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_REGIONS:
                raise LimitError(
                    f"{path.name} holds {len(entries):,} files; at most {MAX_REGIONS:,} are read.", "Split it up."
                )
            left = MAX_BYTES
            for entry in entries:
                if not is_inside(entry.filename):
                    raise FormatError(
                        f"{path.name} has an entry that points out of it ({entry.filename!r:.80}).",
                        "Do not trust this file.",
                    )
                # What the entry announces may be a lie: no more than what is left is ever unpacked.
                with archive.open(entry) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise LimitError(f"{path.name} unpacks to more than {MAX_BYTES:,} bytes.", "Split it up.")
                yield entry.filename, data
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        if isinstance(error, SeagullError):
            raise
        raise FormatError(f"{path.name} is damaged and cannot be unpacked ({error}).", "Copy it again.") from error


def is_inside(name: str) -> bool:
    """A path that stays below where it starts, on every system: relative, without "..", no drive."""
    parts = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
    rooted = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or "\0" in name
    return bool(name) and not rooted and ".." not in parts


@dataclass
class Budget:
    """Adds up what the masks of one file take, so that a small file cannot fill the memory.

    Attributes
    ----------
    name : str
        Of the file.
    most : int
        Regions that it may hold.
    regions, pixels : int
        So far: regions, and pixels of their boxes.
    """

    name: str
    most: int = MAX_REGIONS
    regions: int = field(default=0, init=False)
    pixels: int = field(default=0, init=False)

    def take(self, mask: RegionMask) -> RegionMask:
        """Count a mask and hand it on; `LimitError` where it is too much."""
        self.reserve(mask.inside.size)
        return mask

    def reserve(self, pixels: int) -> None:
        """Count a box of so many pixels before its mask is made; `LimitError` where it is too much."""
        self.regions += 1
        self.pixels += pixels
        if self.regions > self.most:
            raise LimitError(f"{self.name} holds more than {self.most:,} regions.", "Split it up.")
        if self.pixels > MAX_BOX_PIXELS:
            raise LimitError(
                f"The regions of {self.name} cover more than {MAX_BOX_PIXELS:,} pixels in all.", "Split the file up."
            )


def unique(ids: Iterable[str], what: str, name: str) -> None:
    """`FormatError` where an id occurs twice."""
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise FormatError(f"{name} has two {what} with the id {one!r:.60}.", "Give each an id of its own.")
        seen.add(one)
