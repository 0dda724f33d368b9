"""How well models agree with people who scored whole photographs, beside yardsticks on the same folds in the same run.

    python benchmarks/people.py --data live-itw --fold-weights 'runs/fold{n}/weights.safetensors'
    python benchmarks/people.py --data live-itw --model seagull-mini --teacher mnv2.pt --work people.npz
    python benchmarks/people.py --data live-itw --photos 12      # a quick look, marked PARTIAL: not to be quoted

FOLDER has mos.csv (columns file, mos, use) and images/, as LIVE In the Wild. Rows with fold0 to fold4 in `use` are
scored, each as one region, the whole; no other row is looked at, so that `reserve` stays unseen.

folds        --fold-weights: each photograph is scored by the model that was trained without its fold
NAME         --model, again for more: a model that has seen none of these scores, as it is
NIQE, ...    those of `seagull evaluate`, negated, as they are
BRISQUE, retrained    its 36 features; a regression with a Gaussian kernel learns the other four folds
MobileNetV2           --teacher: mean and deviation over places of its last block; ridge regression, likewise
frozen FILE           --ridge-of: the same of the four levels of a seagull-mini's encoder, all of it frozen

What a regression is told to hold back is chosen by cross-validation inside the four folds that it learns from.

SROCC, PLCC  of each fold, and their mean over the five
pooled       one SROCC over all photographs, with 95 % intervals, bootstrap over photographs: scores of five models in
             one row, whose shifts against one another count as error
inside 80 %  share of people's scores inside the interval that the model gives for 80 %
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from held_out import followed
from people_parts import (
    FOLDS,
    RIDGES,
    Kept,
    People,
    Plane,
    brisque_features,
    pooled,
    radial,
    read_out,
    whole_cells,
)
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.errors import SeagullError
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.models.mini.checkpoint import load_weights
from seagull_iqa.registry import load_model, plan_load, resolve
from seagull_iqa.training.cells import cell
from seagull_iqa.training.metrics import Estimate, Values, covered, estimate, photograph_draws, plcc, srocc
from seagull_iqa.training.outsiders import BRISQUE, NIQE, PIQE, outsiders
from seagull_iqa.training.teacher import Teacher

ALONE = frozenset({Aspect.QUALITY})
NOT_SAID = float("nan")
NOT_MEASURED = Estimate(NOT_SAID)


@dataclass(frozen=True, eq=False)
class Said:
    """What one row says of every photograph.

    Attributes
    ----------
    name, note : str
    quality : float64, shape (N,)
        Higher is better, on any scale; NaN where it says nothing.
    interval : float64, shape (N, 2), or None
        Ends of the interval for 80 %, 0..100; None for what gives none.
    """

    name: str
    note: str
    quality: Values
    interval: Plane | None = None


@dataclass(frozen=True)
class Agreement:
    """One row's figures; NaN where one is not defined, `folds` empty where the row was not run."""

    name: str
    note: str
    srocc: tuple[float, ...] = ()
    plcc: tuple[float, ...] = ()
    pooled: Estimate = NOT_MEASURED
    inside: float = NOT_SAID

    @classmethod
    def of(cls, said: Said, people: People, draws: int, best: float = 100.0) -> Agreement:
        """Against people's scores, of the photographs of which something is said.

        The intervals are on the model's scale, on which `best` of people's points is 100, and all above it too.
        """
        known = np.isfinite(said.quality)
        quality, mos, fold = said.quality[known], people.mos[known], people.fold[known]
        own = [fold == number for number in range(FOLDS)]
        some = photograph_draws(np.flatnonzero(known), draws, seed=1)
        all_folds = estimate(lambda at: srocc(quality[at], mos[at]), quality.size, some)
        scaled = np.minimum(100.0, 100 * people.mos / best)
        inside = NOT_SAID if said.interval is None else float(covered(scaled, *said.interval.T).mean())
        ranks, lines = (tuple(one(quality[at], mos[at]) for at in own) for one in (srocc, plcc))
        return cls(said.name, said.note, ranks, lines, all_folds, inside)

    @property
    def means(self) -> tuple[float, float]:
        """SROCC and PLCC, mean over the folds; NaN where one fold has none."""
        return float(np.mean(self.srocc or NOT_SAID)), float(np.mean(self.plcc or NOT_SAID))

    def to_json(self) -> dict[str, object]:
        """As plain JSON values, None for what is not defined."""
        mean_srocc, mean_plcc = map(_or_none, self.means)
        one = self.pooled
        return {
            "name": self.name, "note": self.note, "photographs": one.cases,
            "srocc": [_or_none(value) for value in self.srocc], "plcc": [_or_none(value) for value in self.plcc],
            "mean_srocc": mean_srocc, "mean_plcc": mean_plcc,
            "pooled_srocc": {"value": _or_none(one.value), "low": _or_none(one.low), "high": _or_none(one.high)},
            "inside_80": _or_none(self.inside),
        }  # fmt: skip


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def of_models(name: str, people: People, models: Sequence[str], device: str) -> Said:
    """Scores of the whole photographs: each fold by the model of its number, every fold by the only one."""
    found = np.full((len(people.mos), 3), NOT_SAID)
    cards = []
    for number, wanted in enumerate(models):
        model = load_model(wanted, device)
        cards.append(f"{model.card.id} {model.card.sha256[:12]}".strip())
        mine = np.flatnonzero(people.fold == number) if len(models) > 1 else np.arange(len(people.mos))
        for at in followed(mine.tolist(), f"photographs: {wanted}"):
            found[at] = whole(model, people.images[at].rgb())
    interval = None if np.isnan(found[:, 1:]).any() else found[:, 1:]
    return Said(name, ", ".join(dict.fromkeys(cards)), found[:, 0], interval)


def whole(model: QualityModel, rgb: RGBImage) -> tuple[float, float, float]:
    """Quality of a photograph and the ends of its interval; NaN for what the model does not give."""
    region = Region(RegionMask.whole((rgb.shape[0], rgb.shape[1])))
    (report,) = model.assess(model.look(rgb), [region], ALONE)
    quality = NOT_SAID if report.quality is None else report.quality
    return (quality, *(report.quality_interval or (NOT_SAID, NOT_SAID)))


def fold_files(pattern: str) -> list[str]:
    """The five files behind a pattern.

    Raises
    ------
    SeagullError
        The pattern has no {n}, a file is missing, or two are the same.
    """
    if "{n}" not in pattern:
        raise SeagullError(f"--fold-weights {pattern} names one file for all folds.", "Write {n} for the fold.")
    files = [pattern.replace("{n}", str(number)) for number in range(FOLDS)]
    for number, file in enumerate(files):
        if not Path(file).exists():
            raise SeagullError(f"There are no weights of fold {number}: {file}.", "Train it without that fold first.")
    sums = [hashlib.sha256(resolve(file).read_bytes()).hexdigest() for file in files]
    if len(set(sums)) < FOLDS:
        raise SeagullError("Two folds have the same weights, so one has learned its own photographs.", "Train both.")
    return files


def zero_shot(people: People, kept: Kept) -> Iterator[Said | Agreement]:
    """NIQE, PIQE and BRISQUE as they are, or why not."""
    for one in outsiders([NIQE, PIQE, BRISQUE]):
        if one.missing:
            yield Agreement(one.name, one.missing)
            continue
        values = kept.of(f"{one.name}, {one.note}", people, one.score)
        yield Said(one.name, "as it is", values[:, 0])


def retrained(people: People, kept: Kept) -> Said:
    """BRISQUE's features, learned anew."""
    how, settings = radial()
    features = kept.of("BRISQUE's 36 features", people, brisque_features)
    return Said(f"{BRISQUE}, retrained", f"36 features, Gaussian kernel, {how}", read_out(settings, features, people))


def taught(people: People, kept: Kept, path: Path) -> Said:
    """What a network that has seen millions of photographs sees in them, read out by a line."""
    teacher = Teacher(path)
    what = f"MobileNetV2 of {path.name}, {path.stat().st_size}"
    features = kept.of(what, people, lambda rgb: pooled([teacher(whole_cells(rgb))]))
    note = f"{features.shape[1]} frozen ImageNet features of {path.name}, ridge"
    return Said("MobileNetV2", note, read_out(RIDGES, features, people))


def frozen(people: People, path: Path) -> Said:
    """What the encoder of a seagull-mini sees, read out by a line. Not kept: weights change under one name."""
    encoder = load_weights(path)[0].encoder

    @torch.no_grad()
    def seen(rgb: RGBImage) -> Values:
        return pooled(encoder(whole_cells(rgb).float() / 255))

    features = Kept().of(f"frozen {path.name}", people, seen)
    note = f"{features.shape[1]} features of its frozen encoder, ridge"
    return Said(f"frozen {path.name}", note, read_out(RIDGES, features, people))


def measure(given: argparse.Namespace, people: People) -> list[Agreement]:
    """Every row that was asked for; what is not there is told before anything is measured."""
    for path in (given.work, given.json):
        if path is not None and not path.parent.is_dir():
            raise SeagullError(f"There is no folder {path.parent}.", "Make it first.")
    folds = [] if given.fold_weights is None else fold_files(given.fold_weights)
    for name in (*given.model, *folds):
        plan_load(name, given.device)
    if given.ridge_of is not None:
        load_weights(given.ridge_of)
    kept = Kept(given.work)
    jobs: list[Callable[[], Said]] = [partial(retrained, people, kept)]
    if given.teacher is not None:
        Teacher(given.teacher)
        jobs.append(partial(taught, people, kept, given.teacher))
    if given.ridge_of is not None:
        jobs.append(partial(frozen, people, given.ridge_of))
    jobs += [partial(of_models, name, people, [name], given.device) for name in given.model]
    if folds:
        jobs.append(partial(of_models, "folds", people, folds, given.device))
    rows = [*zero_shot(people, kept), *(job() for job in jobs)]
    if given.teacher is None:
        rows.append(Agreement("MobileNetV2", "not run: no --teacher was given"))
    of = partial(Agreement.of, people=people, draws=given.bootstrap, best=given.best)
    return [row if isinstance(row, Agreement) else of(row) for row in rows]


def table(title: str, rows: Sequence[Agreement]) -> Table:
    """The rows that were run; SROCC stands above PLCC."""
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column("row")
    for heading in (*(f"fold{number}" for number in range(FOLDS)), "mean", "pooled SROCC", "inside 80 %", "photos"):
        shown.add_column(heading, justify="right")
    for row in rows:
        pairs = [*zip(row.srocc, row.plcc, strict=True), row.means]
        if row.srocc:
            folds = [f"{cell(Estimate(rank)) or '-'}\n{cell(Estimate(line)) or '-'}" for rank, line in pairs]
            last = [cell(one) or "-" for one in (row.pooled, Estimate(row.inside))]
            shown.add_row(row.name, *folds, *last, f"{row.pooled.cases}")
    return shown


def tell(given: argparse.Namespace, people: People, rows: Sequence[Agreement]) -> None:
    """Print the table and what each row is, and write it where asked."""
    marked = "" if given.photos is None else ", PARTIAL: not to be quoted"
    sizes = np.bincount(people.fold, minlength=FOLDS).tolist()
    data = given.data.resolve().name
    title = f"{data}, {len(people.mos)} photographs in {FOLDS} folds{marked}; SROCC above PLCC"
    Console(width=120, highlight=False).print(table(title, rows))
    for row in rows:
        print(f"  {row.name}: {row.note}")
    if given.json is not None:
        found = {
            "data": data, "partial": bool(marked), "photographs": len(people.mos), "folds": sizes,
            "bootstrap": given.bootstrap, "rows": [row.to_json() for row in rows],
        }  # fmt: skip
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with mos.csv and images/; else live-itw of SEAGULL_DATA")
    parser.add_argument("--fold-weights", metavar="PATTERN", help="weights of each fold, with {n} for its number")
    parser.add_argument("--model", action="append", default=[], help="a name or file that saw no score; may repeat")
    parser.add_argument("--teacher", type=Path, help="MobileNetV2's weights")
    parser.add_argument("--ridge-of", type=Path, help="weights of a seagull-mini whose frozen encoder is read out")
    parser.add_argument("--best", type=float, default=100.0, help="as `seagull train --best`; for the intervals only")
    parser.add_argument("--work", type=Path, help="keep what yardsticks measure in this .npz, for the next run")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--photos", type=int, help="only the first so many of each fold")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bootstrap", type=int, default=1000, help="samples of photographs behind the intervals")
    given = parser.parse_args()
    if given.data is None:
        named = os.environ.get("SEAGULL_DATA")
        if not named:
            sys.exit("Name the folder with mos.csv and images/ with --data, or set SEAGULL_DATA.")
        given.data = Path(named) / "live-itw"
    return given


def main() -> None:
    """Measure, print, and write where asked."""
    given = arguments()
    torch.set_num_threads(1)
    try:
        people = People.read(given.data, given.photos)
        tell(given, people, measure(given, people))
    except SeagullError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
