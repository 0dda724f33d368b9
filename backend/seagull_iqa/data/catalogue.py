"""What `seagull data fetch` knows of: file names, sizes, hashes, licences, and where the makers offer their images.

Made by `scripts/make_data_catalogue.py DATA_FOLDER`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.errors import SeagullError

_FILE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class Collection:
    """Where images are from.

    Attributes
    ----------
    title, address : str
        Its name, and where its makers offer it.
    how : str
        How its images become ours, in a sentence.
    """

    title: str
    address: str
    how: str


@dataclass(frozen=True)
class CatalogueFile:
    """One file.

    Attributes
    ----------
    path : str
        Below the data folder, with "/".
    collection : str
    nbytes : int
    sha256 : str
        Of the file.
    pixels : str
        `content_hash` of the decoded image, so that the same image in another lossless file is known; may be empty.
    row : mapping of str to str
        What the set's list says of it.
    """

    path: str
    collection: str
    nbytes: int
    sha256: str
    pixels: str
    row: Mapping[str, str]


@dataclass(frozen=True)
class CatalogueSet:
    """Files that are fetched under one name.

    Attributes
    ----------
    name, title, licence : str
    files : tuple of CatalogueFile
    list_path : str
        The list (CSV) that stands beside the images, below the data folder.
    notices : mapping of str to str
        Path -> text of what has to travel with the files.
    """

    name: str
    title: str
    licence: str
    files: tuple[CatalogueFile, ...]
    list_path: str
    notices: Mapping[str, str]

    @property
    def nbytes(self) -> int:
        """Of all files."""
        return sum(one.nbytes for one in self.files)


@dataclass(frozen=True)
class Catalogue:
    """Every set, and every collection they are from."""

    sets: Mapping[str, CatalogueSet]
    collections: Mapping[str, Collection]

    def find(self, name: str) -> CatalogueSet:
        """The set of that name; `SeagullError` where there is none."""
        found = self.sets.get(name)
        if found is None:
            raise SeagullError(f"There is no data set {name!r} to fetch.", f"There are: {', '.join(self.sets)}.")
        return found

    def origins(self, wanted: CatalogueSet) -> dict[str, Collection]:
        """The collections that a set's files are from, by name, the largest share first."""
        names = [one.collection for one in wanted.files]
        return {name: self.collections[name] for name in sorted(set(names), key=lambda n: -names.count(n))}


def read_catalogue(path: Path = _FILE) -> Catalogue:
    """The catalogue in this package, and the halves of its photographs under names of their own."""
    document = json.loads(path.read_text(encoding="utf-8"))
    sets = {name: _set(name, entry) for name, entry in document["sets"].items()}
    for split in ("heldout", "train"):
        sets |= {f"{name}-{split}": part for name, whole in sets.items() if (part := _part(whole, split)).files}
    return Catalogue(sets, {name: Collection(**entry) for name, entry in document["collections"].items()})


def _set(name: str, entry: Mapping[str, object]) -> CatalogueSet:
    files, notices = entry["files"], entry.get("notices", {})
    if not isinstance(files, list) or not isinstance(notices, dict):
        raise SeagullError("The catalogue in this package is damaged.", "Install napari-seagull again.")
    found = tuple(
        CatalogueFile(
            one["file"], one["collection"], one["bytes"], one["sha256"], one.get("pixels", ""), one.get("row", {})
        )
        for one in files
    )
    return CatalogueSet(name, str(entry["title"]), str(entry["licence"]), found, str(entry["list"]), notices)


def _part(whole: CatalogueSet, split: str) -> CatalogueSet:
    files = tuple(one for one in whole.files if one.row.get("split") == split)
    what = "held out for protocol 1" if split == "heldout" else "to train on"
    title = f"the {len(files)} of them {what}"
    return CatalogueSet(f"{whole.name}-{split}", title, whole.licence, files, whole.list_path, whole.notices)
