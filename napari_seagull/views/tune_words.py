"""What the panel "Fine-tune" says in words: how much there is, how long it takes, how sure one can be."""

from __future__ import annotations

from napari_seagull.views.palette import RGB
from napari_seagull.views.sizes import counted, size_words
from seagull_iqa.domain.fine_tuning import BeforeAfter, Estimate, FineTuneResult, LabelStock, Method, TuneRun, TuneState

BETTER: RGB = (38, 128, 148)
WORSE: RGB = (176, 98, 28)
UNSURE: RGB = (110, 118, 132)
"""Teal and brown as in the panel "Compare", gray where nobody can tell."""

CLOSE = 0.6
"""Spearman correlation from which two people are said to see alike."""

METHODS = {
    Method.AUTO: "what suits best",
    Method.SCALE: "offset and slope of the scores",
    Method.HEADS: "a correction of the scores and findings",
    Method.ADAPTERS: "small layers in between",
    Method.ALL: "the whole model",
}
"""What was learned, as the end of a sentence."""

def duration_words(seconds: float) -> str:
    """A time as people say it: "40 s", "2 min", "1 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds / 5) * 5)} s" if seconds >= 10 else f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def stock_words(stock: LabelStock) -> str:
    """How much there is: "32 regions on 6 images, 14 comparisons"."""
    said = f"{counted(stock.regions, 'region')} on {counted(stock.images, 'image')}"
    return f"{said}, {counted(stock.pairs, 'comparison')}" if stock.pairs else said


def people_words(stock: LabelStock) -> str:
    """Who said it, and whether they see alike; "" where that goes without saying."""
    named = [(name or "without a name", many) for name, many in stock.annotators]
    if not named:
        return ""
    said = "By " + ", ".join(f"{name} ({many})" for name, many in named) + "."
    if stock.agreement is None:
        return said if len(named) == 1 else f"{said} Too few regions were labelled by two of them to say who agrees."
    alike = "they see alike" if stock.agreement >= CLOSE else "they do not see alike; each is learned with an own scale"
    return f"{said} Where two labelled the same regions, {alike} (rank correlation {stock.agreement:.2f})."


def problems_words(stock: LabelStock) -> str:
    """Heading of what may be wrong; "" where nothing is."""
    said = []
    if stock.contradictions:
        said.append(counted(len(stock.contradictions), "contradiction"))
    if stock.duplicates:
        said.append(counted(stock.duplicates, "duplicate"))
    return ", ".join(said)


def estimate_words(stock: LabelStock, estimate: Estimate | None, base: str) -> str:
    """What a run would take."""
    begins = f"Learns from {stock_words(stock)}, begins from {base}."
    if estimate is None:
        return begins
    needs = f"Takes about {duration_words(estimate.seconds)} and {size_words(estimate.nbytes)} of memory."
    return f"{begins} {needs} You can go on scoring and rating meanwhile."


def progress_words(run: TuneRun) -> str:
    """Where a run stands: "Trying the score's scale (fold 2 of 5), about 40 s left"."""
    if run.state is TuneState.RUNNING:
        phase = run.progress.phase.rstrip(". ") or "Training"
        return phase if run.seconds_left is None else f"{phase}, about {duration_words(run.seconds_left)} left"
    words = {
        TuneState.QUEUED: "Waiting for its turn",
        TuneState.PAUSED: "Paused; it goes on from here when you resume",
        TuneState.INTERRUPTED: "Interrupted; it goes on from its checkpoint when you resume",
        TuneState.FAILED: run.error or "It failed",
        TuneState.CANCELLED: "Cancelled; nothing was changed",
        TuneState.DONE: "Done",
    }
    return words[run.state]


def share_done(run: TuneRun) -> float:
    """0..1"""
    return min(1.0, run.progress.step / run.progress.steps) if run.progress.steps else 0.0


def figure_words(value: float | None, interval: tuple[float, float] | None, figure: BeforeAfter) -> str:
    """A figure with its interval, in the digits that it has: "0.71 [0.55, 0.83]", "8.2 [6.9, 9.8]"."""
    if value is None:
        return "not known"
    digits = 1 if is_error(figure) else 2
    said = f"{value:.{digits}f}"
    return said if interval is None else f"{said}  [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"


def is_error(figure: BeforeAfter) -> bool:
    """Whether it is a number of points, not a correlation or a share."""
    return not figure.larger_is_better


def verdict_color(result: FineTuneResult) -> RGB:
    """Teal for better, brown for worse, gray where the labels do not tell."""
    return UNSURE if result.better is None else BETTER if result.better else WORSE


def verdict_head(result: FineTuneResult) -> str:
    """The verdict in a few words."""
    if not result.model:
        return "No model was made"
    if result.better is None:
        return "Whether it is better cannot be shown"
    return "Closer to your eye" if result.better else "Not better than before"


def result_words(result: FineTuneResult) -> str:
    """How it came about."""
    return f"Learned: {METHODS[result.method]}, in {duration_words(result.seconds)}."
