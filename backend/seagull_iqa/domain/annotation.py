"""What a person says of a region, and which of two regions a person finds better."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from seagull_iqa.domain.distortion import Finding
from seagull_iqa.errors import RegionError

MAX_AUTHOR = 100
MAX_COMMENT = 2000


def now_utc() -> str:
    """The time in ISO 8601, UTC, to the second: "2026-11-26T06:30:00Z"."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _new_id() -> str:
    return str(uuid.uuid4())


def _check(author: str, score: float | None) -> None:
    if len(author) > MAX_AUTHOR:
        raise RegionError(f"The annotator's name has more than {MAX_AUTHOR} letters.", "Give a shorter name.")
    if score is not None and not 0 <= score <= 100:
        raise RegionError(f"A score of {score:g} is not on the scale.", "Give 0 (bad) to 100 (excellent).")


@dataclass(frozen=True)
class Annotation:
    """What one person says of one region; a person's newest of a region is the one that counts.

    Attributes
    ----------
    region : str
        The region's id.
    author : str
        Who said it; may be empty.
    quality, importance : float or None
        0..100, higher is better; None where nothing was said.
    findings : tuple of Finding or None
        Distortions with their severity, () for clean; None where nothing was said.
    comment : str
    time : str
        ISO 8601, UTC.
    id : str
        Its identity.
    """

    region: str
    author: str = ""
    quality: float | None = None
    importance: float | None = None
    findings: tuple[Finding, ...] | None = None
    comment: str = ""
    time: str = field(default_factory=now_utc)
    id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        _check(self.author, self.quality)
        _check(self.author, self.importance)
        if len(self.comment) > MAX_COMMENT:
            raise RegionError(f"The comment has more than {MAX_COMMENT} letters.", "Shorten it.")
        types = [finding.distortion for finding in self.findings or ()]
        if len(set(types)) < len(types):
            raise RegionError("A distortion is named twice.", "Name each once, with its severity.")

    @property
    def says_nothing(self) -> bool:
        """Neither a score nor a finding nor a word."""
        return self.quality is None and self.importance is None and self.findings is None and not self.comment


@dataclass(frozen=True)
class Preference:
    """Of two regions, which one a person finds better: a label that people give more reliably than numbers.

    Attributes
    ----------
    better, worse : str
        Ids of the regions; of the same image or of two.
    equal : bool
        The person sees no difference.
    author, time, id : str
        As of an annotation.
    """

    better: str
    worse: str
    equal: bool = False
    author: str = ""
    time: str = field(default_factory=now_utc)
    id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        _check(self.author, None)
        if self.better == self.worse:
            raise RegionError("A region cannot be better than itself.", "Choose two regions.")
