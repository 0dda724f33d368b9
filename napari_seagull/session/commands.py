"""Everything a person or a model can do to the session, as data; the log is a list of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_seagull.session.records import ImageFacts, Plane, RegionRecord, Source, Ticket
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport, ScoreMap
from seagull_iqa.imaging.prepared import PreparedImage


@dataclass(frozen=True, eq=False)
class OpenImage:
    """Put an image (or another plane or setting of it) on the table; None puts it away.

    Regions stay. Reports that were made of other pixels become stale; those of the very same pixels count again.
    """

    image: PreparedImage | None
    layer: str = ""


@dataclass(frozen=True)
class ImageOpened:
    """`OpenImage` as the log keeps it: without the pixels."""

    facts: ImageFacts | None


@dataclass(frozen=True)
class AddRegion:
    """Put a new region on the table; `RegionError` if its id is taken or its mask fits another image."""

    region: Region
    source: Source = None
    plane: Plane = ()


@dataclass(frozen=True, eq=False)
class EditRegion:
    """Give a region other pixels; an old report stays and becomes stale, unless the pixels are the same."""

    region_id: str
    mask: RegionMask
    source: Source = None
    plane: Plane | None = None


@dataclass(frozen=True)
class RenameRegion:
    """Call a region something else; its score stays."""

    region_id: str
    name: str


@dataclass(frozen=True)
class DeleteRegion:
    """Take a region off the table; undo brings it back, with all that was known of it."""

    region_id: str


@dataclass(frozen=True)
class Annotate:
    """Say something of a region, beside what the model says; the same id again takes the place of what was said."""

    annotation: Annotation


@dataclass(frozen=True)
class RemoveAnnotation:
    """Take back what was said of a region; `RegionError` if nothing of that id was said."""

    region_id: str
    annotation_id: str


@dataclass(frozen=True)
class Prefer:
    """Say which of two regions is better; the same id again takes the place of what was said."""

    preference: Preference


@dataclass(frozen=True, eq=False)
class Recall:
    """Put regions on the table as a file or an earlier session kept them, with reports and annotations.

    A report counts where its ticket is about these very pixels; else it is stale. Nobody waits for an answer.
    """

    records: tuple[RegionRecord, ...]
    preferences: tuple[Preference, ...] = ()


@dataclass(frozen=True)
class PutAway:
    """Clear the table for another session; no undo brings these regions back: their file does."""


@dataclass(frozen=True, eq=False)
class Change:
    """What a person made of one region: the record before and after; None where there was, or is, none.

    Attributes
    ----------
    before, after : RegionRecord or None
        Only name, pixels, source, plane and annotations matter: the rest is what the model knows.
    place : int
        Where it stood among the regions before it went, or stands since it came.
    """

    before: RegionRecord | None
    after: RegionRecord | None
    place: int = 0

    @property
    def id(self) -> str:
        """Of the region."""
        record = self.after or self.before
        return "" if record is None else record.id

    def reversed(self) -> Change:
        """The way back."""
        return Change(self.after, self.before, self.place)


@dataclass(frozen=True, eq=False)
class Restore:
    """Take a step back, or take it again: what people made comes back, what the model said stays as it is.

    Attributes
    ----------
    changes : tuple of Change
        From where the step had led, to where it began; or the other way round.
    withdrawn, given : tuple of Preference
        Preferences that go, and that come.
    """

    changes: tuple[Change, ...]
    withdrawn: tuple[Preference, ...] = ()
    given: tuple[Preference, ...] = ()


@dataclass(frozen=True)
class QueueRegions:
    """Ask for scores: each region gets a fresh `Ticket` (see `Session.tickets`)."""

    region_ids: tuple[str, ...]


@dataclass(frozen=True)
class AcceptReports:
    """Reports with the ticket each was asked under; those with an outdated ticket or a deleted region are dropped."""

    answers: tuple[tuple[Ticket, QualityReport], ...]


@dataclass(frozen=True)
class Rejection:
    """Why a region could not be scored.

    Attributes
    ----------
    region_id : str
    error, hint : str
        What went wrong, and what the user can do.
    ticket : Ticket or None
        The request that failed: an outdated one is dropped. None says that the region itself is at fault.
    """

    region_id: str
    error: str
    hint: str = ""
    ticket: Ticket | None = None


@dataclass(frozen=True)
class RejectRegions:
    """Some regions could not be scored; they stay, with their old report, and say why."""

    rejections: tuple[Rejection, ...]


@dataclass(frozen=True)
class MarkStale:
    """The reports no longer count (another model, say); None means all regions."""

    region_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ChangeModel:
    """Another model answers from now on: every report becomes stale and is kept, the maps are put away."""


@dataclass(frozen=True)
class SelectRegions:
    """Select these regions and no others."""

    region_ids: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AcceptMaps:
    """Maps of the image with that content hash; dropped if another image lies on the table by now."""

    image: str
    maps: Mapping[str, ScoreMap]


Command = (
    OpenImage
    | AddRegion
    | EditRegion
    | RenameRegion
    | DeleteRegion
    | Annotate
    | RemoveAnnotation
    | Prefer
    | Recall
    | PutAway
    | Restore
    | QueueRegions
    | AcceptReports
    | RejectRegions
    | MarkStale
    | ChangeModel
    | SelectRegions
    | AcceptMaps
)
