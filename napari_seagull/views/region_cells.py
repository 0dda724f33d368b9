"""What each cell of the table of regions says, and what its column is sorted by."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Any

from napari_seagull.views.rows import RegionRow, RowState
from seagull_iqa.domain.distortion import CLEAN, Finding
from seagull_iqa.domain.levels import importance_word, quality_word
from seagull_iqa.domain.report import Interval


class Column(IntEnum):
    """The columns, from left to right."""

    NAME = 0
    QUALITY = 1
    HUMAN = 2
    FINDINGS = 3
    STATE = 4
    IMPORTANCE = 5
    INTERVAL = 6


HEADS = {
    Column.NAME: ("Region", "Name; F2 renames"),
    Column.QUALITY: ("Quality", "What the model says: 0 bad … 100 excellent; the line is the 80 % interval"),
    Column.HUMAN: ("Person", "What a person says of the quality: 0 bad … 100 excellent"),
    Column.FINDINGS: ("Findings", "Distortions with their severity of 1 to 5, worst first"),
    Column.STATE: ("State", "How far the region is"),
    Column.IMPORTANCE: ("Imp.", "Importance to the quality of the whole image: 0 … 100"),
    Column.INTERVAL: ("80 %", "The true quality lies in here with a probability of 80 %"),
}


def cell_words(row: RegionRow, column: Column) -> str:
    """What that cell of the row says."""
    report = row.report
    if column == Column.NAME:
        return row.name
    if column == Column.STATE:
        return row.state.value
    if column == Column.HUMAN:
        return "" if row.human is None else number_words(row.human.quality)
    if report is None:
        return ""
    if column == Column.QUALITY:
        return number_words(report.quality)
    if column == Column.INTERVAL:
        return _interval(report.quality_interval)
    if column == Column.IMPORTANCE:
        return number_words(report.importance)
    return findings_words(report.findings)


def findings_words(findings: tuple[Finding, ...] | None) -> str:
    """"severe blur, minor noise"; "clean" for none; "" where nothing was said."""
    return "" if findings is None else ", ".join(str(finding) for finding in findings) or CLEAN


def number_words(value: float | None) -> str:
    """A score without decimals; "" for none."""
    return "" if value is None else f"{value:.0f}"


def cell_tip(row: RegionRow, column: Column) -> str:
    """What a cell says when the pointer rests on it."""
    report, human = row.report, row.human
    if row.problem and column != Column.HUMAN:
        return row.problem
    if column == Column.HUMAN:
        return "Nobody has rated this region yet." if human is None else human_tip(row)
    if report is None:
        return ""
    if column == Column.QUALITY and report.quality is not None:
        return f"Quality {report.quality:.1f}: {quality_word(report.quality)}"
    if column == Column.IMPORTANCE and report.importance is not None:
        return f"Importance {report.importance:.1f}: {importance_word(report.importance)}"
    return findings_words(report.findings) if column == Column.FINDINGS else report.text


def human_tip(row: RegionRow) -> str:
    """Who said what of a region."""
    human = row.human
    if human is None:
        return ""
    said = [f"{human.author or 'Somebody'} says:"]
    if human.quality is not None:
        said.append(f"quality {human.quality:.0f}, {quality_word(human.quality)}")
    if human.importance is not None:
        said.append(f"importance {human.importance:.0f}, {importance_word(human.importance)}")
    said += [part for part in (findings_words(human.findings), human.comment) if part]
    return "\n".join(said)


def sort_key(row: RegionRow, column: Column) -> Any:  # noqa: ANN401
    """What a column is sorted by; None (always last) where nothing is known."""
    report = row.report
    if column == Column.NAME:
        return _natural(row.name)
    if column == Column.STATE:
        return list(RowState).index(row.state)
    if column == Column.HUMAN:
        return None if row.human is None else row.human.quality
    if report is None:
        return None
    if column == Column.INTERVAL:
        return None if report.quality_interval is None else report.quality_interval[1] - report.quality_interval[0]
    if column == Column.FINDINGS:
        return None if report.findings is None else tuple(int(f.severity) for f in report.findings)
    return report.quality if column == Column.QUALITY else report.importance


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.0f} \N{EN DASH} {interval[1]:.0f}"


@lru_cache(maxsize=8192)
def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """"Region 2" before "Region 10"."""
    words: list[str] = []
    for letter in name.casefold():
        if words and words[-1][-1].isdigit() == letter.isdigit():
            words[-1] += letter
        else:
            words.append(letter)
    return tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words)
