"""Pictures for people: regions outlined and tinted by their score, and a quality map with its colour bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seagull_iqa.domain.region import Box, Region
from seagull_iqa.domain.report import QualityReport, ScoreMap
from seagull_iqa.imaging.masks import outline
from seagull_iqa.imaging.palette import RGB, quality_colors, quality_rgb
from seagull_iqa.imaging.score_maps import at_image_size

RGBImage = NDArray[np.uint8]
"""uint8, shape (H, W, 3), 0..255."""

_PAPER: RGB = (255, 255, 255)
_INK: RGB = (24, 24, 24)
_TINT = 0.28
"""Share of the score's colour in a tinted pixel."""

_SHORTEST = 560
"""Smaller pictures are enlarged to that long side, in whole steps, so that the labels can be read."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_overlay(image: RGBImage, regions: Sequence[Region], reports: Sequence[QualityReport]) -> RGBImage:
    """The image with every region outlined, tinted and labelled, above a legend of the colours.

    Parameters
    ----------
    image : uint8, shape (H, W, 3)
    regions, reports : sequences
        One report a region, in the same order.

    Returns
    -------
    uint8, shape (H', W', 3)
    """
    zoom = _zoom(image)
    pixels = np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1)
    width = max(2, round(max(pixels.shape[:2]) / 300))
    for region, report in sorted(zip(regions, reports, strict=True), key=lambda pair: -pair[0].mask.area):
        _tint(pixels, region, quality_rgb(report.quality), zoom=zoom, width=width)
    picture = Image.fromarray(pixels)
    _label_all(picture, regions, reports, zoom)
    return _with_bar(picture, [])


def draw_heatmap(image: RGBImage, quality: ScoreMap, *, opacity: float = 0.74) -> RGBImage:
    """The image in gray under its quality map, with a colour bar from 0 to 100.

    Parameters
    ----------
    image : uint8, shape (H, W, 3)
    quality : ScoreMap
        0..100.
    opacity : float, 0..1
        Share of the map's colour.

    Returns
    -------
    uint8, shape (H', W', 3)
    """
    scores = at_image_size(quality)
    gray = np.asarray(Image.fromarray(image).convert("L"), dtype=np.float32)[..., None]
    mixed = (1.0 - opacity) * gray + opacity * quality_colors(scores)
    zoom = _zoom(image)
    pixels = np.repeat(np.repeat(np.rint(mixed).astype(np.uint8), zoom, axis=0), zoom, axis=1)
    known = scores[np.isfinite(scores)]
    notes = [f"lowest {known.min():.0f}, mean {known.mean():.0f}, highest {known.max():.0f}"] if known.size else []
    return _with_bar(Image.fromarray(pixels), [*notes, quality.model])


def _zoom(image: RGBImage) -> int:
    return max(1, -(-_SHORTEST // int(max(image.shape[:2]))))


def _tint(pixels: RGBImage, region: Region, color: RGB, *, zoom: int, width: int) -> None:
    """Blend the colour over the region and draw its edge, in place: a dark line with the colour inside it."""
    box, edge = outline(region.mask, max(1, round(width / zoom)))
    r0, c0, r1, c1 = (value * zoom for value in box)
    part = pixels[r0:r1, c0:c1]
    inside = np.repeat(np.repeat(region.mask.inside, zoom, axis=0), zoom, axis=1)[..., None]
    blended = (1.0 - _TINT) * part + _TINT * np.asarray(color, dtype=np.float32)
    part[:] = np.where(inside, np.rint(blended).astype(np.uint8), part)
    part[np.repeat(np.repeat(edge, zoom, axis=0), zoom, axis=1)] = color


def _label_all(
    picture: Image.Image, regions: Sequence[Region], reports: Sequence[QualityReport], zoom: int
) -> None:
    draw = ImageDraw.Draw(picture)
    font = _font(picture)
    taken: list[Box] = []
    for region, report in zip(regions, reports, strict=True):
        score = "not scored" if report.quality is None else f"{report.quality:.0f}"
        text = f"{region.name or 'region'}  {score}"
        taken.append(_label(draw, font, text, quality_rgb(report.quality), _anchor(region, zoom), taken, picture.size))


def _anchor(region: Region, zoom: int) -> tuple[int, int]:
    """The topmost row of the region and the middle of its pixels there, in px of the picture."""
    r0, c0, _, _ = region.mask.box
    columns = np.flatnonzero(region.mask.inside[0])
    return int(r0 * zoom), int((c0 + columns[columns.size // 2]) * zoom)


def _label(  # noqa: PLR0913 - a drawing call: where, what and on what
    draw: ImageDraw.ImageDraw,
    font: Font,
    text: str,
    color: RGB,
    anchor: tuple[int, int],
    taken: list[Box],
    size: tuple[int, int],
) -> Box:
    """Write a label on a plate of the score's colour, near the anchor and clear of the others; the plate's box."""
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = 4
    high, wide = int(bottom - top) + 2 * pad, int(right - left) + 2 * pad
    column = min(max(anchor[1] - wide // 2, 2), max(2, size[0] - wide - 2))
    rows = [min(max(anchor[0] + step * (high + 2) - high // 2, 2), max(2, size[1] - high - 2)) for step in _STEPS]
    plates = [(row, column, row + high, column + wide) for row in rows]
    plate = next((plate for plate in plates if not any(_overlap(plate, other) for other in taken)), plates[0])
    draw.rectangle((plate[1], plate[0], plate[3] - 1, plate[2] - 1), fill=color, outline=_INK)
    draw.text((column + pad - left, plate[0] + pad - top), text, font=font, fill=ink_on(color))
    return plate


_STEPS = (0, 1, -1, 2, -2, 3, -3, 4, 5, 6)
"""Where a label is tried, in its own heights below its anchor."""


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def ink_on(background: RGB) -> RGB:
    """Dark or white, whichever is easier to read on that colour."""
    shares = [value / 255 for value in background]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    # Where the contrast with both inks is equal (WCAG relative luminance).
    return _INK if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.2 else _PAPER


def _font(picture: Image.Image) -> Font:
    return ImageFont.load_default(size=max(13, round(max(picture.size) / 48)))


def _with_bar(picture: Image.Image, notes: Sequence[str]) -> RGBImage:
    """The picture above a colour bar of quality 0 to 100 with ticks and words."""
    font = _font(picture)
    line = round(_line_height(font) * 1.5)
    margin = line
    bar_high = line
    wide = max(picture.width, 24 * line)
    sheet = Image.new("RGB", (wide, picture.height + (4 + len(notes)) * line + bar_high), _PAPER)
    sheet.paste(picture, ((wide - picture.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    top = picture.height + line // 2
    draw.text((wide // 2, top), "quality, 0 bad to 100 excellent", font=font, fill=_INK, anchor="ma")
    top += line
    length = wide - 2 * margin
    bar = np.repeat(quality_colors(np.linspace(0, 100, length))[None], bar_high, axis=0)
    sheet.paste(Image.fromarray(bar), (margin, top))
    for value in (0, 25, 50, 75, 100):
        column = margin + round((length - 1) * value / 100)
        draw.line((column, top + bar_high, column, top + bar_high + line // 3), fill=_INK, width=2)
        draw.text((column, top + bar_high + line // 2), str(value), font=font, fill=_INK, anchor="ma")
    for number, note in enumerate(notes):
        draw.text((wide // 2, top + bar_high + (1.7 + number) * line), note, font=font, fill=_INK, anchor="ma")
    return np.asarray(sheet)


def _line_height(font: Font) -> int:
    _, top, _, bottom = font.getbbox("Ag")
    return max(10, int(bottom - top))
