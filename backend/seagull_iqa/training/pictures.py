"""Pictures of an evaluation: score against label, whether the intervals hold, errors by type, and the worst of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import norm

from seagull_iqa.domain.distortion import CLEAN, Distortion
from seagull_iqa.domain.report import INTERVAL_LEVEL
from seagull_iqa.errors import SeagullError
from seagull_iqa.training.answers import CaseResult
from seagull_iqa.training.evaluate import Evaluation
from seagull_iqa.training.figures import interval_ends
from seagull_iqa.training.metrics import Values, covered, logistic_fit, plcc, srocc
from seagull_iqa.training.worst import draw_worst

SEVERAL, UNLABELLED = "several types", "types not labelled"
KINDS = (*(str(one) for one in Distortion), SEVERAL, CLEAN, UNLABELLED)
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Of the intervals whose hold is tried."""

_COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#884400", "#999999", "#222222", "#4477aa")
_DPI = 130


@dataclass(frozen=True, eq=False)
class Measure:
    """What was said of one measure beside its label, where both are known.

    Attributes
    ----------
    name : str
        "quality" or "importance".
    predicted, label : float64, shape (N,), 0..100
    ends : float64, shape (N, 2)
        Of the model's intervals; NaN where it gives none.
    kinds : str array, shape (N,)
        From `KINDS`.
    """

    name: str
    predicted: Values
    label: Values
    ends: NDArray[np.float64]
    kinds: NDArray[np.str_]

    @classmethod
    def of(cls, found: Evaluation, name: str) -> Measure:
        """Our answers of that name."""
        predicted = np.array([getattr(case.ours, name) for case in found.cases], dtype=np.float64)
        label = np.array([getattr(case.label, name) for case in found.cases], dtype=np.float64)
        ends = interval_ends([case.ours for case in found.cases], name)
        kinds = np.array([kind_of(case) for case in found.cases], dtype=np.str_)
        known = np.isfinite(predicted) & np.isfinite(label)
        return cls(name, predicted[known], label[known], ends[known], kinds[known])


def kind_of(case: CaseResult) -> str:
    """How a region was spoiled, in one word of `KINDS`."""
    types = case.label.types
    return next(iter(types)) if len(types) == 1 else SEVERAL if types else UNLABELLED


def draw(found: Evaluation, folder: Path) -> list[Path]:
    """Write the pictures that the data allow, as PNG files.

    Returns
    -------
    list of Path
        Those that were written: scatter, reliability (where the model gives intervals), residuals, worst.

    Raises
    ------
    SeagullError
        Nothing was measured, or a file cannot be written.
    """
    measures = [one for one in (Measure.of(found, name) for name in ("quality", "importance")) if one.label.size > 1]
    if not measures:
        raise SeagullError("There is nothing to draw.", "Evaluate at least two labelled regions.")
    spoken = [one for one in measures if np.isfinite(one.ends).all()]
    title = found.table.title
    drawn = [
        (folder / "scatter.png", _panels(title, measures, _scatter)),
        (folder / "residuals.png", _panels(title, measures, _residuals)),
        *([(folder / "reliability.png", _panels(title, spoken, _reliability))] if spoken else []),
        (folder / "worst.png", draw_worst(found)),
    ]
    for path, figure in drawn:
        save_figure(figure, path)
    return [path for path, _figure in drawn]


def save_figure(figure: Figure, path: Path) -> None:
    """As a PNG file; `SeagullError` where it cannot be written."""
    try:
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise SeagullError(f"{path} cannot be written ({error.strerror}).", "Choose another folder.") from error


def _panels(title: str, measures: list[Measure], panel: Callable[[Axes, Measure], None]) -> Figure:
    figure = Figure(figsize=(6.6 * len(measures), 6.2), layout="constrained")
    figure.suptitle(fill(title, 95 * len(measures)), fontsize=9)
    for at, measure in enumerate(measures, 1):
        panel(figure.add_subplot(1, len(measures), at), measure)
    return figure


def _scatter(axes: Axes, measure: Measure) -> None:
    x, y = measure.predicted, measure.label
    axes.plot((0, 100), (0, 100), color="#bbbbbb", linewidth=1, zorder=0)
    for kind, color in zip(KINDS, _COLORS, strict=True):
        at = measure.kinds == kind
        if at.any():
            axes.scatter(x[at], y[at], s=9, alpha=0.55, color=color, linewidths=0, label=f"{kind} ({at.sum()})")
    order = np.argsort(x)
    fitted = logistic_fit(x, y)
    axes.plot(x[order], fitted[order], color="black", linewidth=1.4, label="4-parameter logistic")
    axes.set(xlim=(-2, 102), ylim=(-2, 102), xlabel=f"{measure.name}, predicted", ylabel=f"{measure.name}, label")
    axes.set_title(f"SROCC {srocc(x, y):.3f}, PLCC {plcc(x, y):.3f}, fitted {plcc(fitted, y):.3f}", fontsize=10)
    axes.legend(fontsize=7, loc="upper left", framealpha=0.85)


def _residuals(axes: Axes, measure: Measure) -> None:
    """Box plots of predicted less label; by fifths of the label where no type is known."""
    error = measure.predicted - measure.label
    groups = [(kind, error[measure.kinds == kind]) for kind in KINDS if (measure.kinds == kind).any()]
    if len(groups) == 1:
        edges = np.quantile(measure.label, np.linspace(0, 1, 6))
        at = np.clip(np.searchsorted(edges, measure.label, side="right") - 1, 0, 4)
        groups = [
            (f"label {edges[i]:.0f}\nto {edges[i + 1]:.0f}", error[at == i]) for i in range(5) if (at == i).any()
        ]
    axes.axhline(0, color="#bbbbbb", linewidth=1)
    axes.boxplot([values for _name, values in groups], whis=(5, 95), showfliers=False, widths=0.6)
    axes.set_xticks(range(1, len(groups) + 1), [f"{name}\n{len(values)}" for name, values in groups], fontsize=7)
    axes.tick_params(axis="x", rotation=45 if len(groups) > 5 else 0)
    axes.set_ylabel(f"{measure.name}: predicted less label")
    axes.set_title(f"mean {error.mean():+.1f}, mean size {np.abs(error).mean():.1f}; whiskers 5 to 95 %", fontsize=10)


def _reliability(axes: Axes, measure: Measure) -> None:
    shares = [float(share) for share in coverage(measure)]
    axes.plot((0, 1), (0, 1), color="#bbbbbb", linewidth=1)
    axes.plot(LEVELS, shares, color=_COLORS[0], marker="o", markersize=4)
    own = shares[LEVELS.index(INTERVAL_LEVEL)]
    axes.scatter([INTERVAL_LEVEL], [own], s=80, color=_COLORS[1], zorder=3, label=f"as given: {own:.2f} of 0.80")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability that the interval claims", ylabel="share of labels inside")
    width = float((measure.ends[:, 1] - measure.ends[:, 0]).mean())
    axes.set_title(f"{measure.name}: 80 % intervals are {width:.0f} wide on average", fontsize=10)
    axes.legend(fontsize=8, loc="upper left")
    axes.set_aspect("equal")


def coverage(measure: Measure) -> list[float]:
    """Share of labels inside intervals of each of `LEVELS`.

    A model gives one interval, of 80 %; the others are that one, stretched about the score as a normal distribution's.
    """
    middle, found = measure.predicted, []
    for level in LEVELS:
        factor = norm.ppf((1 + level) / 2) / norm.ppf((1 + INTERVAL_LEVEL) / 2)
        low = middle - (middle - measure.ends[:, 0]) * factor
        high = middle + (measure.ends[:, 1] - middle) * factor
        found.append(float(covered(measure.label, low, high).mean()))
    return found
