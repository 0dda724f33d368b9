"""The data card of a data set, in Markdown."""

from __future__ import annotations

from collections import Counter
from typing import Any

from seagull_iqa.domain.distortion import CLEAN, Distortion, Severity

_INTRODUCTION = """# Data card

Photographs spoiled in known ways, with {regions:,} labelled regions in {images:,} images, made by `seagull data build`
(format {format} {version}).

{command}

The same command on the same photographs, with the same versions of the packages and on the same kind of processor,
gives the same bytes, however many processes work and however often it is stopped in between. The facts, with the
SHA-256 of every shard, are in `seagull-data.json`.

## What is in it

- `shards/*.tar` (WebDataset): of each image `KEY.json` and `KEY.webp` (lossless). The JSON says which photograph it
  was made from, what was done to it (type, variant, strength 0.25-5 in 20 steps, severity, parameters, direction) and
  where ("all", or the id of a region), and of each region: id, kind (object, component, box), area and half-open box
  [row, column, row, column] in px, `counts` (COCO run lengths), the types that touch it ([] = clean), `touched` (share
  of the effect inside), and the labels. Beside each shard the same as a table, one row a region.
- `references/*.webp`: the pristine photographs, lossless, at the size they were used, with their regions (JSON).
- `regions.csv`: all tables in one.

Reading it: `webdataset.WebDataset("shards/{{00000..{last:05d}}}.tar").decode("rgb")`, or with `seagull evaluate --data`
this folder.
"""

_LABELS = """## How it was labelled

`{labelers}`. `analytic-1` is a closed formula (HaarPSI, MDSI and signed terms of tone inside the region), agrees with
people about as well as the best metrics of its kind, and knows no content. Quality (0-100) compares the spoiled with
the pristine region; `importance` is the region's share of the weight of the photograph; `importance_ref` is 100 minus
the quality of the whole photograph with only this region spoiled. Types and severities are those of the recipe, for
every region of which a pixel was changed; severity is the nearest whole strength, 1 to 5.
"""

_LIMITS = """## Known limits

- Labels are computed, not given by people. Strengths of different types are only about equally bad.
- A region that a confined distortion only grazes has its types all the same: `touched` says how much of it there is.
- Regions are {segments}: they follow colour and texture, and not what a thing is.
- Distortions are rendered; real cameras mix them in other ways.
- Which codecs were there depends on the installation: here {codecs}.
"""


def card(facts: dict[str, Any]) -> str:
    """The card, from what stands in seagull-data.json."""
    counts = facts["counts"]
    introduction = _INTRODUCTION.format(
        regions=counts["regions"], images=counts["images"], format=facts["format"], version=facts["version"],
        command=f"    {command(facts)}", last=len(facts["shards"]) - 1,
    )  # fmt: skip
    segments = "merged superpixels" if facts["segments"] == "superpixels" else "Segment Anything's automatic masks"
    return "\n".join([
        introduction,
        _LABELS.format(labelers=", ".join(facts["labelers"])),
        _types(counts), _histograms(counts), _sources(facts["photographs_used"]),
        _LIMITS.format(segments=segments, codecs=", ".join(facts["codecs"])),
    ])  # fmt: skip


def command(facts: dict[str, Any]) -> str:
    """The command line that makes the set again."""
    amount = f"--images {facts['images']}" if facts["images"] else f"--regions {facts['regions']}"
    words = ["seagull data build PHOTOS --out DIR", amount, f"--seed {facts['seed']}", f"--size {facts['size']}"]
    if facts["segments"] != "superpixels":
        words.append("--sam-weights FILE")
    words += [f"--codec {codec}" for codec in facts["codecs"]]
    return " ".join(words)


def _types(counts: dict[str, Any]) -> str:
    rows = ["## Regions by type and severity", ""]
    rows += ["| type | " + " | ".join(level.word for level in Severity) + " |", "|---|" + "---:|" * len(Severity)]
    for distortion in Distortion:
        cells = [str(counts["types"].get(f"{distortion.value}:{int(level)}", 0)) for level in Severity]
        rows.append(f"| {distortion.value} | " + " | ".join(cells) + " |")
    mixtures = counts["mixtures"]
    rows += [
        "",
        f"Clean: {counts['types'].get(CLEAN, 0)}. With one type {mixtures.get('1', 0)}, with two "
        f"{mixtures.get('2', 0)}, with three {mixtures.get('3', 0)}. In images that are spoiled everywhere or clean: "
        f"{counts['places'].get('all', 0)}; that are spoiled in one region: {counts['places'].get('region', 0)}. "
        "Kinds: " + ", ".join(f"{kind} {count}" for kind, count in counts["kinds"].items()) + ".",
        "",
    ]
    return "\n".join(rows)


def _histograms(counts: dict[str, Any]) -> str:
    lines = ["## Labels in tenths of 0-100", "", "```"]
    for name, tenths in counts["tenths"].items():
        lines.append(name)
        most = max(1, *tenths)
        for tenth, count in enumerate(tenths):
            lines.append(f"  {10 * tenth:3d}-{10 * tenth + 10:<3d} {count:8d} {'#' * round(40 * count / most)}")
    return "\n".join([*lines, "```", ""])


def _sources(photographs: list[dict[str, Any]]) -> str:
    used = [one for one in photographs if "skipped" not in one]
    licences = Counter(one.get("licence") or "not stated" for one in used)
    lines = ["## Photographs", "", f"{len(used)} photographs. Their licences hold for the images made from them:", ""]
    lines += [f"- {licence}: {count}" for licence, count in sorted(licences.items())]
    skipped = [one for one in photographs if "skipped" in one]
    if skipped:
        lines += ["", f"Left out, since they cannot be used ({len(skipped)}):", ""]
        lines += [f"- {one['photograph']}: {one['skipped']}" for one in skipped]
    return "\n".join([*lines, ""])
