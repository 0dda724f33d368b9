"""The layout of the paper's Table 1 and Table 2, filled with the rows of one data set."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from seagull_iqa.training.cells import Column, RowFigures, figures_table
from seagull_iqa.training.figures import PAPER_CLASSES, Figures
from seagull_iqa.training.metrics import NOT_DEFINED, Estimate

TABLE_1: tuple[Column, ...] = (
    Column("\nquality\nSROCC", "quality.all.srocc"),
    Column("\n\nPLCC", "quality.all.plcc"),
    Column("\n\nfitted", "quality.all.plcc_logistic"),
    Column("impor-\ntance\nSROCC", "importance.srocc"),
    Column("\n\nPLCC", "importance.plcc"),
    Column("\n\nfitted", "importance.plcc_logistic"),
    Column("\nseverity\nP", "severity.precision", percent=True),
    Column("\n\nR", "severity.recall", percent=True),
    Column("\n\nF1", "severity.f1", percent=True),
    Column("\ntype\nP", "type.precision", percent=True),
    Column("\n\nR", "type.recall", percent=True),
    Column("\n\nF1", "type.f1", percent=True),
)
TABLE_2: tuple[Column, ...] = (
    *(Column(name, f"class.{name}.f1", percent=True) for name in PAPER_CLASSES),
    Column("average", "class.average.f1", percent=True),
)


def paper_tables(data: str, rows: Sequence[RowFigures]) -> list[Table]:
    """Table 1 and Table 2 for a data set of that name; the second only where types are labelled."""
    first = figures_table(f"Table 1: {data}", TABLE_1, rows, every=True)
    first.caption = "PLCC raw, then after the 4-parameter logistic; P, R, F1 in %, averaged over regions."
    first.caption_justify = "left"
    second = figures_table(f"Table 2: {data}, F1 by type in %", TABLE_2, rows)
    return [table for table in (first, second) if table.row_count]


def plain_table(columns: Sequence[Column], figures: Figures) -> dict[str, float | None]:
    """One row by name of the figure; percent where the table has percent, None where it is not known."""
    found = ((one, figures.get(one.figure, Estimate(NOT_DEFINED)).value) for one in columns)
    return {
        one.figure: None if math.isnan(value) else value * (100 if one.percent else 1) for one, value in found
    }  # fmt: skip
