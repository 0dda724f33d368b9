"""What the ablations share: batches made once, held-out regions made once, and the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.data.photographs import load
from seagull_iqa.domain.distortion import SIGNAL_DISTORTIONS, TONE_DISTORTIONS, Distortion
from seagull_iqa.training.metrics import Estimate, Indices, Values, estimate, partial_srocc, photograph_draws, srocc
from seagull_iqa.training.samples import IGNORED, Chunk, make_sample
from seagull_iqa.training.task import Arrays, Source

HELD_OUT_SIDE = 320
CROPS = 3
"""Of each held-out photograph."""


@dataclass(frozen=True)
class KeptBatches:
    """Batches by number, made once and kept in files, so that every row learns from the same; then mirrored.

    Attributes
    ----------
    source : callable
        Makes a batch of a number.
    folder : Path
        Of the files.
    count : int
        How many there are; batch `count` is batch 0 again, mirrored.
    """

    source: Source
    folder: Path
    count: int

    def __call__(self, index: int) -> Arrays:
        """The batch of that number."""
        arrays = kept(self.folder / f"{index % self.count:05d}.npz", lambda: self.source(index % self.count))
        return Chunk.from_arrays(arrays).mirrored().to_arrays() if index // self.count % 2 else arrays


def kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """Arrays from a file; made and written where it is not there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, *make())
        part.replace(path)
    with np.load(path) as found:
        return [found[name] for name in found.files]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Crops of photographs that no row learns from, spoiled in always the same ways, with the labels of their regions.

    Attributes
    ----------
    crops : list of Chunk
        One crop each.
    photo : str array, shape (N,)
        Of every region; N = crops times regions.
    """

    crops: list[Chunk]
    photo: NDArray[np.str_]

    @classmethod
    def of(cls, paths: Sequence[Path], folder: Path, seed: int = 99) -> HeldOut:
        """Made once, and kept in files."""
        crops, photos = [], []
        for number, path in enumerate(paths):
            if min(_opened(path).shape[:2]) < HELD_OUT_SIDE:
                continue
            for turn in range(CROPS):
                rng = np.random.default_rng([seed, number, turn])
                file = folder / f"{path.stem}-{turn}.npz"
                arrays = kept(file, lambda p=path, r=rng: make_sample([_opened(p)], HELD_OUT_SIDE, r).to_arrays())
                crops.append(Chunk.from_arrays(arrays))
                photos += [path.name] * crops[-1].quality.shape[1]
        return cls(crops, np.array(photos, dtype=np.str_))

    @cached_property
    def quality(self) -> Values:
        """Labels of every region: float64, shape (N,), 0..100."""
        return np.concatenate([crop.quality.numpy().ravel() for crop in self.crops]).astype(np.float64)

    @cached_property
    def importance(self) -> Values:
        """Labels of every region: float64, shape (N,), 0..100."""
        return np.concatenate([crop.importance.numpy().ravel() for crop in self.crops]).astype(np.float64)

    @cached_property
    def log_area(self) -> Values:
        """Of every region: float64, shape (N,)."""
        return np.log(np.concatenate([crop.unpacked_masks().mean((2, 3)).numpy().ravel() for crop in self.crops]))

    def touched_only_by(self, types: Sequence[Distortion]) -> Indices:
        """Regions with one of these types at least, and no other."""
        severity = np.concatenate([crop.severity.numpy().reshape(-1, len(Distortion)) for crop in self.crops])
        mine = np.array([one in types for one in Distortion])
        clear = (severity != IGNORED).all(1) & (severity[:, ~mine] == 0).all(1)
        return np.flatnonzero(clear & (severity[:, mine] > 0).any(1))


@lru_cache(maxsize=1)
def _opened(path: Path) -> NDArray[np.uint8]:
    return load(path)


@dataclass(frozen=True, eq=False)
class Said:
    """What one trained network says of every held-out region: float64, shape (N,), 0..100."""

    quality: Values
    importance: Values


FIGURES = ("all", "signal", "tone", "importance", "given area")


def figure(name: str, said: Said, held_out: HeldOut, at: Indices) -> float:
    """One of `FIGURES`, an SROCC, on some of the regions."""
    if name in {"importance", "given area"}:
        both = said.importance[at], held_out.importance[at]
        return srocc(*both) if name == "importance" else partial_srocc(*both, held_out.log_area[at])
    return srocc(said.quality[at], held_out.quality[at])


def estimates(
    seeds: Sequence[Said], held_out: HeldOut, draws: int, full: Sequence[Said] = ()
) -> dict[str, Estimate]:
    """Every figure, the mean over seeds; less that of the full rows of the same seeds, where these are given.

    The intervals are over photographs, both rows on the same ones: they do not hold how seeds differ.
    """
    subsets = {
        **dict.fromkeys(FIGURES, np.arange(held_out.photo.size)),
        "signal": held_out.touched_only_by(SIGNAL_DISTORTIONS), "tone": held_out.touched_only_by(TONE_DISTORTIONS),
    }  # fmt: skip
    found = {}
    for name, some in subsets.items():
        signs = [(1.0, one) for one in seeds] + [(-1.0, one) for one in full]

        def mean(at: Indices, name: str = name, some: Indices = some, signs: list[tuple[float, Said]] = signs) -> float:
            total = sum(sign * figure(name, one, held_out, some[at]) for sign, one in signs)
            return float(total) / len(seeds)

        found[name] = estimate(mean, some.size, photograph_draws(held_out.photo[some], draws, seed=1))
    return found


def cell(one: Estimate, *, sign: str = "") -> str:
    """A figure with its interval."""
    return f"{one.value:{sign}.3f} ({one.low:{sign}.3f} to {one.high:{sign}.3f})"


def table(rows: Mapping[str, Sequence[Said]], held_out: HeldOut, draws: int) -> str:
    """The rows that there are, in Markdown; below the figures of each but the first, their distance to the first."""
    full = next(iter(rows.values()))
    lines = ["| row | seeds | " + " | ".join(FIGURES) + " |", "|" + "---|" * (2 + len(FIGURES))]
    for name, seeds in rows.items():
        own = estimates(seeds, held_out, draws)
        lines.append(f"| {name} | {len(seeds)} | " + " | ".join(cell(own[one]) for one in FIGURES) + " |")
        if seeds is not full and len(seeds) == len(full):
            away = estimates(seeds, held_out, draws, full)
            lines.append("| less full | | " + " | ".join(cell(away[one], sign="+") for one in FIGURES) + " |")
    return "\n".join(lines)
