"""The report as one HTML file: pictures inside, no script, nothing fetched, readable on light and dark."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from seagull_iqa.formats.export import Export
from seagull_iqa.formats.report_pictures import Picture, crop_picture, overlay_picture
from seagull_iqa.formats.summary import BINS, Line, Summary, summary_of
from seagull_iqa.imaging.palette import QUALITY_STOPS, quality_rgb
from seagull_iqa.imaging.saving import save_text

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --quiet: #5d5d66; --line: #d9d9de; --card: #f6f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf0; --paper: #17171a; --quiet: #a5a5b0; --line: #3a3a42; --card: #222227; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1100px; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; } h2 { font-size: 18px; margin: 36px 0 12px; }
p.quiet, figcaption, .quiet { color: var(--quiet); font-size: 13px; }
figure { margin: 0; } img, svg { max-width: 100%; height: auto; display: block; border-radius: 4px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 12px; }
.card h3 { font-size: 15px; margin: 10px 0 4px; overflow-wrap: anywhere; } .card p { margin: 2px 0; }
.card img { width: 100%; height: 200px; object-fit: contain; }
.chip { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.bar { height: 12px; border-radius: 3px; margin-top: 12px; } .ends { display: flex; justify-content: space-between; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; } th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
td.fixed { white-space: nowrap; } svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
@media print { .card { break-inside: avoid; } body { max-width: none; } }
"""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_html(path: Path, export: Export) -> list[Path]:
    """One file, for any browser."""
    summary = summary_of(export)
    here = {one.id for one in export.regions_here()}
    cards = [_card(line, crop_picture(export, line)) for line in summary.worst if line.one.id in here]
    save_text(path, _page(summary, overlay_picture(export, summary), cards))
    return [path]


def _page(summary: Summary, overlay: Picture, cards: Sequence[str]) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in summary.facts)
    worst = f'<h2>The worst regions</h2><div class="cards">{"".join(cards)}</div>' if cards else ""
    rows = "".join(_row(line) for line in summary.lines)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Region quality: {escape(summary.title)}</title><style>{_STYLE}</style></head><body>
<h1>Region quality of {escape(summary.title)}</h1>
<p class="quiet">Quality runs from 0 (bad) to 100 (excellent); brackets hold the true score with the stated
probability.</p>
<h2>Overview</h2><figure>{_image(overlay, "The image with its regions in the colours of their quality")}
{_scale()}</figure>
<h2>Figures and settings</h2><dl>{facts}</dl>
<h2>How the quality is distributed</h2>{_histogram(summary.histogram)}
{worst}
<h2>All regions</h2><div class="wide"><table><thead><tr><th></th><th>Region</th><th>Quality</th><th>Importance</th>
<th>Findings</th><th>People</th><th>Area, px</th></tr></thead><tbody>{rows}</tbody></table></div>
</body></html>
"""


def _image(picture: Picture, words: str) -> str:
    data = base64.b64encode(picture.data).decode("ascii")
    width, height = picture.size
    return f'<img alt="{escape(words)}" width="{width}" height="{height}" src="data:image/jpeg;base64,{data}">'


def _colour(quality: float | None) -> str:
    return "#{:02x}{:02x}{:02x}".format(*quality_rgb(quality))


def _scale() -> str:
    stops = ", ".join(f"{_colour(at)} {at:g}%" for at, _ in QUALITY_STOPS)
    return (
        f'<div class="bar" style="background: linear-gradient(90deg, {stops})"></div>'
        '<figcaption class="ends"><span>0 bad</span><span>50 fair</span><span>100 excellent</span></figcaption>'
    )


def _histogram(counts: Sequence[int]) -> str:
    """Bars in the colours of their quality, with the number above each."""
    most, wide, high = max(1, *counts), 36, 150
    bars = []
    for number, count in enumerate(counts):
        tall = round(high * count / most)
        middle = (number + 0.5) * 100 / BINS
        x, y = number * wide, 20 + high - tall
        words = f'<text x="{x + wide / 2:g}" y="{y - 5}" text-anchor="middle">{count}</text>' if count else ""
        bars.append(
            f'<rect x="{x + 2}" y="{y}" width="{wide - 4}" height="{tall}" rx="2" fill="{_colour(middle)}"/>{words}'
        )
    base, width = 20 + high, BINS * wide
    ticks = "".join(
        f'<text x="{value * width / 100:g}" y="{base + 17}" text-anchor="{anchor}">{value}</text>'
        for value, anchor in ((0, "start"), (25, "middle"), (50, "middle"), (75, "middle"), (100, "end"))
    )
    return (
        f'<svg role="img" aria-label="Histogram of quality" viewBox="0 0 {width} {base + 24}" width="{width}">'
        f'{"".join(bars)}<line x1="0" y1="{base}" x2="{width}" y2="{base}" stroke="currentColor" opacity="0.4"/>'
        f'{ticks}</svg><p class="quiet">How many regions have a quality of 0 to 100, in steps of {100 // BINS}.</p>'
    )


def _card(line: Line, picture: Picture) -> str:
    report = line.report
    text = "" if report is None else " ".join((report.text, *report.notes)).strip()
    said = "" if line.label is None else f"<p>People say {line.label:.0f}</p>"
    quality = None if report is None else report.quality
    return (
        f'<div class="card">{_image(picture, line.name)}<h3><span class="chip" style="background:{_colour(quality)}">'
        f'</span>{line.rank}. {escape(line.name)}</h3><p>Quality {escape(line.quality)}</p>'
        f'<p>{escape(line.findings)}</p><p class="quiet">Importance {escape(line.importance)}</p>{said}'
        f'<p class="quiet">{escape(text)}</p></div>'
    )


def _row(line: Line) -> str:
    quality = None if line.report is None else line.report.quality
    people = "" if line.label is None else f"{line.label:.0f}"
    return (
        f'<tr><td class="fixed"><span class="chip" style="background:{_colour(quality)}"></span>{line.rank or ""}</td>'
        f"<td>{escape(line.name)}</td><td>{escape(line.quality)}</td><td>{escape(line.importance)}</td>"
        f"<td>{escape(line.findings)}</td><td>{people}</td><td>{line.one.region.mask.area}</td></tr>\n"
    )
