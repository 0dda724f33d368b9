"""What a downloaded folder says of its own origin: repository, full revision, and every file's size and hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seagull_iqa.errors import CheckpointError

MANIFEST = "seagull-download.json"
_FORMAT = "seagull-download"
_CHUNK = 2**20


@dataclass(frozen=True)
class FileEntry:
    """A file's size in bytes and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Where the files of a folder came from; lies in it as JSON.

    Attributes
    ----------
    name, repo : str
        "seagull-7b", "owner/name".
    revision : str
        All 40 hexadecimal letters.
    date : str
        ISO date and time, UTC, at which the last file was in place.
    files : mapping of str to FileEntry
    """

    name: str
    repo: str
    revision: str
    date: str
    files: Mapping[str, FileEntry] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Put it into the folder, whole or not at all."""
        from seagull_iqa.imaging.saving import save_text

        values = {"format": _FORMAT, "version": 1, **asdict(self)}
        save_text(folder / MANIFEST, json.dumps(values, indent=2) + "\n")


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none.

    Raises
    ------
    CheckpointError
        It cannot be understood.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{MANIFEST} in {folder} cannot be read ({type(error).__name__}).", "Remove it and download again."
        ) from error


def _parsed(values: dict[str, Any]) -> Manifest:
    if values["format"] != _FORMAT or values["version"] != 1:
        raise ValueError("another format")
    files = {str(name): FileEntry(int(entry["size"]), str(entry["sha256"])) for name, entry in values["files"].items()}
    return Manifest(str(values["name"]), str(values["repo"]), str(values["revision"]), str(values["date"]), files)


def sizes_match(folder: Path, manifest: Manifest) -> bool:
    """True where every file of the manifest is there at its size; hashes are `seagull models verify`'s work."""
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == entry.size
        for name, entry in manifest.files.items()
    )


def sha256_of(path: Path, tick: Callable[[int], None]) -> str:
    """SHA-256 of a file, in hex; `tick` hears how many bytes were read since it last was called, and may raise."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            tick(len(chunk))
    return digest.hexdigest()
