"""An image whose regions have known scores, wherever it was read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import Distortion, Finding
from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.imaging.coco import mask_of
from seagull_iqa.imaging.files import read_image

Shape = tuple[int, int]
RGBImage = NDArray[np.uint8]


class Place(Protocol):
    """Which pixels are meant, said in a way that does not need the image to be open."""

    def mask(self, shape: Shape) -> RegionMask:
        """The pixels in an image of that height and width (px); `RegionError` where it does not fit."""
        ...


@dataclass(frozen=True)
class WholePlace:
    """Every pixel."""

    def mask(self, shape: Shape) -> RegionMask:
        """Every pixel of an image of that height and width."""
        return RegionMask.whole(shape)


@dataclass(frozen=True)
class BoxPlace:
    """A half-open box (row0, col0, row1, col1) in px."""

    box: Box

    def mask(self, shape: Shape) -> RegionMask:
        """The box, cut at the border of the image."""
        return RegionMask.from_box(shape, self.box)


@dataclass(frozen=True)
class CocoPlace:
    """What COCO calls a segmentation: run lengths or polygons."""

    segmentation: object

    def mask(self, shape: Shape) -> RegionMask:
        """The pixels; see `coco.mask_of`."""
        return mask_of(shape, self.segmentation)


@dataclass(frozen=True)
class LabelledRegion:
    """One region and what is known of it; None is "not known", never zero.

    Attributes
    ----------
    name : str
        Unique within the image.
    place : Place
        Which pixels; `place.mask(shape)` gives them.
    quality, importance : float or None
        0..100, higher is better and more important.
    types : frozenset of Distortion or None
        Which distortions touch it; the empty set is clean.
    findings : tuple of Finding or None
        The same with severities, where these are known.
    kind : str
        "object", "component", "box", ...; may be empty.
    more : mapping of str to float
        Further scores under their own names, in their own units, never mixed with the others; "importance_ref" is the
        paper's importance, 0..100, from the image with only this region spoiled; "touched" is the share 0..1 of the
        region that its distortions reach.
    """

    name: str
    place: Place
    quality: float | None = None
    importance: float | None = None
    types: frozenset[Distortion] | None = None
    findings: tuple[Finding, ...] | None = None
    kind: str = ""
    more: Mapping[str, float] = field(default_factory=dict)


Opener = Callable[[], RGBImage]
"""Reads pixels: uint8, shape (H, W, 3), RGB. A dataclass of this module rather than a lambda, so that it can be sent
to another process."""


@dataclass(frozen=True)
class LabelledImage:
    """An image that is opened only when asked for, and its regions.

    Attributes
    ----------
    name : str
        Unique within the data set.
    rgb : callable
        Reads the image: uint8, shape (H, W, 3); `ImageError` where that fails.
    regions : tuple of LabelledRegion
    reference : callable or None
        Reads the undistorted image of the same size, where there is one.
    group : str
        The photograph it was made from: resample over it, split by it. The name where nothing is known.
    where : str
        Name of the region that its distortions are confined to; empty where they are everywhere, or not known.
    """

    name: str
    rgb: Opener
    regions: tuple[LabelledRegion, ...]
    reference: Opener | None = None
    group: str = ""
    where: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "group", self.group or self.name)

    def masks(self, shape: Shape) -> list[RegionMask]:
        """The masks of the regions, in order, for the image's height and width in px."""
        return [region.place.mask(shape) for region in self.regions]


@dataclass(frozen=True)
class ImageFile:
    """Reads an image file."""

    path: Path

    def __call__(self) -> RGBImage:
        """uint8, shape (H, W, 3)."""
        return read_image(self.path).rgb


@dataclass(frozen=True)
class LabelledSet:
    """A data set: iterate over it for its images, as often as you like; nothing is held in memory.

    Attributes
    ----------
    name : str
        Of the file or folder.
    label : str
        Whose judgment the scores are: "analytic-1", or "as given in FILE".
    read : callable
        Starts a new run over the images.
    """

    name: str
    label: str
    read: Callable[[], Iterator[LabelledImage]]

    def __iter__(self) -> Iterator[LabelledImage]:
        return self.read()


def types_of(findings: Sequence[Finding]) -> frozenset[Distortion]:
    """The types alone."""
    return frozenset(finding.distortion for finding in findings)
