"""Adapters in peft's layout: a folder that says how the weights of another model are changed as they are read."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.full.layout import ADAPTER_CONFIG

ADAPTER_WEIGHTS = "adapter_model.safetensors"
PARTS_WEIGHTS = "seagull_parts.safetensors"
"""Ours, beside peft's files: whole tensors, by their public names, that take the place of the base's."""

PREFIX = "base_model.model."
_AGAIN = "Train the adapter again, or fetch it again."


class Adapter:
    """What a folder with an adapter changes.

    Raises
    ------
    CheckpointError
        A file is missing, cannot be read, or says what is not understood.
    """

    def __init__(self, folder: Path) -> None:
        self._name = folder.name
        try:
            config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
            self._scale = float(config["lora_alpha"]) / int(config["r"])
            lora = load_file(folder / ADAPTER_WEIGHTS)
            parts = folder / PARTS_WEIGHTS
            self._parts = load_file(parts) if parts.is_file() else {}
        except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, SafetensorError) as error:
            raise CheckpointError(f"The adapter in {folder} cannot be read: {error}.", _AGAIN) from error
        if config.get("use_dora") or config.get("use_rslora") or config.get("rank_pattern"):
            raise CheckpointError(f"The adapter in {folder} is not of the plain kind (LoRA).", "Merge it with peft.")
        self._lora = {name.removeprefix(PREFIX): value for name, value in lora.items()}

    def check(self, names: set[str]) -> None:
        """Raise `CheckpointError` where it changes a tensor that is not among `names`."""
        wanted = {f"{name.partition('.lora_')[0]}.weight" for name in self._lora} | self._parts.keys()
        if strange := sorted(wanted - names):
            raise CheckpointError(
                f"The adapter {self._name} belongs to another model: it changes {', '.join(strange[:3])}.", _AGAIN
            )

    def applied(self, name: str, tensor: Tensor) -> Tensor:
        """A tensor of the base, by its public name, as the adapter leaves it; in the same numbers."""
        if name in self._parts:
            return self._fitting(name, self._parts[name], tensor).to(tensor.dtype)
        layer = name.removesuffix(".weight")
        down, up = (self._lora.get(f"{layer}.lora_{side}.weight") for side in "AB")
        if down is None or up is None:
            return tensor
        change = self._fitting(name, up.float() @ down.float(), tensor)
        return (tensor.float() + self._scale * change).to(tensor.dtype)

    def _fitting(self, name: str, change: Tensor, tensor: Tensor) -> Tensor:
        if change.shape != tensor.shape:
            raise CheckpointError(f"The adapter {self._name} belongs to a model of another size: {name}.", _AGAIN)
        return change
