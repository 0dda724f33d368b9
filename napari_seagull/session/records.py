"""What the session remembers of an image and of each region; every noun here is immutable."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import PixelSource, QualityReport, ScoreMap
from seagull_iqa.errors import UnknownRegionError
from seagull_iqa.imaging.prepared import PreparedImage

Plane = tuple[int, ...]
"""Index along each leading axis (time, z, ...) of one plane; () for a plain image."""


class RegionState(StrEnum):
    """How far the score of a region is."""

    UNSCORED = "unscored"
    QUEUED = "queued"
    SCORED = "scored"
    STALE = "stale"
    ERROR = "error"


@dataclass(frozen=True)
class ShapeSource:
    """The region is a shape of a Shapes layer; enough to draw it again.

    Attributes
    ----------
    layer : str
        Name of the Shapes layer.
    kind : str
        napari's word: "rectangle", "ellipse", "polygon", "path" or "line".
    vertices : tuple of tuple of float
        Data coordinates of the Shapes layer, one tuple a vertex.
    """

    layer: str
    kind: str
    vertices: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class LabelSource:
    """The region is every pixel of one value in a Labels layer."""

    layer: str
    value: int


@dataclass(frozen=True)
class SegmentSource:
    """The region is a mask that was found; the session holds it, and a layer of ours is only its picture."""

    layer: str


Source = ShapeSource | LabelSource | SegmentSource | None
"""Where the region lives in napari; None where it lives in no layer (the whole image, a file, a tile)."""


@dataclass(frozen=True)
class Ticket:
    """What one request for a score was about; a report without the newest ticket is dropped.

    Attributes
    ----------
    region : str
        Id of the region.
    geometry : str
        `RegionRecord.geometry` when it was asked.
    image : str
        `PreparedImage.sha256` of the plane it was asked on.
    request : int
        Number of the log entry of the `QueueRegions` that asked; rises.
    """

    region: str
    geometry: str
    image: str
    request: int


@dataclass(frozen=True, eq=False)
class RegionRecord:
    """A region, where it lives, and what is known of its quality.

    Attributes
    ----------
    region : Region
        Its name and its pixels.
    source : ShapeSource, LabelSource or None
        Where it lives in napari.
    plane : tuple of int
        The plane of the image it was drawn on.
    state : RegionState
        How far its score is.
    report : QualityReport or None
        The last one; kept and shown while the region is stale, queued or in error.
    error, hint : str
        What went wrong and what the user can do; "" unless `state` is ERROR.
    asked : Ticket or None
        The newest request that has not been answered.
    answered : Ticket or None
        The request that `report` answered; None where the report no longer counts (another model, say).
    annotations : tuple of Annotation
        What people said of it, oldest first; see `verdicts`.
    """

    region: Region
    source: Source = None
    plane: Plane = ()
    state: RegionState = RegionState.UNSCORED
    report: QualityReport | None = None
    error: str = ""
    hint: str = ""
    asked: Ticket | None = None
    answered: Ticket | None = None
    annotations: tuple[Annotation, ...] = ()

    @property
    def verdicts(self) -> tuple[Annotation, ...]:
        """The newest annotation of each author, in the order in which these were made: the ones that count."""
        newest = {said.author: said for said in sorted(self.annotations, key=lambda said: said.time)}
        return tuple(said for said in self.annotations if newest[said.author] is said)

    @property
    def id(self) -> str:
        """The identity of the region."""
        return self.region.id

    @cached_property
    def geometry(self) -> str:
        """Hash in hex of the image's size, the plane and the pixels of the region."""
        plane = repr(tuple(int(index) for index in self.plane)).encode()
        return hashlib.blake2b(self.region.mask.digest + plane, digest_size=16).hexdigest()


@dataclass(frozen=True)
class ImageFacts:
    """Which image was opened, without its pixels: what the log keeps."""

    sha256: str
    shape: tuple[int, int]
    name: str
    layer: str
    pixels: PixelSource


def _frozen(mapping: Mapping[str, RegionRecord]) -> Mapping[str, RegionRecord]:
    return MappingProxyType(dict(mapping))


@dataclass(frozen=True, eq=False)
class Table:
    """Everything the session holds at one moment.

    Attributes
    ----------
    image : PreparedImage or None
        The plane on screen, ready to be scored.
    layer : str
        Name of the Image layer it came from; "" where it came from none.
    planes : mapping of plane to str
        Content hash of every plane of this image that was seen with the present settings.
    regions : mapping of str to RegionRecord
        By id, in the order they were added.
    selection : tuple of str
        Ids.
    maps : mapping of str to ScoreMap
        Maps of the present `image`, by name; empty where none were made.
    preferences : tuple of Preference
        Which of two regions people found better, oldest first.
    shelf : mapping of str to RegionRecord
        Regions that were taken off the table, with all that is known of them, should they be brought back.
    """

    image: PreparedImage | None = None
    layer: str = ""
    planes: Mapping[Plane, str] = field(default_factory=lambda: MappingProxyType({}))
    regions: Mapping[str, RegionRecord] = field(default_factory=lambda: _frozen({}))
    selection: tuple[str, ...] = ()
    maps: Mapping[str, ScoreMap] = field(default_factory=lambda: MappingProxyType({}))
    preferences: tuple[Preference, ...] = ()
    shelf: Mapping[str, RegionRecord] = field(default_factory=lambda: _frozen({}))

    def record(self, region_id: str) -> RegionRecord:
        """The record of a region; `UnknownRegionError` if there is none."""
        try:
            return self.regions[region_id]
        except KeyError:
            raise UnknownRegionError(
                f"There is no region with the id {region_id!r}.", "It may have been deleted; choose one of the table."
            ) from None

    def sha256_of(self, plane: Plane) -> str:
        """Content hash of a plane; "" where it was not opened yet."""
        return self.planes.get(plane, "")
