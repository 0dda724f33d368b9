"""Read a data set that `seagull data build` made: shards of images and what is true of their regions."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from seagull_iqa.data.json_files import read_json
from seagull_iqa.data.labelled import (
    CocoPlace,
    ImageFile,
    LabelledImage,
    LabelledRegion,
    Opener,
    RGBImage,
    types_of,
)
from seagull_iqa.data.scores import WHOLE_RANGE, DataFileError, findings, number
from seagull_iqa.errors import ImageError

INDEX = "seagull-data.json"
FORMAT = "seagull-data"
VERSION = 1
LABEL = "analytic-1"
EVERYWHERE = "all"


@dataclass(frozen=True)
class ShardImage:
    """Reads an image that lies inside a shard."""

    shard: Path
    start: int
    nbytes: int

    def __call__(self) -> RGBImage:
        """uint8, shape (H, W, 3); `ImageError` where the shard has changed."""
        try:
            with self.shard.open("rb") as file:
                file.seek(self.start)
                content = file.read(self.nbytes)
            with Image.open(io.BytesIO(content)) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise ImageError(f"An image in {self.shard} cannot be read ({error}).", "Build the shard again.") from error


@dataclass(frozen=True)
class ShardFolder:
    """One such data set.

    Attributes
    ----------
    folder : Path
        With seagull-data.json and shards/.
    label : str
        Which labels become quality and importance; the others stand in `more` as "NAME quality".
    """

    folder: Path
    label: str = LABEL

    def check(self) -> dict[str, Any]:
        """The index; `DataFileError` where it is not there or of another version."""
        index = read_json(self.folder / INDEX)
        if not isinstance(index, dict) or str(index.get("format", "")).split()[:1] != [FORMAT]:
            raise DataFileError(f"{self.folder / INDEX} does not describe such a data set.", "Build it again.")
        if index.get("version", VERSION) != VERSION:
            raise DataFileError(
                f"{self.folder} is of version {index['version']!r}; this program reads version {VERSION}.",
                "Update napari-seagull.",
            )
        return index

    def __call__(self) -> Iterator[LabelledImage]:
        """The images, shard by shard.

        Raises
        ------
        DataFileError
            No such data set, or a shard that cannot be understood.
        """
        self.check()
        shards = sorted((self.folder / "shards").glob("*.tar"))
        if not shards:
            raise DataFileError(f"There is no shard in {self.folder / 'shards'}.", "Let the build finish.")
        for shard in shards:
            yield from self._images(shard)

    def _images(self, shard: Path) -> Iterator[LabelledImage]:
        try:
            with tarfile.open(shard, "r:") as tar:
                key, parts = "", dict[str, Any]()
                for member in tar:
                    found, _dot, suffix = member.name.partition(".")
                    if found != key and parts:
                        yield self._image(shard, key, parts)
                        parts = {}
                    key = found
                    parts[suffix] = _part(tar, shard, member)
                if parts:
                    yield self._image(shard, key, parts)
        except (tarfile.TarError, OSError, ValueError, RecursionError, OverflowError) as error:
            raise DataFileError(f"{shard} cannot be read ({error}).", "Delete it and build again.") from error

    def _image(self, shard: Path, key: str, parts: Mapping[str, Any]) -> LabelledImage:
        place = f"{shard.name}, {key}"
        opener = next((part for name, part in parts.items() if name in ("webp", "png", "jpg")), None)
        facts = parts.get("json")
        if opener is None or not isinstance(facts, dict):
            raise DataFileError(f"{place}: its image or its .json is missing.", "Build the shard again.")
        try:
            regions = tuple(self._region(row, facts["size"], place) for row in facts["regions"])
            photograph, confined = str(facts["photograph"]), str(facts.get("where", EVERYWHERE))
        except (KeyError, TypeError, AttributeError) as error:
            raise DataFileError(f"{place}: {error} is missing or not understood.", "Build the shard again.") from error
        where = "" if confined == EVERYWHERE else confined
        return LabelledImage(key, opener, regions, self._reference(parts, facts), photograph, where)

    def _reference(self, parts: Mapping[str, Any], facts: Mapping[str, Any]) -> Opener | None:
        inside = next((part for name, part in parts.items() if name.startswith("ref.")), None)
        named = facts.get("reference")
        known = isinstance(named, str) and _is_inside(named) and (self.folder / named).is_file()
        outside = ImageFile(self.folder / str(named)) if known else None
        found: Opener | None = inside or outside
        return found

    def _region(self, row: Mapping[str, Any], size: list[int], place: str) -> LabelledRegion:
        where = f"{place}, region {row['id']}"
        labels = dict(row.get("labels", {}))
        mine = labels.pop(self.label, {})
        types, found = findings(row["types"], where)
        more = {f"{name} {what}": float(value) for name, one in labels.items() for what, value in one.items()}
        if row.get("touched") is not None:
            more["touched"] = float(row["touched"])
        if mine.get("importance_ref") is not None:
            more["importance_ref"] = float(mine["importance_ref"])
        quality, importance = (
            None if mine.get(name) is None else number(mine[name], WHOLE_RANGE, where)
            for name in ("quality", "importance")
        )
        return LabelledRegion(
            str(row["id"]),
            CocoPlace({"size": size, "counts": row["counts"]}),
            quality=quality,
            importance=importance,
            types=types if found is None else types_of(found),
            findings=found,
            kind=str(row.get("kind", "")),
            more=more,
        )


def _is_inside(name: str) -> bool:
    """A path that a set of somebody else cannot point out of its folder with."""
    path = PureWindowsPath(name)  # which knows the slashes of every system
    return not (path.drive or path.root or ".." in path.parts)


def _part(tar: tarfile.TarFile, shard: Path, member: tarfile.TarInfo) -> object:
    if not member.name.endswith(".json"):
        return ShardImage(shard, member.offset_data, member.size)
    opened = tar.extractfile(member)
    return json.loads(opened.read()) if opened else None
