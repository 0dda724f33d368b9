"""The tables of an evaluation: for a person to read, and for a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from seagull_iqa.domain.distortion import CLEAN, SIGNAL_DISTORTIONS, TONE_DISTORTIONS, Distortion
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.training.answers import CaseResult, LadderResult
from seagull_iqa.training.baselines import ALL_TYPES, OURS, rows
from seagull_iqa.training.cells import Column, RowFigures, cell, figures_table
from seagull_iqa.training.figures import PAPER_CLASSES, Figures, Truth, ladder_figures, row_figures
from seagull_iqa.training.metrics import NOT_DEFINED, Estimate
from seagull_iqa.training.paper_tables import TABLE_1, TABLE_2, paper_tables, plain_table
from seagull_iqa.training.published import published_tables

_DRAWN_CASES = 4_000_000
_FEWEST_DRAWS = 200
"""A bootstrap of a large data set draws fewer samples, so that its table does not take longer than its measuring."""

_KIND = {**dict.fromkeys(SIGNAL_DISTORTIONS, "signal"), **dict.fromkeys(TONE_DISTORTIONS, "tone")}

_QUALITY = [
    Column("all", "quality.all.srocc"), Column("PLCC", "quality.all.plcc"),
    Column("fitted", "quality.all.plcc_logistic"),
    Column("signal", "quality.signal.srocc"), Column("PLCC", "quality.signal.plcc"),
    Column("tone", "quality.tone.srocc"), Column("PLCC", "quality.tone.plcc"),
]  # fmt: skip
_BY_TYPE = [Column(f"{one}\n({_KIND[one]})", f"quality.{one}.srocc") for one in Distortion]
_IMPORTANCE = [
    Column(f"{mark}{title}", f"{name}.{figure}")
    for name, mark in (("importance", ""), ("importance_ref", "ref\n"))
    for title, figure in (("SROCC", "srocc"), ("PLCC", "plcc"), ("given area", "partial"), ("in photo", "within"))
]
_COVERAGE = [
    Column(heading, f"{name}.{figure}", percent)
    for name in ("quality", "importance")
    for heading, figure, percent in (
        (f"{name}\ninside", "coverage", False), ("mean\nerror", "risk.random", False),
        ("surest\nfirst", "risk.own", False), ("gain,\n%", "risk.gain", True),
        ("% of the\noracle's", "risk.reached", True),
    )
]  # fmt: skip


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
    def is_protocol(self) -> bool:
        """Whether it is the frozen protocol's."""
        return "protocol" in self.about

    @property
    def floors(self) -> tuple[Floor, ...]:
        """What the model has to reach on the protocol; nothing on other data."""
        if not self.is_protocol:
            return ()
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
    def data(self) -> str:
        """Which data and whose labels; stands in the title of every table with figures of the paper's kinds."""
        about = self.about
        name = f"protocol {about['protocol']}" if self.is_protocol else about["data"]
        return f"{name}, label {about['label']}"

    @property
    def title(self) -> str:
        """One line: model, data, label, how much."""
        about = self.about
        size = f"{about['cases']} {'cases' if self.is_protocol else 'regions'} of {about['photographs']} photographs"
        partial = ", PARTIAL: not to be quoted" if about["partial"] else ""
        altered = "" if about.get("protocol_files_unchanged", True) else ", ALTERED protocol files"
        return f"{about['model']}, {self.data}, {size}{partial}{altered}"

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
            "table_1": {row.name: plain_table(TABLE_1, row.figures) for row in self.rows if not row.missing},
            "table_2": {row.name: _table_2(row.figures) for row in self.rows if f"class.{CLEAN}.f1" in row.figures},
        }

    def write(self, path: Path) -> None:
        """`to_json` into a file."""
        save_text(path, json.dumps(self.to_json(), indent=1))

    def to_text(self, width: int = 118, *, published: bool = False) -> str:
        """Tables, then which rows were not run and which floors are met; a figure's 95 % interval stands below it.

        `published` adds the paper's own figures, in tables of their own that name their data.
        """
        text = StringIO()
        console = Console(file=text, width=width)
        for table in [*self._tables(), *(published_tables() if published else [])]:
            console.print(table)
        return f"{self.title}\n\n{text.getvalue()}\n{self.summary()}"

    def _tables(self) -> list[Table]:
        details = [
            figures_table("Quality: SROCC and PLCC by kind of distortion", _QUALITY, self.rows),
            figures_table("Quality SROCC where one type is alone", _BY_TYPE, self.rows),
            figures_table(
                "Importance; ref is the paper's: the photograph with only the region spoiled", _IMPORTANCE, self.rows
            ),
            figures_table("80 % intervals: share of labels inside; error of the surest first", _COVERAGE, self.rows),
            *([self._ladder_table()] if self.ladders else []),
        ]
        if not self.is_protocol:  # what only the protocol labels would say the same again
            details = [table for table in details[1:] if table.row_count]
        return [*paper_tables(self.data, self.rows), *details]

    def summary(self) -> str:
        """What was not run, what could not say everything, and the floors, a line each."""
        missing = [f"{row.name}: {row.missing}" for row in self.rows if row.missing]
        return "\n".join([*missing, *map(_silence, self._silent()), *map(str, self.floors)])

    def _silent(self) -> list[tuple[str, int, int]]:
        """Rows that say nothing of some regions: their name, of how many they speak, of how many there are."""
        most = max((_count(row) for row in self.rows), default=0)
        return [(row.name, _count(row), most) for row in self.rows if 0 < _count(row) < most]

    def _ladder_table(self) -> Table:
        table = Table(title=f"Ladders of {OURS}", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("type")
        table.add_column("median", justify="right")
        for name, one in self.ladders.items():
            table.add_row(name, cell(one).replace("\n", "  "))
        return table


def _count(row: RowFigures) -> int:
    found = row.figures.get("quality.all.srocc")
    return found.cases if found else 0


def _silence(row: tuple[str, int, int]) -> str:
    name, said, most = row
    return f"{name}: speaks of {said:,} of the {most:,} regions (the others' boxes are too small or too flat for it)"


def make_table(
    cases: Sequence[CaseResult],
    ladders: Sequence[LadderResult],
    about: Mapping[str, object],
    names: Sequence[str],
    draws: int,
) -> EvaluationTable:
    """Compute the figures of the named rows, with `draws` bootstrap samples behind each interval."""
    samples = min(draws, max(_FEWEST_DRAWS, _DRAWN_CASES // max(1, len(cases))))
    truth = Truth.of(cases, samples)
    found = [
        RowFigures(row.name, row.note, {} if row.missing else row_figures(row, truth), row.missing)
        for row in rows(cases, names)
    ]
    return EvaluationTable({**about, "bootstrap_samples": samples}, tuple(found), ladder_figures(ladders, samples))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain(figures: Figures) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {"value": _number(one.value), "low": _number(one.low), "high": _number(one.high), "cases": one.cases}
        for name, one in figures.items()
    }


def _table_2(figures: Figures) -> dict[str, float | None]:
    """F1 by class in percent, in the paper's layout, and their average."""
    values = plain_table(TABLE_2, figures)
    return dict(zip([*PAPER_CLASSES, "average"], values.values(), strict=True))
