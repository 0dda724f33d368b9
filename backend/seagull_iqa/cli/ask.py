"""`seagull ask`: a free question about a region, answered in words as they are made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DeviceOption, ModelOption, PrecisionOption, load
from seagull_iqa.cli.score import Wanted, parse_box
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import ModelError


def ask(  # noqa: PLR0913 - one parameter an option, as typer wants it
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A PNG, JPEG, WebP, TIFF or BMP file.")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help='"What is wrong with this region?"')],
    *,
    box: Annotated[
        str | None, typer.Option(metavar="r0,c0,r1,c1", help="A rectangle, half-open, in px; else the whole image.")
    ] = None,
    mask: Annotated[Path | None, typer.Option(metavar="FILE", help="An image, not zero inside the region.")] = None,
    model: ModelOption = "seagull-7b",
    device: DeviceOption = "auto",
    precision: PrecisionOption = Precision.AUTO,
    max_tokens: Annotated[int, typer.Option(min=1, max=1024, help="Longest answer, in tokens.")] = 256,
) -> None:
    """Ask the full model anything about a region of an image."""
    if box and mask:
        raise typer.BadParameter("A question is about one region; give --box or --mask.")
    if not question.strip():
        raise typer.BadParameter("The question is empty.")
    wanted = Wanted((parse_box(box),) if box else (), (mask,) if mask else ())
    from seagull_iqa.imaging.files import read_image

    prepared = read_image(image)
    (region,) = wanted.of(prepared)
    from seagull_iqa.models.interface import AnsweringModel

    judge = load(model, device, precision)
    if not isinstance(judge, AnsweringModel):
        raise ModelError(f"{judge.card.id} gives scores and no answers in words.", "Use --model seagull-7b.")
    with console.progress_bar("looking at the image"):
        look = judge.look(prepared.rgb)
    _show(judge.answer(look, region, question, max_tokens=max_tokens))
    console.remark(f"{judge.card.id} in {judge.precision}, {region.name}")


def _show(pieces: Iterator[str]) -> None:
    for piece in pieces:
        sys.stdout.write(console.printable(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")
