"""A seagull-mini on disk: one safetensors file with its sizes and calibration in the metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.correction import Correction, Kernel
from seagull_iqa.models.mini.network import MiniNetwork

FORMAT = "seagull-mini/1"


@dataclass(frozen=True)
class Calibration:
    """What was fitted on photographs set aside, so that intervals and findings mean what they say."""

    quality_spread: float = 1.0
    """Factor on the quality distribution's spread, for 80 % intervals."""
    importance_spread: float = 1.0
    """The same for importance."""
    thresholds: tuple[float, ...] = (0.5,) * 7
    """Per type: the probability of "at least trivial" from which on it is a finding."""
    clean: float = 0.0
    """Measured share of truly clean regions in which nothing was found."""


MARK = "correction."
"""Names of the tensors of a correction begin with it; of several the number follows. Its plain numbers stand in the
metadata, those of several in a list."""

MOST_CORRECTIONS = 8

_ARRAYS = ("mean", "scale", "axes", "centres", "root")


def save_weights(
    network: MiniNetwork,
    path: Path,
    *,
    calibration: Calibration | None = None,
    corrections: Sequence[Correction] = (),
) -> None:
    """Write weights in half precision, whole or not at all; corrections beside them in double precision."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "config": json.dumps(network.config.to_dict()),
        "calibration": json.dumps(asdict(calibration or Calibration())),
    }
    said = []
    for place, one in enumerate(corrections):
        extra, numbers = _taken_apart(one, MARK if len(corrections) == 1 else f"{MARK}{place}.")
        tensors.update(extra)
        said.append(numbers)
    if said:
        metadata["correction"] = json.dumps(said[0] if len(said) == 1 else said)
    part = path.with_suffix(".part")
    save_file(tensors, str(part), metadata=metadata)
    part.replace(path)


def load_weights(path: Path) -> tuple[MiniNetwork, Calibration]:
    """Read what `save_weights` wrote, ready to score.

    Raises
    ------
    CheckpointError
        Not a safetensors file, not a seagull-mini, or keys missing or left over (named).
    """
    metadata, tensors = _read(path)
    tensors = {name: value for name, value in tensors.items() if not name.startswith(MARK)}
    try:
        config, values = json.loads(metadata["config"]), json.loads(metadata["calibration"])
        fitted: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        sizes, calibration = MiniConfig.from_dict(config), Calibration(**fitted)
        with torch.device("meta"):  # takes no memory, however large the file says that it is
            _check_keys(MiniNetwork(sizes), tensors, path)
        network = MiniNetwork(sizes)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"What {path.name} says of its sizes and calibration is not understood.", "Use an unedited weights file."
        ) from error
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    return network.eval(), calibration


def load_corrections(path: Path) -> tuple[Correction, ...]:
    """The corrections that people's labels have made, beside the weights, in the order in which they are applied.

    Raises
    ------
    CheckpointError
        They cannot be understood, hold what is no number, or are more than eight.
    """
    metadata, tensors = _read(path)
    if "correction" not in metadata:
        return ()
    try:
        numbers = json.loads(metadata["correction"])
        if not isinstance(numbers, list):
            return (_put_together(numbers, tensors, MARK),)
        if len(numbers) > MOST_CORRECTIONS:
            raise ValueError("too many")
        return tuple(_put_together(one, tensors, f"{MARK}{place}.") for place, one in enumerate(numbers))
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"The correction in {path.name} is not understood.", "Fine-tune again.") from error


def _put_together(numbers: dict[str, Any], tensors: dict[str, torch.Tensor], mark: str) -> Correction:
    arrays = {name[len(mark) :]: value.double().numpy() for name, value in tensors.items() if name.startswith(mark)}
    kernel = None
    if "centres" in arrays:
        mean, scale, axes, centres, root = (arrays[name] for name in _ARRAYS)
        length, reach, fade = (float(numbers[name]) for name in ("length", "reach", "fade"))
        kernel = Kernel(mean, scale, axes, centres, root, length, reach, fade)
    offset, slope = numbers["importance"]
    made = Correction(
        arrays["weights"], arrays["covariance"], float(numbers["noise"]), kernel,
        (float(offset), float(slope)), arrays.get("shifts"),
    )  # fmt: skip
    _check_correction(made)
    return made


def _check_correction(made: Correction) -> None:
    """`ValueError` where sizes do not go together, or something is no number."""
    size = 2 if made.kernel is None else 2 + len(made.kernel.centres)
    kernel = made.kernel
    arrays = [made.weights, made.covariance, *([] if made.shifts is None else [made.shifts])]
    if kernel is not None:
        arrays += [kernel.mean, kernel.scale, kernel.axes, kernel.centres, kernel.root]
        depth = kernel.axes.shape
        fits = kernel.mean.shape == kernel.scale.shape == depth[:1] and kernel.centres.shape[1:] == depth[1:]
        fits = fits and kernel.axes.ndim == 2 and kernel.root.shape == (size - 2, size - 2)
        if not (fits and kernel.length > 0 and kernel.fade > 0 and kernel.reach >= 0 and (kernel.scale > 0).all()):
            raise ValueError("sizes")
    if made.weights.shape != (size,) or made.covariance.shape != (size, size):
        raise ValueError("sizes")
    if made.shifts is not None and made.shifts.shape != (7,):
        raise ValueError("sizes")
    if not all(np.isfinite(one).all() for one in arrays) or not np.isfinite([made.noise, *made.importance]).all():
        raise ValueError("numbers")


def _taken_apart(made: Correction, mark: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    arrays = {"weights": made.weights, "covariance": made.covariance}
    numbers: dict[str, Any] = {"noise": made.noise, "importance": list(made.importance)}
    if made.shifts is not None:
        arrays["shifts"] = made.shifts
    if made.kernel is not None:
        arrays.update({name: getattr(made.kernel, name) for name in _ARRAYS})
        numbers.update(length=made.kernel.length, reach=made.kernel.reach, fade=made.kernel.fade)
    tensors = {mark + name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}
    return tensors, numbers


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} is not a safetensors file.", "Fetch or train the weights again.") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} holds no seagull-mini weights.", "Give a file that `seagull train` wrote.")
    return metadata, tensors


def _check_keys(network: MiniNetwork, tensors: dict[str, torch.Tensor], path: Path) -> None:
    wanted = network.state_dict()
    missing = sorted(wanted.keys() - tensors.keys())
    extra = sorted(tensors.keys() - wanted.keys())
    wrong = sorted(k for k in wanted.keys() & tensors.keys() if wanted[k].shape != tensors[k].shape)
    if missing or extra or wrong:
        raise CheckpointError(
            f"{path.name} does not fit: missing {missing or 'none'}, unexpected {extra or 'none'}, "
            f"of another shape {wrong or 'none'}.",
            "Use weights made by this version of napari-seagull.",
        )
