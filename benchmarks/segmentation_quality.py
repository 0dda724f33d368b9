"""How well a click, and four more where the error is largest, find what people drew: the region tree beside others.

    python benchmarks/segmentation_quality.py --data bsds                    # the reported half, everything
    python benchmarks/segmentation_quality.py --data bsds --half tune --images 10 --annotators 1   # a quick look
    python benchmarks/segmentation_quality.py --engine region-tree --rival none

FOLDER has images/ID.jpg and segmentations/ID_PERSON.png, values of pixels being segments, as BSDS500's test part.
Every person's segments of 1 to 50 % of the photograph are asked for. The first click is at the pixel farthest from
the segment's border, each next one at the centre of the largest connected error, positive or negative as needed.
The photographs whose names sort first are for tuning, the other half is reported.

best    of the candidates the one with the largest IoU is taken, and corrected by the next click
first   the one that is ranked first is taken

IoU after 1, 3 and 5 clicks: mean over the segments of a photograph, then over photographs, with 95 % intervals,
bootstrap over photographs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from segmentation_clicks import CLICKS, Click, Clicked, Mask, Photograph, clicked, photographs
from segmentation_rivals import RIVALS, Engine
from timing import Goal

from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.errors import SeagullError
from seagull_iqa.hub.segmenters import engine_folder, segmenter_offers
from seagull_iqa.segmenting.engines import make_engine

TOLD = (1, 3, 5)

GOALS = (("best", 1, 0.64), ("first", 1, 0.55), ("first", 5, 0.78))
"""Of the region tree: what is taken, clicks, mean IoU."""

Scores = NDArray[np.float64]
"""float64, shape (P, 2, CLICKS): mean IoU of each photograph, best and first, after each click; NaN: not ranked."""


@dataclass(frozen=True)
class Task:
    """What one worker measures: a photograph by one method.

    Attributes
    ----------
    method : str
        "engine:NAME" or "rival:NAME".
    off_centre : bool
        The first click is anywhere in the deeper half of the segment.
    forgetful : bool
        Engines are told all clicks, but not the mask that the last one corrects.
    """

    method: str
    photograph: Photograph
    off_centre: bool = False
    forgetful: bool = False


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table: `scores` None where the method was not run, which `note` explains."""

    name: str
    note: str
    scores: Scores | None = None


@cache
def made(method: str, forgetful: bool) -> Clicked:
    """The method of a task, once in each process."""
    kind, name = method.split(":", 1)
    if kind == "rival":
        return RIVALS[name].make()
    offered = {one.name for one in segmenter_offers()}
    return Engine(make_engine(name, folder=engine_folder(name) if name in offered else None), not forgetful)


def measured(task: Task) -> NDArray[np.float64]:
    """Mean IoU over the segments of a photograph, float64 (2, CLICKS); NaN where it has none."""
    method = made(task.method, task.forgetful)
    answering = method.look(task.photograph.rgb())
    found = []
    for number, truth in enumerate(task.photograph.segments()):
        start = _off_centre(truth, number) if task.off_centre else None
        best = clicked(answering, truth, best=True, start=start)
        first = clicked(answering, truth, best=False, start=start) if method.choosy else best
        found.append([best, first])
    return np.mean(found, axis=0) if found else np.full((2, CLICKS), np.nan)


def _off_centre(truth: Mask, seed: int) -> Click:
    """Anywhere in the deeper half of a mask."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(truth, 1))[1:-1, 1:-1]
    places = np.argwhere(depth >= depth.max() / 2)
    row, column = places[int(np.random.default_rng(seed).integers(len(places)))]
    return Click(int(row), int(column), inside=True)


def methods(given: argparse.Namespace) -> list[str]:
    """What is to be measured: the engines named, or all whose weights are here, and the rivals."""
    here = [one.name for one in segmenter_offers() if one.state in (OfferState.SHIPPED, OfferState.READY)]
    rivals = [] if given.rival == ["none"] else given.rival or list(RIVALS)
    unknown = [name for name in rivals if name not in RIVALS]
    if unknown:
        raise SeagullError(f"There is no rival {unknown[0]}.", f"Use {', '.join(RIVALS)} or none.")
    engines = [] if given.engine == ["none"] else given.engine or here
    return [*(f"engine:{name}" for name in engines), *(f"rival:{name}" for name in rivals)]


def measure(given: argparse.Namespace) -> Iterator[Row]:
    """Every row, as it is ready."""
    chosen = photographs(given.data, given.half, given.images, given.annotators)
    with ExitStack() as stack:
        mapped: Callable[..., Iterable[NDArray[np.float64]]] = map
        if given.workers > 1:
            pool = ProcessPoolExecutor(given.workers, mp_context=get_context("spawn"))
            mapped = stack.enter_context(pool).map
        for method in methods(given):
            kind, name = method.split(":", 1)
            rival = RIVALS.get(name) if kind == "rival" else None
            if rival is not None and rival.missing:
                yield Row(rival.name, rival.missing)
                continue
            one = made(method, given.forgetful)
            tasks = [Task(method, photograph, given.off_centre, given.forgetful) for photograph in chosen]
            start = time.perf_counter()
            scores = np.stack(list(mapped(measured, tasks)))
            print(f"{one.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
            if kind == "rival" and one.note.startswith("the truth"):
                scores[:, 1] = np.nan
            yield Row(one.name, one.note, scores[~np.isnan(scores[:, 0]).any(axis=1)])


def interval(values: NDArray[np.float64], draws: int) -> tuple[float, float]:
    """95 % of the means of photographs drawn with replacement."""
    generator = np.random.default_rng(1)
    means = values[generator.integers(len(values), size=(draws, len(values)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def table(rows: Sequence[Row], draws: int) -> str:
    """Markdown: a line a method, mean and interval."""
    heads = [f"{taken}, {clicks} click{'s' if clicks > 1 else ''}" for taken in ("best", "first") for clicks in TOLD]
    lines = [f"| method | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for row in rows:
        cells = []
        for taken in range(2):
            for clicks in TOLD:
                values = None if row.scores is None else row.scores[:, taken, clicks - 1]
                if values is None or np.isnan(values).any():
                    cells.append("-")
                else:
                    low, high = interval(values, draws)
                    cells.append(f"{values.mean():.3f} ({low:.3f}-{high:.3f})")
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def goals(rows: Sequence[Row]) -> list[Goal]:
    """The bounds that the region tree is held to."""
    tree = next((row for row in rows if row.name == "region-tree" and row.scores is not None), None)
    if tree is None or tree.scores is None:
        return []
    found = []
    for taken, clicks, bound in GOALS:
        value = float(tree.scores[:, int(taken == "first"), clicks - 1].mean())
        found.append(Goal(f"region tree, {taken}, {clicks} clicks: mean IoU", value, bound, "", at_least=True))
    return found


def to_json(given: argparse.Namespace, rows: Sequence[Row]) -> dict[str, object]:
    """All figures as plain JSON values."""
    return {
        "half": given.half, "images": given.images, "annotators": given.annotators, "off_centre": given.off_centre,
        "forgetful": given.forgetful,
        "rows": [
            {
                "name": row.name, "note": row.note,
                "best": None if row.scores is None else _plain(row.scores[:, 0]),
                "first": None if row.scores is None else _plain(row.scores[:, 1]),
            }
            for row in rows
        ],
        "goals": [goal.to_json() for goal in goals(rows)],
    }  # fmt: skip


def _plain(values: NDArray[np.float64]) -> list[float] | None:
    """Means after each click; None where nothing is ranked."""
    means = values.mean(axis=0)
    return None if np.isnan(means).any() else [round(float(one), 4) for one in means]


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with images/ and segmentations/; else bsds of SEAGULL_DATA")
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--engine", action="append", default=[], help="may repeat; else all present; none")
    parser.add_argument("--rival", action="append", default=[], help=f"may repeat: {', '.join(RIVALS)}; none")
    parser.add_argument("--images", type=int, help="only the first so many photographs; not to be quoted")
    parser.add_argument("--annotators", type=int, help="only the first so many people of each; not to be quoted")
    parser.add_argument("--off-centre", action="store_true", help="first click anywhere in the segment's deeper half")
    parser.add_argument("--forgetful", action="store_true", help="tell engines the clicks alone, not the mask before")
    parser.add_argument("--workers", type=int, default=2, help="processes; 1 is this one")
    parser.add_argument("--bootstrap", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(words)
    if given.data is None:
        named = os.environ.get("SEAGULL_DATA")
        if not named:
            sys.exit("Name the folder with images/ and segmentations/ with --data, or set SEAGULL_DATA.")
        given.data = Path(named) / "bsds"
    return given


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write where asked."""
    given = arguments(words)
    try:
        rows = list(measure(given))
    except SeagullError as error:
        sys.exit(str(error))
    partial = given.images is not None or given.annotators is not None
    count = next((len(row.scores) for row in rows if row.scores is not None), 0)
    print(f"{count} photographs, {given.half} half{', PARTIAL: not to be quoted' if partial else ''}\n")
    print(table(rows, given.bootstrap))
    print()
    for row in rows:
        print(f"- {row.name}: {row.note}")
    for goal in goals(rows):
        print(goal)
    if given.json is not None:
        given.json.write_text(json.dumps(to_json(given, rows), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
