"""The report as a PDF on A4, for print and for mail."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seagull_iqa.formats.export import Export
from seagull_iqa.formats.reading import needed
from seagull_iqa.formats.report_pictures import Picture, crop_picture, overlay_picture
from seagull_iqa.formats.summary import BINS, Line, Summary, summary_of
from seagull_iqa.imaging.palette import quality_rgb
from seagull_iqa.imaging.saving import save_bytes

MOST_ROWS = 120
"""Regions in the table of a PDF; a table for more is another format."""

_INK, _QUIET, _LINE = (27, 27, 31), (93, 93, 102), (217, 217, 222)
_WIDE, _MARGIN = 210.0, 16.0
_INNER = _WIDE - 2 * _MARGIN
_FONT = "dejavu"


def write_pdf(path: Path, export: Export) -> list[Path]:
    """A4 pages: overview, figures and settings, histogram, the worst regions, and a table."""
    summary = summary_of(export)
    sheet = Sheet(summary.title)
    sheet.title(f"Region quality of {summary.title}")
    sheet.picture(overlay_picture(export, summary), 150)
    sheet.scale()
    sheet.facts(summary.facts)
    sheet.histogram(summary.histogram)
    here = {one.id for one in export.regions_here()}
    sheet.worst([(line, crop_picture(export, line)) for line in summary.worst if line.one.id in here])
    sheet.table(summary)
    save_bytes(path, sheet.data())
    return [path]


class Sheet:
    """A4 pages with a footer, filled from top to bottom; lengths in mm.

    Parameters
    ----------
    title : str
        Of the document.
    """

    def __init__(self, title: str) -> None:
        fpdf = needed("fpdf", "A report as PDF")
        fonts = Path(needed("matplotlib", "A report as PDF").get_data_path()) / "fonts" / "ttf"
        self._pdf: Any = fpdf.FPDF(format="A4", unit="mm")
        self._pdf.set_title(f"Region quality: {title}")
        self._pdf.set_margins(_MARGIN, _MARGIN)
        self._pdf.set_auto_page_break(True, _MARGIN + 4)
        self._pdf.c_margin = 0
        self._pdf.add_font(_FONT, "", str(fonts / "DejaVuSans.ttf"))
        self._pdf.add_font(_FONT, "B", str(fonts / "DejaVuSans-Bold.ttf"))
        self._pdf.add_page()

    def data(self) -> bytes:
        """The finished file, its pages numbered."""
        count = self._pdf.pages_count
        self._pdf.set_auto_page_break(False)
        for number in range(1, count + 1):
            self._pdf.page = number
            self._pdf.set_xy(_MARGIN, 297 - _MARGIN)
            self._write(f"Quality: 0 bad to 100 excellent.  Page {number} of {count}", 7, _QUIET)
        return bytes(self._pdf.output())

    def _known(self, text: str) -> str:
        """The text with a mark in the place of each letter that the font lacks (it has no Chinese, say)."""
        letters = self._pdf.fonts[_FONT].cmap
        return "".join(letter if letter == "\n" or ord(letter) in letters else "\ufffd" for letter in text)

    def _write(self, text: str, size: float, colour: tuple[int, int, int] = _INK, *, bold: bool = False) -> None:
        """A paragraph at the full width."""
        self._font(size, colour, bold=bold)
        self._pdf.multi_cell(_INNER, size * 0.5, self._known(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def _font(self, size: float, colour: tuple[int, int, int] = _INK, *, bold: bool = False) -> None:
        self._pdf.set_font(_FONT, "B" if bold else "", size)
        self._pdf.set_text_color(*colour)

    def _room(self, height: float) -> None:
        """Begin a new page where so much does not fit on this one."""
        if self._pdf.get_y() + height > 297 - _MARGIN - 4:
            self._pdf.add_page()

    def title(self, text: str) -> None:
        """The heading of the first page."""
        self._write(text, 18, bold=True)
        self._pdf.ln(3)

    def heading(self, text: str, room: float) -> None:
        """The heading of a part, on a page that has `room` below it."""
        self._room(room + 12)
        self._pdf.ln(5)
        self._write(text, 12, bold=True)
        self._pdf.ln(1.5)

    def picture(self, picture: Picture, highest: float) -> None:
        """As wide as the page, or as high as `highest`."""
        width, height = picture.size
        scale = min(_INNER / width, highest / height)
        x, y = _MARGIN + (_INNER - width * scale) / 2, self._pdf.get_y()
        self._pdf.image(io.BytesIO(picture.data), x=x, y=y, w=width * scale, h=height * scale)
        self._pdf.set_y(y + height * scale + 3)

    def scale(self) -> None:
        """The colours of quality."""
        y, steps = self._pdf.get_y(), 100
        for step in range(steps):
            self._pdf.set_fill_color(*quality_rgb(100 * (step + 0.5) / steps))
            # A little wider than its step, so that no gaps show.
            self._pdf.rect(_MARGIN + _INNER * step / steps, y, _INNER / steps + 0.1, 3, style="F")
        self._font(7, _QUIET)
        for text, align in (("0 bad", "L"), ("50 fair", "C"), ("100 excellent", "R")):
            self._pdf.set_xy(_MARGIN, y + 3.5)
            self._pdf.cell(_INNER, 4, text, align=align)
        self._pdf.set_y(y + 8)

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Names and values in two columns."""
        self.heading("Figures and settings", 30)
        for name, value in facts:
            self._room(10)
            self._font(9, _QUIET)
            y = self._pdf.get_y()
            self._pdf.cell(38, 4.8, name)
            self._font(9)
            self._pdf.set_xy(_MARGIN + 38, y)
            self._pdf.multi_cell(_INNER - 38, 4.8, self._known(value), new_x="LMARGIN", new_y="NEXT", align="L")

    def histogram(self, counts: Sequence[int]) -> None:
        """How many regions have which quality."""
        self.heading("How the quality is distributed", 50)
        most, high, wide = max(1, *counts), 32.0, _INNER / BINS
        base = self._pdf.get_y() + high + 5
        for number, count in enumerate(counts):
            tall = high * count / most
            self._pdf.set_fill_color(*quality_rgb((number + 0.5) * 100 / BINS))
            self._pdf.rect(_MARGIN + number * wide + 0.5, base - tall, wide - 1, tall, style="F")
            if count:
                self._font(6.5, _QUIET)
                self._pdf.set_xy(_MARGIN + number * wide, base - tall - 4)
                self._pdf.cell(wide, 4, str(count), align="C")
        self._pdf.set_draw_color(*_QUIET)
        self._pdf.line(_MARGIN, base, _WIDE - _MARGIN, base)
        for value in (0, 25, 50, 75, 100):
            self._font(7, _QUIET)
            self._pdf.set_xy(_MARGIN + _INNER * value / 100 - 10, base + 1)
            self._pdf.cell(20, 4, str(value), align="C")
        self._pdf.set_y(base + 7)

    def worst(self, lines: Sequence[tuple[Line, Picture]]) -> None:
        """The worst regions in three columns."""
        if not lines:
            return
        self.heading("The worst regions", 76)
        gap, tall = 5.0, 74.0
        wide = (_INNER - 2 * gap) / 3
        for start in range(0, len(lines), 3):
            self._room(tall)
            top = self._pdf.get_y()
            for column, (line, picture) in enumerate(lines[start : start + 3]):
                self._card(line, picture, (_MARGIN + column * (wide + gap), top, wide))
            self._pdf.set_y(top + tall)

    def _card(self, line: Line, picture: Picture, place: tuple[float, float, float]) -> None:
        x, y, wide = place
        width, height = picture.size
        scale = min(wide / width, 42 / height)
        self._pdf.image(io.BytesIO(picture.data), x=x, y=y, w=width * scale, h=height * scale)
        self._pdf.set_draw_color(*_LINE)
        self._pdf.rect(x, y, width * scale, height * scale)
        self._pdf.set_fill_color(*quality_rgb(None if line.report is None else line.report.quality))
        self._pdf.rect(x, y + 43.6, 3, 3, style="F")
        text = "" if line.report is None else " ".join((line.report.text, *line.report.notes)).strip()
        label = "" if line.label is None else f"; people say {line.label:.0f}"
        self._pdf.set_xy(x + 4, y + 43.2)
        self._cut(f"{line.rank}. {line.name}", wide - 4, 8.5, 1, bold=True)
        for said, size, lines in (
            (f"Quality {line.quality}{label}", 7.5, 2), (line.findings, 7.5, 2), (text, 6.5, 4),
        ):  # fmt: skip
            self._pdf.set_x(x)
            self._cut(said, wide, size, lines)

    def _cut(self, text: str, width: float, size: float, lines: int, *, bold: bool = False) -> None:
        """A text in a column, cut off after so many lines."""
        self._font(size, bold=bold)
        parts = self._pdf.multi_cell(
            width, size * 0.45, self._known(" ".join(text.split())), dry_run=True, output="LINES", align="L"
        )
        if len(parts) > lines:
            parts = [*parts[: lines - 1], parts[lines - 1][:-2] + "\u2026"]
        x = self._pdf.get_x()
        for part in parts:
            self._pdf.cell(width, size * 0.45, part)
            self._pdf.set_xy(x, self._pdf.get_y() + size * 0.45)

    def table(self, summary: Summary) -> None:
        """The regions, worst first."""
        shown = summary.lines[:MOST_ROWS]
        self.heading("All regions" if len(shown) == len(summary.lines) else f"The worst {MOST_ROWS} regions", 30)
        widths = (8.0, 44.0, 42.0, 32.0, 38.0, 14.0)
        self._cells(("", "Region", "Quality", "Importance", "Findings", "People"), widths, bold=True)
        for line in shown:
            self._room(6)
            people = "" if line.label is None else f"{line.label:.0f}"
            row = (str(line.rank or ""), line.name, line.quality, line.importance, line.findings, people)
            self._pdf.set_fill_color(*quality_rgb(None if line.report is None else line.report.quality))
            self._pdf.rect(_MARGIN - 3, self._pdf.get_y() + 1, 2, 3, style="F")
            self._cells(row, widths)
        if len(shown) < len(summary.lines):
            self._pdf.ln(2)
            left = len(summary.lines) - len(shown)
            self._write(f"{left} more regions stand in the tables (CSV, Parquet) and in the HTML report.", 8, _QUIET)

    def _cells(self, texts: Sequence[str], widths: Sequence[float], *, bold: bool = False) -> None:
        """A row, each text cut off at its column's end."""
        y, x = self._pdf.get_y(), _MARGIN
        self._font(7.5, _QUIET if bold else _INK, bold=bold)
        for text, wide in zip(texts, widths, strict=True):
            self._pdf.set_xy(x, y)
            self._pdf.cell(wide, 5, self._short(self._known(" ".join(text.split())), wide - 2))
            x += wide
        self._pdf.set_draw_color(*_LINE)
        self._pdf.line(_MARGIN, y + 5, _WIDE - _MARGIN, y + 5)
        self._pdf.set_y(y + 5.2)

    def _short(self, text: str, width: float) -> str:
        if self._pdf.get_string_width(text) <= width:
            return text
        kept = text[:80]
        while kept and self._pdf.get_string_width(kept + "\u2026") > width:
            kept = kept[:-1]
        return kept + "\u2026"
