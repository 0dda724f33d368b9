"""`seagull export`, `seagull import` and `seagull formats`: sessions to and from the files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, load

if TYPE_CHECKING:
    from seagull_iqa.formats.catalogue import Format
    from seagull_iqa.formats.export import Export
    from seagull_iqa.formats.session_document import SessionDocument
    from seagull_iqa.imaging.prepared import PreparedImage

_FormatOption = Annotated[str, typer.Option("--to", metavar="FORMAT", help="One of `seagull formats`.")]


def export(
    session: Annotated[list[Path], typer.Argument(metavar="SESSION...", help="Session files, NAME.seagull.json.")],
    *,
    to: _FormatOption,
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="By default beside the session.")] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The image, where it is not where the session says.")
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
) -> None:
    """Write the regions of a session, their scores and labels for other programs; several only as a training set."""
    from seagull_iqa.formats.catalogue import export_to, format_named
    from seagull_iqa.formats.training_set import write_training_sets

    chosen = format_named(to)
    if len(session) > 1 and (chosen.name != "training" or image is not None):
        raise typer.BadParameter("Several sessions make a training set only, and each finds its own image.")
    exports = [_export_of(one, image, chosen) for one in session]
    target = out or session[0].with_name(_stem(session[0]) + chosen.suffix)
    if chosen.wants_maps:
        exports = [_with_maps(exports[0], model, device)]
    made = write_training_sets(target, exports) if len(exports) > 1 else export_to(target, exports[0], chosen.name)
    _say(made)


def _stem(session: Path) -> str:
    from seagull_iqa.formats.session_file import SUFFIX

    return session.name.removesuffix(SUFFIX) if session.name.endswith(SUFFIX) else session.stem


def _say(made: list[Path]) -> None:
    for path in made:
        console.output().print(str(path), highlight=False, markup=False, soft_wrap=True)


def _export_of(session: Path, image: Path | None, chosen: Format) -> Export:
    from seagull_iqa.formats.export import Export
    from seagull_iqa.formats.session_file import find_image, read_session
    from seagull_iqa.formats.session_pixels import read_pixels, sample_of

    document = read_session(session)
    facts = document.image
    found = image or find_image(document, session)
    there = facts is not None and (found or sample_of(facts)) is not None
    wanted = chosen.wants_image or chosen.wants_maps or chosen.name == "ome-zarr"
    if facts is None or not (wanted and there):
        return Export(document)
    pixels = read_pixels(document, session, facts.pixels.plane, file=found)
    _check_image(document, pixels, session, facts.name if found is None else found.name)
    return Export(document, pixels)


def _check_image(document: SessionDocument, pixels: PreparedImage, session: Path, name: str) -> None:
    known = document.image
    hashes = set() if known is None else {known.sha256, *dict(known.planes).values()} - {""}
    if hashes and pixels.sha256 not in hashes:
        console.remark(f"The pixels of {name} are not those that {session.name} is about.")


def _with_maps(export: Export, model: str, device: str) -> Export:
    from dataclasses import replace

    from seagull_iqa.domain.precision import Precision

    pixels = export.pixels
    judge = load(model, device, Precision.AUTO)
    with console.progress_bar("mapping") as follow:
        return replace(export, maps=judge.maps(judge.look(pixels.rgb), progress=follow))


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of regions, or a folder of OME-Zarr.")],
    *,
    image: Annotated[Path, typer.Option(metavar="IMAGE", help="The image that the regions belong to.")],
    out: Annotated[Path, typer.Option(metavar="SESSION", help="The session to write, NAME.seagull.json.")],
    as_format: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="By default it is found out.")
    ] = None,
) -> None:
    """Make a session of the regions in a file, with the scores and labels that it holds."""
    from seagull_iqa.formats.catalogue import import_from
    from seagull_iqa.formats.session_document import SessionImage
    from seagull_iqa.formats.session_file import write_session
    from seagull_iqa.imaging.files import read_image

    if out.suffix.lower() != ".json":
        raise typer.BadParameter(f"'{out}' does not end in .json.")
    pixels = read_image(image)
    facts = SessionImage(
        pixels.shape, pixels.name, str(image.absolute()), "", pixels.sha256, pixels.pixels,
        ((pixels.pixels.plane, pixels.sha256),),
    )  # fmt: skip
    document, notes = import_from(file, facts, as_format)
    write_session(out, document)
    for note in notes:
        console.remark(note)
    count = len(document.regions)
    console.remark(
        f"{count} region{'' if count == 1 else 's'}, {len(document.reports)} scored, "
        f"{len(document.annotations)} labels of people"
    )
    _say([out])


def formats() -> None:
    """List the formats that regions can be exported to and imported from."""
    from rich.table import Table
    from rich.text import Text

    from seagull_iqa.formats.catalogue import FORMATS

    table = Table()
    for heading in ("format", "", "what", "carries", "read by"):
        table.add_column(heading, no_wrap=heading == "format", overflow="fold")
    for one in FORMATS.values():
        ways = "export, import" if one.writer and one.reader else "export" if one.writer else "import"
        words = (one.name, ways, f"{one.title} ({one.suffix})", one.carries, one.read_by)
        table.add_row(*(Text(word) for word in words))
    console.output().print(table)
