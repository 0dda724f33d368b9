"""What is asked and answered about finding regions: prompts, masks, candidates and engines to JSON and back."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from seagull_iqa.domain.prompts import (
    Candidate,
    Carried,
    EngineState,
    EverythingSpec,
    FloatBox,
    Point,
    Prompts,
    Proposal,
)
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import LimitError, ShapeMismatchError
from seagull_iqa.messages import MAX_ID, MAX_RUNS, ErrorMessage, Message, ModelOfferMessage

CLICK_PRIORITY, HOVER_PRIORITY, PREPARE_PRIORITY, EVERYTHING_PRIORITY = 10, 5, 0, -10
"""Larger goes first: what was clicked, what lies under the pointer, images that may be wanted next, all regions."""

MAX_POINTS = 1000
MAX_STROKES = 100
MAX_STROKE_POINTS = 10_000
MAX_CANDIDATES = 4096

_FAR = float(2**31)
_Number = Annotated[float, Field(ge=-_FAR, le=_FAR)]
_Point = tuple[_Number, _Number]
_Points = Annotated[list[_Point], Field(max_length=MAX_POINTS)]
_Stroke = Annotated[list[_Point], Field(min_length=1, max_length=MAX_STROKE_POINTS)]
_Coordinate = Annotated[int, Field(strict=True, ge=0, le=2**31)]
_Size = Annotated[int, Field(strict=True, ge=1, le=2**31)]
_Run = Annotated[int, Field(strict=True, ge=0, le=2**31)]
_Priority = Annotated[int, Field(strict=True, ge=-100, le=100)]
_Share = Annotated[float, Field(ge=0, le=1)]


class MaskMessage(Message):
    """A mask as row-major run lengths inside its half-open (row0, col0, row1, col1) box; see `RegionMessage`."""

    shape: tuple[_Size, _Size]
    box: tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate]
    runs: Annotated[list[_Run], Field(min_length=1, max_length=MAX_RUNS)]

    @classmethod
    def of(cls, mask: RegionMask) -> MaskMessage:
        """The message of a mask; `LimitError` where it has more than `MAX_RUNS` runs."""
        runs = mask.runs
        if len(runs) > MAX_RUNS:
            raise LimitError(
                f"The outline of the mask is too ragged to be sent: {len(runs)} runs, at most {MAX_RUNS}.",
                "Smooth the mask, or use a part of it.",
            )
        return cls(shape=mask.shape, box=mask.box, runs=runs)

    def mask(self, shape: tuple[int, int] | None = None) -> RegionMask:
        """The mask, for an image of that height and width where one is given; `RegionError` where it does not fit."""
        if shape is not None and self.shape != shape:
            raise ShapeMismatchError(
                f"The mask belongs to an image of {self.shape[0]} x {self.shape[1]} px, "
                f"this one has {shape[0]} x {shape[1]}.",
                "Give a mask of the same image, or of a plane of the same size.",
            )
        return RegionMask.from_runs(self.shape, self.box, self.runs)


class PromptsMessage(Message):
    """What was pointed at for one region; points are (row, column) in px, whole numbers are centres of pixels."""

    positive: _Points = Field(default_factory=list)
    negative: _Points = Field(default_factory=list)
    box: tuple[_Number, _Number, _Number, _Number] | None = None
    strokes: Annotated[list[_Stroke], Field(max_length=MAX_STROKES)] = Field(default_factory=list)
    mask: MaskMessage | None = None

    @classmethod
    def of(cls, prompts: Prompts) -> PromptsMessage:
        """The message of prompts; `LimitError` where there are too many of them, or one is no number."""
        mask = None if prompts.mask is None else MaskMessage.of(prompts.mask)
        try:
            return cls(
                positive=list(prompts.positive),
                negative=list(prompts.negative),
                box=prompts.box,
                strokes=[list(stroke) for stroke in prompts.strokes if stroke],
                mask=mask,
            )
        except ValueError as error:
            raise LimitError(
                f"At most {MAX_POINTS} points and {MAX_STROKES} strokes of {MAX_STROKE_POINTS} points mark a region, "
                "all of them numbers.",
                "Take some away.",
            ) from error

    @field_validator("box")
    @classmethod
    def _holds_something(cls, box: FloatBox | None) -> FloatBox | None:
        if box is not None and not (box[0] < box[2] and box[1] < box[3]):
            raise ValueError("The box holds nothing: row0 < row1 and col0 < col1.")
        return box

    def prompts(self, shape: tuple[int, int]) -> Prompts:
        """The prompts, for an image of that height and width; `RegionError` where the mask does not fit."""
        strokes: list[tuple[Point, ...]] = [tuple(stroke) for stroke in self.strokes]
        mask = None if self.mask is None else self.mask.mask(shape)
        return Prompts(tuple(self.positive), tuple(self.negative), self.box, tuple(strokes), mask)


class ProposalRequest(Message):
    """Prompts for one region of an image.

    `session` names who asks: its newest request takes the place of its older ones that still wait and are not more
    urgent. No session, nothing is replaced. Of two, the one with the larger `ticket` is newer; of equal tickets, the
    one that came later.
    """

    prompts: PromptsMessage
    priority: _Priority = CLICK_PRIORITY
    session: Annotated[str, Field(max_length=MAX_ID)] = ""
    ticket: Annotated[int, Field(strict=True, ge=0, le=2**53)] = 0


class CandidateMessage(Message):
    """A mask that is proposed; see `Candidate`."""

    mask: MaskMessage
    score: _Share
    stability: _Share = 1.0

    @classmethod
    def of(cls, candidate: Candidate) -> CandidateMessage:
        """The message of a candidate; `LimitError` where its mask cannot be sent."""
        # An engine's estimate of an IoU may lie a little outside.
        score, stability = (min(1.0, max(0.0, float(one))) for one in (candidate.score, candidate.stability))
        return cls(mask=MaskMessage.of(candidate.mask), score=score, stability=stability)

    def candidate(self) -> Candidate:
        """The candidate."""
        return Candidate(self.mask.mask(), self.score, self.stability)


class ProposalReply(Message):
    """One to three candidates by area, small to large, and the one ranked first; `pending`: not yet, ask again."""

    candidates: Annotated[list[CandidateMessage], Field(max_length=MAX_CANDIDATES)] = Field(default_factory=list)
    best: Annotated[int, Field(ge=0)] = 0
    pending: bool = False

    @classmethod
    def of(cls, proposal: Proposal) -> ProposalReply:
        """The message of a proposal."""
        return cls(candidates=[CandidateMessage.of(one) for one in proposal.candidates], best=proposal.best)

    @model_validator(mode="after")
    def _best_is_there(self) -> Self:
        if not self.pending and self.best >= len(self.candidates):
            raise ValueError("The best candidate is none of those that are there.")
        return self

    def proposal(self) -> Proposal:
        """The proposal; only where nothing is pending."""
        return Proposal(tuple(one.candidate() for one in self.candidates), self.best)


class Preparation(Message):
    """An image that will be pointed at; on a large one near that (row, column), or else near its centre."""

    near: _Point | None = None


class EverythingRequest(Message):
    """All regions of an image; see `EverythingSpec`."""

    most: Annotated[int, Field(strict=True, ge=1, le=MAX_CANDIDATES)] = EverythingSpec.most
    least_area: Annotated[int, Field(strict=True, ge=1, le=2**31)] = EverythingSpec.least_area


class CandidateList(Message):
    """The candidates of a finished job, best first."""

    candidates: Annotated[list[CandidateMessage], Field(max_length=MAX_CANDIDATES)]


class CarryRequest(Message):
    """A mask of another plane of the same size, to be found again in this image.

    `before` is the hash of that other plane, where the server holds it: then the colours are compared as well.
    """

    mask: MaskMessage
    before: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    session: Annotated[str, Field(max_length=MAX_ID)] = ""
    ticket: Annotated[int, Field(strict=True, ge=0, le=2**53)] = 0


class CarriedReply(Message):
    """Where the region is now, null where it got lost, and why; `pending`: not yet, ask again."""

    mask: MaskMessage | None = None
    sureness: _Share = 0.0
    reason: str = ""
    pending: bool = False

    @classmethod
    def of(cls, carried: Carried) -> CarriedReply:
        """The message of what was carried."""
        mask = None if carried.mask is None else MaskMessage.of(carried.mask)
        return cls(mask=mask, sureness=min(1.0, max(0.0, carried.sureness)), reason=carried.reason)

    def carried(self) -> Carried:
        """What was carried; only where nothing is pending."""
        return Carried(None if self.mask is None else self.mask.mask(), self.sureness, self.reason)


class EngineStateMessage(Message):
    """An engine that can be chosen, or what it lacks."""

    name: str
    title: str
    ready: bool = True
    why_not: str = ""
    hover: bool = False
    kinds: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: EngineState) -> EngineStateMessage:
        """The message of an engine's state."""
        return cls.model_validate({name: getattr(state, name) for name in cls.model_fields})

    def state(self) -> EngineState:
        """The engine's state."""
        return EngineState(**self.model_dump())


class SegmenterChoice(Message):
    """The engine that shall find regions from now on; the device "auto" is what the server was started with."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_ID)]
    device: Annotated[str, Field(min_length=1, max_length=MAX_ID)] = "auto"


class LooksKept(Message):
    """How many looks are kept at one place, in how many bytes of how many."""

    looks: int = 0
    held_bytes: int = 0
    limit_bytes: int = 0


class SegmenterList(Message):
    """The engines that can be had here.

    `in_use` is the name of the one that answers, which is loaded when it is first asked; `loading` that of one on its
    way, or ""; `trouble` says why the last one that was chosen could not be loaded. `memory` and `disk` are the looks
    that are kept, `folder` is where on the server's disk, "" where nowhere. `offers` are the weights of engines, which
    are downloaded and removed as those of models are.
    """

    in_use: str
    engines: list[EngineStateMessage]
    device: str = ""
    loading: str = ""
    trouble: ErrorMessage | None = None
    memory: LooksKept = LooksKept()
    disk: LooksKept = LooksKept()
    folder: str = ""
    offers: list[ModelOfferMessage] = Field(default_factory=list)


class Cleared(Message):
    """What clearing the looks has freed, in memory and on disk."""

    freed_bytes: int
