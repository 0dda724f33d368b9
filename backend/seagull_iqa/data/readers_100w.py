"""Read the public SEAGULL-100w folders: Dist.Images/{Type}/{Type}_{0..19}/{id}.png, Ref.Images/ and Labels/*.json.

How the label files look inside is not published. What is known: the regions are a list of records with an id and an
annotation (a list with COCO run lengths), shared by all distorted versions; the scores are keyed by image and region.
Everything that fits this is read; the rest is named in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.data.json_files import entries
from seagull_iqa.data.labelled import ImageFile, LabelledImage, LabelledRegion, Place
from seagull_iqa.data.readers_coco import place_of
from seagull_iqa.data.scores import WHOLE_RANGE, DataFileError, Scale, distortion, number

IMAGES, REFERENCES, LABELS = "Dist.Images", "Ref.Images", "Labels"
_SETTING = re.compile(r"([A-Za-z]+)_(\d+)$")
_QUALITY = ("quality", "quality_score", "score")
_IMPORTANCE = ("importance", "importance_score")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".bmp")

Scores = tuple[object, object]
"""Quality and importance of a region as the file has them; None where it has none."""


@dataclass(frozen=True)
class Seagull100w:
    """The public data set, or a part of it: images that are not there are left out.

    Attributes
    ----------
    folder : Path
    scale : Scale
        On which scale the scores are; the files do not say it.
    fast_view : bool
        Read the small excerpts ("fast-view") even where the whole files are there.
    """

    folder: Path
    scale: Scale = WHOLE_RANGE
    fast_view: bool = False

    def __call__(self) -> Iterator[LabelledImage]:
        """The distorted images that are there and have scores, in the order of the file of scores.

        Raises
        ------
        DataFileError
            A file is missing, or has a key that is not understood.
        """
        rois, scores = self._labels("rois"), self._labels("scores")
        places = dict(self._places(rois))
        for trail, found in _walk(scores):
            setting, key = _image_of(trail, scores)
            path = self._file(setting, key)
            if path is None:
                continue
            place = f"{scores.name}, {'/'.join(trail)}"
            if key not in places:
                raise DataFileError(f"{place}: {rois.name} has no regions of {key!r}.", "Fetch both files again.")
            yield self._image(path, setting, key, places[key], _per_region(found, len(places[key]), place), place)

    def _labels(self, kind: str) -> Path:
        names = sorted((self.folder / LABELS).glob(f"*{kind}*.json"))
        small = [path for path in names if "fast" in path.stem.lower()]
        whole = [path for path in names if path not in small]
        chosen = (small + whole) if self.fast_view else (whole + small)
        if not chosen:
            raise DataFileError(
                f"There is no file of {kind} in {self.folder / LABELS}.", "Fetch SEAGULL-100w's folder Labels."
            )
        return chosen[0]

    def _places(self, rois: Path) -> Iterator[tuple[str, list[Place]]]:
        for key, record in entries(rois):
            place = f"{rois.name}, entry {key}"
            name, listed = key, record
            if isinstance(record, Mapping):
                name = str(record.get("id", key))
                listed = next((record[k] for k in ("annotation", "annotations", "rois") if k in record), None)
            if isinstance(listed, Mapping):
                listed = list(listed.values())
            if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
                raise DataFileError(f"{place}: it has no list 'annotation'.", "This schema is not known; report it.")
            yield _stem(name), [place_of(_as_coco(one), place) for one in listed]

    def _file(self, setting: str, key: str) -> Path | None:
        folder = self.folder / IMAGES / setting.rpartition("_")[0] / setting
        return next((path for suffix in _SUFFIXES if (path := folder / f"{key}{suffix}").is_file()), None)

    def _image(
        self, path: Path, setting: str, key: str, places: Sequence[Place], scores: Sequence[Scores], place: str
    ) -> LabelledImage:
        type_ = distortion(setting.rpartition("_")[0], place)
        regions = tuple(
            LabelledRegion(
                f"r{index}",
                where,
                quality=None if quality is None else number(quality, self.scale, place),
                importance=None if importance is None else number(importance, self.scale, place),
                # Which of the 20 settings is strong is not known, so there is no severity.
                types=frozenset({type_}),
            )
            for index, (where, (quality, importance)) in enumerate(zip(places, scores, strict=True))
        )
        found = (self.folder / REFERENCES / f"{key}{suffix}" for suffix in _SUFFIXES)
        reference = next((ImageFile(one) for one in found if one.is_file()), None)
        return LabelledImage(f"{setting}/{key}", ImageFile(path), regions, reference, key)


def _stem(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return last[: last.rfind(".")] if last.lower().endswith(_SUFFIXES) else last


def _as_coco(one: Mapping[str, object]) -> Mapping[str, object]:
    """A record whose run lengths may stand under "rle", or in the record itself."""
    if "segmentation" in one or "bbox" in one:
        return one
    return {"segmentation": one.get("rle", one if "counts" in one else None)}


def _walk(scores: Path) -> Iterator[tuple[tuple[str, ...], object]]:
    """(keys down to an image, what stands there), however the keys are nested."""
    for key, value in entries(scores):
        if isinstance(value, Mapping) and not _SETTING.search("/".join(_parts((key,)))) and "id" in value:
            yield (str(value["id"]),), value  # a list of records that name their image
        else:
            yield from _descend((key,), value)


def _descend(trail: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    setting, key = _named(trail)
    if (setting and key) or not isinstance(value, Mapping):
        yield trail, value
        return
    for name, below in value.items():
        yield from _descend((*trail, str(name)), below)


def _parts(trail: tuple[str, ...]) -> list[str]:
    return [part for key in trail for part in key.replace("\\", "/").split("/") if part and part != IMAGES]


def _named(trail: tuple[str, ...]) -> tuple[str, str]:
    """The setting ("Blur_3") and the id in a trail of keys, in whatever order; empty where one is not there yet."""
    parts = _parts(trail)
    setting = next((part for part in parts if _SETTING.match(part)), "")
    type_ = setting.rpartition("_")[0].lower()
    rest = [part for part in parts if part != setting and part.lower() != type_]
    return setting, _stem(rest[0]) if setting and rest else ""


def _image_of(trail: tuple[str, ...], scores: Path) -> tuple[str, str]:
    setting, key = _named(trail)
    if not (setting and key):
        raise DataFileError(
            f"{scores.name}: the key {'/'.join(trail)!r} names no image.",
            "Expected something like Blur/Blur_3/ID; this schema is not known, report it.",
        )
    return setting, key


def _per_region(found: object, count: int, place: str) -> list[Scores]:
    """Quality and importance of every region, in the order of the regions."""
    if isinstance(found, Mapping):
        found = next((found[k] for k in ("scores", "annotation", "annotations", "rois") if k in found), found)
    if isinstance(found, Mapping) and any(name in found for name in (*_QUALITY, *_IMPORTANCE)):
        quality, importance = (_column(found, names, count, place) for names in (_QUALITY, _IMPORTANCE))
        return list(zip(quality, importance, strict=True))
    return [_pair(one, place) for one in _column({"regions": found}, ("regions",), count, place)]


def _column(found: Mapping[str, object], names: Sequence[str], count: int, place: str) -> list[object]:
    values = next((found[name] for name in names if name in found), None)
    if values is None:
        return [None] * count
    if isinstance(values, Mapping):
        values = list(values.values())
    if not isinstance(values, list) or len(values) != count:
        raise DataFileError(
            f"{place}: {len(values) if isinstance(values, list) else 'no list of'} scores for {count} regions.",
            "This schema is not known; report it.",
        )
    return values


def _pair(one: object, place: str) -> Scores:
    if isinstance(one, Mapping):
        known = {name: one[name] for name in (*_QUALITY, *_IMPORTANCE) if name in one}
        if not known:
            raise DataFileError(
                f"{place}: the key {next(iter(one), '')!r} is not understood.",
                f"Expected {' or '.join((*_QUALITY, *_IMPORTANCE))}.",
            )
        quality = next((known[name] for name in _QUALITY if name in known), None)
        return quality, next((known[name] for name in _IMPORTANCE if name in known), None)
    return one, None
