"""`seagull demo`: the whole path on a photograph that ships with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, PrecisionOption, load
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from seagull_iqa.cli.report_files import Scored
    from seagull_iqa.domain.report import ScoreMap
    from seagull_iqa.imaging.prepared import PreparedImage
    from seagull_iqa.samples import Sample


def demo(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the four files.")] = Path("seagull-demo"),
    no_window: Annotated[bool, typer.Option("--no-window", help="Write the files and open nothing.")] = False,
    sample: Annotated[str, typer.Option(help="Which of the shipped photographs.")] = "girl",
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    precision: PrecisionOption = Precision.AUTO,
) -> None:
    """Score the regions of a shipped photograph, write what was found, and open it in napari."""
    from seagull_iqa.cli.demo_window import open_window, why_no_window
    from seagull_iqa.cli.report_table import show_reports

    chosen = find_sample(sample)
    image, scored, quality = _score(chosen, model, device, precision)
    written = write_files(out, image, scored, quality)
    show_reports(console.output(), chosen.title, scored)
    for path in written:
        typer.echo(str(path))
    if no_window:
        return
    reason = why_no_window()
    if reason:
        typer.echo(f"No window: {reason}", err=True)
        return
    open_window(chosen, image, scored, quality)


def find_sample(name: str) -> Sample:
    """The sample of that name; `SeagullError` that lists them all if there is none."""
    from seagull_iqa.samples import samples

    found = {one.name: one for one in samples()}
    if name not in found:
        raise SeagullError(f"There is no sample '{name}'.", f"The samples are {', '.join(found)}.")
    return found[name]


def _score(sample: Sample, model: str, device: str, precision: Precision) -> tuple[PreparedImage, Scored, ScoreMap]:
    from seagull_iqa.cli.scoring import assess
    from seagull_iqa.domain.report import QUALITY_MAP

    judge = load(model, device, precision)
    image = sample.read()
    with console.progress_bar("looking at the photograph") as follow:
        look = judge.look(image.rgb)
        scored = assess(judge, look, image, sample.regions(), progress=follow)
        quality = judge.maps(look, progress=follow)[QUALITY_MAP]
    return image, scored, quality


def write_files(folder: Path, image: PreparedImage, scored: Scored, quality: ScoreMap) -> list[Path]:
    """Write report.json, report.csv, overlay.png and heatmap.png; their paths."""
    from seagull_iqa.cli.report_files import csv_text, image_object
    from seagull_iqa.imaging.overlay import draw_heatmap, draw_overlay
    from seagull_iqa.imaging.saving import png_bytes, save_bytes

    document = json.dumps([image_object(image.name, scored)], indent=2, ensure_ascii=False) + "\n"
    overlay = draw_overlay(image.rgb, [region for region, _ in scored], [report for _, report in scored])
    contents = {
        "report.json": document.encode("utf-8"),
        # The mark in front tells a spreadsheet that the text is UTF-8.
        "report.csv": csv_text([(image.name, scored)]).encode("utf-8-sig"),
        "overlay.png": png_bytes(overlay),
        "heatmap.png": png_bytes(draw_heatmap(image.rgb, quality)),
    }
    for name, data in contents.items():
        save_bytes(folder / name, data)
    return [folder / name for name in contents]
