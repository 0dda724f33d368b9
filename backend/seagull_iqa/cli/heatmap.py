"""`seagull heatmap`: the quality of every part of an image, as a picture or as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, PrecisionOption, load
from seagull_iqa.domain.precision import Precision


def heatmap(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A PNG, JPEG, WebP, TIFF or BMP file.")],
    *,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.tif|.png",
            help=".tif: float32 quality 0-100 at every pixel of the image. .png: coloured, with a colour bar.",
        ),
    ],
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    precision: PrecisionOption = Precision.AUTO,
) -> None:
    """Map the quality over a whole image."""
    suffix = out.suffix.lower()
    if suffix not in (".tif", ".tiff", ".png"):
        raise typer.BadParameter(f"'{out}' ends neither in .tif nor in .png.")
    from seagull_iqa.domain.report import QUALITY_MAP
    from seagull_iqa.imaging.files import read_image
    from seagull_iqa.imaging.overlay import draw_heatmap
    from seagull_iqa.imaging.saving import png_bytes, save_bytes
    from seagull_iqa.imaging.score_maps import tiff_bytes

    prepared = read_image(image)
    judge = load(model, device, precision)
    with console.progress_bar("mapping") as follow:
        quality = judge.maps(judge.look(prepared.rgb), progress=follow)[QUALITY_MAP]
    if suffix == ".png":
        save_bytes(out, png_bytes(draw_heatmap(prepared.rgb, quality)))
    else:
        save_bytes(out, tiff_bytes(quality, image_name=prepared.name))
    console.output().print(f"{out}", highlight=False, markup=False, soft_wrap=True)
