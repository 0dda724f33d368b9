"""LabelMe's JSON: polygons, rectangles, circles and masks with a label."""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError, ShapeMismatchError
from seagull_iqa.formats.export import Contents
from seagull_iqa.formats.reading import Budget, FormatError, list_under, read_json
from seagull_iqa.formats.values import Collected
from seagull_iqa.imaging import raster
from seagull_iqa.imaging.pixel_polygons import filled

_DAMAGE = (
    binascii.Error, UnidentifiedImageError, Image.DecompressionBombError, zlib.error, struct.error, OSError,
    SyntaxError, ValueError,
)  # fmt: skip


def read_labelme(path: Path, shape: tuple[int, int]) -> Contents:
    """The shapes as regions; lines and points are left out and told. The image's path in it is never opened."""
    document = read_json(path)
    shapes = list_under(document, "shapes", path.name)
    _check_size(document, shape, path.name)
    found, budget = Collected(path.name), Budget(path.name)
    left_out = 0
    for number, one in enumerate(shapes, 1):
        place = f"{path.name}, shape {number}"
        if not isinstance(one, dict):
            raise FormatError(f"{place} is none.", "Give a file of LabelMe.")
        try:
            mask = _mask(one, shape, place)
        except EmptyRegionError:
            mask = None
        except RegionError as error:
            raise type(error)(f"{place}: {error.message}", error.hint) from error
        if mask is None:
            left_out += 1
        else:
            label = one.get("label")
            found.add(budget.take(mask), {}, label if isinstance(label, str) else f"region {number}")
    if left_out:
        found.notes.append(f"{left_out} shapes of {path.name} hold no pixel of the image and were left out.")
    return found.contents()


def _check_size(document: object, shape: tuple[int, int], name: str) -> None:
    said = document if isinstance(document, dict) else {}
    height, width = said.get("imageHeight"), said.get("imageWidth")
    if height is not None and width is not None and (height, width) != shape:
        raise ShapeMismatchError(
            f"{name} was written for an image of {height!s:.20} x {width!s:.20} pixels; "
            f"this one is {shape[0]} x {shape[1]}.",
            "Give the regions of this image.",
        )


def _mask(one: Mapping[str, Any], shape: tuple[int, int], place: str) -> RegionMask | None:
    """The pixels; None for shapes without area. LabelMe's points are (x, y) with corners of pixels at whole numbers."""
    kind = one.get("shape_type", "polygon")
    if kind not in ("polygon", "rectangle", "circle", "mask"):
        return None
    points = _points(one.get("points"), place)
    if kind == "polygon":
        return filled(shape, [[points]]) if len(points) >= 3 else None
    if len(points) < 2:
        raise FormatError(f"{place}: a {kind} has two points.", "Give a file of LabelMe.")
    (r0, c0), (r1, c1) = points[0].tolist(), points[-1].tolist()
    if kind == "circle":
        reach = float(np.hypot(r1 - r0, c1 - c0))
        sides = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * reach
        return raster.ellipse_mask(shape, np.array([r0, c0]) - 0.5 + sides)
    if kind == "rectangle":
        return filled(shape, [[np.array([(r0, c0), (r0, c1), (r1, c1), (r1, c0)])]])
    return RegionMask.from_part(shape, (round(min(r0, r1)), round(min(c0, c1))), _picture(one.get("mask"), place))


def _points(points: object, place: str) -> NDArray[np.float64]:
    try:
        found = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.zeros(0)
    if found.ndim != 2 or found.shape[1] != 2 or not np.isfinite(found).all():
        raise FormatError(f"{place}: its points are no list of [x, y].", "Give a file of LabelMe.")
    if np.abs(found).max() > 2**31:
        raise FormatError(f"{place}: its points are too far away.", "Give a file of LabelMe.")
    return found[:, ::-1]


def _picture(text: object, place: str) -> NDArray[np.bool_]:
    """The PNG of a mask, in base64: bool, shape (h, w)."""
    try:
        data = base64.b64decode(str(text), validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
            if opened.width * opened.height > 2**28:
                raise FormatError(f"{place}: its mask is too large.", "Give a smaller one.")
            return np.asarray(opened.convert("L")) > 0
    except _DAMAGE as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{place}: its mask is no picture.", "Give a file of LabelMe.") from error
