"""Clean pictures of many kinds: how many a model finds fault with, what it names, and the worst of them to look at.

    python benchmarks/false_alarms.py --data FOLDER --sheet false-alarms.png     # 1.5 minutes of one core
    python benchmarks/false_alarms.py --data FOLDER --photos 4 --each 2          # a quick look
    python benchmarks/false_alarms.py --data FOLDER --sheet FILE --own           # draw nothing that is somebody else's

Kinds: the held-out photographs, and their regions; their darkest, lightest and flattest squares of 256 px, each as a
picture of its own; photographs in twelve flat colours; drawings by the generator that training uses (other seeds) and
by others (pages of text, screens, charts, line art, pixel art, flat and gradients, star skies); microscopy in focus
(`microscopy/` of the data folder, where it is there); the package's samples that were left as they were, and the
originals of those that were spoiled. "Clean" is what nobody spoiled: a dark photograph may well look under-exposed, and
the posters are a border case (of a photograph twelve colours would be damage): read their line apart.

clean   share that is said to be clean (no finding)
median  median quality; the label's is 100
low     quality that one picture in ten falls below
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clean_pictures import DRAWINGS, Clean, all_clean
from held_out import data_folder, opened, options
from matplotlib.figure import Figure

from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.training.pictures import save_figure
from seagull_iqa.training.worst import fitted

COLUMNS = 6
SHOWN = 30
OWN = frozenset({*DRAWINGS, "samples"})
"""Kinds that may be shown anywhere: drawn by us, or shipped."""

A_KIND = 3
"""At most so many of a kind on the sheet."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a model says of a clean picture, or of a region of one."""

    kind: str
    name: str
    quality: float
    named: tuple[str, ...]
    """Types, the worst first; empty where it is called clean."""
    rgb: RGBImage | None = None
    """The picture, where the whole was asked about."""

    @classmethod
    def of(cls, kind: str, name: str, report: QualityReport, rgb: RGBImage | None = None) -> Verdict:
        """From a report."""
        named = tuple(f"{one.severity.word} {one.distortion}" for one in report.findings or ())
        return cls(kind, name, math.nan if report.quality is None else report.quality, named, rgb)

    @property
    def badness(self) -> tuple[int, float]:
        """The worst false alarm first: something is named and the quality is low."""
        return (0 if self.named else 1, self.quality)


def judge(model: QualityModel, picture: Clean) -> Iterator[Verdict]:
    """Of the whole, and of each region."""
    shape = (int(picture.rgb.shape[0]), int(picture.rgb.shape[1]))
    masks = [RegionMask.whole(shape), *picture.regions]
    whole, *parts = model.assess(model.look(np.require(picture.rgb, requirements="W")), [Region(m) for m in masks])
    yield Verdict.of(picture.kind, picture.name, whole, picture.rgb)
    for number, report in enumerate(parts, 1):
        yield Verdict.of(f"{picture.kind}, regions", f"{picture.name} {number}", report)


@dataclass(frozen=True)
class KindRow:
    """One line of the table."""

    kind: str
    count: int
    clean: float
    median: float
    low: float
    named: dict[str, int]

    @classmethod
    def of(cls, kind: str, verdicts: Sequence[Verdict]) -> KindRow:
        """Over the verdicts of one kind."""
        quality = np.array([one.quality for one in verdicts])
        clean = float(np.mean([not one.named for one in verdicts]))
        types = Counter(name.split(" ", 1)[1] for one in verdicts for name in one.named)
        return cls(kind, len(verdicts), clean, float(np.median(quality)), float(np.quantile(quality, 0.1)),
                   dict(types.most_common()))  # fmt: skip

    def __str__(self) -> str:
        named = ", ".join(f"{name} {count}" for name, count in self.named.items())
        return f"{self.kind:<26}{self.count:5d}{100 * self.clean:7.0f} %{self.median:8.1f}{self.low:7.1f}  {named}"


def rows(verdicts: Iterable[Verdict]) -> list[KindRow]:
    """A line a kind, in the order of the pictures."""
    by_kind: dict[str, list[Verdict]] = {}
    for one in verdicts:
        by_kind.setdefault(one.kind, []).append(one)
    return [KindRow.of(kind, some) for kind, some in by_kind.items()]


def worst(verdicts: Iterable[Verdict], count: int = SHOWN) -> list[Verdict]:
    """The worst false alarms among whole pictures, at most `A_KIND` of a kind."""
    shown: list[Verdict] = []
    for one in sorted((one for one in verdicts if one.rgb is not None), key=lambda one: one.badness):
        if sum(other.kind == one.kind for other in shown) < A_KIND:
            shown.append(one)
    return shown[:count]


def sheet(verdicts: Sequence[Verdict], title: str) -> Figure:
    """A contact sheet of them."""
    lines = max(1, math.ceil(len(verdicts) / COLUMNS))
    figure = Figure(figsize=(2.3 * COLUMNS, 2.75 * lines + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for at, one in enumerate(verdicts, 1):
        axes = figure.add_subplot(lines, COLUMNS, at)
        if one.rgb is not None:
            axes.imshow(fitted(one.rgb))
        said = ",\n  ".join(one.named) or "clean"
        axes.set_title(f"{one.kind}\nquality {one.quality:.0f}; said: {said}", fontsize=6.5, loc="left")
        axes.set_axis_off()
    return figure


def main() -> None:
    """Judge them all, print the table, and draw and write where asked."""
    parser = options(__doc__)
    parser.add_argument("--photos", type=int, help="only the first so many photographs")
    parser.add_argument("--each", type=int, default=8, help="drawings of a kind")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw the worst")
    parser.add_argument("--own", action="store_true", help="draw only drawings and shipped samples")
    given = parser.parse_args()
    protocol, model = opened(given)
    verdicts: list[Verdict] = []
    for picture in all_clean(data_folder(given.data), protocol, given.photos, given.each):
        verdicts += judge(model, picture)
    found = rows(verdicts)
    print(f"{model.card.id}\n{'kind':<26}{'count':>5}{'clean':>9}{'median':>8}{'low':>7}  named")
    for row in found:
        print(row)
    finish(given, model, found, verdicts)


def finish(given: argparse.Namespace, model: QualityModel, found: list[KindRow], verdicts: list[Verdict]) -> None:
    """The files."""
    if given.json:
        about = {"model": model.card.id, "weights_sha256": model.card.sha256, "kinds": [vars(row) for row in found]}
        given.json.write_text(json.dumps(about, indent=1), encoding="utf-8")
    if given.sheet:
        title = f"False alarms of {model.card.id}: clean pictures, the worst {A_KIND} of each kind first"
        drawn = [one for one in verdicts if not given.own or one.kind in OWN]
        save_figure(sheet(worst(drawn), title), given.sheet)


if __name__ == "__main__":
    main()
