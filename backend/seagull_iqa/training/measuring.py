"""Go through a data set unit by unit, on one process or several, and go on where a stopped run left off."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch

from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.training.answers import Measured, measured, plain
from seagull_iqa.training.workers import spread

FORMAT = "seagull-evaluation"
VERSION = 1


class Bench(Protocol):
    """A data set made ready for one model: what it is measured on, in units that stand alone."""

    @property
    def units(self) -> Sequence[str]:
        """Unique names; a photograph or an image each."""

    @property
    def looks(self) -> int:
        """How many results all units give together, for the progress."""

    @property
    def key(self) -> Mapping[str, object]:
        """What decides the results: data, model, rows. Results of another key are never mixed with these."""

    def measure(self, unit: int) -> Iterator[Measured]:
        """The results of one unit, as they are found."""


class BenchRecipe(Hashable, Protocol):
    """How another process makes the same bench; picklable."""

    def bench(self) -> Bench:
        """Load the model and open the data set."""


@dataclass(frozen=True)
class Found:
    """One result of one unit."""

    unit: str
    result: Measured


class WorkFile:
    """Results so far, a line a unit, so that a run that was stopped or killed goes on from there.

    Parameters
    ----------
    path : Path or None
        None keeps nothing.
    key : mapping
        As `Bench.key`.

    Raises
    ------
    SeagullError
        The file is of another data set or model, is no such file, or cannot be written.
    """

    def __init__(self, path: Path | None, key: Mapping[str, object]) -> None:
        self._path = path
        self.done: dict[str, list[Measured]] = {}
        if path is None:
            return
        head = json.dumps({"format": FORMAT, "version": VERSION, **key}, sort_keys=True)
        lines = self._read(path, head) if path.is_file() else []
        # Written anew: the last line of a run that was killed may be half a line.
        save_text(path, "".join(f"{line}\n" for line in [head, *lines]))

    def _read(self, path: Path, head: str) -> list[str]:
        text = path.read_text(encoding="utf-8", errors="replace")
        if text and text.partition("\n")[0] != head:
            raise SeagullError(
                f"{path} holds results of another data set, model or choice of rows.", "Give a new file name."
            )
        lines = [line for line in text.splitlines(keepends=True)[1:] if line.endswith("\n")]
        for line in lines:
            row = json.loads(line)
            self.done[row["unit"]] = [measured(one) for one in row["results"]]
        return [line.rstrip("\n") for line in lines]

    def add(self, unit: str, results: Sequence[Measured]) -> None:
        """Keep the results of one unit."""
        if self._path is None:
            return
        row: dict[str, Any] = {"unit": unit, "results": [plain(one) for one in results]}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def measure_all(recipe: BenchRecipe, bench: Bench, workers: int, work: WorkFile) -> Iterator[Found]:
    """Every result of every unit in the order of the units; those that `work` has are not measured again."""
    left = [at for at, unit in enumerate(bench.units) if unit not in work.done]
    fresh = _here(bench, left) if workers <= 1 else spread(_measure_unit, [(recipe, at) for at in left], workers)
    for unit in bench.units:
        kept = work.done.get(unit)
        results: list[Measured] = []
        for result in next(fresh) if kept is None else kept:
            results.append(result)
            yield Found(unit, result)
        if kept is None:
            work.add(unit, results)


def _here(bench: Bench, left: Sequence[int]) -> Iterator[Iterable[Measured]]:
    for at in left:
        yield bench.measure(at)


@lru_cache(maxsize=1)
def _bench_of(recipe: BenchRecipe) -> Bench:
    return recipe.bench()


def _measure_unit(task: tuple[BenchRecipe, int]) -> list[Measured]:
    recipe, at = task
    torch.set_num_threads(1)
    return list(_bench_of(recipe).measure(at))
