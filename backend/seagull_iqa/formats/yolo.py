"""YOLO's text files: a class and a polygon or a box a line, in shares of the image's width and height."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.errors import EmptyRegionError, LimitError
from seagull_iqa.formats.export import Contents
from seagull_iqa.formats.reading import MAX_REGIONS, Budget, FormatError, read_bytes, text_of
from seagull_iqa.formats.values import Collected
from seagull_iqa.imaging.pixel_polygons import filled

CLASSES = "classes.txt"
"""Names of the classes, a line each, where it lies beside the file."""


def read_yolo(path: Path, shape: tuple[int, int]) -> Contents:
    """Polygons "class x1 y1 x2 y2 x3 y3 ..." and boxes "class x y width height" (centre and size) as regions."""
    data = read_bytes(path)
    if data.count(b"\n") > 2 * MAX_REGIONS:
        raise LimitError(f"{path.name} has more than {2 * MAX_REGIONS:,} lines.", "Split it up.")
    lines = [line.split() for line in text_of(data, path.name).splitlines()]
    names = _names(path)
    found, budget = Collected(path.name), Budget(path.name)
    left_out = 0
    for number, words in enumerate(lines, 1):
        if not words:
            continue
        kind, corners = _corners(words, f"{path.name}, line {number}")
        try:
            mask = budget.take(filled(shape, [[corners * np.array(shape, dtype=np.float64)]]))
        except EmptyRegionError:
            left_out += 1
            continue
        found.add(mask, {}, names[kind] if kind < len(names) else f"class {kind}")
    if left_out:
        found.notes.append(f"{left_out} lines of {path.name} hold no pixel of the image and were left out.")
    return found.contents()


def _corners(words: list[str], place: str) -> tuple[int, NDArray[np.float64]]:
    """Class, and (row, column) of the corners as shares of the image."""
    try:
        kind, numbers = int(words[0]), np.array([float(word) for word in words[1:]])
    except (ValueError, OverflowError):
        kind, numbers = -1, np.zeros(0)
    fits = numbers.size == 4 or (numbers.size >= 6 and numbers.size % 2 == 0)
    if kind < 0 or not fits or not (np.abs(numbers) <= 16).all():
        raise FormatError(
            f"{place} is neither a polygon nor a box of YOLO.", "Give a class and shares of the image, 0 to 1."
        )
    if numbers.size == 4:
        x, y, width, height = numbers.tolist()
        left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        return kind, np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
    return kind, numbers.reshape(-1, 2)[:, ::-1]


def _names(path: Path) -> list[str]:
    file = path.parent / CLASSES
    if not file.is_file() or file == path:
        return []
    return [line.strip() for line in text_of(read_bytes(file, 2**20), file.name).splitlines() if line.strip()]
