"""Which models there are, and how one is loaded by name or path."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ProgressCallback, ignore_progress
from seagull_iqa.errors import BackendMissingError, CheckpointError, ModelError, UnknownModelError
from seagull_iqa.hub.amounts import gigabytes
from seagull_iqa.hub.catalogue import FULL, MINI, SHIPPED, model_home, offer, offers
from seagull_iqa.hub.planning import LoadPlan, plan_folder
from seagull_iqa.hub.tuned import tuned_adapter, tuned_offers, tuned_weights
from seagull_iqa.models.full.layout import is_adapter, is_seagull_folder

if TYPE_CHECKING:
    from seagull_iqa.models.interface import QualityModel

DEFAULT = MINI
FULL_PACKAGES = ("transformers", "sentencepiece", "bitsandbytes", "safetensors")
"""What the full model needs besides torch."""


@dataclass(frozen=True)
class ModelFile:
    """A model that can be loaded: its name, where its weights lie, and how large they are."""

    name: str
    path: Path
    present: bool
    nbytes: int


def models() -> list[ModelFile]:
    """The models whose weights ship with the package; `hub.catalogue.offers` knows all."""
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
    tuned = tuned_weights(name_or_path)
    if tuned is not None:
        return tuned
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
    known_names = ", ".join(one.name for one in (*offers(), *tuned_offers()))
    raise UnknownModelError(
        f"There is no model '{name_or_path}'.", f"Use one of {known_names}, or the path of a weights file or folder."
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


def plan_load(
    name_or_path: str = DEFAULT, device: str = "auto", precision: Precision = Precision.AUTO
) -> LoadPlan | None:
    """What `load_model` would do, refused at once where it cannot work; no tensor is read.

    Returns
    -------
    LoadPlan or None
        None for seagull-mini and its kind, which fit everywhere.

    Raises
    ------
    BackendMissingError, UnknownModelError, CheckpointError, OutOfMemoryError, ModelError
        As `load_model`, except that mini's weights are not opened.
    """
    chosen = choose_device(device)
    folder = _full_folder(name_or_path)
    if folder is None:
        _refuse_precision(name_or_path, precision)
        resolve(name_or_path)
        return None
    _check_full_packages()
    return plan_folder(FULL if name_or_path == FULL else folder.name, folder, chosen.name, precision)


def full_folder(name_or_path: str) -> Path:
    """The folder of a full model.

    Raises
    ------
    CheckpointError
        "seagull-7b" is not downloaded, or the folder is not whole.
    UnknownModelError
        It is another kind of model, or nothing at all.
    """
    folder = _full_folder(name_or_path)
    if folder is None:
        raise UnknownModelError(
            f"'{name_or_path}' is no full model.", f"Use {FULL}, or a folder with the checkpoint as it was published."
        )
    return folder


def full_base(name_or_path: str) -> Path | None:
    """The folder of the full model that fine-tuning would begin from; None where the name is of a small model.

    Raises
    ------
    CheckpointError
        "seagull-7b" is not downloaded.
    ModelError
        It is itself fine-tuned.
    """
    folder = _full_folder(name_or_path)
    if folder is not None and is_adapter(folder):
        raise ModelError(
            f"{name_or_path} is itself an adapter, and one cannot be put on another.",
            "Begin from its base, with all labels.",
        )
    return folder


def _full_folder(name_or_path: str) -> Path | None:
    """The folder of the full model behind a name or a path; None where it is another kind of model."""
    tuned = tuned_adapter(name_or_path)
    if tuned is not None:
        return tuned
    if name_or_path != FULL:
        path = Path(name_or_path).expanduser()
        return path.resolve() if is_seagull_folder(path) else None
    state = offer(FULL)
    if state.state is OfferState.READY:
        return model_home() / FULL
    lies = "only in part" if state.state is OfferState.PARTIAL else "not"
    raise CheckpointError(
        f"{FULL} is {lies} on this machine, in {model_home() / FULL}.",
        f"Run `seagull models download {FULL}` ({gigabytes(state.download_bytes)}).",
    )


def _refuse_precision(name: str, precision: Precision) -> None:
    if precision not in (Precision.AUTO, Precision.FP32):
        raise ModelError(f"{name} computes in fp32 only, not in {precision}.", "Leave --precision away.")


def _check_full_packages() -> None:
    # bitsandbytes is left out: without it everything but 8 and 4 bits works.
    missing = [name for name in FULL_PACKAGES if name != "bitsandbytes" and importlib.util.find_spec(name) is None]
    if missing:
        raise BackendMissingError(
            f"The full model needs packages that are not installed ({', '.join(missing)}).",
            'Run: pip install "napari-seagull[full]"',
        )


def load_model(
    name_or_path: str = DEFAULT,
    device: str = "auto",
    precision: Precision = Precision.AUTO,
    *,
    progress: ProgressCallback = ignore_progress,
) -> QualityModel:
    """Load a model, ready to look.

    Parameters
    ----------
    name_or_path : str
        "seagull-mini", "seagull-7b" once it is downloaded, a weights file or a folder with one, or a folder with the
        full model, as published or converted.
    device : str
        See `choose_device`.
    precision : Precision
        AUTO: the best that fits, see `hub.memory.candidates`.
    progress : callable
        Told how far loading is; cancels by raising.

    Raises
    ------
    BackendMissingError, UnknownModelError, CheckpointError, OutOfMemoryError, ModelError
    """
    plan = plan_load(name_or_path, device, precision)
    if plan is not None:
        from seagull_iqa.models.full.checkpoint import load_seagull

        return load_seagull(plan.folder, device=plan.device, precision=plan.precision, progress=progress)
    from seagull_iqa.models.mini.checkpoint import load_corrections, load_weights
    from seagull_iqa.models.mini.fuse import fused
    from seagull_iqa.models.mini.model import SeagullMini

    path = resolve(name_or_path)
    network, calibration = load_weights(path)
    network = fused(network).to(choose_device(device).name)
    return SeagullMini(network, calibration, read_card(path), load_corrections(path))
