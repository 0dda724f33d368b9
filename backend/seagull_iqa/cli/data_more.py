"""`seagull data fetch | instructions | sheet`: get photographs, put labels in words, and look at what was made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from seagull_iqa.cli import console
from seagull_iqa.cli.models import backend_missing
from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from seagull_iqa.data.readers import ReadSpec

SetArgument = Annotated[
    Path, typer.Argument(help="A data set: a folder that `build` made, SEAGULL-100w, a COCO .json or a .csv list.")
]
ImagesOption = Annotated[
    Path | None, typer.Option(help="Folder of the images of a .json or .csv; where it lies, or images/ beside it.")
]
ScaleOption = Annotated[
    str | None, typer.Option(metavar="LOW,HIGH", help="Scale of the scores, worst first; 0,100 without it.")
]


def fetch(
    name: Annotated[str, typer.Argument(help="What to fetch; `list` says what there is.")],
    *,
    out: Annotated[Path, typer.Option(help="The data folder; photographs go into photos/ in it.")] = Path("data"),
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="URL|FOLDER", help="A mirror of our files, or a folder of the makers' own."),
    ] = None,
) -> None:
    """Get photographs that may be passed on, each checked by its hash; what is here already is kept."""
    from seagull_iqa.data.fetch import MIRROR_VARIABLE, FetchSpec
    from seagull_iqa.data.fetch import fetch as get
    from seagull_iqa.hub.downloads import is_offline

    if name == "list":
        _list_sets()
        return
    place = origin or os.environ.get(MIRROR_VARIABLE) or None
    with console.byte_bar(f"fetching {name}") as follow:
        done = get(FetchSpec(name, out, place, offline=is_offline()), progress=follow)
    typer.echo(f"{done.here} files of {name} are in {out}, {done.fetched} of them new.")
    if done.missing:
        raise SeagullError(
            f"{len(done.missing)} were not found there, or with other pixels: {done.missing[0]} for one.",
            "`seagull data fetch list` says where their makers offer them; several folders may be given one by one.",
        )


def _list_sets() -> None:
    from seagull_iqa.data.catalogue import read_catalogue

    known = read_catalogue()
    table = Table("name", "what", "files", "MB", "licence")
    for one in known.sets.values():
        table.add_row(one.name, one.title, str(len(one.files)), f"{one.nbytes / 1e6:.0f}", one.licence)
    out = console.output()
    out.print(table)
    for name, where in known.collections.items():
        out.print(f"{name}: {where.title}, {where.address}. {where.how}", highlight=False, soft_wrap=True)
    out.print("There is no public mirror of our files yet; addresses are the makers' and were not tried from here.")


def instructions(
    data: SetArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.jsonl", help="Where to write them, a conversation a line.")],
    seed: Annotated[int, typer.Option(help="Of the wrong words in judgments.")] = 0,
    judgments: Annotated[bool, typer.Option(help="Judgments too, as many true as false.")] = True,
    images: ImagesOption = None,
    scale: ScaleOption = None,
) -> None:
    """Put a data set in words, in the form that LLaVA-like models learn from."""
    from seagull_iqa.data.instructions import records
    from seagull_iqa.data.readers import read_dataset

    lines = records(read_dataset(data, _how(images, scale)), seed=seed, judgments=judgments)
    count = _write_lines(out, lines)
    typer.echo(f"{count} conversations in {out}")


def _write_lines(path: Path, lines: Iterator[str]) -> int:
    """To a neighbour first, then in its place, since there may be gigabytes."""
    count, part = 0, path.with_name(f"{path.name}.part")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8", newline="\n") as file:
                for count, line in enumerate(lines, 1):  # noqa: B007 - counts
                    file.write(line + "\n")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise SeagullError(f"{path} cannot be written ({error.strerror}).", "Choose another folder.") from error
    return count


def sheet(
    what: Annotated[Path, typer.Argument(help="A data set, or a folder of photographs, or a photograph.")],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="The sheet; of photographs FILE-NAME.png, one each.")],
    count: Annotated[int, typer.Option(min=1, help="Images or photographs to show.")] = 20,
    images: ImagesOption = None,
    scale: ScaleOption = None,
) -> None:
    """Draw contact sheets: samples of a data set with labels, or every type from weak to strong on photographs."""
    from seagull_iqa.data.readers import read_dataset
    from seagull_iqa.data.sheet import save_sheet, set_sheet

    photographs = _photographs(what)
    if not photographs:
        save_sheet(out, set_sheet(read_dataset(what, _how(images, scale)), count=count))
        typer.echo(str(out))
        return
    try:
        from seagull_iqa.data.ladder_sheet import ladder_sheet
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    from seagull_iqa.imaging.files import read_image

    step = max(1, len(photographs) // count)
    for path in photographs[::step][:count]:
        target = out if len(photographs) == 1 else out.with_name(f"{out.stem}-{path.stem}.png")
        save_sheet(target, ladder_sheet(read_image(path).rgb))
        typer.echo(str(target))


def _photographs(what: Path) -> list[Path]:
    from seagull_iqa.data.readers import is_dataset

    suffixes = {".webp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
    if what.is_file():
        return [what] if what.suffix.lower() in suffixes else []
    if not what.is_dir() or is_dataset(what):
        return []
    return sorted(path for path in what.iterdir() if path.suffix.lower() in suffixes)


def _how(images: Path | None, scale: str | None) -> ReadSpec:
    from seagull_iqa.data.readers import ReadSpec
    from seagull_iqa.data.scores import WHOLE_RANGE, Scale

    return ReadSpec(images=images, scale=Scale.from_text(scale) if scale else WHOLE_RANGE)
