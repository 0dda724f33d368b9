"""The nouns on the wire: regions, reports, errors, maps and models to JSON and back, one definition for both ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from seagull_iqa import errors
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import INTERVAL_LEVEL, Interval, PixelSource, QualityReport, ScoreMap

MAX_RUNS = 1_000_000
MAX_NAME = 200
MAX_ID = 100
MAX_NOTES = 8
MAX_NOTE = 500

_Coordinate = Annotated[int, Field(strict=True, ge=-(2**31), le=2**31)]
_Size = Annotated[int, Field(strict=True, ge=1, le=2**31)]
_Run = Annotated[int, Field(strict=True, ge=0, le=2**31)]


class Message(BaseModel):
    """Base of all messages: frozen, finite numbers only, unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, protected_namespaces=())


class RegionMessage(Message):
    """A region: its mask as row-major run lengths inside its tight, half-open (row0, col0, row1, col1) box.

    The runs alternate outside and inside and start with outside (may be 0); `shape` is the image's (height, width).
    """

    id: Annotated[str, Field(min_length=1, max_length=MAX_ID)]
    name: Annotated[str, Field(max_length=MAX_NAME)] = ""
    shape: tuple[_Size, _Size]
    box: tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate]
    runs: Annotated[list[_Run], Field(min_length=1, max_length=MAX_RUNS)]

    @classmethod
    def of(cls, region: Region) -> RegionMessage:
        """The message of a region; `LimitError` where its mask has more than `MAX_RUNS` runs, or its id is too long."""
        runs = region.mask.runs
        if len(runs) > MAX_RUNS:
            raise errors.LimitError(
                f"The outline of the region is too ragged to be sent: {len(runs)} runs, at most {MAX_RUNS}.",
                "Smooth the mask, or split it into several regions.",
            )
        if not 0 < len(region.id) <= MAX_ID:
            raise errors.LimitError(f"The id of a region has 1 to {MAX_ID} letters.", "Give it a shorter id.")
        return cls(id=region.id, name=region.name[:MAX_NAME], shape=region.mask.shape, box=region.mask.box, runs=runs)

    def region(self, shape: tuple[int, int]) -> Region:
        """The region, for an image of that height and width; `RegionError` where it does not fit."""
        if self.shape != shape:
            raise errors.ShapeMismatchError(
                f"The mask belongs to an image of {self.shape[0]} x {self.shape[1]} px, "
                f"this one has {shape[0]} x {shape[1]}.",
                "Draw the region on the image that is being scored.",
            )
        return Region(RegionMask.from_runs(shape, self.box, self.runs), name=self.name, id=self.id)


class FindingMessage(Message):
    """One distortion, its severity as a word and as a level 1..5."""

    distortion: Distortion
    severity: str
    level: Annotated[int, Field(ge=1, le=5)]

    @classmethod
    def of(cls, finding: Finding) -> FindingMessage:
        """The message of a finding."""
        severity = finding.severity
        return cls(distortion=finding.distortion, severity=severity.word, level=int(severity))

    def finding(self) -> Finding:
        """The finding; the level counts, the word is for people."""
        return Finding(self.distortion, Severity(self.level))


class PixelSourceMessage(Message):
    """What pixels were scored."""

    source: str = "raw"
    channel: int | None = None
    plane: tuple[int, ...] = ()
    contrast_limits: tuple[float, float] | None = None
    scale: float = 1.0

    @classmethod
    def of(cls, pixels: PixelSource) -> PixelSourceMessage:
        """The message of a pixel source."""
        return cls.model_validate(vars(pixels))

    def pixel_source(self) -> PixelSource:
        """The pixel source."""
        return PixelSource(**self.model_dump())


class ReportMessage(Message):
    """What a model says of a region; an aspect that was not asked is null, no findings ([]) means clean."""

    region: str
    quality: float | None
    quality_interval: Interval | None
    importance: float | None
    importance_interval: Interval | None
    findings: list[FindingMessage] | None
    text: str
    model: str
    pixels: PixelSourceMessage | None = None
    interval_level: float = INTERVAL_LEVEL
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: QualityReport) -> ReportMessage:
        """The message of a report; `pydantic.ValidationError` where a number is not finite."""
        said = dict(vars(report))
        if report.findings is not None:
            said["findings"] = [FindingMessage.of(finding) for finding in report.findings]
        if report.pixels is not None:
            said["pixels"] = PixelSourceMessage.of(report.pixels)
        said["notes"] = tuple(note[:MAX_NOTE] for note in report.notes[:MAX_NOTES])
        return cls.model_validate(said)

    def report(self, pixels: PixelSource | None = None) -> QualityReport:
        """The report; `pixels`, where given, is put in place of what the message says."""
        said = None if self.pixels is None else self.pixels.pixel_source()
        return QualityReport(
            region=self.region,
            quality=self.quality,
            quality_interval=self.quality_interval,
            importance=self.importance,
            importance_interval=self.importance_interval,
            findings=None if self.findings is None else tuple(finding.finding() for finding in self.findings),
            text=self.text,
            model=self.model,
            pixels=pixels or said,
            interval_level=self.interval_level,
            notes=self.notes,
        )


class ErrorMessage(Message):
    """What went wrong: an error class of `seagull_iqa.errors`, one sentence, and what to do."""

    error: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: errors.SeagullError) -> ErrorMessage:
        """The message of an error, under the nearest class that both ends know."""
        known = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        return cls(error=known.__name__, message=error.message, hint=error.hint)

    def exception(self) -> errors.SeagullError:
        """The error, as the class that is named; an unknown name gives a plain `SeagullError`."""
        return errors.error_classes().get(self.error, errors.SeagullError)(self.message, self.hint)


class ModelCardMessage(Message):
    """Who a set of weights is."""

    id: str
    base: str = ""
    trained_on: str = ""
    labeler: str = ""
    licence: str = ""
    created: str = ""
    sha256: str = ""
    parameters: int = 0
    metrics: dict[str, float] = {}

    @classmethod
    def of(cls, card: ModelCard) -> ModelCardMessage:
        """The message of a model card."""
        return cls.model_validate(vars(card))

    def card(self) -> ModelCard:
        """The model card."""
        return ModelCard(**self.model_dump())


class MapMessage(Message):
    """One map of a finished job; its values are fetched apart, as little-endian float32, row-major."""

    name: str
    rows: Annotated[int, Field(ge=0, le=2**31)]
    cols: Annotated[int, Field(ge=0, le=2**31)]
    shape: tuple[int, int]
    stride: float
    window: float
    model: str = ""

    @classmethod
    def of(cls, score_map: ScoreMap) -> MapMessage:
        """The message of a map, without its values."""
        rows, cols = score_map.values.shape
        return cls(
            name=score_map.name,
            rows=rows,
            cols=cols,
            shape=score_map.shape,
            stride=score_map.stride,
            window=score_map.window,
            model=score_map.model,
        )


class MemoryNeedMessage(Message):
    """Memory, in bytes, that a model takes on its device at that precision."""

    precision: Precision
    nbytes: int


class ModelOfferMessage(Message):
    """A model that can be had; `job` is the id of its download where one is on its way."""

    name: str
    title: str
    licence: str
    state: OfferState
    source: str = ""
    revision: str = ""
    path: str = ""
    download_bytes: int = 0
    present_bytes: int = 0
    needs: list[MemoryNeedMessage] = []
    job: str = ""

    @classmethod
    def of(cls, offer: ModelOffer, job: str = "") -> ModelOfferMessage:
        """The message of an offer."""
        needs = [MemoryNeedMessage.model_validate(vars(need)) for need in offer.needs]
        return cls.model_validate({**vars(offer), "needs": needs, "job": job})

    def offer(self) -> ModelOffer:
        """The offer."""
        said = self.model_dump(exclude={"job", "needs"})
        return ModelOffer(**said, needs=tuple(MemoryNeed(need.precision, need.nbytes) for need in self.needs))
