"""The protocol's table: for a person to read, and for a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seagull_iqa.data.protocol import CLEAN
from seagull_iqa.domain.distortion import SIGNAL_DISTORTIONS, TONE_DISTORTIONS, Distortion
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.training.answers import CaseResult, LadderResult
from seagull_iqa.training.baselines import ALL_TYPES, OURS, rows
from seagull_iqa.training.figures import CLASSES, Figures, Truth, ladder_figures, row_figures
from seagull_iqa.training.metrics import NOT_DEFINED, Estimate

TABLE_2 = ("blur", "colorfulness", "noise", "compression", "contrast", "exposure", CLEAN)
"""Columns of the paper's Table 2: F1 by class, in its order, without sharpness."""

_KIND = {**dict.fromkeys(SIGNAL_DISTORTIONS, "signal"), **dict.fromkeys(TONE_DISTORTIONS, "tone")}

_Columns = Sequence[tuple[str, str]]


_QUALITY: _Columns = [
    ("all", "quality.all.srocc"), ("PLCC", "quality.all.plcc"), ("fitted", "quality.all.plcc_logistic"),
    ("signal", "quality.signal.srocc"), ("PLCC", "quality.signal.plcc"),
    ("tone", "quality.tone.srocc"), ("PLCC", "quality.tone.plcc"),
]
_IMPORTANCE: _Columns = [
    (f"{mark}{title}", f"{name}.{figure}")
    for name, mark in (("importance", ""), ("importance_ref", "ref\n"))
    for title, figure in (("SROCC", "srocc"), ("PLCC", "plcc"), ("given area", "partial"), ("in photo", "within"))
]
_SETS: _Columns = [
    (f"{kind}\n{letter}", f"{kind}.{name}")
    for kind in ("type", "severity")
    for letter, name in (("P", "precision"), ("R", "recall"), ("F1", "f1"))
]


@dataclass(frozen=True)
class Floor:
    """A figure that the model has to reach; `value` NaN where it was not measured."""

    name: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it is; None where it was not measured."""
        if math.isnan(self.value):
            return None
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def __str__(self) -> str:
        verdict = {True: "met", False: "NOT met", None: "not measured"}[self.met]
        sign = "<=" if self.at_most else ">="
        measured = "" if self.met is None else f"{self.value:.3f} "
        return f"{self.name}: {measured}({sign} {self.bound:.3f}) {verdict}"


@dataclass(frozen=True)
class RowFigures:
    """One row with its figures, or why it was not run."""

    name: str
    note: str
    figures: Figures
    missing: str = ""


@dataclass(frozen=True)
class EvaluationTable:
    """What an evaluation found.

    Attributes
    ----------
    about : mapping
        Number of the protocol, name of the label, id of the model, how much was run.
    rows : tuple of RowFigures
        In the protocol's order.
    ladders : dict of str to Estimate
        Median over photographs of Spearman(strength, predicted quality) of our row.
    """

    about: Mapping[str, object]
    rows: tuple[RowFigures, ...]
    ladders: Figures

    def figure(self, row: str, name: str) -> float:
        """One figure of one row, "quality.signal.srocc" of "ours"; NaN where it was not measured."""
        found = next((one.figures for one in self.rows if one.name == row), {})
        return found.get(name, Estimate(NOT_DEFINED)).value

    @property
    def floors(self) -> tuple[Floor, ...]:
        """What the model has to reach."""
        ladder = {name: self.ladders.get(name, Estimate(NOT_DEFINED)).value for name in ("blur", "noise")}
        naming_all = self.figure(ALL_TYPES, "type.f1")
        return (
            Floor("quality SROCC, signal types", self.figure(OURS, "quality.signal.srocc"), 0.45),
            Floor("importance SROCC given area", self.figure(OURS, "importance.partial"), 0.30),
            Floor("type F1, 0.10 above all types", self.figure(OURS, "type.f1"), naming_all + 0.1),
            Floor("median ladder of blur", ladder["blur"], -0.9, at_most=True),
            Floor("median ladder of noise", ladder["noise"], -0.9, at_most=True),
        )

    @property
    def title(self) -> str:
        """One line: model, protocol, label, how much."""
        about = self.about
        size = f"{about['cases']} cases of {about['photographs']} photographs"
        partial = ", PARTIAL: not to be quoted" if about["partial"] else ""
        altered = "" if about["protocol_files_unchanged"] else ", ALTERED protocol files"
        return f"{about['model']}, protocol {about['protocol']}, label {about['label']}, {size}{partial}{altered}"

    def to_json(self) -> dict[str, object]:
        """Everything, as plain JSON values; what is not defined is null."""
        return {
            **self.about,
            "rows": [
                {"name": row.name, "note": row.note, "missing": row.missing or None, "figures": _plain(row.figures)}
                for row in self.rows
            ],
            "ladders": _plain(self.ladders),
            "floors": [
                {**asdict(floor), "value": _number(floor.value), "bound": _number(floor.bound), "met": floor.met}
                for floor in self.floors
            ],
            "table_2": {row.name: _table_2(row.figures) for row in self.rows if f"class.{CLEAN}.f1" in row.figures},
        }

    def write(self, path: Path) -> None:
        """`to_json` into a file."""
        save_text(path, json.dumps(self.to_json(), indent=1))

    def to_text(self, width: int = 118) -> str:
        """Tables, then which rows were not run and which floors are met; a figure's 95 % interval stands below it."""
        text = StringIO()
        console = Console(file=text, width=width)
        for table in self._tables():
            console.print(table)
        return f"{self.title}\n\n{text.getvalue()}\n{self.summary()}"

    def _tables(self) -> list[Table]:
        by_type = [(f"{one}\n({_KIND[one]})", f"quality.{one}.srocc") for one in Distortion]
        return [
            self._table("Quality: SROCC and PLCC (raw, after the 4-parameter logistic)", _QUALITY),
            self._table("Quality SROCC where one type is alone", by_type),
            self._table("Importance; ref is the paper's: the photograph with only the region spoiled", _IMPORTANCE),
            self._table("Findings: sample average over eight classes", _SETS),
            self._table("Findings: F1 by class", [(name, f"class.{name}.f1") for name in CLASSES]),
            self._table("80 % intervals: share of labels inside", [
                (name, f"{name}.coverage") for name in ("quality", "importance")]),
            *([self._ladder_table()] if self.ladders else []),
        ]

    def summary(self) -> str:
        """Rows that were not run, and the floors, a line each."""
        missing = [f"{row.name}: {row.missing}" for row in self.rows if row.missing]
        return "\n".join([*missing, *map(str, self.floors)])

    def _table(self, title: str, columns: _Columns) -> Table:
        table = Table(title=title, title_justify="left")
        table.add_column("row")
        for heading, _name in columns:
            table.add_column(heading, justify="right")
        for row in self.rows:
            cells = [_cell(row.figures.get(name)) for _heading, name in columns]
            if any(cells):
                table.add_row(row.name, *(cell or "-" for cell in cells))
        return table

    def _ladder_table(self) -> Table:
        table = Table(title=f"Ladders of {OURS}", title_justify="left")
        table.add_column("type")
        table.add_column("median", justify="right")
        for name, one in self.ladders.items():
            table.add_row(name, _cell(one).replace("\n", "  "))
        return table


def make_table(
    cases: Sequence[CaseResult],
    ladders: Sequence[LadderResult],
    about: Mapping[str, object],
    names: Sequence[str],
    draws: int,
) -> EvaluationTable:
    """Compute the figures of the named rows, with `draws` bootstrap samples behind each interval."""
    truth = Truth.of(cases, draws)
    found = [
        RowFigures(row.name, row.note, {} if row.missing else row_figures(row, truth), row.missing)
        for row in rows(cases, names)
    ]
    return EvaluationTable(about, tuple(found), ladder_figures(ladders, draws))


def _cell(value: Estimate | None) -> str:
    """A figure, and below it the ends of its interval without their leading zeros."""
    if value is None or math.isnan(value.value):
        return ""
    ends = "" if math.isnan(value.low) else f"\n{_short(value.low)},{_short(value.high)}"
    return f"{value.value:.3f}{ends}"


def _short(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain(figures: Figures) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {"value": _number(one.value), "low": _number(one.low), "high": _number(one.high), "cases": one.cases}
        for name, one in figures.items()
    }


def _table_2(figures: Figures) -> dict[str, float | None]:
    """F1 by class in percent, in the paper's layout, and their average."""
    percent = {name: 100 * figures[f"class.{name}.f1"].value for name in TABLE_2}
    known = [value for value in percent.values() if not math.isnan(value)]
    average = sum(known) / len(known) if known else NOT_DEFINED
    return {**{name: _number(value) for name, value in percent.items()}, "average": _number(average)}
