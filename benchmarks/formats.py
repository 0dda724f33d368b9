"""How long 2,000 regions take to be saved, exported to every format and read back, and how large the files are.

    .venv/bin/python benchmarks/formats.py [--regions 2000] [--runs 3]

Prints tables in Markdown. The regions are blobs and rings of 10 to 120 px, many of which overlap, on an image of
2,000 x 2,000 px, each with a report and every other one with a label.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from timing import Goal, machine, photograph

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import PixelSource, QualityReport, ScoreMap
from seagull_iqa.formats.catalogue import FORMATS, export_to, import_from
from seagull_iqa.formats.events import Annotated
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.journal import Journal
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion, SessionReport
from seagull_iqa.formats.session_file import SUFFIX, SessionFile, read_session
from seagull_iqa.imaging.prepared import PreparedImage

SIDE = 2000
EXPORT_S = 2.0
SAVE_MS = 20.0


def session(count: int) -> Export:
    """So many regions with reports and labels, their image and maps."""
    rng = np.random.default_rng(0)
    image = PreparedImage(photograph(SIDE, SIDE), name="photograph.png")
    regions = tuple(SessionRegion(_region(rng, number), (), "2026-11-26T06:30:00Z") for number in range(count))
    reports = tuple(SessionReport(_report(one.id, rng), image.sha256) for one in regions)
    notes = tuple(Annotation(one.id, "Zoë", float(rng.uniform(0, 100))) for one in regions[::2])
    facts = SessionImage((SIDE, SIDE), image.name, "", "", image.sha256, image.pixels, (((), image.sha256),))
    grid = rng.uniform(0, 100, (SIDE // 16, SIDE // 16)).astype(np.float32)
    maps = {name: ScoreMap(name, grid, (SIDE, SIDE), 16.0, 64.0, "mini") for name in ("quality", "weight")}
    return Export(SessionDocument(facts, regions, reports, notes), image, maps)


def _region(rng: np.random.Generator, number: int) -> Region:
    """A blob with a ragged edge, every fourth one with a hole."""
    side = int(rng.integers(10, 120))
    rows, columns = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    away = np.hypot(rows, columns) + gaussian_filter(rng.normal(size=(side, side)), 3)
    inside = away < 0.85
    if number % 4 == 0:
        inside &= away > 0.4
    inside[side // 2, side // 4] = True
    corner = (int(rng.integers(0, SIDE - side)), int(rng.integers(0, SIDE - side)))
    return Region(RegionMask.from_part((SIDE, SIDE), corner, inside), f"Region {number}", RegionOrigin.SEGMENTED)


def _report(region: str, rng: np.random.Generator) -> QualityReport:
    quality, importance = (float(value) for value in rng.uniform(10, 90, 2))
    return QualityReport(
        region, quality, (quality - 9.5, quality + 9.5), importance, (importance - 7.1, importance + 7.1),
        (Finding(Distortion.BLUR, Severity.SEVERE), Finding(Distortion.NOISE, Severity.MINOR)),
        "The quality of this region is poor, with severe blur; it matters little to the whole image.",
        "seagull-mini-1.0", PixelSource(),
    )  # fmt: skip


def fastest(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Seconds of the fastest of so many runs: on the clock, and of the CPU, which a busy machine lengthens less."""
    clock = computed = float("inf")
    for _ in range(runs):
        start, used = time.perf_counter(), time.process_time()
        work()
        clock, computed = min(clock, time.perf_counter() - start), min(computed, time.process_time() - used)
    return clock, computed


def size_of(paths: list[Path]) -> int:
    """Bytes of the files, and of all files below the folders."""
    files = {file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])}
    return sum(file.stat().st_size for file in files if file.is_file())


def saving(folder: Path, export: Export, runs: int) -> list[Goal]:
    """The side-car and the journal; prints what they take."""
    document = export.document
    path = folder / f"photograph{SUFFIX}"
    first = fastest(lambda: SessionFile(path).write(document), runs)
    file = SessionFile(path)
    file.write(document)
    changed = iter(range(10**6))

    def again() -> None:
        one = document.regions[0]
        name = f"renamed {next(changed)}"
        file.write(replace(document, regions=(replace(one, region=replace(one.region, name=name)),
                                              *document.regions[1:])))  # fmt: skip

    second, read = fastest(again, 5 * runs), fastest(lambda: read_session(path), runs)
    with Journal.open(folder / "a.journal", document.session) as journal:
        note = Annotated(document.annotations[0])
        append = fastest(lambda: journal.append([note]), 20 * runs)
    count = len(document.regions)
    print(f"| side-car of {count:,} regions | clock, ms | CPU, ms |\n|---|---|---|")
    steps = {
        "written the first time": first, "written again after one change": second, "read with every check": read,
        "an event in the journal, on the disk": append,
    }  # fmt: skip
    for what, (clock, computed) in steps.items():
        print(f"| {what} | {clock * 1000:.1f} | {computed * 1000:.1f} |")
    size = path.stat().st_size
    print(f"\nIts size: {size / 1000:,.0f} kB, {size / count:,.0f} bytes a region.\n")
    return [Goal("side-car written again, CPU", second[1] * 1000, SAVE_MS, "ms")]


def exporting(folder: Path, export: Export, runs: int) -> list[Goal]:
    """Every format there and back; prints what it takes."""
    goals = []
    print("| format | export, clock | CPU | size | import, clock | CPU |\n|---|---|---|---|---|---|")
    for name, one in FORMATS.items():
        if one.writer is None:
            continue
        path = folder / f"export{one.suffix}"
        made = export_to(path, export, name)
        clock, computed = fastest(lambda path=path, name=name: export_to(path, export, name), runs)
        back = " | "
        if one.reader is not None:
            back = " | ".join(f"{took:.2f} s" for took in fastest(lambda path=path: import_from(path, export.facts), 1))
        size = size_of(made)
        print(f"| {name} | {clock:.2f} s | {computed:.2f} s | {size / 1000:,.0f} kB | {back} |", flush=True)
        goals += [Goal(f"export to {name}", clock, EXPORT_S, "s"),
                  Goal(f"export to {name}, CPU", computed, EXPORT_S, "s")]  # fmt: skip
    return goals


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    export = session(options.regions)
    print(f"{options.regions:,} regions on {SIDE:,} x {SIDE:,} px; {machine()}\n")
    with tempfile.TemporaryDirectory() as name:
        goals = saving(Path(name), export, options.runs) + exporting(Path(name), export, options.runs)
    print()
    for goal in goals:
        print(f"- {goal}")


if __name__ == "__main__":
    main()
