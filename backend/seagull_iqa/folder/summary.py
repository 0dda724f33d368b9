"""What a folder is like, over all of its images: figures for a person and for programs."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from seagull_iqa.domain.distortion import CLEAN
from seagull_iqa.folder.progress_file import ImageRecord, readable

WORST = 10
BINS = 10


@dataclass(frozen=True)
class Worst:
    """One of the worst regions: quality 0..100."""

    image: str
    region: str
    quality: float
    findings: str


@dataclass(frozen=True)
class FolderSummary:
    """A folder at a glance.

    Attributes
    ----------
    images, failed, regions : int
        Images that were read, images that could not be, regions with a quality.
    mean, median : float or None
        Of the quality, 0..100; None without any.
    histogram : tuple of int
        Regions by tenths of the scale.
    findings : tuple of (name, number)
        How many regions have each distortion, most frequent first; "clean" too.
    worst : tuple of Worst
    errors : tuple of (image, sentence)
    """

    images: int
    failed: int
    regions: int
    mean: float | None = None
    median: float | None = None
    histogram: tuple[int, ...] = (0,) * BINS
    findings: tuple[tuple[str, int], ...] = ()
    worst: tuple[Worst, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"format": "seagull-folder-summary", "version": 1, **asdict(self)}


@dataclass
class Tally:
    """Counts records as they come by; holds one number a region and no more."""

    images: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    qualities: list[float] = field(default_factory=list)
    findings: Counter[str] = field(default_factory=Counter)
    worst: list[Worst] = field(default_factory=list)

    def add(self, record: ImageRecord) -> None:
        """Count one image."""
        image = readable(record.image)
        if record.error:
            self.errors.append((image, readable(record.error)))
            return
        self.images += 1
        for row in record.rows:
            found = str(row["findings"] or "")
            self.findings.update(part.split()[-1] for part in found.split(";") if part.strip())
            quality = row["quality"]
            if isinstance(quality, (int, float)):
                self.qualities.append(float(quality))
                self.worst.append(Worst(image, str(row["name"] or ""), float(quality), found))
        self.worst = sorted(self.worst, key=lambda one: one.quality)[:WORST]

    def summary(self) -> FolderSummary:
        """What it comes to."""
        counts = Counter(min(BINS - 1, int(one * BINS / 100)) for one in self.qualities)
        order = sorted(self.findings.items(), key=lambda one: (one[0] == CLEAN, -one[1]))
        return FolderSummary(
            self.images,
            len(self.errors),
            len(self.qualities),
            statistics.fmean(self.qualities) if self.qualities else None,
            statistics.median(self.qualities) if self.qualities else None,
            tuple(counts[number] for number in range(BINS)),
            tuple(order),
            tuple(self.worst),
            tuple(self.errors),
        )


def summarised(records: Iterable[ImageRecord]) -> FolderSummary:
    """The summary of these records."""
    tally = Tally()
    for record in records:
        tally.add(record)
    return tally.summary()
