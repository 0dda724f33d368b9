"""What is exported: a session, and where a format wants them, the pixels of its image and maps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import ImageError
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion, SessionReport
from seagull_iqa.imaging.prepared import PreparedImage


@dataclass(frozen=True, eq=False)
class Export:
    """What is exported.

    Attributes
    ----------
    document : SessionDocument
    image : PreparedImage or None
        The pixels that were scored.
    maps : mapping of str to ScoreMap
        By name.
    """

    document: SessionDocument
    image: PreparedImage | None = None
    maps: Mapping[str, ScoreMap] = field(default_factory=dict)

    @property
    def facts(self) -> SessionImage:
        """Which image it is about; `ImageError` where there is none."""
        if self.document.image is None:
            raise ImageError("The session has no image, so there is nothing to export.", "Open an image first.")
        return self.document.image

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return self.facts.shape

    @property
    def pixels(self) -> PreparedImage:
        """The image; `ImageError` where it is not at hand or has another size than the session says."""
        if self.image is None:
            raise ImageError("This format wants the image, which was not found.", "Say where it is with --image FILE.")
        if self.image.shape != self.shape:
            raise ImageError(
                f"The image is {self.image.shape[0]} x {self.image.shape[1]} pixels, "
                f"the session's {self.shape[0]} x {self.shape[1]}.",
                "Give the image of this session.",
            )
        return self.image

    @property
    def some_maps(self) -> Mapping[str, ScoreMap]:
        """The maps; `FormatError` where there is none."""
        if not self.maps:
            raise FormatError("There are no maps to export.", "Make a map of the image first.")
        return self.maps

    def regions_here(self) -> tuple[SessionRegion, ...]:
        """The regions of the plane whose pixels are at hand: what a picture can show."""
        planes = {one.plane for one in self.document.regions}
        if len(planes) < 2:
            return self.document.regions
        here = self.facts.pixels.plane if self.image is None else self.image.pixels.plane
        return tuple(one for one in self.document.regions if one.plane == here)


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file of regions holds.

    Attributes
    ----------
    regions : tuple of SessionRegion
    reports : tuple of SessionReport
    annotations : tuple of Annotation
    notes : tuple of str
        What was left out, one sentence each.
    """

    regions: tuple[SessionRegion, ...]
    reports: tuple[SessionReport, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    notes: tuple[str, ...] = ()
