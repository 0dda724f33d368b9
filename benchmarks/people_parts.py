"""What the agreement with people's scores is made of: photographs in folds, features of them, and readouts of those."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import torch
from held_out import followed
from numpy.typing import NDArray
from PIL import Image
from scipy.special import gamma
from torch import Tensor

from seagull_iqa.data.labelled import LabelledImage, WholePlace
from seagull_iqa.data.readers_csv import CsvList
from seagull_iqa.errors import SeagullError
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.metrics import Indices, Values
from seagull_iqa.training.natural_scenes import LUMA, asymmetric_fit, local_contrast

FOLDS = 5
FEWEST = 10
"""Photographs in a fold below which its correlation says nothing."""

CELL = 32
"""Px of the image per cell of the deepest level of a network."""

_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))

Plane = NDArray[np.float64]
"""float64, shape (N, D): a row of features a photograph."""

Measure = Callable[[RGBImage], float | Sequence[float] | Values]
"""What is measured of one photograph: uint8 (H, W, 3) -> D numbers, or one."""


@dataclass(frozen=True, eq=False)
class People:
    """Photographs that people scored, fold after fold.

    Attributes
    ----------
    images : tuple of LabelledImage, length N
    files : tuple of Path, length N
    mos : float64, shape (N,), 0..100
    fold : int, shape (N,), 0..4
    """

    images: tuple[LabelledImage, ...]
    files: tuple[Path, ...]
    mos: Values
    fold: Indices

    @classmethod
    def read(cls, folder: Path, photos: int | None = None) -> People:
        """The rows fold0 to fold4 of a folder's mos.csv, or the first so many of each; no other row is looked at.

        Raises
        ------
        SeagullError
            No such list or image, a fold of fewer than ten, or a photograph that stands twice.
        """
        if not (folder / "mos.csv").is_file():
            raise SeagullError(f"{folder} holds no mos.csv.", "Name the folder with mos.csv and images/ with --data.")
        images: list[LabelledImage] = []
        fold: list[int] = []
        for number in range(FOLDS):
            where = {"use": {f"fold{number}"}}
            own = list(CsvList(folder / "mos.csv", folder / "images", where=where)())
            own = own if photos is None else own[: max(photos, 0)]
            if len(own) < FEWEST:
                raise SeagullError(
                    f"fold{number} has {len(own)} photographs, which is too few to speak of.", f"Give {FEWEST} or more."
                )
            images += own
            fold += [number] * len(own)
        files = tuple(folder / "images" / image.name for image in images)
        _check(images, files)
        mos = [region.quality for image in images for region in image.regions]
        return cls(tuple(images), files, np.array(mos, dtype=np.float64), np.array(fold, dtype=np.intp))

    @property
    def keys(self) -> list[str]:
        """Name and size in bytes of every photograph's file."""
        return [f"{file.name} {file.stat().st_size}" for file in self.files]


def _check(images: Sequence[LabelledImage], files: Sequence[Path]) -> None:
    names: set[str] = set()
    for image, file in zip(images, files, strict=True):
        if image.name in names or len(image.regions) != 1:
            raise SeagullError(f"{image.name} stands in more than one row of a fold.", "Leave one of them.")
        if not isinstance(image.regions[0].place, WholePlace):
            raise SeagullError(f"{image.name} has a score of a box.", "Give scores of whole photographs.")
        if not file.is_file():
            raise SeagullError(f"{file} is not there.", "Leave its row out, or put it there.")
        names.add(image.name)


class Kept:
    """Figures of photographs, in a file between runs: of each photograph under its name and size."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what is in the file, where there is one; `SeagullError` where it is another kind of file."""
        self._path = path
        self._found: dict[str, dict[str, Values]] = {}
        if path is None or not path.is_file():
            return
        try:
            with np.load(path, allow_pickle=False) as file:
                for what in file["what"].tolist():
                    keys, values = file[f"keys of {what}"].tolist(), file[f"values of {what}"]
                    self._found[what] = dict(zip(keys, values, strict=True))
        except (OSError, ValueError, KeyError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            raise SeagullError(f"{path} holds no figures of photographs.", "Name another file with --work.") from error

    def of(self, what: str, people: People, measure: Measure) -> Plane:
        """What is measured of every photograph, taken from the file where it was measured before.

        Parameters
        ----------
        what : str
            Names the measure, and the file that it depends on; the same name is the same measure.
        """
        known = self._found.setdefault(what, {})
        keys = people.keys
        wanted = [at for at, key in enumerate(keys) if key not in known]
        try:
            for at in followed(wanted, f"photographs: {what.split(', ')[0]}"):
                known[keys[at]] = np.atleast_1d(np.asarray(measure(people.images[at].rgb()), dtype=np.float64))
        finally:
            if wanted:
                self._write()
        return np.stack([known[key] for key in keys])

    def _write(self) -> None:
        if self._path is None:
            return
        found = {what: one for what, one in self._found.items() if one}
        arrays: dict[str, NDArray[np.generic]] = {"what": np.array(list(found), dtype=np.str_)}
        for what, one in found.items():
            arrays[f"keys of {what}"] = np.array(list(one), dtype=np.str_)
            arrays[f"values of {what}"] = np.stack(list(one.values()))
        part = self._path.with_name(self._path.name + ".part")
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(self._path)


def brisque_features(rgb: RGBImage) -> list[float]:
    """BRISQUE's 36 (Mittal and others, 2012): 18 of the photograph, 18 of it at half its size."""
    full = (rgb @ LUMA).astype(np.float32)
    size = (max(1, full.shape[1] // 2), max(1, full.shape[0] // 2))
    half = np.asarray(Image.fromarray(full).resize(size, Image.Resampling.BICUBIC))
    return [value for plane in (full, half) for value in _of_a_scale(local_contrast(plane, "nearest"))]


def _of_a_scale(contrast: Plane) -> list[float]:
    """Shape and variance of the coefficients; shape, mean and both variances of four products with a neighbour's."""
    shape, _mean, _left, variance = _fit(np.stack([contrast, -contrast]))  # made symmetric, as is the Gaussian meant
    found = [shape, variance]
    for shift in _SHIFTS:
        found += _fit(np.roll(contrast, shift, axis=(0, 1)) * contrast)
    return found


def _fit(values: Plane) -> tuple[float, float, float, float]:
    """As `asymmetric_fit`, whose numbers are those of NIQE's parameters, in BRISQUE's terms: variances for widths."""
    shape, mean, left, right = asymmetric_fit(values)
    scale = float(np.sqrt(gamma(1 / shape) / gamma(3 / shape)))
    return shape, mean / scale, (left / scale) ** 2, (right / scale) ** 2


def whole_cells(rgb: RGBImage) -> Tensor:
    """Continued by reflection to whole cells of 32 px: uint8 (H, W, 3) -> uint8 (1, 3, H', W')."""
    rows, columns = (-int(side) % CELL for side in rgb.shape[:2])
    padded = np.pad(rgb, ((0, rows), (0, columns), (0, 0)), mode="symmetric")
    return torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]


def pooled(levels: Sequence[Tensor]) -> Values:
    """Mean and standard deviation over places of every channel: (1, C, h, w) each -> float64, shape (2 sum C,)."""
    flat = [level[0].flatten(1).double() for level in levels]
    found: Values = torch.cat([torch.cat([one.mean(1), one.std(1, correction=0)]) for one in flat]).numpy()
    return found


Readout = Callable[[Plane, Values, Plane], Values]
"""Learns from features (N, D) and scores (N,), and says scores of other features: (M, D) -> (M,)."""


@dataclass(frozen=True)
class Kernel:
    """Kernel ridge regression: linear without a width, else with a Gaussian; features are put to unit deviation."""

    strength: float
    width: float | None = None

    def __call__(self, features: Plane, scores: Values, asked: Plane) -> Values:
        """As `Readout`."""
        known, other = standardised(features, asked)
        middle = scores.mean()
        held = self._of(known, known) + self.strength * np.eye(len(known))
        weights = np.linalg.solve(held, scores - middle)
        said: Values = self._of(other, known) @ weights + middle
        return said

    def _of(self, some: Plane, others: Plane) -> Plane:
        alike: Plane = some @ others.T / some.shape[1]
        if self.width is None:
            return alike
        apart = (some**2).mean(1)[:, None] + (others**2).mean(1)[None] - 2 * alike
        near: Plane = np.exp(-apart.clip(min=0) / (2 * self.width**2))
        return near


@dataclass(frozen=True)
class SupportVectors:
    """Support vector regression of scikit-learn with a Gaussian kernel."""

    price: float
    width: float

    def __call__(self, features: Plane, scores: Values, asked: Plane) -> Values:
        """As `Readout`."""
        known, other = standardised(features, asked)
        middle, spread = scores.mean(), scores.std() or 1.0
        coefficient = 1 / (2 * self.width**2 * known.shape[1])
        machine = importlib.import_module("sklearn.svm").SVR(C=self.price, gamma=coefficient, epsilon=0.1)
        said: Values = machine.fit(known, (scores - middle) / spread).predict(other) * spread + middle
        return said


WIDTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
RIDGES: tuple[Readout, ...] = tuple(Kernel(float(one)) for one in np.logspace(-3, 2, 11))
"""Linear, weakly to strongly held."""

GAUSSIANS: tuple[Readout, ...] = tuple(
    Kernel(float(one), width) for one, width in product(np.logspace(-3, 1, 9), WIDTHS)
)


def radial() -> tuple[str, tuple[Readout, ...]]:
    """The regression with a Gaussian kernel that can be had here: its name, and its settings to choose among."""
    if find_spec("sklearn") is None:
        return "kernel ridge", GAUSSIANS
    prices = (0.3, 1.0, 3.0, 10.0, 30.0)
    return "support vectors", tuple(SupportVectors(price, width) for price, width in product(prices, WIDTHS))


def standardised(features: Plane, *others: Plane) -> list[Plane]:
    """Features and others to the mean and deviation of the first; what does not vary there becomes 0."""
    middle, spread = features.mean(0), features.std(0)
    varies = spread > 1e-9 * (1 + np.abs(middle))
    return [np.where(varies, (one - middle) / np.where(varies, spread, 1.0), 0.0) for one in (features, *others)]


def chosen(readouts: Sequence[Readout], features: Plane, scores: Values, fold: Indices) -> Readout:
    """The readout with the least squared error in folds that it did not learn from, of these photographs alone."""
    errors = [float(((out_of_fold(one, features, scores, fold) - scores) ** 2).mean()) for one in readouts]
    return readouts[int(np.argmin(errors))]


def out_of_fold(readout: Readout, features: Plane, scores: Values, fold: Indices) -> Values:
    """What a readout says of each fold after it learned from the others: float64, shape (N,)."""
    said = np.empty(len(scores))
    for number in np.unique(fold):
        own = fold == number
        said[own] = readout(features[~own], scores[~own], features[own])
    return said


def read_out(readouts: Sequence[Readout], features: Plane, people: People) -> Values:
    """What is said of each fold by the readout chosen, and taught, on the other four: float64, shape (N,)."""
    said = np.empty(len(people.mos))
    for number in range(FOLDS):
        own = people.fold == number
        known, scores = features[~own], people.mos[~own]
        best = chosen(readouts, known, scores, people.fold[~own])
        said[own] = best(known, scores, features[own])
    return said
