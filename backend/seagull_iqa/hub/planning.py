"""How a folder with the full model would be loaded: on what, in which numbers, and what a person should know first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import OutOfMemoryError
from seagull_iqa.hub.amounts import gigabytes
from seagull_iqa.hub.memory import choose_precision, free_bytes, needs, size_of
from seagull_iqa.models.full.layout import read_layout

_LEARNING_BYTES = 2_500_000
"""Of what a batch leaves for the way back, and of adapters with their optimizer, per number of hidden width: 10 GB at
4,096."""


_STEP_TOKENS = 7_000
"""Of a batch: four pictures, and sixteen questions with their answers about each."""

_GPU_SPEED, _CPU_SPEED = 2e14, 1e11
"""Operations a second that are reached: two fifths of a card's of 2022 in bf16, or two cores' in float32."""


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


def plan_training(name: str, folder: Path, device: str) -> Precision:
    """In what numbers a full model's own weights are kept while adapters beside them learn.

    Raises
    ------
    CheckpointError
        The folder is not whole.
    OutOfMemoryError
        Not even 4 bits fit.
    """
    if not device.startswith("cuda"):
        return Precision.FP32
    free, wants = free_bytes(device), training_needs(folder)
    for precision in (Precision.BF16, Precision.INT4):
        if wants[precision] <= free:
            return precision
    least = gigabytes(wants[Precision.INT4])
    raise OutOfMemoryError(
        f"Fine-tuning {name} takes about {least} on {device}, and {gigabytes(free)} are free.",
        "Close what uses the GPU, or fine-tune seagull-mini.",
    )


def training_needs(folder: Path) -> dict[Precision, int]:
    """Bytes that adapters of a full model take to learn, by what its own weights are kept in; estimated."""
    layout = read_layout(folder)
    size = size_of(layout.config, sum(path.stat().st_size for path in layout.weight_files) // 2)
    return {one.precision: one.nbytes + _LEARNING_BYTES * size.hidden for one in needs(size)}


def training_seconds(folder: Path, device: str, steps: int) -> float:
    """What so many steps of adapters take, in s, by counting operations; it may well be twice or half of that."""
    size = size_of(read_layout(folder).config)
    passes = 4  # forward, and twice that backward, and forward again since activations are not kept
    work = 2.0 * passes * size.linears * _STEP_TOKENS * steps
    return work / (_GPU_SPEED if device.startswith("cuda") else _CPU_SPEED)


def _remark(name: str, device: str, precision: Precision, needed: int, free: int) -> str:
    room = f", of {gigabytes(free)} free" if free else ""
    said = f"{name} in {precision} on {device}: about {gigabytes(needed)} of memory{room}."
    if device.startswith(("cuda", "mps")):
        return said
    return f"{said} On a CPU the full model works but is slow: expect minutes for an image, and a wait at the start."
