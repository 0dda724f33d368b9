"""ImageJ's ROIs: polygons along the edges of pixels, parts and holes as one composite, all values as properties."""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, SeagullError
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.reading import Budget, FormatError, json_of, needed, read_bytes, zip_entries
from seagull_iqa.formats.session_document import SessionRegion
from seagull_iqa.formats.values import Collected, Row, row_of
from seagull_iqa.imaging import raster
from seagull_iqa.imaging.palette import quality_rgb
from seagull_iqa.imaging.pixel_polygons import filled, pixel_polygons
from seagull_iqa.imaging.saving import save_bytes

PREFIX = "seagull_"
"""Before the names of our properties, so that they are told from those of others."""

_FARTHEST = 32_000
"""Largest coordinate that ImageJ's 16-bit polygons hold with room to spare; beyond it they are floats."""

_WIDE = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")

_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0


def write_rois(path: Path, export: Export) -> list[Path]:
    """A zip with a .roi for each region, for ImageJ's ROI Manager."""
    roifile = needed("roifile", "A zip of ImageJ ROIs")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, one in enumerate(export.document.regions, 1):
            data = _roi(roifile, one, row_of(export.document, one)).tobytes()
            # A fixed time, so that the same regions make the same file.
            archive.writestr(zipfile.ZipInfo(f"{number:05d}.roi", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    save_bytes(path, buffer.getvalue())
    return [path]


def _roi(roifile: Any, one: SessionRegion, row: Row) -> Any:  # noqa: ANN401 - a class of an optional package
    rings = [
        ring[:, ::-1] for polygon in pixel_polygons(one.region.mask) for ring in (polygon.shell, *polygon.holes)
    ]
    roi = roifile.ImagejRoi()
    roi.name = _two_bytes(one.region.name) or one.id
    roi.props = "".join(f"{PREFIX}{name}: {_cell(value)}\n" for name, value in row.items() if value is not None)
    quality = row["quality"]
    roi.stroke_color = bytes((255, *quality_rgb(quality if isinstance(quality, float) else None)))
    if len(one.plane) == 1:
        roi.position = one.plane[0] + 1
    r0, c0, r1, c1 = one.region.mask.box
    roi.top, roi.left, roi.bottom, roi.right = r0, c0, r1, c1
    if len(rings) == 1 and max(r1, c1) <= _FARTHEST:
        roi.roitype = roifile.ROI_TYPE.POLYGON
        roi.integer_coordinates = (rings[0] - [c0, r0]).astype(np.int32)
        roi.n_coordinates = len(rings[0])
    else:
        roi.roitype = roifile.ROI_TYPE.RECT
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
        roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(ring: NDArray[np.int64]) -> NDArray[np.float32]:
    """A ring of (x, y) as ImageJ's path: move, lines, close."""
    steps = np.full((len(ring), 3), _LINE, dtype=np.float32)
    steps[0, 0] = _MOVE
    steps[:, 1:] = ring
    return np.append(steps.ravel(), np.float32(_CLOSE))


def _cell(value: object) -> str:
    """Numbers and plain texts as they are; JSON strings where a text would break the line or look like one."""
    if not isinstance(value, str):
        return json.dumps(value)
    plain = value.isprintable() and _two_bytes(value) == value and value == value.strip() and value[:1] != '"'
    return value if plain else json.dumps(value)


def _two_bytes(text: str) -> str:
    """Without letters beyond U+FFFF, which ImageJ's format counts wrongly, and without halves of them."""
    return text if text.isascii() else _WIDE.sub("?", text)


def read_rois(path: Path, shape: tuple[int, int]) -> Contents:
    """The regions of a .roi or a zip of them; lines, points and texts are left out and told."""
    roifile = needed("roifile", "Reading ImageJ ROIs")
    found, budget = Collected(path.name), Budget(path.name)
    left_out = 0
    for name, data in _files(path):
        try:
            roi = roifile.ImagejRoi.frombytes(data)
            mask = _mask(roifile, roi, shape)
        except EmptyRegionError:
            mask = None
        except SeagullError as error:
            raise type(error)(f"{path.name}, {name!r:.60}: {error.message}", error.hint) from error
        except (ValueError, TypeError, RuntimeError, IndexError, OverflowError, MemoryError, struct.error) as error:
            raise FormatError(
                f"{path.name}, {name!r:.60} is no ROI that can be read.", "Export it from ImageJ again."
            ) from error
        if mask is None:
            left_out += 1
            continue
        found.add(budget.take(mask), _properties(roi.props), roi.name)
    if left_out:
        found.notes.append(f"{left_out} ROIs of {path.name} hold no pixel of the image and were left out.")
    return found.contents()


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix.lower() == ".zip":
        for name, data in zip_entries(path):
            if name.lower().endswith(".roi"):
                yield name, data
    else:
        yield path.name, read_bytes(path)


def _mask(roifile: Any, roi: Any, shape: tuple[int, int]) -> RegionMask | None:  # noqa: ANN401 - of an optional package
    """The pixels; None where a ROI has no area."""
    kinds = roifile.ROI_TYPE
    corners = np.array([roi.top, roi.left, roi.bottom, roi.right], dtype=np.float64)
    if roi.subpixelrect:
        corners = np.array([roi.yd, roi.xd, roi.yd + roi.heightd, roi.xd + roi.widthd])
    if not np.isfinite(corners).all():
        raise FormatError("Its corners are not numbers.", "Export it from ImageJ again.")
    r0, c0, r1, c1 = corners.tolist()
    box = np.array([(r0, c0), (r0, c1), (r1, c1), (r1, c0)])
    if roi.composite and roi.multi_coordinates is not None:
        return _parity(shape, [ring[:, 1::-1].astype(np.float64) for ring in roi.coordinates(multi=True)])
    if roi.roitype == kinds.RECT:
        return filled(shape, [[box]])
    if roi.roitype == kinds.OVAL:
        return raster.ellipse_mask(shape, box - 0.5)
    if roi.roitype in (kinds.POLYGON, kinds.FREEHAND, kinds.TRACED) and roi.subtype.value == 0:
        points = np.asarray(roi.coordinates(), dtype=np.float64)
        return filled(shape, [[points[:, 1::-1]]]) if len(points) >= 3 else None
    return None


def _parity(shape: tuple[int, int], rings: list[NDArray[np.float64]]) -> RegionMask:
    """Rings of one path, filled by the even-odd rule, as ImageJ's composites are."""
    masks = []
    for ring in rings:
        try:
            masks.append(filled(shape, [[ring]]))
        except EmptyRegionError:
            continue
    if len(masks) == 1:
        return masks[0]
    r0, c0 = (min((mask.box[axis] for mask in masks), default=0) for axis in (0, 1))
    r1, c1 = (max((mask.box[axis] for mask in masks), default=1) for axis in (2, 3))
    part = np.zeros((r1 - r0, c1 - c0), dtype=bool)
    for mask in masks:
        top, left, bottom, right = mask.box
        part[top - r0 : bottom - r0, left - c0 : right - c0] ^= mask.inside
    return RegionMask.from_part(shape, (r0, c0), part)


def _properties(text: str) -> Mapping[str, object]:
    """Our own properties as a row; those of others are not ours to read."""
    row: dict[str, object] = {}
    for line in text.split("\n"):
        name, _, value = line.partition(": ")
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX)
            row[key] = json_of(value, key) if value.startswith('"') else value
    if row and "name" not in row:
        row["name"] = ""
    return {key: value for key, value in row.items() if not (isinstance(value, float) and math.isnan(value))}
