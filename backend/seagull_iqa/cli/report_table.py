"""Reports as a table for a terminal, with the model's sentence below it."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from seagull_iqa.cli.console import printable
from seagull_iqa.cli.report_files import Scored
from seagull_iqa.domain.levels import importance_word, quality_word
from seagull_iqa.domain.report import Interval, QualityReport
from seagull_iqa.imaging.palette import quality_rgb


def show_reports(console: Console, image: str, scored: Scored) -> None:
    """Print one image's reports."""
    console.print(_reports(image, scored))


def _reports(image: str, scored: Scored) -> RenderableType:
    table = Table(title=Text(image), title_justify="left", title_style="bold")
    table.add_column("region", overflow="fold")
    table.add_column("quality 0-100", justify="left", no_wrap=True)
    table.add_column("importance 0-100", justify="left", no_wrap=True)
    table.add_column("findings")
    for region, report in scored:
        table.add_row(Text(region.name), _quality(report), _importance(report), _findings(report))
    sentences = [
        Text.assemble((f"{region.name}: ", "bold"), printable(text))
        for region, report in scored
        for text in (report.text, *report.notes)
        if text
    ]
    level = scored[0][1].interval_level if scored else 0.8
    pixels = next((str(report.pixels) for _, report in scored if report.pixels), "")
    models = ", ".join(sorted({report.model for _, report in scored}))
    foot = Text(f"brackets: {level:.0%} intervals · {models} · {pixels}", style="dim")
    return Group(table, *sentences, foot)


def _quality(report: QualityReport) -> Text:
    if report.quality is None:
        return Text("not asked", style="dim")
    color = "#{:02x}{:02x}{:02x}".format(*quality_rgb(report.quality))
    return Text.assemble(
        ("██ ", color), f"{report.quality:5.1f}{_interval(report.quality_interval)} {quality_word(report.quality)}"
    )


def _importance(report: QualityReport) -> Text:
    if report.importance is None:
        return Text("not asked", style="dim")
    words = f"{report.importance:5.1f}{_interval(report.importance_interval)} {importance_word(report.importance)}"
    return Text(words)


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f" [{interval[0]:.0f}-{interval[1]:.0f}]"


def _findings(report: QualityReport) -> Text:
    if report.findings is None:
        return Text("not known", style="dim")
    return Text(", ".join(str(one) for one in report.findings) or "clean")
