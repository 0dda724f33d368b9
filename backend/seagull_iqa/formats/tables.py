"""Tables: one row a region, as CSV for everything and as Parquet for programs; the last columns hold its exact mask."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import RegionError
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.reading import MAX_BYTES, Budget, FormatError, needed, read_bytes, text_of
from seagull_iqa.formats.spreadsheet import armed, defused
from seagull_iqa.formats.values import COLUMNS, NUMBERS, WHOLE, Collected, Row, rows_of
from seagull_iqa.imaging import coco
from seagull_iqa.imaging.saving import save_bytes, save_text

MASK = ("image", "height", "width", "mask")
"""Name and size of the image in px, and COCO's compressed run lengths of the region in it."""


def table_rows(export: Export) -> list[Row]:
    """The rows of all regions with their masks."""
    height, width = export.shape
    rows = rows_of(export.document)
    for row, one in zip(rows, export.document.regions, strict=True):
        row.update(image=export.facts.name, height=height, width=width, mask=coco.encode_mask(one.region.mask))
    return rows


def csv_text(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """A header and the rows; numbers with every digit, text that a spreadsheet would run defused."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([defused(row[column]) for column in columns])
    return buffer.getvalue()


def write_csv(path: Path, export: Export) -> list[Path]:
    """UTF-8, every digit; pandas before 3.0 wants `float_precision="round_trip"` to keep the last one."""
    save_text(path, csv_text(table_rows(export), (*COLUMNS, *MASK)))
    return [path]


def write_parquet(path: Path, export: Export) -> list[Path]:
    """Typed columns, missing values as nulls."""
    save_bytes(path, parquet_bytes(table_rows(export), (*COLUMNS, *MASK)))
    return [path]


def parquet_bytes(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """Rows as a Parquet file; columns that are not ours are texts."""
    arrow, parquet = needed("pyarrow", "Parquet"), needed("pyarrow.parquet", "Parquet")
    kinds = {
        **dict.fromkeys(columns, arrow.string()), **dict.fromkeys(NUMBERS, arrow.float64()),
        **dict.fromkeys((*WHOLE, "height", "width"), arrow.int64()), "stale": arrow.bool_(),
    }  # fmt: skip
    table = arrow.table({
        name: arrow.array([_clean(row[name]) for row in rows], type=kinds[name]) for name in columns
    })  # fmt: skip
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _clean(value: object) -> object:
    """Text without halves of surrogates, which UTF-8 cannot hold."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def read_csv(path: Path, shape: tuple[int, int]) -> Contents:
    """The regions of a table of ours; without the column "mask" they are boxes."""
    return _contents(csv_rows(path), path, shape)


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as texts, formulas armed again; `FormatError` where it is none."""
    text = text_of(read_bytes(path), path.name)
    try:
        with _long_cells():
            rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            return [
                {str(key): armed(value) for key, value in row.items() if isinstance(value, str)} for row in rows
            ]
    except csv.Error as error:
        raise FormatError(f"{path.name} cannot be read as a table ({error}).", "Give a CSV file.") from error


@contextmanager
def _long_cells() -> Iterator[None]:
    """A mask may take more than the 128 KiB of a cell; the bound is one for the whole process, so it is put back."""
    before = csv.field_size_limit(MAX_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read_parquet(path: Path, shape: tuple[int, int]) -> Contents:
    """The regions of such a table, from Parquet."""
    arrow, parquet = needed("pyarrow", "Parquet"), needed("pyarrow.parquet", "Parquet")
    data = read_bytes(path)
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        # Checked before anything is unpacked.
        sizes = [file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups)]
        if sum(sizes) > MAX_BYTES or file.metadata.num_rows > 10**6:
            raise FormatError(f"{path.name} unpacks to more than {MAX_BYTES:,} bytes.", "Split it up.")
        rows = file.read().to_pylist()
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise FormatError(f"{path.name} cannot be read as Parquet.", "Copy the file again.") from error
    return _contents(rows, path, shape)


def _contents(rows: object, path: Path, shape: tuple[int, int]) -> Contents:
    found, budget = Collected(path.name), Budget(path.name)
    for number, row in enumerate(rows, 1):  # type: ignore[arg-type, var-annotated]
        found.add(budget.take(_mask(row, shape, f"{path.name}, row {number}")), row, f"region {number}")
    return found.contents()


def _mask(row: Mapping[str, object], shape: tuple[int, int], place: str) -> RegionMask:
    try:
        if row.get("mask"):
            size = (int(str(row["height"])), int(str(row["width"])))
            if size != shape:
                raise RegionError(
                    f"The mask is {size[0]} x {size[1]} pixels, the image {shape[0]} x {shape[1]}.",
                    "Give the image of this table.",
                )
            return coco.decode_mask(shape, str(row["mask"]))
        return RegionMask.from_box(shape, [int(str(row[column])) for column in WHOLE[:4]])
    except RegionError as error:
        raise type(error)(f"{place}: {error.message}", error.hint) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(
            f"{place}: it has neither a mask nor row0, col0, row1 and col1.", "Give a table that was exported here."
        ) from error
