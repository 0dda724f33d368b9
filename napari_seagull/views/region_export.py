"""The table of regions as text: for the clipboard, and as a CSV file that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from napari_seagull.views.region_cells import findings_words
from napari_seagull.views.rows import RegionRow
from seagull_iqa.formats.spreadsheet import defused

HEADS = (
    "region", "name", "state", "quality", "quality_low", "quality_high", "importance", "findings", "sentence", "model",
    "person", "person_quality", "person_importance", "person_findings", "person_comment", "person_time", "problem",
)  # fmt: skip


def as_tsv(rows: Iterable[RegionRow]) -> str:
    """Tabs between the cells, as spreadsheets paste it; with a head."""
    return _written(rows, "\t")


def as_csv(rows: Iterable[RegionRow]) -> str:
    """Commas between the cells, RFC 4180; with a head."""
    return _written(rows, ",")


def _written(rows: Iterable[RegionRow], delimiter: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n" if delimiter == "," else "\n")
    writer.writerow(HEADS)
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue()


def _cells(row: RegionRow) -> list[object]:
    report, human = row.report, row.human
    said = [row.id, row.name, row.state.value]
    if report is None:
        said += [""] * 7
    else:
        low, high = report.quality_interval or (None, None)
        said += [_exact(report.quality), _exact(low), _exact(high), _exact(report.importance)]
        said += [findings_words(report.findings), report.text, report.model]
    if human is None:
        said += [""] * 6
    else:
        said += [human.author, _exact(human.quality), _exact(human.importance), findings_words(human.findings)]
        said += [human.comment, human.time]
    return [defused(" ".join(cell.split())) for cell in [*said, row.problem]]


def _exact(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
