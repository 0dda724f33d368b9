"""`seagull segment`: which pixels belong to what was pointed at, or all regions of an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DeviceOption, backend_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seagull_iqa.domain.prompts import Prompts
    from seagull_iqa.domain.region import Region
    from seagull_iqa.imaging.prepared import PreparedImage
    from seagull_iqa.service.segment_looks import ImageViews

_LABELS = (".tif", ".tiff")
_REGIONS = ".json"


def segment(  # noqa: PLR0913 - one parameter an option, as typer wants it
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A PNG, JPEG, WebP, TIFF or BMP file.")],
    *,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE.json|.tif", help=".json: our JSON of regions, exact. .tif: an image of labels."),
    ],
    point: Annotated[
        list[str] | None, typer.Option(metavar="r,c", help="A point inside the region, in px. Repeatable.")
    ] = None,
    not_point: Annotated[
        list[str] | None, typer.Option(metavar="r,c", help="A point that is not inside. Repeatable.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(metavar="r0,c0,r1,c1", help="The region lies inside; half-open, in px.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Find all regions.")] = False,
    all_masks: Annotated[
        bool, typer.Option("--all-masks", help="Write every mask that is proposed, small to large, not the best alone.")
    ] = False,
    engine: Annotated[str, typer.Option(metavar="NAME|PATH", help="A name (`seagull models list`) or weights.")] = (
        "region-tree"
    ),
    device: DeviceOption = "auto",
    overlay: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Also a picture with the regions tinted.")
    ] = None,
) -> None:
    """Find the region that is pointed at, or all regions, for `seagull score --regions` or `--labels`."""
    _check_files(out, overlay)
    marks, refused = _points(point), _points(not_point)
    frame = None if box is None else _box(box)
    if everything == bool(marks or frame):
        raise typer.BadParameter("Give --point or --box, or else --everything.")
    if everything and (refused or all_masks):
        raise typer.BadParameter("--not-point and --all-masks are about what is pointed at, not --everything.")
    from seagull_iqa.domain.prompts import Prompts
    from seagull_iqa.imaging.files import read_image

    prepared = read_image(image)
    views = _views(prepared, engine, device)
    regions = _all(views) if everything else _pointed(views, Prompts(marks, refused, frame), all_masks=all_masks)
    _save(prepared, regions, out, overlay)


def _numbers(text: str, count: int, what: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(abs(number) < 2**31 for number in numbers):
        form = "row,col" if count == 2 else "row0,col0,row1,col1"
        raise typer.BadParameter(f"'{text}' is no {what}; write {form} in pixels.")
    return numbers


def _points(texts: list[str] | None) -> tuple[tuple[float, float], ...]:
    numbers = [_numbers(text, 2, "point") for text in texts or ()]
    return tuple((row, col) for row, col in numbers)


def _box(text: str) -> tuple[float, float, float, float]:
    r0, c0, r1, c1 = _numbers(text, 4, "box")
    if r1 <= r0 or c1 <= c0:
        raise typer.BadParameter(f"'{text}' holds no pixel; row1 and col1 lie behind the last ones inside.")
    return (r0, c0, r1, c1)


def _check_files(out: Path, overlay: Path | None) -> None:
    if out.suffix.lower() not in (_REGIONS, *_LABELS):
        raise typer.BadParameter(f"'{out}' ends neither in .json nor in .tif.")
    if overlay is not None and overlay.suffix.lower() != ".png":
        raise typer.BadParameter(f"'{overlay}' does not end in .png.")


def _views(prepared: PreparedImage, name: str, device: str) -> ImageViews:
    """The looks of the engine at the image, kept on disk so that the next command need not look again."""
    import os

    from seagull_iqa.domain.progress import ignore_progress
    from seagull_iqa.segmenting.look_store import LookStore
    from seagull_iqa.service.segment_looks import ImageViews, LookKeeper
    from seagull_iqa.service.segment_source import MEMORY_BYTES, Pick, machine_engine
    from seagull_iqa.settings import looks_home

    try:
        engine = machine_engine(Pick(name, device), paths=True)
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    keeper = LookKeeper(MEMORY_BYTES, LookStore(looks_home(os.environ)), lambda: None)
    return ImageViews(engine, keeper, prepared.sha256, prepared.rgb, ignore_progress)


def _pointed(views: ImageViews, prompts: Prompts, *, all_masks: bool) -> list[Region]:
    from seagull_iqa.domain.region import Region, RegionOrigin
    from seagull_iqa.segmenting import crops

    found = crops.propose(views.engine, prompts, views)
    chosen = list(found.candidates) if all_masks else [found.candidates[found.best]]
    return [Region(one.mask, f"mask {number}", RegionOrigin.SEGMENTED) for number, one in enumerate(chosen, 1)]


def _all(views: ImageViews) -> list[Region]:
    """What the panel shows before its sliders are moved."""
    from seagull_iqa.domain.prompts import EverythingFilter, EverythingSpec
    from seagull_iqa.domain.region import Region, RegionOrigin
    from seagull_iqa.imaging.proposals import Findings
    from seagull_iqa.segmenting import crops

    if crops.whole_view(views.shape).is_reduced:
        console.remark(f"The image is looked at in a copy of {crops.WHOLE_UP_TO} px.")
    with console.progress_bar("finding regions") as follow:
        found = crops.everything(views.engine, EverythingSpec(), views, progress=follow)
    kept = Findings.of(found, views.shape).kept(EverythingFilter())
    masks = [found[index].mask for index in kept]
    return [Region(mask, f"region {number}", RegionOrigin.SEGMENTED) for number, mask in enumerate(masks, 1)]


def _save(prepared: PreparedImage, regions: Sequence[Region], out: Path, overlay: Path | None) -> None:
    from seagull_iqa.errors import RegionError
    from seagull_iqa.imaging.region_files import regions_document
    from seagull_iqa.imaging.region_pictures import draw_regions, labels_tiff
    from seagull_iqa.imaging.saving import png_bytes, save_bytes, save_text

    if not regions:
        raise RegionError("No region was found.", "Point at one with --point, or use another engine.")
    if out.suffix.lower() == _REGIONS:
        save_text(out, json.dumps(regions_document(regions, prepared.shape, image_name=prepared.name)) + "\n")
    else:
        save_bytes(out, labels_tiff(prepared.shape, regions))
    if overlay is not None:
        save_bytes(overlay, png_bytes(draw_regions(prepared.rgb, regions)))
    written = [str(out)] if overlay is None else [str(out), str(overlay)]
    console.remark(f"{len(regions)} region{'' if len(regions) == 1 else 's'}")
    for line in written:
        console.output().print(line, highlight=False, markup=False, soft_wrap=True)
