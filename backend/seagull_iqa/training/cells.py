"""Figures as cells and rows of a table on the screen; what was not measured is empty, never zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table

from seagull_iqa.training.figures import Figures
from seagull_iqa.training.metrics import Estimate

Cell = Callable[[Estimate | None], str]


@dataclass(frozen=True)
class Column:
    """One column: its heading, the figure in it, and how that is written."""

    heading: str
    figure: str
    percent: bool = False


@dataclass(frozen=True)
class RowFigures:
    """One row with its figures, or why it was not run."""

    name: str
    note: str
    figures: Figures
    missing: str = ""


def cell(value: Estimate | None) -> str:
    """A figure, and below it the ends of its interval without their leading zeros."""
    if value is None or math.isnan(value.value):
        return ""
    ends = "" if math.isnan(value.low) else f"\n{_short(value.low)},{_short(value.high)}"
    return f"{value.value:.3f}{ends}"


def percent_cell(value: Estimate | None) -> str:
    """A share as percent, and below it its interval."""
    if value is None or math.isnan(value.value):
        return ""
    ends = "" if math.isnan(value.low) else f"\n{100 * value.low:.0f},{100 * value.high:.0f}"
    return f"{100 * value.value:.1f}{ends}"


def _short(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1)


def figures_table(title: str, columns: Sequence[Column], rows: Sequence[RowFigures], *, every: bool = False) -> Table:
    """The rows that have a figure in one of the columns, or every row."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("row")
    for column in columns:
        table.add_column(column.heading, justify="right")
    for row in rows:
        cells = [(percent_cell if one.percent else cell)(row.figures.get(one.figure)) for one in columns]
        if every or any(cells):
            table.add_row(row.name, *(one or "-" for one in cells))
    return table
