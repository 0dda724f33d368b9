"""OME-Zarr 0.4: the image with labels, whose properties are the values; and maps as channels with their limits."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import LimitError, ShapeMismatchError
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.folders import write_folder
from seagull_iqa.formats.pages import MAX_BYTES, label_pages, labelled_masks
from seagull_iqa.formats.reading import (
    MAX_REGIONS,
    Budget,
    FormatError,
    is_inside,
    json_of,
    needed,
    read_bytes,
    text_of,
)
from seagull_iqa.formats.session_file import app_name
from seagull_iqa.formats.values import Collected, Row, rows_of
from seagull_iqa.imaging.palette import quality_rgb
from seagull_iqa.imaging.score_maps import at_image_size, unit

VERSION = "0.4"
LABELS = "regions"
CHUNK = 1024
"""Side of a chunk in px."""

_ATTRIBUTES = ".zattrs"


def write_ome_zarr(path: Path, export: Export) -> list[Path]:
    """An image, and under `labels` one image of labels for each page that overlaps make necessary."""
    zarr = needed("zarr", "OME-Zarr")
    pages, homes = label_pages(export.document.regions, export.shape)
    names = [LABELS if number == 0 else f"{LABELS}-{number + 1}" for number in range(len(pages))]
    rows = rows_of(export.document)

    def fill(folder: Path) -> None:
        root = zarr.open_group(folder, mode="w", zarr_format=2)
        if export.image is not None:
            _put(root, "0", np.moveaxis(export.pixels.rgb, 2, 0))
            root.attrs.update(_image_attributes(export.facts.name))
        labels = root.create_group("labels")
        labels.attrs["labels"] = names
        for number, (name, page) in enumerate(zip(names, pages, strict=True)):
            group = labels.create_group(name)
            _put(group, "0", page)
            here = [(label, rows[label - 1]) for label, home in enumerate(homes, 1) if home == number]
            group.attrs.update(_label_attributes(name, here))

    return write_folder(path, fill)


def _put(group: Any, name: str, values: NDArray[np.generic]) -> None:  # noqa: ANN401 - of an optional package
    chunks = (*(1,) * (values.ndim - 2), *(min(CHUNK, side) for side in values.shape[-2:]))
    array = group.create_array(
        name, shape=values.shape, dtype=values.dtype, chunks=chunks, chunk_key_encoding={"name": "v2", "separator": "/"}
    )
    array[:] = values


def _multiscales(name: str, axes: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    scale = [{"type": "scale", "scale": [1.0] * len(axes)}]
    return [{
        "version": VERSION, "name": name, "axes": list(axes),
        "datasets": [{"path": "0", "coordinateTransformations": scale}],
    }]  # fmt: skip


_YX = ({"name": "y", "type": "space"}, {"name": "x", "type": "space"})
_CYX = ({"name": "c", "type": "channel"}, *_YX)


def _image_attributes(name: str) -> dict[str, Any]:
    colours = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
    channels = [_channel(label, colour, (0.0, 255.0)) for label, colour in colours]
    return {"multiscales": _multiscales(name, _CYX), "omero": {"version": VERSION, "channels": channels}}


def _channel(label: str, colour: str, limits: tuple[float, float]) -> dict[str, Any]:
    low, high = limits
    return {
        "label": label, "color": colour, "active": True, "family": "linear", "coefficient": 1, "inverted": False,
        "window": {"min": low, "max": high, "start": low, "end": high},
    }  # fmt: skip


def _label_attributes(name: str, rows: Sequence[tuple[int, Row]]) -> dict[str, Any]:
    colours = [
        {"label-value": label, "rgba": [*quality_rgb(q if isinstance(q := row["quality"], float) else None), 255]}
        for label, row in rows
    ]
    properties = [
        {"label-value": label, **{key: value for key, value in row.items() if value is not None}}
        for label, row in rows
    ]
    about = {"version": VERSION, "colors": colours, "properties": properties, "source": {"image": "../../"}}
    return {"multiscales": _multiscales(name, _YX), "image-label": about}


def write_maps(path: Path, export: Export) -> list[Path]:
    """An image whose channels are the maps at the size of the image; as they were computed they lie in `computed`."""
    zarr = needed("zarr", "OME-Zarr")
    maps = list(export.some_maps.values())
    channels = [
        {**_channel(one.name, "FFFFFF", one.limits), "unit": unit(one.name)}
        for one in maps
    ]

    def fill(folder: Path) -> None:
        root = zarr.open_group(folder, mode="w", zarr_format=2)
        _put(root, "0", np.stack([at_image_size(one) for one in maps]))
        root.attrs.update({
            "multiscales": _multiscales(export.facts.name, _CYX),
            "omero": {"version": VERSION, "channels": channels}, "seagull": [_map_facts(one) for one in maps],
        })  # fmt: skip
        computed = root.create_group("computed")
        for one in maps:
            _put(computed, one.name, one.values)

    return write_folder(path, fill)


def _map_facts(one: ScoreMap) -> dict[str, Any]:
    return {
        "map": one.name, "model": one.model, "stride_px": one.stride, "window_px": one.window,
        "lowest": one.limits[0], "highest": one.limits[1], "software": app_name(), "computed": f"computed/{one.name}",
    }  # fmt: skip


def read_maps(path: Path, shape: tuple[int, int]) -> dict[str, ScoreMap]:
    """The maps that `write_maps` wrote, as they were computed; `FormatError` where there are none."""
    zarr = needed("zarr", "OME-Zarr")
    facts = _attributes(path).get("seagull")
    if not isinstance(facts, list):
        raise FormatError(f"{path.name} holds no maps of this program.", "Give an OME-Zarr of maps.")
    found = {}
    for one in facts:
        try:
            name, where = str(one["map"]), str(one["computed"])
            stride, window, model = float(one["stride_px"]), float(one["window_px"]), str(one["model"])
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path.name} does not say what its maps are.", "Export them again.") from error
        values = _array(zarr, path, where, "f").astype(np.float32)
        found[name] = ScoreMap(name, values, shape, stride, window, model)
    return found


def read_ome_zarr(path: Path, shape: tuple[int, int]) -> Contents:
    """Every label of every image of labels as a region, with its properties; of other programs, 0.4 and 0.5, too.

    Raises
    ------
    SeagullError
        Not such a folder, labels of another size, or a name that points out of it.
    """
    zarr = needed("zarr", "OME-Zarr")
    found, budget = Collected(path.name), Budget(path.name)
    placed = []
    for group, attributes in _label_groups(path):
        rows = _properties(attributes)
        dataset = _first_dataset(attributes, path.name)
        for page in _planes(_array(zarr, path, f"{group}/{dataset}", "iu"), shape, path.name):
            placed += [(rows.get(value, {}), value, budget.take(mask)) for value, mask in labelled_masks(page).items()]
    # Labels count up over all pages, in the order of the regions.
    for row, value, mask in sorted(placed, key=lambda one: one[1]):
        found.add(mask, row, f"label {value}")
    return found.contents()


def _label_groups(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Path of each group of labels below the root, with its attributes."""
    if "image-label" in _attributes(path):
        return [(".", _attributes(path))]
    names = _attributes(path / "labels").get("labels")
    if not isinstance(names, list) or not 0 < len(names) <= MAX_REGIONS:
        raise FormatError(f"{path.name} has no labels.", "Give an OME-Zarr image with labels.")
    groups = []
    for name in names:
        if not isinstance(name, str) or not is_inside(name):
            raise FormatError(f"{path.name} names labels outside of itself.", "Do not trust this file.")
        groups.append((f"labels/{name}", _attributes(path / "labels" / name)))
    return groups


def _attributes(folder: Path) -> dict[str, Any]:
    """The attributes of a group, of Zarr 2 or 3; empty where there are none."""
    for name in (_ATTRIBUTES, "zarr.json"):
        file = folder / name
        if file.is_file():
            found = json_of(text_of(read_bytes(file), file.name), file.name)
            found = found.get("attributes", {}) if isinstance(found, dict) and name == "zarr.json" else found
            if not isinstance(found, dict):
                break
            inner = found.get("ome")
            return inner if isinstance(inner, dict) else found
    return {}


def _first_dataset(attributes: Mapping[str, Any], name: str) -> str:
    try:
        dataset = attributes["multiscales"][0]["datasets"][0]["path"]
    except (KeyError, IndexError, TypeError) as error:
        raise FormatError(f"{name} does not say where its labels are.", "Give an OME-Zarr image.") from error
    if not isinstance(dataset, str) or not is_inside(dataset):
        raise FormatError(f"{name} names an array outside of itself.", "Do not trust this file.")
    return dataset


def _array(zarr: Any, path: Path, where: str, kinds: str) -> NDArray[Any]:  # noqa: ANN401 - of an optional package
    """An array, once its size is known to be bearable."""
    if not is_inside(where):
        raise FormatError(f"{path.name} names an array outside of itself.", "Do not trust this file.")
    try:
        array = zarr.open_array(path / where, mode="r")
        chunk = int(np.prod([float(side) for side in array.chunks])) * array.dtype.itemsize
        if array.nbytes > MAX_BYTES or chunk > MAX_BYTES:
            raise LimitError(f"{path.name} holds an array of more than {MAX_BYTES:,} bytes.", "Crop it.")
        if array.dtype.kind not in kinds:
            raise FormatError(f"{path.name}: {where} holds {array.dtype}.", "Give labels as whole numbers.")
        values: NDArray[Any] = np.asarray(array[...])
    except (OSError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, zlib.error) as error:
        raise FormatError(f"{path.name}: {where} cannot be read.", "Copy or export it again.") from error
    return values


def _planes(values: NDArray[Any], shape: tuple[int, int], name: str) -> list[NDArray[Any]]:
    if values.shape[-2:] != shape:
        raise ShapeMismatchError(
            f"The labels in {name} are {' x '.join(map(str, values.shape[-2:]))} pixels, "
            f"but the image is {shape[0]} x {shape[1]}.",
            "Give labels of the same height and width as the image.",
        )
    return list(values.reshape(-1, *shape))


def _properties(attributes: Mapping[str, Any]) -> dict[int, Mapping[str, object]]:
    about = attributes.get("image-label")
    listed = about.get("properties") if isinstance(about, dict) else None
    rows: dict[int, Mapping[str, object]] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("label-value"), int):
            rows[one["label-value"]] = one
    return rows
