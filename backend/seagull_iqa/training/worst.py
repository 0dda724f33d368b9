"""The contact sheet of the worst errors: each region's box as the model saw it, its label and what was said."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from seagull_iqa.data.protocol import TypeAndSeverity
from seagull_iqa.domain.distortion import Severity
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.answers import CaseResult
from seagull_iqa.training.evaluate import Evaluation

COUNT = 24
_COLUMNS = 6
_SIDE = 220


def worst_cases(found: Evaluation, count: int = COUNT) -> list[CaseResult]:
    """The cases whose quality is most wrong, the worst first; of one photograph at most two."""
    errors = [(abs(case.ours.quality - case.label.quality), case) for case in found.cases]
    ranked = sorted((one for one in errors if math.isfinite(one[0])), key=lambda one: (-one[0], one[1].number))
    chosen: list[CaseResult] = []
    for _error, case in ranked:
        if sum(case.photo == other.photo for other in chosen) < 2:
            chosen.append(case)
    return chosen[:count]


def draw_worst(found: Evaluation) -> Figure:
    """Crop, label and prediction of the worst errors in quality."""
    cases = worst_cases(found)
    rows = max(1, math.ceil(len(cases) / _COLUMNS))
    figure = Figure(figsize=(2.3 * _COLUMNS, 2.9 * rows + 0.4), layout="constrained")
    figure.suptitle(f"Worst errors in quality (at most two a photograph): {found.table.title}", fontsize=9)
    for at, case in enumerate(cases, 1):
        axes = figure.add_subplot(rows, _COLUMNS, at)
        axes.imshow(fitted(found.picture(case)))
        axes.set_title(_caption(case), fontsize=6.5, loc="left")
        axes.set_axis_off()
    return figure


def _caption(case: CaseResult) -> str:
    photo = case.photo if len(case.photo) <= 24 else f"{case.photo[:21]}..."
    size = f"{case.box[3] - case.box[1]} x {case.box[2] - case.box[0]} px"
    lines = [f"{photo}, {size}", f"label {case.label.quality:.0f}, predicted {case.ours.quality:.0f}"]
    if case.label.types:
        lines.append(f"true: {_words(case.label.findings)}")
    return "\n".join([*lines, f"said: {_words(case.ours.findings)}"])


def _words(findings: Iterable[TypeAndSeverity]) -> str:
    words = [f"{Severity(level).word} {name}" if level > 0 else name for name, level in sorted(findings)]
    return ",\n  ".join(words)


def fitted(rgb: RGBImage) -> RGBImage:
    """Inside a square of `_SIDE` px, on white: uint8 (side, side, 3)."""
    image = Image.fromarray(rgb)
    factor = _SIDE / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    square = Image.new("RGB", (_SIDE, _SIDE), "white")
    square.paste(image.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST))
    return np.asarray(square)
