"""What the measuring of a model on held-out photographs shares: its options, the model and the data, and its lines."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from seagull_iqa.data.protocol import Protocol
from seagull_iqa.models.interface import QualityModel
from seagull_iqa.registry import load_model
from seagull_iqa.training.metrics import Estimate, Values, estimate, photograph_draws

Item = TypeVar("Item")


def options(about: str | None) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with photos/; else what SEAGULL_DATA names")
    parser.add_argument("--model", default="seagull-mini", help="a model's name, or a weights file")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bootstrap", type=int, default=200, help="samples of photographs behind the intervals")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    return parser


def data_folder(given: Path | None) -> Path:
    """The folder that was named."""
    named = os.environ.get("SEAGULL_DATA")
    if given is None and not named:
        sys.exit("Name the folder that holds photos/ with --data, or set SEAGULL_DATA.")
    return given or Path(str(named))


def opened(given: argparse.Namespace) -> tuple[Protocol, QualityModel]:
    """The protocol and the model; one thread, so that two of these do not hinder one another."""
    torch.set_num_threads(1)
    return Protocol.load(data_folder(given.data)), load_model(given.model, given.device)


def followed(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items, one after the other, saying now and then how far it is."""
    said = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - said > 20:
            said = time.monotonic()
            print(f"  {done} of {len(items)} {what}", file=sys.stderr, flush=True)
        yield item


def mean(values: Iterable[float], photos: Iterable[str], draws: int) -> Estimate:
    """Mean of one value an image, those that are not defined left out; bootstrap over photographs."""
    found, group = np.array(list(values), dtype=np.float64), np.array(list(photos), dtype=np.str_)
    known = ~np.isnan(found)
    found, group = found[known], group[known]
    return estimate(lambda at: _mean(found[at]), found.size, photograph_draws(group, draws, seed=1))


def _mean(values: Values) -> float:
    return float(values.mean()) if values.size else float("nan")


@dataclass(frozen=True)
class Figure:
    """One line: what it is, the figure, and the goal where it has one."""

    what: str
    value: Estimate
    goal: float | None = None
    of: str = "images"

    def __str__(self) -> str:
        one = self.value
        goal = "" if self.goal is None else f"  (goal {self.goal:g}: {'met' if one.value >= self.goal else 'NOT met'})"
        ends = "" if np.isnan(one.low) else f"({one.low:.3f} to {one.high:.3f})"
        return f"{self.what:<58} {one.value:6.3f} {ends:<18} {one.cases:,} {self.of}{goal}"

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        one = self.value
        ends = [None if np.isnan(end) else end for end in (one.value, one.low, one.high)]
        return {"what": self.what, **dict(zip(("value", "low", "high"), ends, strict=True)),
                "cases": one.cases, "of": self.of, "goal": self.goal}  # fmt: skip


def tell(model: QualityModel, what: Mapping[str, object], figures: Sequence[Figure], path: Path | None) -> None:
    """Print the figures, and write them where asked."""
    about = {"model": model.card.id, "weights_sha256": model.card.sha256, **what}
    print(", ".join(f"{name} {value}" for name, value in about.items() if name != "weights_sha256"))
    for figure in figures:
        print(f"  {figure}")
    if path is not None:
        rows = [figure.to_json() for figure in figures]
        path.write_text(json.dumps({**about, "figures": rows}, indent=1), encoding="utf-8")
