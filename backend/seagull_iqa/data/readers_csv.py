"""Scores from a list: `file, mos` for whole images, `file, r0, c0, r1, c1, mos` for boxes."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seagull_iqa.data.labelled import BoxPlace, ImageFile, LabelledImage, LabelledRegion, Place, WholePlace
from seagull_iqa.data.scores import WHOLE_RANGE, DataFileError, Scale, number

_BOX = ("r0", "c0", "r1", "c1")
WHOLE = "whole"


@dataclass(frozen=True)
class CsvList:
    """One such list. Rows of one file may stand anywhere; they become one image.

    Attributes
    ----------
    path : Path
        The list; its first line names the columns, further ones are left alone.
    images : Path
        The folder that its file names are relative to.
    scale : Scale
        On which scale the scores are; they become 0..100.
    where : mapping of str to collection of str
        Keep only rows with one of these values in that column, for instance {"use": {"fold0", "fold1"}}.
    """

    path: Path
    images: Path
    scale: Scale = WHOLE_RANGE
    where: Mapping[str, Collection[str]] = field(default_factory=dict)

    def __call__(self) -> Iterator[LabelledImage]:
        """The images, in the order in which their files first occur.

        Raises
        ------
        DataFileError
            No such list, a column is missing, or a row cannot be understood; the message gives its line.
        """
        found: dict[str, list[LabelledRegion]] = {}
        for line, row in self._rows():
            if all(row.get(column) in kept for column, kept in self.where.items()):
                name = (row.get("file") or "").strip()
                mine = found.setdefault(name, [])
                mine.append(self._region(row, f"{self.path.name}, line {line}", len(mine)))
        for name, regions in found.items():
            yield LabelledImage(name, ImageFile(self.images / name), tuple(regions))

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, skipinitialspace=True)
                self._check([(name or "").strip() for name in reader.fieldnames or []])
                for row in reader:
                    yield reader.line_num, {(key or "").strip(): value for key, value in row.items()}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataFileError(f"{self.path} cannot be read as a list ({error}).", "Give a CSV file.") from error

    def _check(self, columns: list[str]) -> None:
        boxed = [name for name in _BOX if name in columns]
        wanted = ["file", "mos", *(_BOX if boxed else ()), *self.where]
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise DataFileError(
                f"{self.path.name}, line 1: there is no column {missing[0]!r}.",
                "The first line names the columns: file, mos, or file, r0, c0, r1, c1, mos.",
            )

    def _region(self, row: dict[str, str], place: str, index: int) -> LabelledRegion:
        if not (row.get("file") or "").strip():
            raise DataFileError(f"{place}: there is no file name.", "Every row names its image.")
        quality = number(row.get("mos"), self.scale, place)
        where = _place(row, place)
        name = WHOLE if isinstance(where, WholePlace) else f"r{index}"
        return LabelledRegion(name, where, quality=quality, kind="whole" if name == WHOLE else "box")


def _place(row: dict[str, str], place: str) -> Place:
    values = [(row.get(name) or "").strip() for name in _BOX]
    if not any(values):
        return WholePlace()
    try:
        r0, c0, r1, c1 = (int(value) for value in values)
    except ValueError:
        raise DataFileError(
            f"{place}: the box {', '.join(values)} is not four whole numbers.", "Give r0, c0, r1, c1 in px."
        ) from None
    if not (0 <= r0 < r1 and 0 <= c0 < c1):
        raise DataFileError(f"{place}: the box {r0}, {c0}, {r1}, {c1} is empty.", "Give r0 < r1 and c0 < c1.")
    return BoxPlace((r0, c0, r1, c1))
