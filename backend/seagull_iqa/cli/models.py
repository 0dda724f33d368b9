"""Get the model that a command asks, or say what to install."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.errors import BackendMissingError

if TYPE_CHECKING:
    from seagull_iqa.models.interface import QualityModel

ModelOption = Annotated[str, typer.Option("--model", metavar="NAME|PATH", help="Name of a model, or its file.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]

DEFAULT_MODEL = "seagull-mini"
BACKEND_PACKAGES = ("torch", "safetensors", "fastapi", "starlette", "uvicorn")


def backend_missing(error: ModuleNotFoundError) -> BackendMissingError:
    """The readable error for a package of the backend that is not installed; other modules are raised again."""
    name = (error.name or "").partition(".")[0]
    if name not in BACKEND_PACKAGES:
        raise error
    return BackendMissingError(
        f"The backend is not installed ({name} is missing).", 'Run `pip install "napari-seagull[backend]"`.'
    )


def load(name_or_path: str, device: str) -> QualityModel:
    """The model of that name or at that path.

    Raises
    ------
    BackendMissingError
        The base install has no torch.
    """
    try:
        from seagull_iqa.registry import load_model
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    with console.progress_bar("loading the model"):
        return load_model(name_or_path, device)
