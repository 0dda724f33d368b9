"""Regions from files: a mask image, an image of labels, or our own JSON, whose format `docs/cli.md` describes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin, new_region_id
from seagull_iqa.errors import EmptyRegionError, LimitError, RegionError, ShapeMismatchError
from seagull_iqa.imaging.files import read_array
from seagull_iqa.imaging.masks import ellipse_mask, polygon_mask

FORMAT = "seagull-regions"
VERSION = 1

MAX_REGIONS = 10_000
"""Most regions that one file may hold."""

MAX_BYTES = 64 * 1024**2
"""Largest JSON file of regions, in bytes."""

Shape = tuple[int, int]


def read_mask(path: Path, shape: Shape) -> Region:
    """The non-zero pixels of an image file as one region of an image of that height and width (px)."""
    return Region(RegionMask.from_pixels(_plane(path, shape, "mask")), Path(path).stem, RegionOrigin.FILE)


def read_labels(path: Path, shape: Shape) -> list[Region]:
    """Every value above zero of an image file as a region "label N", in the order of the values."""
    plane = _plane(path, shape, "labels")
    if plane.dtype.kind == "f":
        if not np.array_equal(plane, np.rint(plane)):
            raise RegionError(f"The labels in {Path(path).name} are no whole numbers.", "Give an image of labels.")
        plane = plane.astype(np.int64)
    values = np.unique(plane[plane > 0])
    _check_count(len(values), path)
    if not len(values):
        raise EmptyRegionError(f"{Path(path).name} holds no label above zero.", "Give an image of labels.")
    return [
        Region(RegionMask.from_pixels(plane == value), f"label {value}", RegionOrigin.FILE) for value in values.tolist()
    ]


def _plane(path: Path, shape: Shape, kind: str) -> NDArray[Any]:
    array, plane, colour = read_array(Path(path))
    values = array[plane]
    if colour:
        values = values[..., :3].max(axis=-1)
    if values.shape != shape:
        raise ShapeMismatchError(
            f"The {kind} in {Path(path).name} {'is' if kind == 'mask' else 'are'} "
            f"{' x '.join(map(str, values.shape))} pixels, "
            f"but the image is {shape[0]} x {shape[1]}.",
            f"Give {'a mask' if kind == 'mask' else 'labels'} of the same height and width as the image.",
        )
    return cast("NDArray[Any]", values)


def read_regions(path: Path, shape: Shape) -> list[Region]:
    """The regions of a JSON file, for an image of that height and width (px).

    Raises
    ------
    RegionError
        Not our format, another version, or a region that cannot be understood; the message says which.
    ShapeMismatchError
        The file was written for an image of another size.
    LimitError
        More than `MAX_REGIONS` or `MAX_BYTES`.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise LimitError(f"{file.name} has more than {MAX_BYTES:,} bytes.", "Split it into several files.")
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or error
        raise RegionError(f"{file} cannot be opened ({why}).", "Check path and permissions.") from error
    except (ValueError, RecursionError) as error:
        why = f"{file.name} cannot be read as JSON ({error})."
        raise RegionError(why, "Check that it is the right file.") from error
    return regions_of(document, shape, name=file.name)


def regions_of(document: object, shape: Shape, *, name: str = "the file") -> list[Region]:
    """The regions of a parsed JSON document; see `read_regions`."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise RegionError(f'{name} has no "format": "{FORMAT}".', "Give a file of regions; docs/cli.md shows one.")
    if document.get("version") != VERSION:
        raise RegionError(
            f"{name} is of version {document.get('version')!r}; this program reads version {VERSION}.",
            "Update napari-seagull.",
        )
    _check_size(document.get("image"), shape, name)
    entries = document.get("regions")
    if not isinstance(entries, list) or not entries:
        raise RegionError(f'{name} has no list of "regions".', "Add at least one region.")
    _check_count(len(entries), Path(name))
    return [_region(entry, shape, f"Region {number} of {name}", number) for number, entry in enumerate(entries, 1)]


def _check_count(count: int, path: Path) -> None:
    if count > MAX_REGIONS:
        raise LimitError(
            f"{Path(path).name} holds {count:,} regions; at most {MAX_REGIONS:,} are read.", "Split it up."
        )


def _check_size(image: object, shape: Shape, name: str) -> None:
    if isinstance(image, dict) and "height" in image and "width" in image:
        size = (image["height"], image["width"])
        if size != shape:
            raise ShapeMismatchError(
                f"{name} was written for an image of {size[0]} x {size[1]} pixels; "
                f"this one is {shape[0]} x {shape[1]}.",
                "Give the regions of this image.",
            )


_SHAPES: dict[str, Callable[[Shape, Any], RegionMask]] = {
    "box": RegionMask.from_box,
    "ellipse": ellipse_mask,
    "polygon": polygon_mask,
    "runs": lambda shape, runs: RegionMask.from_runs(shape, runs["box"], runs["lengths"]),
}


def _region(entry: object, shape: Shape, place: str, number: int) -> Region:
    kinds = [kind for kind in _SHAPES if isinstance(entry, dict) and kind in entry]
    if not isinstance(entry, dict) or len(kinds) != 1:
        raise RegionError(f"{place} needs exactly one of {', '.join(_SHAPES)}.", "docs/cli.md shows each of them.")
    try:
        mask = _SHAPES[kinds[0]](shape, entry[kinds[0]])
    except RegionError as error:
        raise type(error)(f"{place}: {error.message}", error.hint) from error
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise RegionError(
            f"{place}: its {kinds[0]} cannot be understood.", "Coordinates are numbers: row before column."
        ) from error
    name = str(entry.get("name") or f"region {number}")
    return Region(mask, name, RegionOrigin.FILE, str(entry.get("id") or new_region_id()))


def regions_document(regions: Sequence[Region], shape: Shape, *, image_name: str = "") -> dict[str, Any]:
    """The inverse of `regions_of`, pixel for pixel: JSON values, boxes as boxes and everything else as run lengths."""
    image: dict[str, Any] = {"name": image_name, "height": shape[0], "width": shape[1]}
    return {"format": FORMAT, "version": VERSION, "image": image, "regions": [_entry(region) for region in regions]}


def _entry(region: Region) -> dict[str, Any]:
    named: dict[str, Any] = {"id": region.id, "name": region.name}
    if region.mask.inside.all():
        return {**named, "box": list(region.mask.box)}
    return {**named, "runs": {"box": list(region.mask.box), "lengths": region.mask.runs}}
