"""A seagull-mini on disk: one safetensors file with its sizes and calibration in the metadata."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.mini.config import MiniConfig
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


def save_weights(network: MiniNetwork, path: Path, *, calibration: Calibration | None = None) -> None:
    """Write weights in half precision, whole or not at all."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "config": json.dumps(network.config.to_dict()),
        "calibration": json.dumps(asdict(calibration or Calibration())),
    }
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
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} is not a safetensors file.", "Fetch or train the weights again.") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} holds no seagull-mini weights.", "Give a file that `seagull train` wrote.")
    try:
        config, values = json.loads(metadata["config"]), json.loads(metadata["calibration"])
        fitted: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        network, calibration = MiniNetwork(MiniConfig.from_dict(config)), Calibration(**fitted)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"What {path.name} says of its sizes and calibration is not understood.", "Use an unedited weights file."
        ) from error
    _check_keys(network, tensors, path)
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    return network.eval(), calibration


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
