"""What training leaves of the full model: adapters in peft's layout, or the whole model as a converted checkpoint."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from seagull_iqa.domain.progress import ignore_progress
from seagull_iqa.models.full.adapter import ADAPTER_WEIGHTS, PARTS_WEIGHTS, PREFIX
from seagull_iqa.models.full.checkpoint import stored_tensors
from seagull_iqa.models.full.convert import write_tensors
from seagull_iqa.models.full.identity import SOURCE_FILE, card_of
from seagull_iqa.models.full.layout import Layout
from seagull_iqa.models.full.network import SeagullNetwork, public_name
from seagull_iqa.training.seagull_learner import Learns, lora_config

ADAPTER, MODEL = "adapter", "model"
"""Folders within that of a run."""


def write_adapter(network: SeagullNetwork, layout: Layout, learns: Learns, out: Path) -> Path:
    """Write what learned beside the base, whose files stay as they are; a folder that loads as a model."""
    state = network.state_dict()
    lora = {
        PREFIX + name.removeprefix("language.").replace(".default.", "."): _plain(value)
        for name, value in state.items()
        if ".lora_" in name
    }
    parts = {public_name(name): _plain(value) for name, value in state.items() if learns.moves(name)}

    def write(folder: Path) -> None:
        lora_config(learns, layout.folder.resolve()).save_pretrained(folder)
        save_file(lora, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
        if parts:
            save_file(parts, folder / PARTS_WEIGHTS, metadata={"format": "pt"})

    return _whole_or_not(out / ADAPTER, write)


def write_model(network: SeagullNetwork, layout: Layout, out: Path) -> Path:
    """Write all weights, in the numbers of the base; a folder that loads as a model."""
    state = {public_name(name): value for name, value in network.state_dict().items()}

    def tensors() -> Iterator[tuple[str, Tensor]]:
        for name, tensor in stored_tensors(layout):
            if name in state:
                yield name, _plain(state[name]).to(tensor.dtype)

    def write(folder: Path) -> None:
        write_tensors(layout, tensors(), folder, len(state), ignore_progress)
        card = card_of(layout, 0)
        source = {"licence": card.licence, "trained_on": f"{card.id}, trained on"}
        (folder / SOURCE_FILE).write_text(json.dumps(source, indent=2), encoding="utf-8")

    return _whole_or_not(out / MODEL, write)


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous()


def _whole_or_not(target: Path, write: Callable[[Path], None]) -> Path:
    """Take the place of an earlier folder once all is written."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".seagull-") as begun:
        folder = Path(begun) / target.name
        folder.mkdir()
        write(folder)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    return target
