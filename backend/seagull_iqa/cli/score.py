"""`seagull score`: how good are these regions of these images?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, PrecisionOption, load
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from seagull_iqa.cli.report_files import Scored
    from seagull_iqa.domain.progress import ProgressCallback
    from seagull_iqa.domain.region import Region
    from seagull_iqa.imaging.prepared import PreparedImage
    from seagull_iqa.models.interface import QualityModel


@dataclass(frozen=True)
class Wanted:
    """Which regions of every image are asked about; none at all means the whole image."""

    boxes: tuple[tuple[int, int, int, int], ...] = ()
    masks: tuple[Path, ...] = ()
    labels: Path | None = None
    regions: Path | None = None

    @property
    def is_nothing(self) -> bool:
        """No region is named: the sessions of the images say which, else it is the whole image."""
        return not (self.boxes or self.masks or self.labels or self.regions)

    def words(self) -> dict[str, Any]:
        """What tells these regions from others: JSON."""
        files = [*self.masks, *(one for one in (self.labels, self.regions) if one is not None)]
        return {
            "boxes": [list(box) for box in self.boxes],
            "files": [[str(file.absolute()), *_stamp(file)] for file in files],
        }

    def of(self, image: PreparedImage) -> list[Region]:
        """The regions, in the order boxes, masks, labels, regions."""
        from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
        from seagull_iqa.imaging.region_files import read_labels, read_mask, read_regions

        shape = image.shape
        found = [Region(RegionMask.from_box(shape, box), f"box {','.join(map(str, box))}") for box in self.boxes]
        found += [read_mask(path, shape) for path in self.masks]
        found += read_labels(self.labels, shape) if self.labels else []
        found += read_regions(self.regions, shape) if self.regions else []
        return found or [Region(RegionMask.whole(shape), "whole image", RegionOrigin.TILE)]


def _stamp(file: Path) -> list[int]:
    """Size and time of a file; [] where it is not there, which is told when it is read."""
    try:
        known = file.stat()
    except OSError:
        return []
    return [known.st_size, known.st_mtime_ns]


@dataclass(frozen=True)
class Asked:
    """How a table is to be made."""

    out: Path
    recursive: bool = False
    as_json: bool = False
    summary: Path | None = None


def parse_box(text: str) -> tuple[int, int, int, int]:
    """A box from "row0,col0,row1,col1"; `typer.BadParameter` where it is none."""
    try:
        r0, c0, r1, c1 = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no box; write row0,col0,row1,col1 in whole pixels.") from None
    if r1 <= r0 or c1 <= c0:
        raise typer.BadParameter(f"'{text}' holds no pixel; row1 and col1 lie behind the last ones inside.")
    return (r0, c0, r1, c1)


def score(  # noqa: PLR0913 - one parameter an option, as typer wants it
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="PNG, JPEG, WebP, TIFF or BMP files; folders with --out.")
    ],
    *,
    box: Annotated[
        list[str] | None, typer.Option(metavar="r0,c0,r1,c1", help="A rectangle, half-open, in px. Repeatable.")
    ] = None,
    mask: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="An image, not zero inside the region. Repeatable.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An image in which every value above 0 is a region.")
    ] = None,
    regions: Annotated[Path | None, typer.Option(metavar="FILE", help="Our JSON of regions (docs/cli.md).")] = None,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    precision: PrecisionOption = Precision.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, one object per image.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Score into a table (.csv, .parquet); goes on after a kill.")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="Look into the folders of a folder, too.")] = False,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the summary over all images as JSON; with --out.")
    ] = None,
) -> None:
    """Score regions of images; without a region, the whole image. With --out, folders of images into one table."""
    boxes = tuple(parse_box(text) for text in box or ())
    wanted = Wanted(boxes, tuple(mask or ()), labels, regions)
    if out is not None:
        from seagull_iqa.cli.score_folder import score_into_table

        judge = load(model, device, precision)
        if score_into_table(judge, images, wanted, Asked(out, recursive=recursive, as_json=as_json, summary=summary)):
            raise typer.Exit(1)
        return
    if summary is not None or recursive or any(path.is_dir() for path in images):
        raise typer.BadParameter("A folder is scored into a table: say which with --out TABLE.csv.")
    judge = load(model, device, precision)
    failed = _score_all(judge, images, wanted, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _score_all(judge: QualityModel, images: list[Path], wanted: Wanted, *, as_json: bool) -> int:
    """Score every image; one that fails is told and the others go on. The number that failed."""
    from seagull_iqa.cli.report_files import image_object
    from seagull_iqa.cli.report_table import show_reports

    objects: list[dict[str, Any]] = []
    failed = 0
    for number, path in enumerate(images, 1):
        try:
            with console.progress_bar(f"{path.name} ({number} of {len(images)})") as follow:
                scored = score_file(judge, path, wanted, follow)
        except SeagullError as error:
            failed += 1
            console.say_error(f"{path}: {error.message}", error.hint)
            objects.append({"image": str(path), "reports": [], "error": str(error)})
            continue
        objects.append(image_object(str(path), scored))
        if not as_json:
            show_reports(console.output(), str(path), scored)
    if as_json:
        typer.echo(json.dumps(objects, indent=2))
    return failed


def score_file(judge: QualityModel, path: Path, wanted: Wanted, follow: ProgressCallback) -> Scored:
    """Read one file and score what is wanted of it."""
    from seagull_iqa.cli.scoring import assess
    from seagull_iqa.imaging.files import read_image

    image = read_image(path)
    regions = wanted.of(image)
    return assess(judge, judge.look(image.rgb), image, regions, progress=follow)
