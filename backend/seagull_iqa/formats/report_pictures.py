"""The pictures of a report: the image with all its regions, and its worst regions from near by, as JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import SessionRegion
from seagull_iqa.formats.summary import Line, Summary
from seagull_iqa.imaging.overlay import ink_on
from seagull_iqa.imaging.palette import RGB, quality_rgb

LONG_SIDE = 1600
"""Px of the overlay's longer side at most; smaller images are enlarged in whole steps up to half of it."""

CROP_SIDE = 320
"""Px of the picture of one region."""

_TINT = 0.35
_DARK: RGB = (20, 20, 20)


@dataclass(frozen=True)
class Picture:
    """A JPEG.

    Attributes
    ----------
    data : bytes
    size : (int, int)
        Width and height in px.
    """

    data: bytes
    size: tuple[int, int]


def overlay_picture(export: Export, summary: Summary) -> Picture:
    """The image with every region tinted and outlined in the colour of its quality, the worst ones numbered."""
    image = export.pixels.rgb
    qualities = {line.one.id: None if line.report is None else line.report.quality for line in summary.lines}
    here = export.regions_here()
    pixels = _tinted(image, here, [quality_rgb(qualities[one.id]) for one in here])
    picture = _fitted(Image.fromarray(pixels))
    zoom = picture.width / image.shape[1]
    ids = {one.id for one in here}
    _number_all(picture, [line for line in summary.worst if line.one.id in ids], zoom)
    return _jpeg(picture)


def _tinted(
    image: NDArray[np.uint8], regions: Sequence[SessionRegion], colours: Sequence[RGB]
) -> NDArray[np.uint8]:
    """All regions at once: a pixel belongs to the smallest, an outline runs where its owner changes."""
    owner = np.zeros(image.shape[:2], dtype=np.int32)
    for number, one in sorted(enumerate(regions, 1), key=lambda pair: -pair[1].region.mask.area):
        r0, c0, r1, c1 = one.region.mask.box
        owner[r0:r1, c0:c1][one.region.mask.inside] = number
    table = np.array([(0, 0, 0), *colours], dtype=np.float32)
    inside = owner > 0
    pixels = image.copy()
    pixels[inside] = np.rint((1 - _TINT) * image[inside] + _TINT * table[owner[inside]]).astype(np.uint8)
    edge = _edges(owner, max(1, round(max(image.shape[:2]) / 700))) & inside
    pixels[edge] = table[owner[edge]].astype(np.uint8)
    return pixels


def _edges(owner: NDArray[np.int32], width: int) -> NDArray[np.bool_]:
    """Pixels with another owner within `width` px above, below, left or right."""
    found = np.zeros(owner.shape, dtype=bool)
    for step in range(1, width + 1):
        down = owner[step:] != owner[:-step]
        found[step:] |= down
        found[:-step] |= down
        right = owner[:, step:] != owner[:, :-step]
        found[:, step:] |= right
        found[:, :-step] |= right
    return found


def _fitted(picture: Image.Image) -> Image.Image:
    long = max(picture.size)
    if long > LONG_SIDE:
        size = tuple(max(1, round(side * LONG_SIDE / long)) for side in picture.size)
        return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    zoom = max(1, LONG_SIDE // 2 // long)
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def _number_all(picture: Image.Image, lines: Sequence[Line], zoom: float) -> None:
    """The rank of each in a disc of its colour, in the middle of the row that holds most of the region."""
    draw = ImageDraw.Draw(picture)
    radius = max(10, round(max(picture.size) / 75))
    font = ImageFont.load_default(size=round(radius * 1.2))
    for line in reversed(lines):
        row, column = (value * zoom for value in _heart(line.one))
        x, y = (min(max(at, radius), side - radius) for at, side in zip((column, row), picture.size, strict=True))
        colour = quality_rgb(None if line.report is None else line.report.quality)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=_DARK, width=2)
        draw.text((x, y), str(line.rank), font=font, fill=ink_on(colour), anchor="mm")


def _heart(one: SessionRegion) -> tuple[float, float]:
    """A pixel well inside a region."""
    mask = one.region.mask
    row = int(mask.inside.sum(axis=1).argmax())
    columns = np.flatnonzero(mask.inside[row])
    return mask.box[0] + row + 0.5, mask.box[1] + int(columns[columns.size // 2]) + 0.5


def crop_picture(export: Export, line: Line) -> Picture:
    """A region with some of what surrounds it, outlined in the colour of its quality; nothing is painted inside."""
    image, mask = export.pixels.rgb, line.one.region.mask
    r0, c0, r1, c1 = mask.box
    side = max(r1 - r0, c1 - c0)
    margin = max(4, round(side * 0.15))
    top, left = max(0, r0 - margin), max(0, c0 - margin)
    bottom, right = min(image.shape[0], r1 + margin), min(image.shape[1], c1 + margin)
    part = Image.fromarray(image[top:bottom, left:right])
    inside = np.zeros((bottom - top, right - left), dtype=np.uint8)
    inside[r0 - top : r1 - top, c0 - left : c1 - left] = mask.inside
    zoom = CROP_SIDE / max(part.size)
    size = (max(1, round(part.width * zoom)), max(1, round(part.height * zoom)))
    how = Image.Resampling.NEAREST if zoom > 2 else Image.Resampling.LANCZOS
    pixels = np.array(part.resize(size, how))
    shown = np.asarray(Image.fromarray(inside).resize(size, Image.Resampling.NEAREST)).astype(np.int32)
    colour = quality_rgb(None if line.report is None else line.report.quality)
    pixels[_edges(shown, 5) & (shown == 0)] = _DARK
    pixels[_edges(shown, 4) & (shown == 0)] = colour
    return _jpeg(Image.fromarray(pixels))


def _jpeg(picture: Image.Image) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return Picture(buffer.getvalue(), picture.size)
