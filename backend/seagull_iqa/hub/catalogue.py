"""Which models can be had by name, where their weights are or would be, and what they cost."""

from __future__ import annotations

import os
from pathlib import Path

from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import CheckpointError, UnknownModelError
from seagull_iqa.hub.amounts import folder_bytes
from seagull_iqa.hub.manifest import read_manifest, sizes_match
from seagull_iqa.hub.memory import PUBLIC_CONFIG, needs, size_of
from seagull_iqa.hub.sources import SOURCES
from seagull_iqa.models.full.layout import read_layout

HOME_VARIABLE = "SEAGULL_MODELS"
MINI = "seagull-mini"
FULL = "seagull-7b"

SHIPPED = Path(__file__).parent.parent / "models" / "weights"
"""Folder of the weights inside the package."""

LICENCE_FULL = (
    "The model card says MIT; its language model descends from LLaMA 2 by way of Vicuna, so the LLaMA 2 Community "
    "License applies to it."
)
_MINI_BYTES = 600 * 10**6


def model_home() -> Path:
    """Folder that holds a folder for every downloaded model.

    The environment's SEAGULL_MODELS, else the place for a program's data on this system: ~/.local/share on Linux,
    ~/Library/Application Support on macOS, %LOCALAPPDATA% on Windows, with napari-seagull/models in it. It need not
    exist.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("napari-seagull", appauthor=False) / "models"


def offers() -> list[ModelOffer]:
    """Every model that can be had by name, as things stand on this machine."""
    return [_mini(), _full()]


def offer(name: str) -> ModelOffer:
    """The model of that name.

    Raises
    ------
    UnknownModelError
        There is none; lists those there are.
    """
    found = {one.name: one for one in offers()}
    if name not in found:
        raise UnknownModelError(f"There is no model '{name}'.", f"Use one of {', '.join(found)}.")
    return found[name]


def _mini() -> ModelOffer:
    path = SHIPPED / f"{MINI}.safetensors"
    present = path.is_file()
    return ModelOffer(
        name=MINI,
        title="Small and fast, on any processor; ships with this package",
        licence="Apache-2.0, like this program.",
        state=OfferState.SHIPPED if present else OfferState.ABSENT,
        path=str(path) if present else "",
        present_bytes=path.stat().st_size if present else 0,
        needs=(MemoryNeed(Precision.FP32, _MINI_BYTES),),
    )


def _full() -> ModelOffer:
    source, folder = SOURCES[FULL], model_home() / FULL
    present = folder_bytes(folder)
    return ModelOffer(
        name=FULL,
        title="The public SEAGULL-7B: scores, distortions and answers in words; wants a GPU",
        licence=LICENCE_FULL,
        state=state_of(folder),
        source=f"https://huggingface.co/{source.repo}",
        revision=source.revision,
        path=str(folder),
        download_bytes=source.nbytes,
        present_bytes=present,
        needs=needs(size_of(PUBLIC_CONFIG)),
    )


def state_of(folder: Path) -> OfferState:
    """Whether a folder holds a whole model, a part of one, or nothing; by names and sizes, no hash is computed."""
    if not folder_bytes(folder):
        return OfferState.ABSENT
    try:
        manifest = read_manifest(folder)
        whole = manifest is not None and sizes_match(folder, manifest)
        if not whole:
            # A folder that came by hand has no manifest, a converted one has that of what it was made of.
            layout = read_layout(folder)
            whole = manifest is None or layout.converted
    except CheckpointError:
        whole = False
    return OfferState.READY if whole else OfferState.PARTIAL
