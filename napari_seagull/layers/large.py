"""Images too large to be sent whole: an overview for maps and pictures, and native pixels around each region."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_seagull.layers.choice import PixelChoice, limits_for
from napari_seagull.session.records import Plane
from seagull_iqa.domain.region import Box, Region, RegionMask
from seagull_iqa.domain.report import QualityReport, ScoreMap
from seagull_iqa.imaging.normalise import MAX_PIXELS, prepare
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

MOST_WHOLE = 16_000_000
"""Planes of at most so many px are read and sent whole, however they are stored."""

MOST_OVERVIEW = 4_000_000
"""An overview has at most so many px."""

SIDE = 4096
"""Longest side of a window in px; a larger region is looked at on a coarser level."""

MARGIN_SHARE, LEAST_MARGIN, GRID = 0.5, 128, 256
"""Around a region, as a share of its longer side and in px; windows begin on a grid, so that neighbours share one."""


@dataclass(frozen=True, eq=False)
class Reader:
    """The levels of one plane of a layer, taken off it, so that another thread can read parts of them.

    Attributes
    ----------
    levels : tuple of array-like
        The finest first; numpy, dask or zarr.
    rgb : bool
    plane : tuple of int
    choice : PixelChoice
    limits : (float, float) or None
    name : str
    """

    levels: tuple[Any, ...]
    rgb: bool
    plane: Plane
    choice: PixelChoice
    limits: tuple[float, float] | None
    name: str

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the plane in px."""
        return self._shape(self.levels[0])

    def _shape(self, level: Any) -> tuple[int, int]:  # noqa: ANN401
        height, width = (level.shape[:-1] if self.rgb else level.shape)[-2:]
        return (int(height), int(width))

    @property
    def sizes(self) -> list[float]:
        """Px of the plane per px of each level."""
        return [self.shape[0] / self._shape(level)[0] for level in self.levels]

    def overview_step(self) -> float:
        """How coarse an overview is: the finest level that is small enough, else every k-th px of the coarsest."""
        fitting = [size for size in self.sizes if math.prod(self.shape) / size**2 <= MOST_OVERVIEW]
        return min(fitting, default=max(self.sizes[-1], math.ceil(math.sqrt(math.prod(self.shape) / MOST_OVERVIEW))))

    def read(self, box: Box, step: float) -> tuple[PreparedImage, float]:
        """A part of the plane with at most one px in `step`, and how many px each of its own is wide.

        The coarsest level that is still fine enough is read, and of that every k-th px.
        """
        sizes = self.sizes
        index = max((i for i, size in enumerate(sizes) if size <= step + 1e-6), default=0)
        size, level = sizes[index], self.levels[index]
        skip = max(1, math.floor(step / size + 1e-6))
        r0, c0, r1, c1 = (round(value / size) for value in box)
        lead = self.plane if index == 0 else self._lead(level)
        part = np.asarray(level[(*lead, slice(r0, max(r1, r0 + 1), skip), slice(c0, max(c1, c0 + 1), skip))])
        made = prepare(
            cast("ArrayLike", part), rgb=self.rgb, channel=self.choice.channel if self.rgb else None,
            contrast_limits=self.limits, name=self.name,
        )  # fmt: skip
        return made, size * skip

    def _lead(self, level: Any) -> Plane:  # noqa: ANN401
        """The plane in a coarser level, which may be coarser along the leading axes, too."""
        ends = zip(self.plane, level.shape, self.levels[0].shape, strict=False)
        return tuple(min(int(index * own / full), own - 1) for index, own, full in ends)


@dataclass(frozen=True, eq=False)
class LargeImage(PreparedImage):
    """A plane that is never read whole: `rgb` is its overview, and regions have the size of the plane itself.

    Attributes
    ----------
    reader : Reader or None
        Of the plane; always there.
    step : float
        Px of the plane per px of the overview.
    """

    reader: Reader | None = None
    step: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = f"{self.sha256} {self.shape} {self.pixels}".encode()
        object.__setattr__(self, "sha256", hashlib.sha256(whole).hexdigest())

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the plane in px."""
        return (int(self.rgb.shape[0]), int(self.rgb.shape[1])) if self.reader is None else self.reader.shape

    @property
    def overview(self) -> PreparedImage:
        """The whole plane, coarser."""
        return PreparedImage(self.rgb, replace(self.pixels, scale=1.0 / self.step), self.name)


def is_sent_in_parts(image: Image) -> bool:
    """Whether a plane of this layer is never read whole: it is large, and lies on disk, in levels, or is huge."""
    first = image.data[0] if image.multiscale else image.data
    height, width = (first.shape[:-1] if image.rgb else first.shape)[-2:]
    area = int(height) * int(width)
    lazy = image.multiscale or not isinstance(first, np.ndarray)
    return area > MAX_PIXELS or (area > MOST_WHOLE and lazy)


def reader_of(image: Image, plane: Plane, choice: PixelChoice) -> Reader:
    """Take off a layer what is needed to read parts of one plane."""
    levels = tuple(image.data) if image.multiscale else (image.data,)
    return Reader(levels, bool(image.rgb), plane, choice, limits_for(image, choice), str(image.name))


def overviewed(reader: Reader) -> LargeImage:
    """The image with its overview read; on any thread."""
    read, wide = reader.read((0, 0, *reader.shape), reader.overview_step())
    return LargeImage(read.rgb, replace(read.pixels, plane=reader.plane), read.name, reader=reader, step=wide)


def native(image: PreparedImage, region: Region) -> tuple[PreparedImage, Region]:
    """The pixels that a model is shown of a region, and the region in them; any other image is given back as it is.

    Reads; on any thread. `ImageError` where the pixels around the region cannot be scored.
    """
    seen_as, (placed,) = in_window(image, [region])
    return seen_as, placed


def in_window(image: PreparedImage, regions: Sequence[Region]) -> tuple[PreparedImage, list[Region]]:
    """The same for regions that share a window, as `by_window` gives them."""
    if not isinstance(image, LargeImage) or image.reader is None:
        return image, list(regions)
    box = window_of(regions[0].mask.box, image.shape)
    step = max(1, math.ceil(max(box[2] - box[0], box[3] - box[1]) / SIDE))
    made, wide = image.reader.read(box, step)
    source = replace(made.pixels, plane=image.pixels.plane, scale=1.0 / wide)
    placed = [replace(region, mask=coarser(region.mask, box, wide, made.shape)) for region in regions]
    return PreparedImage(made.rgb, source, made.name), placed


def seen(image: PreparedImage, mask: RegionMask) -> tuple[NDArray[np.uint8], RegionMask]:
    """Pixels that are there already, and a mask in them: of a large image its overview; to be shown, never scored."""
    if not isinstance(image, LargeImage):
        return image.rgb, mask
    height, width = image.rgb.shape[:2]
    return image.rgb, coarser(mask, (0, 0, *image.shape), image.step, (height, width))


def window_of(box: Box, shape: tuple[int, int]) -> Box:
    """The part of the plane around a region of that box, on a grid."""
    margin = max(LEAST_MARGIN, round(MARGIN_SHARE * max(box[2] - box[0], box[3] - box[1])))
    low = [max(0, (value - margin) // GRID * GRID) for value in box[:2]]
    high = [min(length, -(-(value + margin) // GRID) * GRID) for value, length in zip(box[2:], shape, strict=True)]
    return (low[0], low[1], high[0], high[1])


def coarser(mask: RegionMask, box: Box, wide: float, shape: tuple[int, int]) -> RegionMask:
    """A mask of the plane in a part of it that is `wide` times coarser and has that shape; never empty."""
    r0, c0 = mask.box[0] - box[0], mask.box[1] - box[1]
    if wide == 1.0:
        return RegionMask.from_part(shape, (r0, c0), mask.inside)
    height, width = mask.inside.shape
    top, left = math.floor(r0 / wide), math.floor(c0 / wide)
    rows = np.clip(((np.arange(top, math.ceil((r0 + height) / wide)) + 0.5) * wide - r0).astype(int), 0, height - 1)
    columns = np.clip(((np.arange(left, math.ceil((c0 + width) / wide)) + 0.5) * wide - c0).astype(int), 0, width - 1)
    part = mask.inside[np.ix_(rows, columns)]
    if not part[: max(0, shape[0] - top), : max(0, shape[1] - left)].any():
        part = np.ones_like(part)
        top, left = min(top, shape[0] - 1), min(left, shape[1] - 1)
    return RegionMask.from_part(shape, (top, left), part)


def marked(report: QualityReport, seen_as: PreparedImage) -> QualityReport:
    """A report that says on which part of a large image it rests."""
    height, width = seen_as.shape
    how = "at native size" if seen_as.pixels.scale == 1.0 else f"at {seen_as.pixels.scale:.2g}x size"
    note = f"Scored {how}, in a window of {height:,} x {width:,} px around the region."
    return replace(report, pixels=seen_as.pixels, notes=(*report.notes, note))


def widened(maps: dict[str, ScoreMap], image: PreparedImage) -> dict[str, ScoreMap]:
    """Maps of an overview as maps of the whole plane; those of any other image as they are."""
    if not isinstance(image, LargeImage):
        return maps
    return {
        name: replace(one, shape=image.shape, stride=one.stride * image.step, window=one.window * image.step)
        for name, one in maps.items()
    }


def whole(image: PreparedImage) -> PreparedImage:
    """What is sent of an image when all of it is asked about."""
    return image.overview if isinstance(image, LargeImage) else image


def by_window(image: PreparedImage, regions: Sequence[Region]) -> list[list[Region]]:
    """Regions that one reading serves, together; the order within a group is that of the regions."""
    if not isinstance(image, LargeImage):
        return [list(regions)]
    groups: dict[Box, list[Region]] = {}
    for region in regions:
        groups.setdefault(window_of(region.mask.box, image.shape), []).append(region)
    return list(groups.values())

