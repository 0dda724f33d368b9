"""COCO instances with exact run lengths, as pycocotools reads them; all values stand under `attributes`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Finding
from seagull_iqa.domain.region import RegionMask, new_region_id
from seagull_iqa.errors import EmptyRegionError, RegionError
from seagull_iqa.formats.entries import AnnotationEntry, parsed
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.reading import Budget, FormatError, list_under, read_json
from seagull_iqa.formats.session_document import SessionRegion
from seagull_iqa.formats.session_file import app_name
from seagull_iqa.formats.values import Collected, row_of
from seagull_iqa.imaging import coco
from seagull_iqa.imaging.saving import save_text

CATEGORY = {"id": 1, "name": "region", "supercategory": ""}


def write_coco(path: Path, export: Export) -> list[Path]:
    """One image, one annotation a region."""
    height, width = export.shape
    images = [{"id": 1, "file_name": export.facts.name or "image", "height": height, "width": width}]
    notes = [_annotation(number, one, export) for number, one in enumerate(export.document.regions, 1)]
    save_text(path, coco_text(images, notes))
    return [path]


def coco_text(images: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]]) -> str:
    """The file: a line an annotation."""
    info = {"description": "Regions with their quality", "contributor": app_name(), "version": "1"}
    lines = ",\n  ".join(json.dumps(one, ensure_ascii=False, allow_nan=False) for one in notes)
    head = {"info": info, "licenses": [], "categories": [CATEGORY], "images": list(images)}
    parts = [f' "{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in head.items()]
    return "{\n" + ",\n".join(parts) + ',\n "annotations": [\n  ' + lines + "\n ]\n}\n"


def annotation_of(number: int, image: int, mask: RegionMask) -> dict[str, Any]:
    """What COCO wants of an annotation."""
    r0, c0, r1, c1 = mask.box
    return {
        "id": number, "image_id": image, "category_id": CATEGORY["id"], "iscrowd": 0,
        "bbox": [c0, r0, c1 - c0, r1 - r0], "area": mask.area,
        "segmentation": {"size": list(mask.shape), "counts": coco.encode_mask(mask)},
    }  # fmt: skip


def _annotation(number: int, one: SessionRegion, export: Export) -> dict[str, Any]:
    row = row_of(export.document, one)
    known = export.document.report_of.get(one.id)
    scores = {} if known is None else {
        "quality": row["quality"], "importance": row["importance"], "types": types(known.report.findings)
    }  # fmt: skip
    return {**annotation_of(number, 1, one.region.mask), **scores, "attributes": row}


def types(findings: Sequence[Finding] | None) -> list[str] | None:
    """["severe blur"], [] for clean, None where nothing is known."""
    return None if findings is None else [str(one) for one in findings]


def read_coco(path: Path, shape: tuple[int, int], image_name: str = "") -> Contents:
    """The annotations of one image: the only one, else the one of that file name.

    Raises
    ------
    SeagullError
        Not such a file, several images and none of that name, or an annotation that cannot be understood.
    """
    document = read_json(path)
    notes = list_under(document, "annotations", path.name)
    wanted = _image_id(list_under(document, "images", path.name), image_name, path.name)
    names = _categories(document)
    found, budget = Collected(path.name), Budget(path.name)
    left_out = 0
    for number, note in enumerate(notes):
        place = f"{path.name}, annotation {number}"
        if not isinstance(note, dict):
            raise FormatError(f"{place} is none.", "Give a COCO file of instances.")
        if note.get("image_id") != wanted:
            continue
        try:
            mask = budget.take(_mask(note, shape, place))
        except EmptyRegionError:
            left_out += 1
            continue
        except RegionError as error:
            raise type(error)(f"{place}: {error.message}", error.hint) from error
        attributes = note.get("attributes")
        row = attributes if isinstance(attributes, dict) else {}
        found.add(mask, row, names.get(str(note.get("category_id")), f"region {number + 1}"))
        if "annotations" not in row:
            said = label_of({**row, **note}, found.regions[-1].id, place)
            found.annotations += [] if said is None else [said]
    if left_out:
        found.notes.append(f"{left_out} annotations of {path.name} hold no pixel of the image and were left out.")
    return found.contents()


def label_of(fields: Mapping[str, Any], region: str, place: str) -> Annotation | None:
    """What another program's file says of the quality of a region, as a label; None where it says nothing."""
    quality = fields.get("quality", fields.get("score"))
    importance = fields.get("importance")
    if quality is None and importance is None:
        return None
    values = {"id": new_region_id(), "region": region, "quality": quality, "importance": importance}
    try:
        return parsed(AnnotationEntry, values, place).annotation()
    except RegionError as error:
        raise FormatError(f"{place}: {error.message}", error.hint) from error


def _image_id(images: Sequence[object], image_name: str, name: str) -> object:
    known = [one for one in images if isinstance(one, dict)]
    mine = [one for one in known if PurePath(str(one.get("file_name"))).name == PurePath(image_name).name]
    chosen = mine if len(mine) == 1 else known
    if len(chosen) != 1:
        raise FormatError(
            f"{name} is about {len(known)} images, and {image_name or 'the image'} is not one of them by name.",
            "Give the image whose file_name stands in it.",
        )
    return chosen[0].get("id")


def _categories(document: object) -> dict[str, str]:
    found = document.get("categories") if isinstance(document, dict) else None
    return {
        str(one.get("id")): str(one.get("name", ""))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
    }


def _mask(note: Mapping[str, Any], shape: tuple[int, int], place: str) -> RegionMask:
    if note.get("segmentation"):
        return coco.mask_of(shape, note["segmentation"])
    try:
        x, y, width, height = (float(value) for value in note["bbox"])
        return RegionMask.from_box(shape, (round(y), round(x), round(y + height), round(x + width)))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, RegionError):
            raise
        raise FormatError(f"{place} has neither a segmentation nor a bbox.", "Give one of the two.") from error
