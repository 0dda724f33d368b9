"""One image of the list as it is shown, and what is said over all of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_seagull.views.sizes import counted


class Review(StrEnum):
    """How far a person is with an image; the word stands in the table."""

    NEW = "new"
    WORK = "in work"
    DONE = "reviewed"


@dataclass(frozen=True)
class ImageRow:
    """One image.

    Attributes
    ----------
    path : Path
    name : str
    review : Review
    regions, labels : int
    quality : float or None
        0..100.
    problem : str
        One sentence where something is wrong with it.
    """

    path: Path
    name: str
    review: Review = Review.NEW
    regions: int = 0
    labels: int = 0
    quality: float | None = None
    problem: str = ""


def summary_words(rows: Sequence[ImageRow]) -> str:
    """A line over all images."""
    if not rows:
        return ""
    done = sum(row.review is Review.DONE for row in rows)
    regions, labels = sum(row.regions for row in rows), sum(row.labels for row in rows)
    said = [counted(len(rows), "image"), f"{done:,} reviewed"]
    said += [f"{counted(regions, 'region')}, {labels:,} labelled"] if regions else []
    scores = [row.quality for row in rows if row.quality is not None]
    said += [f"median quality {statistics.median(scores):.0f} of {len(scores):,}"] if scores else []
    return "; ".join(said)
