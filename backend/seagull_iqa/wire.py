"""What the plugin and the server ask and answer: one definition for both ends."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.report import ALL_ASPECTS, Aspect
from seagull_iqa.messages import (
    MAX_ID,
    MAX_RUNS,
    ErrorMessage,
    MapMessage,
    Message,
    ModelCardMessage,
    ModelOfferMessage,
    RegionMessage,
    ReportMessage,
)

PROTOCOL = 1
"""Raised when a message changes so that an older end would misread it."""

PROTOCOL_HEADER = "seagull-protocol"
"""Stands in every reply; a server without it is not one of ours."""

LIVE_PRIORITY, MANY_PRIORITY, MAP_PRIORITY = 10, 0, -10
"""Larger goes first: the region under the hand, then many regions, then the map of the whole image."""

MAX_REGIONS = 256
MAX_QUESTION = 2000
MAX_TOKENS = 1024
MAX_PATH = 4096
MAX_MESSAGE = 500

_Priority = Annotated[int, Field(strict=True, ge=-100, le=100)]


class ReportRequest(Message):
    """Regions of one image to be scored.

    `session` names who asks: the newest request of a session for a region id takes the place of its older ones that
    still wait. No session, nothing is replaced. Of two, the one with the larger `ticket` is newer; of equal tickets,
    the one that came later.
    """

    regions: Annotated[list[RegionMessage], Field(min_length=1, max_length=MAX_REGIONS)]
    aspects: Annotated[frozenset[Aspect], Field(min_length=1)] = ALL_ASPECTS
    priority: _Priority = MANY_PRIORITY
    session: Annotated[str, Field(max_length=MAX_ID)] = ""
    ticket: Annotated[int, Field(strict=True, ge=0, le=2**53)] = 0

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({region.id for region in self.regions}) < len(self.regions):
            raise ValueError("Two regions share one id.")
        return self


class ReportReply(Message):
    """Every region asked stands in exactly one of the three; ask again for what is `pending`."""

    reports: list[ReportMessage]
    errors: dict[str, ErrorMessage]
    pending: list[str] = Field(default_factory=list)


class State(StrEnum):
    """How far the server's model is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class Health(Message):
    """Whether the server is there and its model ready; needs no token."""

    protocol: int
    version: str
    ready: bool
    state: State
    message: str = ""


class Limits(Message):
    """The largest the server accepts, and what it keeps; sizes in bytes unless named otherwise."""

    pixels: int = 200_000_000
    regions: int = MAX_REGIONS
    runs: int = MAX_RUNS
    json_bytes: int = 16 * 2**20
    queued_requests: int = 64
    questions: int = 16
    jobs: int = 16
    image_cache_bytes: int = 2**30
    look_cache_bytes: int = 2**30
    map_cache_bytes: int = 2**29


class Warmth(Message):
    """How much of what the model has seen is kept, so that the next question about it is quick."""

    images: int = 0
    held_bytes: int = 0
    limit_bytes: int = 0


class Capabilities(Message):
    """What the server can do, and with what. `model` is null and `precision` empty while it is being loaded.

    `answers` says whether the model answers free questions; `maps` names the maps it makes.
    """

    protocol: int
    version: str
    model: ModelCardMessage | None
    device: str
    device_reason: str
    limits: Limits
    distortions: list[str]
    severities: list[str]
    aspects: list[str]
    maps: list[str]
    precision: str = ""
    answers: bool = False
    warmth: Warmth = Warmth()


class ImageStatus(Message):
    """An image the server holds."""

    sha256: str
    height: int
    width: int


class JobState(StrEnum):
    """The life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True where nothing more will come."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class Job(Message):
    """How far a job has come; `total` 0 means not known yet.

    `maps` are there before the job is done where the model makes coarse ones first; `edition` grows with each.
    """

    id: str
    state: JobState
    done: int = 0
    total: int = 0
    message: str = ""
    error: ErrorMessage | None = None
    maps: list[MapMessage] = Field(default_factory=list)
    edition: int = 0


class ModelList(Message):
    """The models that can be had here.

    `in_use` is the name of the one that answers or is being loaded, empty where its load failed; `free_bytes` what is
    free on `device` once that one is let go.
    """

    in_use: str
    models: list[ModelOfferMessage]
    device: str
    free_bytes: int
    offline: bool


class ModelChoice(Message):
    """The model that shall answer from now on; the device "auto" is what the server was started with.

    A fine-tuned model that held-out labels say is worse than its base is refused without `even_if_worse`.
    """

    name: Annotated[str, Field(min_length=1, max_length=MAX_PATH)]
    device: Annotated[str, Field(min_length=1, max_length=MAX_ID)] = "auto"
    precision: Precision = Precision.AUTO
    even_if_worse: bool = False


class Removal(Message):
    """What the removal of a model has freed on the server's disk."""

    name: str
    freed_bytes: int


class Question(Message):
    """A free question about one region of an image."""

    region: RegionMessage
    text: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
    max_tokens: Annotated[int, Field(strict=True, ge=1, le=MAX_TOKENS)] = 256
    priority: _Priority = LIVE_PRIORITY

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("The question is empty.")
        return text


class AnswerPiece(Message):
    """A piece of an answer as it is made; the texts joined are the whole. `done` stands in the last piece only.

    An empty text says that the answer is still on its way; `error` ends it.
    """

    text: str = ""
    done: bool = False
    error: ErrorMessage | None = None


class HandShake(Message):
    """The first line on the standard output of `seagull serve`; the token only where the server made it up."""

    url: str
    protocol: int
    token: str | None = None
