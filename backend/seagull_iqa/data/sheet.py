"""Contact sheets, to look at what is made: every type from weak to strong, and samples of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seagull_iqa.data.labelled import LabelledImage, LabelledRegion, RGBImage
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.masks import outline
from seagull_iqa.imaging.saving import png_bytes, save_bytes

SIDE = 168
"""Of a tile, px."""

_GAP = 6
_LINE = 16
_LABEL = 150
_INK, _PAPER = (20, 20, 20), (250, 250, 250)
_CONFINED, _ASKED = (255, 210, 0), (0, 200, 255)


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture with some lines of text below it.

    Attributes
    ----------
    rgb : uint8, shape (H, W, 3)
    lines : tuple of str
    """

    rgb: RGBImage
    lines: tuple[str, ...] = ()


def grid(rows: Sequence[Sequence[Tile]], heads: Sequence[str], *, lines: int, side: int = SIDE) -> RGBImage:
    """Rows of tiles with a head on the left of each: uint8, shape (H, W, 3).

    Parameters
    ----------
    rows : sequence of sequences of Tile
        Tiles larger than `side` are made smaller; smaller ones are enlarged by whole numbers, so that pixels show.
    heads : sequence of str
        One a row; may have line ends.
    lines : int
        Lines of text below every tile.
    side : int
        Width and height of a tile in px.
    """
    step, height = side + _GAP, side + _GAP + _LINE * lines
    width = _LABEL + step * max(len(row) for row in rows)
    sheet = Image.new("RGB", (width, height * len(rows) + _GAP), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for index, (row, head) in enumerate(zip(rows, heads, strict=True)):
        top = _GAP + index * height
        draw.multiline_text((_GAP, top), head, _INK, font)
        for column, tile in enumerate(row):
            left = _LABEL + column * step
            sheet.paste(_fitted(tile.rgb, side), (left, top))
            draw.multiline_text((left, top + side + 1), "\n".join(tile.lines), _INK, font, spacing=2)
    return np.asarray(sheet)


def _fitted(rgb: RGBImage, side: int) -> Image.Image:
    picture = Image.fromarray(rgb)
    longest = max(picture.size)
    if longest > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        return picture
    factor = side // longest
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def busiest(rgb: RGBImage, side: int = SIDE) -> tuple[slice, slice]:
    """The square window of that side with the most structure, of a coarse grid: rows and columns."""
    gray = rgb.astype(np.float32).mean(2)
    height, width = gray.shape
    tops = np.linspace(0, max(0, height - side), 4).astype(int)
    lefts = np.linspace(0, max(0, width - side), 4).astype(int)
    best = max(
        ((int(top), int(left)) for top in tops for left in lefts),
        key=lambda at: float(gray[at[0] : at[0] + side, at[1] : at[1] + side].std()),
    )
    return slice(best[0], best[0] + side), slice(best[1], best[1] + side)


def outlined(rgb: RGBImage, mask: RegionMask, color: tuple[int, int, int], width: int = 3) -> RGBImage:
    """A copy with the outline of a mask drawn just outside it, so that the region's own pixels stay visible."""
    grown = RegionMask.from_pixels(_grown(mask.pixels, width))
    box, edge = outline(grown, width)
    copy = np.array(rgb)
    copy[box[0] : box[2], box[1] : box[3]][edge] = color
    return copy


def _grown(pixels: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_dilation

    grown: NDArray[np.bool_] = binary_dilation(pixels, iterations=width)
    return grown


def set_sheet(images: Iterable[LabelledImage], *, count: int = 20, crops: int = 3) -> RGBImage:
    """Samples of a data set: each image with its regions, then some regions beside the reference, with their labels.

    Parameters
    ----------
    images : iterable of LabelledImage
        Read to its end; the samples are spread over it evenly.
    count : int
        Images to show.
    crops : int
        Regions of each: worst, best and between.

    Raises
    ------
    SeagullError
        There is no image, or one cannot be read.
    """
    everything = list(images)
    if not everything:
        raise SeagullError("There is no image to show.", "Build or fetch the data set first.")
    at = np.linspace(0, len(everything) - 1, min(count, len(everything))).round().astype(int)
    rows = [_set_row(everything[int(index)], crops) for index in at]
    heads = [_head(everything[int(index)]) for index in at]
    return grid(rows, heads, lines=5)


def _head(image: LabelledImage) -> str:
    name = image.group.rpartition("/")[2]
    parts = [image.name, *(name[at : at + 20] for at in range(0, min(len(name), 40), 20))]
    return "\n".join([*parts, f"only in {image.where}" if image.where else "everywhere"])


def _set_row(image: LabelledImage, crops: int) -> list[Tile]:
    rgb = image.rgb()
    shape = (int(rgb.shape[0]), int(rgb.shape[1]))
    reference = image.reference() if image.reference else None
    chosen = _spread(image.regions, crops)
    view = rgb
    for region in image.regions:
        if region in chosen or region.name == image.where:
            confined = region.name == image.where
            mask = region.place.mask(shape)
            view = outlined(view, mask, _CONFINED if confined else _ASKED, max(2, max(shape) // 200))
    tiles = [Tile(view, ("yellow: confined to", "blue: regions shown"))]
    for region in chosen:
        mask = region.place.mask(shape)
        window = _around(mask)
        if reference is not None:
            tiles.append(Tile(reference[window], (f"{region.name}, before",)))
        tiles.append(Tile(outlined(rgb, mask, _ASKED, 1)[window], _told(region)))
    return tiles


def _spread(regions: Sequence[LabelledRegion], count: int) -> list[LabelledRegion]:
    ranked = sorted(regions, key=lambda one: (one.quality is None, one.quality or 0.0, one.name))
    at = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
    return [ranked[int(index)] for index in at]


def _around(mask: RegionMask) -> tuple[slice, slice]:
    r0, c0, r1, c1 = mask.box
    return slice(max(0, r0 - 6), r1 + 6), slice(max(0, c0 - 6), c1 + 6)


def _told(region: LabelledRegion) -> tuple[str, ...]:
    known = {"Q": region.quality, "I": region.importance, "Iref": region.more.get("importance_ref")}
    scores = [f"{letter} {value:.0f}" for letter, value in known.items() if value is not None]
    if region.findings is not None:
        said = [str(one) for one in region.findings] or ["clean"]
    else:
        said = sorted(map(str, region.types or ()))
    return (f"{region.name} {region.kind}", "  ".join(scores), *said)


def save_sheet(path: Path, sheet: RGBImage) -> None:
    """Write a sheet as PNG; `SeagullError` where that fails."""
    save_bytes(path, png_bytes(sheet))
