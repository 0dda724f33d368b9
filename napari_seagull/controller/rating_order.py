"""Which region is rated next, and which two are compared next: functions of what is known, nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from napari_seagull.session.records import RegionRecord
from napari_seagull.views.rate_settings import Order
from seagull_iqa.domain.annotation import Preference

MOST_APART = 8
"""Two regions that stand so far from each other in the order of quality are not worth a question."""


@dataclass(frozen=True)
class Candidate:
    """One region that may come next.

    Attributes
    ----------
    id : str
    width : float or None
        Of the interval of its quality, 0..100; None where there is no score yet.
    quality : float or None
        What the model says.
    rated : bool
        This person has said something of it.
    """

    id: str
    width: float | None = None
    quality: float | None = None
    rated: bool = False


def candidate_of(record: RegionRecord, author: str) -> Candidate:
    """A region as one that may come next."""
    report = record.report
    interval = None if report is None else report.quality_interval
    return Candidate(
        record.id,
        None if interval is None else interval[1] - interval[0],
        None if report is None else report.quality,
        any(said.author == author for said in record.annotations),
    )


def next_region(candidates: Sequence[Candidate], order: Order, current: str, passed: Collection[str]) -> str:
    """The region that comes after the current one; "" for none.

    Parameters
    ----------
    candidates : sequence of Candidate
        In the order in which they were made; all of them.
    order : Order
        Widest interval first, those without a score last; or as they were made, going round.
    current : str
        Id; never the answer. "" for none.
    passed : collection of str
        Ids that are not asked for again: those that were rated or skipped.
    """
    left = [one for one in candidates if one.id != current and one.id not in passed]
    if order is Order.UNCERTAIN:
        left.sort(key=lambda one: (one.width is None, -(one.width or 0.0)))
    else:
        places = {one.id: place for place, one in enumerate(candidates)}
        here = places.get(current, -1)
        left.sort(key=lambda one: (places[one.id] < here, places[one.id]))
    return left[0].id if left else ""


def next_pair(
    candidates: Sequence[Candidate], order: Order, compared: Iterable[Preference], skipped: Collection[frozenset[str]]
) -> tuple[str, str] | None:
    """Two regions that have not been compared yet: those whose scores are nearest, or neighbours in the list."""
    asked = {frozenset((one.better, one.worse)) for one in compared} | set(skipped)
    line = list(candidates)
    if order is Order.UNCERTAIN:
        line.sort(key=lambda one: (one.quality is None, one.quality or 0.0))
    for apart in range(1, min(MOST_APART, len(line) - 1) + 1):
        pairs = [(one, other) for one, other in zip(line, line[apart:], strict=False) if _key(one, other) not in asked]
        if pairs:
            one, other = min(pairs, key=lambda pair: _distance(*pair)) if order is Order.UNCERTAIN else pairs[0]
            return one.id, other.id
    return None


def _key(one: Candidate, other: Candidate) -> frozenset[str]:
    return frozenset((one.id, other.id))


def _distance(one: Candidate, other: Candidate) -> float:
    return 100.0 if one.quality is None or other.quality is None else abs(one.quality - other.quality)
