"""Scores from a COCO file: images, and annotations with a segmentation or a bbox and a quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.data.json_files import read_json
from seagull_iqa.data.labelled import BoxPlace, CocoPlace, ImageFile, LabelledImage, LabelledRegion, Place
from seagull_iqa.data.scores import WHOLE_RANGE, DataFileError, Scale, findings, number
from seagull_iqa.domain.distortion import Distortion, Finding

_QUALITY = ("quality", "score")
_IMPORTANCE = ("importance",)
_TYPES = ("types", "distortions", "findings")


@dataclass(frozen=True)
class CocoFile:
    """One such file: {"images": [{"id", "file_name"}], "annotations": [{"image_id", "segmentation" or "bbox", ...}]}.

    An annotation's `quality` (or `score`), `importance` and `types` stand in it or in its `attributes`.

    Attributes
    ----------
    path : Path
    images : Path
        The folder that its file names are relative to.
    scale : Scale
        On which scale quality and importance are.
    """

    path: Path
    images: Path
    scale: Scale = WHOLE_RANGE

    def __call__(self) -> Iterator[LabelledImage]:
        """The images that have annotations, in the order of the file.

        Raises
        ------
        DataFileError
            Not such a file, or an annotation that cannot be understood.
        """
        document = read_json(self.path)
        if not isinstance(document, dict):
            raise DataFileError(
                f"{self.path.name} is not a COCO file.", 'It is {"images": [...], "annotations": [...]}.'
            )
        names = dict(self._image(one, index) for index, one in enumerate(self._list(document, "images")))
        regions: dict[object, list[LabelledRegion]] = {}
        for index, one in enumerate(self._list(document, "annotations")):
            place = f"{self.path.name}, annotation {index}"
            if not isinstance(one, dict) or not _is_key(one.get("image_id")) or one["image_id"] not in names:
                raise DataFileError(f"{place}: its image_id is of no image.", "List every image under images.")
            mine = regions.setdefault(one["image_id"], [])
            mine.append(region_of(one, str(one.get("id", len(mine))), self.scale, place))
        for key, name in names.items():
            if key in regions:
                yield LabelledImage(name, ImageFile(self.images / name), tuple(regions[key]))

    def _list(self, document: dict[str, object], key: str) -> list[object]:
        found = document.get(key)
        if not isinstance(found, list):
            raise DataFileError(f"{self.path.name} has no list {key!r}.", "Give a COCO file of instances.")
        return found

    def _image(self, one: object, index: int) -> tuple[object, str]:
        if not isinstance(one, dict) or not _is_key(one.get("id")) or not isinstance(one.get("file_name"), str):
            raise DataFileError(
                f"{self.path.name}, image {index}: id or file_name is missing.", "Every image has both."
            )
        return one["id"], one["file_name"]


def _is_key(value: object) -> bool:
    return isinstance(value, int | str)


def region_of(one: Mapping[str, object], name: str, scale: Scale, place: str) -> LabelledRegion:
    """One annotation as a region; `DataFileError` where it cannot be understood."""
    attributes = one.get("attributes")
    fields = {**(attributes if isinstance(attributes, dict) else {}), **one}
    types, found = _findings(fields, place)
    return LabelledRegion(
        name,
        place_of(one, place),
        quality=_score(fields, _QUALITY, scale, place),
        importance=_score(fields, _IMPORTANCE, scale, place),
        types=types,
        findings=found,
    )


def place_of(one: Mapping[str, object], place: str) -> Place:
    """Where an annotation is: its segmentation, or else its bbox [x, y, width, height] with what it touches."""
    if one.get("segmentation"):
        return CocoPlace(one["segmentation"])
    try:
        x, y, width, height = (float(value) for value in one["bbox"])  # type: ignore[attr-defined]
        box = (round(y), round(x), round(y + height), round(x + width))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise DataFileError(f"{place}: it has neither a segmentation nor a bbox.", "Give one of the two.") from None
    return BoxPlace(box)


def _score(fields: Mapping[str, object], names: tuple[str, ...], scale: Scale, place: str) -> float | None:
    found = next((fields[name] for name in names if fields.get(name) is not None), None)
    return None if found is None else number(found, scale, place)


def _findings(
    fields: Mapping[str, object], place: str
) -> tuple[frozenset[Distortion] | None, tuple[Finding, ...] | None]:
    found = next((fields[name] for name in _TYPES if fields.get(name) is not None), None)
    return (None, None) if found is None else findings(found, place)
