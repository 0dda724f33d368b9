"""How a folder with the full model would be loaded: on what, in which numbers, and what a person should know first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.domain.precision import Precision
from seagull_iqa.hub.amounts import gigabytes
from seagull_iqa.hub.memory import choose_precision, free_bytes, needs, size_of
from seagull_iqa.models.full.layout import read_layout


@dataclass(frozen=True)
class LoadPlan:
    """What `registry.load_model` will do.

    Attributes
    ----------
    name : str
        "seagull-7b", or the folder's name.
    folder : Path
    device : str
    precision : Precision
        Never AUTO.
    needed, free : int
        Bytes on the device, estimated; 0 free means not known.
    remark : str
        What a person should know before it begins, in a sentence or two.
    """

    name: str
    folder: Path
    device: str
    precision: Precision
    needed: int
    free: int
    remark: str


def plan_folder(name: str, folder: Path, device: str, wanted: Precision = Precision.AUTO) -> LoadPlan:
    """Decide how to load, before a tensor is read.

    Raises
    ------
    CheckpointError
        The folder is not whole.
    OutOfMemoryError
        It does not fit; says what would.
    ModelError
        The device cannot compute in that precision.
    """
    layout = read_layout(folder)
    stored = sum(path.stat().st_size for path in layout.weight_files) // 2
    wants = needs(size_of(layout.config, stored))
    free = free_bytes(device)
    precision = choose_precision(device, wants, free, wanted, name=name)
    needed = next(one.nbytes for one in wants if one.precision is precision)
    return LoadPlan(name, folder, device, precision, needed, free, _remark(name, device, precision, needed, free))


def _remark(name: str, device: str, precision: Precision, needed: int, free: int) -> str:
    room = f", of {gigabytes(free)} free" if free else ""
    said = f"{name} in {precision} on {device}: about {gigabytes(needed)} of memory{room}."
    if device.startswith(("cuda", "mps")):
        return said
    return f"{said} On a CPU the full model works but is slow: expect minutes for an image, and a wait at the start."
