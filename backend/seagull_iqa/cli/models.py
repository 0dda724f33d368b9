"""Get the model that a command asks, or say what to install."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import BackendMissingError, ModelError
from seagull_iqa.hub.amounts import gigabytes

if TYPE_CHECKING:
    from seagull_iqa.domain.model_offer import ModelOffer
    from seagull_iqa.models.interface import QualityModel

ModelOption = Annotated[
    str,
    typer.Option("--model", metavar="NAME|PATH", help="A name (`seagull models list`), a file or a folder."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="Numbers of the full model's weights; auto takes the best that fits.")
]

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


def load(name_or_path: str, device: str, precision: Precision = Precision.AUTO) -> QualityModel:
    """The model of that name or at that path; what a full model will take is said beforehand.

    Raises
    ------
    BackendMissingError
        The base install has no torch.
    """
    try:
        from seagull_iqa import registry
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    plan = registry.plan_load(name_or_path, device, precision)
    if plan is not None:
        console.remark(plan.remark)
    with console.progress_bar("loading the model") as follow:
        return registry.load_model(name_or_path, device, precision, progress=follow)


def fitting(one: ModelOffer) -> str:
    """How it would be loaded here; empty where torch is not there to tell."""
    from seagull_iqa.hub.memory import choose_precision, free_bytes
    from seagull_iqa.registry import choose_device

    if len(one.needs) < 2:
        return ""
    try:
        device = choose_device().name
        free = free_bytes(device)
        chosen = choose_precision(device, one.needs, free, name=one.name)
    except BackendMissingError:
        return ""
    except ModelError as error:
        return str(error)
    return f"On this machine: {chosen} on {device}, {gigabytes(free)} of memory free."
