"""What every benchmark shares: fair minima of many runs, the machine's load, and a line a goal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.samples import samples

RUNS = 25
"""An absolute figure is the minimum of that many."""


@dataclass(frozen=True)
class Goal:
    """One figure against its bound; `bound` None where it is told without one."""

    what: str
    value: float
    bound: float | None = None
    unit: str = "x"
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the bound is kept; true where there is none."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        measured = f"{self.what}: {self.value:.3g} {self.unit}"
        if self.bound is None:
            return measured
        sign = "at least" if self.at_least else "at most"
        return f"{measured} ({sign} {self.bound:.3g}) {'met' if self.met else 'NOT met'}"

    def to_json(self) -> dict[str, object]:
        """As plain JSON values, for run_all.py."""
        return {**asdict(self), "met": self.met}


def load_average() -> float | None:
    """Processes that want the CPU, mean of the last minute; None where the system does not say (Windows)."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def machine() -> str:
    """Cores, load average and the thread settings the figures were taken with."""
    load = load_average()
    said = "not known" if load is None else f"{load:.2f}"
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return f"{os.cpu_count()} cores, load average {said}, OMP_NUM_THREADS {threads}"


def minima(steps: Mapping[str, Callable[[], object]], runs: int = RUNS) -> dict[str, float]:
    """Fastest of `runs` of every step, in s. The steps take turns, in order, so that all meet the same load."""
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(runs):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def photograph(height: int, width: int) -> RGBImage:
    """A shipped photograph, scaled and cut to that size: uint8 (height, width, 3)."""
    source = Image.fromarray(samples()[0].read().rgb)
    scale = max(height / source.height, width / source.width)
    scaled = source.resize((round(source.width * scale), round(source.height * scale)), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(scaled)[:height, :width])


def regions(count: int, height: int, width: int, *, seed: int = 0) -> list[Region]:
    """Boxes and ellipses of 2-25 % of the image, anywhere in it; the same for the same seed."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    found = []
    for index in range(count):
        half_height, half_width = generator.uniform(0.07, 0.25, 2) * (height, width)
        row, column = generator.uniform(0.25, 0.75, 2) * (height, width)
        away = np.stack([np.abs(rows - row) / half_height, np.abs(columns - column) / half_width])
        inside = (away <= 1).all(axis=0) if index % 2 else (away**2).sum(axis=0) <= 1
        found.append(Region(RegionMask.from_pixels(inside)))
    return found
