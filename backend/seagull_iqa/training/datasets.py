"""Which data a model is measured on: the frozen protocol, or labelled images, by name or folder or file."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.data.labelled import ImageFile, LabelledImage
from seagull_iqa.data.readers import ReadSpec, read_dataset
from seagull_iqa.data.readers_100w import IMAGES
from seagull_iqa.data.readers_shards import INDEX
from seagull_iqa.data.scores import WHOLE_RANGE, Scale
from seagull_iqa.errors import ImageError, SeagullError

VARIABLE = "SEAGULL_DATA"
PROTOCOL = "protocol"
SCORES = "mos.csv"
RESERVE = "reserve"
"""Rows with this value in the column `use` are kept for another purpose: left out unless asked for."""


@dataclass(frozen=True)
class DataChoice:
    """What was asked for.

    Attributes
    ----------
    data : Path or None
        A folder, a file, or a name: "protocol", or a folder in what SEAGULL_DATA names ("live-itw").
    images, scores : Path or None
        Instead of `data`: a folder of images and a list of scores (CSV).
    use : tuple of str
        Keep rows of the list with these values in its column `use`; () for all but "reserve".
    scale : Scale
        From worst to best, on which the scores of a list are.
    """

    data: Path | None = None
    images: Path | None = None
    scores: Path | None = None
    use: tuple[str, ...] = ()
    scale: Scale = WHOLE_RANGE


@dataclass(frozen=True)
class DataSet:
    """Labelled images, and what they and their labels are called.

    Attributes
    ----------
    name : str
    label : str
        Whose judgment the quality is: "mos" (people's), "analytic-1" (a formula's), ...
    images : sequence of LabelledImage
    """

    name: str
    label: str
    images: Sequence[LabelledImage]


def data_home() -> Path | None:
    """The folder that the environment variable SEAGULL_DATA names."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def found_path(choice: DataChoice) -> Path:
    """The folder or file behind `choice.data`.

    Raises
    ------
    SeagullError
        No such thing, or nothing was asked for and the environment names nothing.
    """
    home = data_home()
    if choice.data is None or str(choice.data) == PROTOCOL:
        if home is None:
            raise SeagullError("No data folder is given.", f"Name it with --data, or set {VARIABLE}.")
        return home
    for path in (choice.data, *([home / choice.data] if home else [])):
        if path.exists():
            return path
    raise SeagullError(
        f"There is no data set {choice.data}.",
        f"Give a folder or a file, or a name in the folder that {VARIABLE} names.",
    )


def is_protocol(choice: DataChoice) -> bool:
    """Whether the frozen protocol is asked for, and not labelled images: a folder that has no labels of its own."""
    if choice.scores is not None:
        return False
    path = found_path(choice)
    return path.is_dir() and not any((path / mark).exists() for mark in (INDEX, IMAGES, SCORES))


def open_data_set(choice: DataChoice) -> DataSet:
    """The labelled images that were asked for; opened one by one when they are looked at.

    Raises
    ------
    SeagullError
        No such data, a file that cannot be understood, an image that is not there, or no labelled region.
    """
    path = choice.scores or found_path(choice)
    name = path.stem if path.is_file() else path.resolve().name
    images = choice.images
    if path.is_dir() and (path / SCORES).is_file():
        images, path = images or path / "images", path / SCORES
    listed = path.suffix.lower() == ".csv"
    if choice.use and not listed:
        raise SeagullError(f"{path} is no list with a column use.", "Leave --use out.")
    found = read_dataset(path, ReadSpec(images, choice.scale, _kept(path, choice.use) if listed else {}))
    opened = list(found)
    if not any(image.regions for image in opened):
        raise SeagullError(f"There is no labelled region in {path}.", "Check the path, and --use.")
    _check_files(opened)
    return DataSet(name, "mos" if listed else found.label, opened)


def _check_files(images: Sequence[LabelledImage]) -> None:
    """What is missing shows now, not in the middle of the work."""
    files = [image.rgb.path for image in images if image.regions and isinstance(image.rgb, ImageFile)]
    missing = [path for path in files if not path.is_file()]
    if missing:
        more = f" ({len(missing):,} of {len(files):,} images are missing)" if len(missing) > 1 else ""
        raise ImageError(f"There is no file {missing[0]}{more}.", "Check the list, and --images.")


def _kept(path: Path, use: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Which rows of a list to keep, by its column `use`."""
    if use:
        return {"use": tuple(use)}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = {row.get("use") for row in csv.DictReader(file, skipinitialspace=True)}
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}  # the reader says what is wrong with it
    known = sorted(value for value in found if value)
    return {"use": [value for value in known if value != RESERVE]} if RESERVE in known else {}
