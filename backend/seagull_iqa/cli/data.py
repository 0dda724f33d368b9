"""`seagull data`: make labelled data from photographs, and read and fetch what others made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.data_more import fetch, instructions, sheet
from seagull_iqa.cli.models import backend_missing

_HELP = "Make labelled data from photographs; look at it, fetch it, put it in words."

data_app = typer.Typer(no_args_is_help=True, help=_HELP)
for _command in (fetch, instructions, sheet):
    data_app.command()(_command)


@data_app.callback()
def _data() -> None:
    """Make labelled data from photographs; look at it, fetch it, put it in words."""


@data_app.command()
def build(  # noqa: PLR0913 - one parameter an option, as typer wants it
    photos: Annotated[Path, typer.Argument(help="Folder with near-pristine photographs, RAW too.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the data set; an unfinished one there goes on.")],
    regions: Annotated[int, typer.Option(min=1, help="Labelled regions, at least.")] = 20_000,
    images: Annotated[int | None, typer.Option(min=1, help="That many images instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 1,
    size: Annotated[int, typer.Option(min=160, max=8192, help="Longest side of the images in px, at most.")] = 1024,
    processes: Annotated[int, typer.Option(min=1, help="Processes that work; the bytes do not depend on it.")] = 1,
    device: Annotated[str, typer.Option(help="Where to distort and label: cpu or cuda.")] = "cpu",
    codec: Annotated[
        list[str] | None, typer.Option(help="Compressions to draw from (jpeg, webp, avif, heic); all that are here.")
    ] = None,
    sam_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of segment_anything; superpixels without them.")
    ] = None,
    topiq: Annotated[bool, typer.Option(help="Label with TOPIQ-FR (pyiqa) too, in columns of its own.")] = False,
    shard_images: Annotated[int, typer.Option(min=1, help="Images in a shard.")] = 100,
) -> None:
    """Make a data set of spoiled images with labelled regions; Ctrl+C leaves whole shards to go on from."""
    try:
        from seagull_iqa.data.build import build as steps_of
        from seagull_iqa.data.disk import disk_need
        from seagull_iqa.data.spec import BuildSpec, check_wishes
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    spec = BuildSpec(
        photos=photos, out=out, regions=regions, images=images, seed=seed, size=size, processes=processes,
        device=device, sam_weights=sam_weights, topiq=topiq, shard_images=shard_images, codecs=tuple(codec or ()),
    )  # fmt: skip
    check_wishes(spec)
    console.remark(str(disk_need(spec)))
    terminal = console.errors().is_terminal
    with console.progress_bar("building") as follow:
        told = 0.0
        for step in steps_of(spec):
            follow(step)
            if not terminal and step.fraction >= told + 0.1:
                told = step.fraction
                typer.echo(f"{step.done}/{step.total} {step.message}", err=True)
            told = 0.0 if step.fraction == 1.0 else told
    typer.echo(str(out / "README.md"))
