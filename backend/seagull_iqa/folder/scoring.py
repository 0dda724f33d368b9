"""Score image after image: the next one is read while the model is at work, and nothing is scored twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import BackendError, JobCancelledError, SeagullError
from seagull_iqa.folder.listing import Stamp, side_car_of, stamp_of
from seagull_iqa.folder.progress_file import ImageRecord, ProgressFile
from seagull_iqa.folder.summary import FolderSummary, summarised
from seagull_iqa.folder.table import write_table
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import Plane, SessionDocument, SessionImage, SessionRegion, SessionReport
from seagull_iqa.formats.session_file import read_session
from seagull_iqa.formats.session_pixels import planes_of, read_pixels
from seagull_iqa.formats.tables import table_rows
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.prepared import PreparedImage

AHEAD = 2
"""So many images are read before their turn."""

Score = Callable[[PreparedImage, Sequence[Region]], Sequence[QualityReport]]
"""Reports of regions of one image, in the order asked; each has `pixels` filled in."""

Choose = Callable[[PreparedImage], Sequence[Region]]
"""The regions of an image that are asked about."""


@dataclass(frozen=True, eq=False)
class Ready:
    """An image that was read, or why it could not be; of a stack the first plane that is scored, and which follow."""

    path: Path
    stamp: Stamp
    image: PreparedImage | None = None
    further: tuple[Plane, ...] = ()
    document: SessionDocument | None = None
    error: SeagullError | None = None


def score_folder(
    images: Sequence[Path],
    table: Path,
    score: Score,
    *,
    settings: Mapping[str, Any],
    choose: Choose | None = None,
    progress: ProgressCallback = ignore_progress,
) -> FolderSummary:
    """Score images into one table; after a kill the same call goes on with those that are missing.

    Parameters
    ----------
    images : sequence of Path
    table : Path
        ".csv" or ".parquet"; written at the end, whole, and when `progress` ends the work. `TABLE.progress` lies beside
        it until every image was dealt with.
    score : callable
    settings : mapping
        Names model and regions, as JSON: what was scored with others is refused, not mixed in.
    choose : callable, optional
        By default the regions of the image's session file, else the whole image.
    progress : callable
        Called before each image; what it raises ends the work, and the table holds what was scored until then.

    Raises
    ------
    BackendError, JobCancelledError
        Of `score`: the server is gone, or somebody ended the work; the table holds what was scored until then.
    SeagullError
        The table cannot be written, or was begun with other settings. What is wrong with one image is a row of the
        summary, and the others go on.
    """
    names = [str(path) for path in images]
    with ProgressFile.begin(table, settings) as done:
        left = [path for path in images if done.known.get(str(path)) != stamp_of(path)]
        try:
            for number, ready in enumerate(_read_ahead(left, sessions=choose is None)):
                progress(Progress(len(images) - len(left) + number, len(images), ready.path.name))
                done.add(_scored(ready, score, choose))
            progress(Progress(len(images), len(images), "writing the table"))
        finally:
            write_table(table, done.records(names))
            summary = summarised(done.records(names))
        done.remove()
    return summary


def _read_ahead(paths: Sequence[Path], *, sessions: bool) -> Iterator[Ready]:
    """Images in order, read on a thread of its own; what goes wrong there is raised here."""
    left = iter(paths)
    with ThreadPoolExecutor(1, "seagull reader") as reader:
        coming = deque(reader.submit(_ready, path, sessions=sessions) for path in islice(left, AHEAD + 1))
        try:
            while coming:
                ready = coming.popleft().result()
                coming.extend(reader.submit(_ready, path, sessions=sessions) for path in islice(left, 1))
                yield ready
        finally:
            reader.shutdown(wait=False, cancel_futures=True)


def _ready(path: Path, *, sessions: bool) -> Ready:
    """The image with its session; the pixels are those that the session is about, where it has regions to score."""
    stamp = stamp_of(path)
    try:
        side_car = side_car_of(path)
        document = read_session(side_car) if side_car.is_file() else None
        if not sessions or document is None or document.image is None or not document.regions:
            return Ready(path, stamp, read_image(path), (), document)
        first, *further = planes_of(document)
        return Ready(path, stamp, read_pixels(document, side_car, first, file=path), tuple(further), document)
    except SeagullError as error:
        return Ready(path, stamp, error=error)


def _scored(ready: Ready, score: Score, choose: Choose | None) -> ImageRecord:
    name = str(ready.path)
    image = ready.image
    if image is None:
        return ImageRecord(name, ready.stamp, error=str(ready.error))
    regions, reports = list[SessionRegion](), list[SessionReport]()
    try:
        for pixels, here in _regions(ready, image, choose):
            reports += [SessionReport(one, pixels.sha256) for one in score(pixels, [known.region for known in here])]
            regions += here
    except (BackendError, JobCancelledError):
        raise  # nothing is wrong with the image
    except SeagullError as error:
        return ImageRecord(name, ready.stamp, error=str(error))
    facts = SessionImage(image.shape, name, str(ready.path.absolute()), "", image.sha256, image.pixels)
    said = () if ready.document is None else ready.document.annotations
    document = SessionDocument(facts, tuple(regions), tuple(reports), said)
    return ImageRecord(name, ready.stamp, tuple(table_rows(Export(document))))


def _regions(
    ready: Ready, first: PreparedImage, choose: Choose | None
) -> Iterator[tuple[PreparedImage, list[SessionRegion]]]:
    """Each plane with the regions asked about there; a plane is read when it is reached, for each takes room."""
    if choose is not None:
        yield first, [SessionRegion(region, first.pixels.plane) for region in choose(first)]
        return
    found = False
    for image in _planes(ready, first):
        known = () if ready.document is None else ready.document.regions
        here = [one for one in known if one.region.mask.shape == image.shape and one.plane == image.pixels.plane]
        if here:
            found = True
            yield image, here
    if not found:
        whole = Region(RegionMask.whole(first.shape), "whole image", RegionOrigin.TILE)
        yield first, [SessionRegion(whole, first.pixels.plane)]


def _planes(ready: Ready, first: PreparedImage) -> Iterator[PreparedImage]:
    yield first
    if ready.document is not None:
        for plane in ready.further:
            yield read_pixels(ready.document, side_car_of(ready.path), plane, file=ready.path)
