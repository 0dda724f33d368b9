"""Which models there are, and how one is loaded by name or path."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.errors import BackendMissingError, CheckpointError, ModelError, UnknownModelError

if TYPE_CHECKING:
    from seagull_iqa.models.interface import QualityModel

DEFAULT = "seagull-mini"

SHIPPED = Path(__file__).parent / "models" / "weights"
"""Folder of the weights inside the package."""


@dataclass(frozen=True)
class ModelFile:
    """A model that can be loaded: its name, where its weights lie, and how large they are."""

    name: str
    path: Path
    present: bool
    nbytes: int


def models() -> list[ModelFile]:
    """The models known by name."""
    path = SHIPPED / f"{DEFAULT}.safetensors"
    present = path.is_file()
    return [ModelFile(DEFAULT, path, present, path.stat().st_size if present else 0)]


def resolve(name_or_path: str) -> Path:
    """The weights file behind a name, a file or a folder.

    Raises
    ------
    UnknownModelError
        Neither a known name nor a path that exists.
    """
    for known in models():
        if name_or_path == known.name:
            if not known.present:
                raise CheckpointError(f"The weights of {known.name} are not in this installation.", "Install it again.")
            return known.path
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        found = sorted(path.glob("*.safetensors"))
        if len(found) != 1:
            raise UnknownModelError(
                f"The folder {path} holds {len(found)} safetensors files instead of one.", "Name the file itself."
            )
        return found[0]
    if path.is_file():
        return path
    known_names = ", ".join(m.name for m in models())
    raise UnknownModelError(
        f"There is no model '{name_or_path}'.", f"Use one of {known_names}, or the path of a weights file."
    )


def read_card(weights: Path) -> ModelCard:
    """The card beside the weights (same name, .json), its sha256 and file name filled in where it says nothing."""
    sha = hashlib.sha256(weights.read_bytes()).hexdigest()
    path = weights.with_suffix(".json")
    if not path.is_file():
        return ModelCard(id=f"{weights.stem}-{sha[:8]}", sha256=sha)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        card = ModelCard(**{f.name: values[f.name] for f in fields(ModelCard) if f.name in values})
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"The card {path.name} cannot be read: {error}.", "Fetch the model again.") from error
    if card.sha256 and card.sha256 != sha:
        raise CheckpointError(
            f"{weights.name} is not the file that {path.name} describes (its SHA-256 differs).",
            "Fetch the model again.",
        )
    return ModelCard(**{**asdict(card), "sha256": sha})


@dataclass(frozen=True)
class Device:
    """Where a model computes, and why there."""

    name: str
    why: str


def choose_device(wanted: str = "auto") -> Device:
    """Pick where to compute.

    Parameters
    ----------
    wanted : str
        "auto", or a torch device: "cpu", "cuda", "cuda:1", "mps".

    Raises
    ------
    BackendMissingError
        torch is not installed.
    ModelError
        The wanted device is not there.
    """
    if importlib.util.find_spec("torch") is None:
        raise BackendMissingError(
            "The backend is not installed (torch is missing).", 'Run: pip install "napari-seagull[backend]"'
        )
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return Device("cuda", f"CUDA device {torch.cuda.get_device_name(0)}")
        if torch.backends.mps.is_available():
            return Device("mps", "Apple GPU (Metal)")
        why = "this torch has no CUDA" if torch.version.cuda is None else "no CUDA device was found"
        return Device("cpu", f"{why}, so the CPU is used")
    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"The device '{wanted}' cannot be used: {reason}", "Use --device auto.") from error
    return Device(wanted, "asked for")


def load_model(name_or_path: str = DEFAULT, device: str = "auto") -> QualityModel:
    """Load a model, ready to look.

    Parameters
    ----------
    name_or_path : str
        A name of `models()`, a weights file, or a folder with one.
    device : str
        See `choose_device`.

    Raises
    ------
    BackendMissingError, UnknownModelError, CheckpointError, ModelError
    """
    chosen = choose_device(device)
    from seagull_iqa.models.mini.checkpoint import load_weights
    from seagull_iqa.models.mini.fuse import fused
    from seagull_iqa.models.mini.model import SeagullMini

    path = resolve(name_or_path)
    network, calibration = load_weights(path)
    return SeagullMini(fused(network).to(chosen.name), calibration, read_card(path))
