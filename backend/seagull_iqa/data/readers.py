"""Open a data set of labelled regions, whatever it is: our own, SEAGULL-100w, a COCO file or a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seagull_iqa.data.labelled import LabelledSet
from seagull_iqa.data.readers_100w import IMAGES, Seagull100w
from seagull_iqa.data.readers_coco import CocoFile
from seagull_iqa.data.readers_csv import CsvList
from seagull_iqa.data.readers_shards import INDEX, LABEL, ShardFolder
from seagull_iqa.data.scores import WHOLE_RANGE, DataFileError, Scale


@dataclass(frozen=True)
class ReadSpec:
    """How to read.

    Attributes
    ----------
    images : Path or None
        The folder of the images of a COCO file or a list; by default where the file lies, or images/ beside it.
    scale : Scale
        On which scale the scores are; nothing is rescaled by default. Our own data sets have none to choose.
    where : mapping of str to collection of str
        Rows of a list to keep, by column; see `CsvList`.
    fast_view : bool
        SEAGULL-100w: the small excerpts of its labels.
    label : str
        Our own data sets: which labels are quality and importance.
    """

    images: Path | None = None
    scale: Scale = WHOLE_RANGE
    where: Mapping[str, Collection[str]] = field(default_factory=dict)
    fast_view: bool = False
    label: str = LABEL


def is_dataset(folder: Path) -> bool:
    """The folder is one that `read_dataset` opens."""
    return (folder / INDEX).is_file() or (folder / IMAGES).is_dir()


def read_dataset(path: Path, spec: ReadSpec | None = None) -> LabelledSet:
    """Open a data set; its images are read when one iterates over it, and so are its errors.

    Parameters
    ----------
    path : Path
        A folder that `seagull data build` made, the folder of SEAGULL-100w, a COCO file (.json) or a list (.csv).
    spec : ReadSpec, optional

    Raises
    ------
    DataFileError
        Nothing is there, or nothing that is known.
    """
    how = spec or ReadSpec()
    given = f"as given in {path.name}"
    if path.is_dir():
        if (path / INDEX).is_file():
            shards = ShardFolder(path, how.label)
            shards.check()
            return LabelledSet(path.name, how.label, shards)
        if (path / IMAGES).is_dir():
            return LabelledSet(path.name, given, Seagull100w(path, how.scale, how.fast_view))
        raise DataFileError(
            f"{path} is no data set that is known.", f"Give a folder with {INDEX} or {IMAGES}, or a .json or .csv file."
        )
    if not path.is_file():
        raise DataFileError(f"There is no {path}.", "Check the path.")
    images = how.images or _beside(path)
    if path.suffix.lower() == ".csv":
        return LabelledSet(path.name, given, CsvList(path, images, how.scale, how.where))
    if path.suffix.lower() == ".json":
        return LabelledSet(path.name, given, CocoFile(path, images, how.scale))
    raise DataFileError(f"{path.name} is neither .json nor .csv.", "Give a COCO file, a list, or a folder.")


def _beside(path: Path) -> Path:
    folder = path.parent / "images"
    return folder if folder.is_dir() else path.parent
