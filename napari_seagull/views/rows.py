"""One region as the table and the card show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.report import QualityReport


class RowState(StrEnum):
    """How far a region is; the word stands in the table."""

    UNSCORED = "not scored"
    QUEUED = "scoring …"
    SCORED = "scored"
    STALE = "outdated"
    FAILED = "failed"


@dataclass(frozen=True)
class RegionRow:
    """One region as the table and the card show it.

    Attributes
    ----------
    id : str
        The region's identity.
    name : str
        What a person calls it.
    state : RowState
        How far it is.
    report : QualityReport or None
        What the model said of it, if it did.
    problem : str
        One sentence where it could not be scored.
    human : Annotation or None
        What a person says of it: the newest verdict, if there is one.
    """

    id: str
    name: str
    state: RowState = RowState.UNSCORED
    report: QualityReport | None = None
    problem: str = ""
    human: Annotation | None = None
