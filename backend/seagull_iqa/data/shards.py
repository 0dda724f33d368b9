"""Shards of a data set: tar files as WebDataset reads them, the same bytes for the same content."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from seagull_iqa.imaging.saving import save_text

PART = ".part"
"""Ending of what is not whole yet."""

COLUMNS = (
    "key", "photograph", "region", "kind", "where", "area", "row0", "column0", "row1", "column1",
    "touched", "types", "quality", "importance", "importance_ref",
)  # fmt: skip
"""Of the table with one row a region; quality to importance_ref are `analytic-1`."""


def columns_of(*, topiq: bool) -> tuple[str, ...]:
    """The columns of a set's tables: TOPIQ-FR has columns of its own."""
    return (*COLUMNS, "quality_topiq_fr", "importance_ref_topiq_fr") if topiq else COLUMNS


def shard_path(folder: Path, number: int) -> Path:
    """Where the shard of that number stands."""
    return folder / "shards" / f"{number:05d}.tar"


def table_path(shard: Path) -> Path:
    """The table of the regions of a shard, beside it."""
    return shard.with_suffix(".csv")


class ShardWriter:
    """Write a shard beside its place and put it there when it is whole: `with ShardWriter(path) as shard`.

    The table is put in place first, so that a shard that stands has its table.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.{os.getpid()}{PART}")
        self._rows = io.StringIO()
        self._table = csv.writer(self._rows, lineterminator="\n")
        self._table.writerow(columns)
        self._tar: tarfile.TarFile | None = None

    def __enter__(self) -> ShardWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._tar = tarfile.open(self._partial, "w", format=tarfile.USTAR_FORMAT)
        return self

    def add(self, key: str, image: bytes, about: dict[str, Any], rows: Iterable[Iterable[object]]) -> None:
        """One image: `key`.json, `key`.webp and its rows of the table."""
        text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
        self._put(f"{key}.json", text.encode())
        self._put(f"{key}.webp", image)
        self._table.writerows(rows)

    def _put(self, name: str, data: bytes) -> None:
        header = tarfile.TarInfo(name)  # mtime, uid and gid are 0, no names
        header.size, header.mode = len(data), 0o644
        if self._tar is not None:
            self._tar.addfile(header, io.BytesIO(data))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tar is not None:
            self._tar.close()
        if kind is not None:
            self._partial.unlink(missing_ok=True)
            return
        save_text(table_path(self._path), self._rows.getvalue())
        _sync(self._partial)
        self._partial.replace(self._path)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def remove_partial(folder: Path) -> None:
    """Remove what a killed run left unfinished."""
    for path in sorted(folder.rglob(f"*{PART}")):
        path.unlink(missing_ok=True)


def read_shard(path: Path) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """Key, what is known and the image file of every image of a shard, in its order."""
    with tarfile.open(path) as tar:
        about: dict[str, dict[str, Any]] = {}
        for member in tar:
            file = tar.extractfile(member)
            if file is None:
                continue
            key, _, ending = member.name.partition(".")
            if ending == "json":
                about[key] = json.loads(file.read())
            elif ending == "webp":
                yield key, about.pop(key), file.read()


def read_rows(shard: Path) -> Iterator[dict[str, str]]:
    """The rows of a shard's table."""
    with table_path(shard).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
