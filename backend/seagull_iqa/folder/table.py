"""The table of a folder: a row a region, and one for each image that could not be scored."""

from __future__ import annotations

import csv
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from seagull_iqa.errors import SeagullError
from seagull_iqa.folder.progress_file import ImageRecord, readable
from seagull_iqa.formats.reading import FormatError, needed
from seagull_iqa.formats.spreadsheet import defused
from seagull_iqa.formats.tables import MASK, parquet_bytes
from seagull_iqa.formats.values import COLUMNS, Row
from seagull_iqa.imaging.saving import save_bytes, sync_folder

HEAD = ("image", *COLUMNS, *MASK[1:], "error")
"""The image first, then what every table of ours has, and what went wrong."""


def check_table(path: Path) -> None:
    """`FormatError` where the name says no kind of table, or what it needs is not installed."""
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise FormatError(f"{path.name} is no name of a table.", "Let it end in .csv or .parquet.")
    if path.suffix.lower() == ".parquet":
        needed("pyarrow", "Parquet")


def write_table(path: Path, records: Iterable[ImageRecord]) -> None:
    """Write it whole or not at all; a CSV line by line, so that its length does not matter.

    Raises
    ------
    SeagullError
        It cannot be written.
    """
    check_table(path)
    rows = _rows(records)
    if path.suffix.lower() == ".parquet":
        save_bytes(path, parquet_bytes(list(rows), HEAD))
        return
    part = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEAD)
            for row in rows:
                writer.writerow([defused(row[column]) for column in HEAD])
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise SeagullError(
            f"{path} cannot be written ({error.strerror or error}).", "Choose a folder that you may write to."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _rows(records: Iterable[ImageRecord]) -> Iterator[Row]:
    empty: Row = dict.fromkeys(HEAD)
    for record in records:
        if record.error:
            yield _readable({**empty, "image": record.image, "error": record.error})
        for row in record.rows:
            yield _readable({**empty, **row, "error": None})


def _readable(row: Row) -> Row:
    """With names of files that are no text written as they can be."""
    return {name: readable(value) if isinstance(value, str) else value for name, value in row.items()}
