"""What a person points at, and the masks that are proposed for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Named only, so that engines can be listed without waiting for numpy.
    from seagull_iqa.domain.region import RegionMask

Point = tuple[float, float]
"""(row, column) in px of the image; whole numbers are centres of pixels."""

FloatBox = tuple[float, float, float, float]
"""Half-open (row0, col0, row1, col1) in px: a box round the pixel (r, c) alone is (r, c, r + 1, c + 1)."""


class EngineName(StrEnum):
    """The engines that ship with the program; the others are names of `hub.segmenters`."""

    TREE = "region-tree"


@dataclass(frozen=True)
class Prompts:
    """Everything that was pointed at for one region; points beyond the image are its nearest pixels.

    Attributes
    ----------
    positive, negative : tuple of (row, column)
        What is inside the region, and what is not.
    box : (row0, col0, row1, col1) or None
        The region lies inside.
    strokes : tuple of tuples of (row, column)
        Scribbles, each a polyline drawn inside the region.
    mask : RegionMask or None
        An earlier mask of the region, to be refined.
    """

    positive: tuple[Point, ...] = ()
    negative: tuple[Point, ...] = ()
    box: FloatBox | None = None
    strokes: tuple[tuple[Point, ...], ...] = ()
    mask: RegionMask | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing says where the region is; negative points alone do not."""
        return not (self.positive or self.strokes or self.box or self.mask)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mask that is proposed.

    Attributes
    ----------
    mask : RegionMask
    score : float, 0..1
        How much the engine thinks of it: SAM's predicted IoU, the tree's contrast of inside and outside.
    stability : float, 0..1
        IoU of the masks at a stricter and a laxer threshold: 1 is a sharp edge.
    """

    mask: RegionMask
    score: float
    stability: float = 1.0


@dataclass(frozen=True, eq=False)
class Proposal:
    """What an engine answers to prompts: one to three masks.

    Attributes
    ----------
    candidates : tuple of Candidate
        By area, small to large, as SAM's "part, subpart, whole".
    best : int
        Index of the one the engine ranks first.
    """

    candidates: tuple[Candidate, ...]
    best: int


@dataclass(frozen=True, eq=False)
class Carried:
    """What became of a region in the next plane of a stack.

    Attributes
    ----------
    mask : RegionMask or None
        Where it is now; None where it got lost.
    sureness : float, 0..1
    reason : str
        One sentence: why it counts as found, or as lost.
    """

    mask: RegionMask | None
    sureness: float
    reason: str = ""


@dataclass(frozen=True)
class EverythingSpec:
    """How all regions of an image are to be found, before the filters that a person moves.

    Attributes
    ----------
    most : int
        At most that many, the best first.
    least_area : int
        In px.
    """

    most: int = 256
    least_area: int = 64


@dataclass(frozen=True)
class EverythingFilter:
    """What of everything is kept; all sliders of the panel.

    Attributes
    ----------
    least_share, most_share : float, 0..1
        Area as a share of the image.
    least_stability : float, 0..1
    most_overlap : float, 0..1
        Of two with a larger IoU the one with the better score is kept; below 1 also a mask that lies with a larger
        share than 1 - (1 - most_overlap) / 2 inside a kept one is dropped.
    """

    least_share: float = 0.001
    most_share: float = 0.9
    least_stability: float = 0.0
    most_overlap: float = 0.8


@dataclass(frozen=True)
class EngineState:
    """An engine as the server knows it.

    Attributes
    ----------
    name : str
    title : str
        One line for a person.
    ready : bool
        Its weights are here and its packages installed.
    why_not : str
        What is missing, and what to do; "" where it is ready.
    hover : bool
        Quick enough to answer while the pointer moves.
    """

    name: str
    title: str
    ready: bool = True
    why_not: str = ""
    hover: bool = False
    kinds: tuple[str, ...] = field(default=("points", "box", "strokes", "mask"))
