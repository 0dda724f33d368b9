"""All that is known of one image: its regions, what models and people say of them, and who said it with what."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import PixelSource, QualityReport

Plane = tuple[int, ...]
"""Index along each leading axis (time, z, ...) of one plane; () for a plain image."""


@dataclass(frozen=True)
class SessionImage:
    """Which image it is about, without its pixels.

    Attributes
    ----------
    shape : (int, int)
        Height and width in px.
    name : str
        What a person calls it.
    path, relative : str
        Where its file was: absolute, and from the folder of the session file, with "/"; "" where not known.
    sha256 : str
        `PreparedImage.sha256` of the plane last shown: over the pixels, not the file.
    pixels : PixelSource
        What of the original these pixels are.
    planes : tuple of (Plane, str)
        Content hash of every plane that was seen.
    """

    shape: tuple[int, int]
    name: str = ""
    path: str = ""
    relative: str = ""
    sha256: str = ""
    pixels: PixelSource = field(default_factory=PixelSource)
    planes: tuple[tuple[Plane, str], ...] = ()


class SourceKind(StrEnum):
    """What a region is in napari."""

    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    PATH = "path"
    LINE = "line"
    LABEL = "label"
    SEGMENT = "segment"


@dataclass(frozen=True)
class RegionSource:
    """Where a region lives in napari: enough to draw it again.

    Attributes
    ----------
    kind : SourceKind
        A shape's kind, a label, or a mask that was found.
    layer : str
        Name of the layer.
    vertices : tuple of tuple of float
        Of a shape: its data coordinates, one tuple a vertex.
    value : int
        Of a label.
    """

    kind: SourceKind
    layer: str = ""
    vertices: tuple[tuple[float, ...], ...] = ()
    value: int = 0


@dataclass(frozen=True, eq=False)
class SessionRegion:
    """A region with its plane, its time and where it lives.

    Attributes
    ----------
    region : Region
        Its id, name, origin and exact pixels.
    plane : Plane
        The plane of the image it was drawn on.
    created : str
        ISO 8601, UTC; "" where not known.
    source : RegionSource or None
    """

    region: Region
    plane: Plane = ()
    created: str = ""
    source: RegionSource | None = None

    @property
    def id(self) -> str:
        """The identity of the region."""
        return self.region.id


@dataclass(frozen=True)
class SessionReport:
    """What a model says of a region, and whether that still holds.

    Attributes
    ----------
    report : QualityReport
    image : str
        Content hash of the pixels that were scored; "" where not known.
    stale : bool
        The region or the model has changed since.
    """

    report: QualityReport
    image: str = ""
    stale: bool = False


@dataclass(frozen=True, eq=False)
class SessionDocument:
    """What a session file holds.

    Attributes
    ----------
    image : SessionImage or None
        None only before an image was opened; a document without one cannot be written.
    regions : tuple of SessionRegion
        In the order they were added, each id once.
    reports : tuple of SessionReport
        The newest of a region; at most one a region.
    annotations : tuple of Annotation
        All that were made and not taken back, oldest first; also those of regions that were deleted.
    preferences : tuple of Preference
    annotator : str
        Who annotates at present; may be empty.
    app : str
        The program that wrote it, with its version.
    session : str
        Identity of the session, which its journal shares.
    journal : int
        Number of the last record of the journal that is in here.
    saved : str
        When it was written, ISO 8601, UTC.
    """

    image: SessionImage | None = None
    regions: tuple[SessionRegion, ...] = ()
    reports: tuple[SessionReport, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    preferences: tuple[Preference, ...] = ()
    annotator: str = ""
    app: str = ""
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    journal: int = 0
    saved: str = ""

    @cached_property
    def report_of(self) -> Mapping[str, SessionReport]:
        """Id of a region -> the newest report on it."""
        return {one.report.region: one for one in self.reports}

    @cached_property
    def annotations_of(self) -> Mapping[str, tuple[Annotation, ...]]:
        """Id of a region -> all annotations of it, oldest first."""
        found: dict[str, list[Annotation]] = {}
        for one in self.annotations:
            found.setdefault(one.region, []).append(one)
        return {region: tuple(mine) for region, mine in found.items()}

    def counting(self, region: str) -> tuple[Annotation, ...]:
        """The annotations of a region that count: the newest of each author."""
        return tuple({one.author: one for one in self.annotations_of.get(region, ())}.values())
