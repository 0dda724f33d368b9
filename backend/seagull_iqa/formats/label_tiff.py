"""An image of labels as a TIFF with a table beside it: overlaps lie on further pages."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.errors import ImageError, LimitError, RegionError, ShapeMismatchError
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.pages import MAX_BYTES, label_pages, labelled_masks
from seagull_iqa.formats.reading import MAX_REGIONS, Budget, FormatError
from seagull_iqa.formats.tables import csv_rows, csv_text
from seagull_iqa.formats.values import COLUMNS, Collected, rows_of
from seagull_iqa.imaging.files import read_array
from seagull_iqa.imaging.saving import save_bytes, save_text

DAMAGE = (
    ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What tifffile raises on pages that are damaged; its own error is a `ValueError`."""

PLACE = ("page", "label")
"""Where a region is: page of the TIFF, from 0, and its value there."""


def table_beside(path: Path) -> Path:
    """The table of an image of labels: same name, .csv."""
    return path.with_suffix(".csv")


def write_labels(path: Path, export: Export) -> list[Path]:
    """uint16 or uint32, shape (H, W), or (pages, H, W) where regions overlap; and the table."""
    import tifffile  # takes a while to load, and is needed for TIFF files only

    pages, homes = label_pages(export.document.regions, export.shape)
    rows = rows_of(export.document)
    for label, (row, home) in enumerate(zip(rows, homes, strict=True), 1):
        row.update(page=home, label=label)
    buffer = io.BytesIO()
    image = pages[0] if len(pages) == 1 else np.stack(pages)
    # Level 1: labels shrink well at any level, and this one takes a tenth of the time.
    tifffile.imwrite(
        buffer, image, photometric="minisblack", compression="zlib", compressionargs={"level": 1},
        rowsperstrip=512, metadata={"axes": "YX" if len(pages) == 1 else "QYX"},
    )  # fmt: skip
    table = table_beside(path)
    save_text(table, csv_text(rows, (*PLACE, *COLUMNS)))
    save_bytes(path, buffer.getvalue())
    return [path, table]


def read_labels(path: Path, shape: tuple[int, int]) -> Contents:
    """Every value above zero as a region, with what the table beside it says; from other programs' files too.

    Raises
    ------
    SeagullError
        Not such an image, of another size, or too much of it.
    """
    table = table_beside(path)
    rows = {
        (str(row.get("page")), str(row.get("label"))): row for row in (csv_rows(table) if table.is_file() else ())
    }  # fmt: skip
    found, budget = Collected(path.name), Budget(path.name)
    masks = [
        (str(number), str(value), budget.take(mask))
        for number, page in enumerate(_pages(path, shape))
        for value, mask in labelled_masks(_whole_numbers(page, path)).items()
    ]
    if len(rows) and not any((page, label) in rows for page, label, _ in masks):
        rows = {}
    order = {place: number for number, place in enumerate(rows)}
    for page, label, mask in sorted(masks, key=lambda one: order.get(one[:2], len(order))):
        found.add(mask, rows.get((page, label), {}), f"label {label}")
    return found.contents()


def _pages(path: Path, shape: tuple[int, int]) -> list[NDArray[np.generic]]:
    """The pages, all of the size of the image."""
    import tifffile  # takes a while to load, and is needed for TIFF files only

    if path.suffix.lower() not in (".tif", ".tiff"):
        return [_fitting(_gray(path), shape, path)]
    # All that can be wrong with a file is found here, on its first page.
    _fitting(_gray(path), shape, path)
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        if series.ndim <= 2:
            return [_gray(path)]
        count = int(np.prod(series.shape[:-2]))
        if tuple(series.shape[-2:]) != shape:
            raise ShapeMismatchError(
                f"The labels in {path.name} are {' x '.join(map(str, series.shape[-2:]))} pixels, "
                f"but the image is {shape[0]} x {shape[1]}.",
                "Give labels of the same height and width as the image.",
            )
        if count > MAX_REGIONS or series.nbytes > MAX_BYTES:
            raise LimitError(f"{path.name} holds more pages than can be read.", "Split it up.")
        try:
            return list(series.asarray().reshape(count, *shape))
        except DAMAGE as error:
            raise ImageError(f"{path.name} is damaged and cannot be read.", "Copy or export the file again.") from error


def _gray(path: Path) -> NDArray[np.generic]:
    array, plane, colour = read_array(path)
    page: NDArray[np.generic] = array[plane]
    return page[..., :3].max(axis=-1) if colour else page


def _fitting(page: NDArray[np.generic], shape: tuple[int, int], path: Path) -> NDArray[np.generic]:
    if page.shape != shape:
        raise ShapeMismatchError(
            f"The labels in {path.name} are {' x '.join(map(str, page.shape))} pixels, "
            f"but the image is {shape[0]} x {shape[1]}.",
            "Give labels of the same height and width as the image.",
        )
    return page


def _whole_numbers(page: NDArray[np.generic], path: Path) -> NDArray[np.integer]:
    if page.dtype.kind in "biu":
        return page.astype(np.uint8) if page.dtype.kind == "b" else page  # type: ignore[return-value]
    if page.dtype.kind != "f" or not np.array_equal(page, np.rint(page)):
        raise RegionError(f"The labels in {path.name} are no whole numbers.", "Give an image of labels.")
    if np.abs(page).max() > 2**53:
        raise FormatError(f"The labels in {path.name} are too large.", "Give an image of labels.")
    return page.astype(np.int64)
