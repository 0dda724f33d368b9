"""`seagull score FOLDER --out TABLE`: many images into one table, with a summary over all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from seagull_iqa.cli import console

if TYPE_CHECKING:
    from seagull_iqa.cli.score import Asked, Wanted
    from seagull_iqa.domain.region import Region
    from seagull_iqa.domain.report import QualityReport
    from seagull_iqa.folder.summary import FolderSummary
    from seagull_iqa.imaging.prepared import PreparedImage
    from seagull_iqa.models.interface import QualityModel

SHOWN_ERRORS = 20


def score_into_table(judge: QualityModel, paths: list[Path], wanted: Wanted, asked: Asked) -> int:
    """Score all of them; how many could not be. Ctrl+C writes what there is, and the same command goes on later."""
    from seagull_iqa.folder.listing import expanded
    from seagull_iqa.folder.scoring import score_folder
    from seagull_iqa.folder.table import check_table

    check_table(asked.out)
    images = expanded(paths, recursive=asked.recursive)
    settings = {"model": judge.card.id, "sha256": judge.card.sha256, **wanted.words()}
    choose = None if wanted.is_nothing else wanted.of
    try:
        with console.progress_bar(f"{len(images)} images") as follow:
            summary = score_folder(
                images, asked.out, lambda image, regions: _reports(judge, image, regions),
                settings=settings, choose=choose, progress=follow,
            )  # fmt: skip
    except KeyboardInterrupt:
        console.say_error(f"stopped; {asked.out} holds what was scored.", "The same command goes on from there.")
        raise typer.Exit(130) from None
    if asked.summary is not None:
        from seagull_iqa.imaging.saving import save_text

        save_text(asked.summary, json.dumps(summary.to_dict(), indent=2, ensure_ascii=False) + "\n")
    if asked.as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=2))
    else:
        _show(summary, asked.out)
    return summary.failed


def _reports(judge: QualityModel, image: PreparedImage, regions: Sequence[Region]) -> list[QualityReport]:
    from seagull_iqa.cli.scoring import assess

    return [report for _region, report in assess(judge, judge.look(image.rgb), image, regions)]


def _show(summary: FolderSummary, table: Path) -> None:
    from rich.table import Table

    out = console.output()
    for image, sentence in summary.errors[:SHOWN_ERRORS]:
        console.say_error(f"{image}: {sentence}")
    if len(summary.errors) > SHOWN_ERRORS:
        console.say_error(f"and {len(summary.errors) - SHOWN_ERRORS} more, all of them in the table.")
    lines = [f"{summary.images:,} images, {summary.regions:,} regions, {summary.failed:,} images failed"]
    if summary.mean is not None and summary.median is not None:
        lines.append(f"quality: mean {summary.mean:.1f}, median {summary.median:.1f}")
    if summary.findings:
        lines.append("findings: " + ", ".join(f"{name} {count:,}" for name, count in summary.findings))
    for line in (*lines, f"written: {table}"):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    if summary.worst:
        shown = Table(title="the worst", title_justify="left")
        for name in ("image", "region", "quality", "findings"):
            shown.add_column(name, overflow="fold")
        for one in summary.worst:
            shown.add_row(*map(console.printable, (one.image, one.region, f"{one.quality:.1f}", one.findings)))
        out.print(shown)
