"""Load the public checkpoint, or a converted one, tensor by tensor; what is missing or too much is named."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.full.adapter import Adapter
from seagull_iqa.models.full.config import SeagullConfig, Shapes, config_of
from seagull_iqa.models.full.engine import LanguageEngine
from seagull_iqa.models.full.identity import card_of
from seagull_iqa.models.full.layout import Layout, read_layout
from seagull_iqa.models.full.model import Seagull
from seagull_iqa.models.full.network import (
    SeagullNetwork,
    empty_network,
    expected_shapes,
    is_unused,
    public_names,
)
from seagull_iqa.models.full.quantise import QUANTISED, is_quantised_weight, quantised_linear
from seagull_iqa.models.full.tokens import Tokenizer

_SHOWN = 12
"""Keys that an error lists; the rest is counted."""

_TYPES = {
    Precision.FP32: torch.float32,
    Precision.BF16: torch.bfloat16,
    Precision.FP16: torch.float16,
}


def load_seagull(
    folder: Path, *, device: str, precision: Precision, progress: ProgressCallback = ignore_progress
) -> Seagull:
    """Load the full model, ready to look.

    Parameters
    ----------
    folder : Path
        In the public layout (two `.bin` shards and their index), or as `seagull models convert` writes it, or an
        adapter to one of these, which is merged into its weights.
    device : str
        A torch device.
    precision : Precision
        Not AUTO.
    progress : callable
        Steps are tensors.

    Raises
    ------
    CheckpointError
        Keys are missing or unexpected, or shapes differ; the message lists them.
    BackendMissingError
        8 or 4 bits without bitsandbytes.
    """
    layout = read_layout(folder)
    tokenizer = Tokenizer(layout)
    with torch.inference_mode():
        network = filled_network(layout, torch.device(device), precision, progress)
    sizes = network.config.language
    if max(tokenizer.global_id, tokenizer.local_id) >= sizes.vocabulary:
        raise CheckpointError(
            f"added_tokens.json goes beyond the {sizes.vocabulary} tokens of the model.", "Fetch the model again."
        )
    recorded = torch.device(device).type == "cuda" and precision not in QUANTISED
    engine = LanguageEngine(network.language, sizes, tokenizer.end, recorded=recorded)
    count = sum(_count(shape) for shape in expected_shapes(empty_network(network.config)).values())
    return Seagull(network, tokenizer, engine, card_of(layout, count), precision)


def filled_network(
    layout: Layout, device: torch.device, precision: Precision, progress: ProgressCallback
) -> SeagullNetwork:
    """The network with the folder's weights, on its device."""
    shapes = stored_shapes(layout)
    config = config_of(layout.config, shapes)
    network = empty_network(config)
    check_keys(expected_shapes(network), shapes)
    own = public_names(network)
    for index, (public, tensor) in enumerate(stored_tensors(layout)):
        progress(Progress(index, len(shapes), "loading the weights"))
        if public in own:
            _put(network, own[public], tensor, device, precision)
    _renew_buffers(network, device)
    progress(Progress(len(shapes), len(shapes), "loading the weights"))
    return network


def check_keys(expected: Shapes, found: Shapes) -> None:
    """Compare tensors by name and shape; those that no computation reads may be there or not.

    Raises
    ------
    CheckpointError
        Lists what is missing, unexpected, or of another shape.
    """
    missing = sorted(set(expected) - set(found))
    unexpected = sorted(key for key in set(found) - set(expected) if not is_unused(key))
    odd = [f"{key} {found[key]} instead of {expected[key]}" for key in sorted(set(expected) & set(found))
           if found[key] != expected[key]]
    parts = [
        f"{len(keys)} {what}: {', '.join(keys[:_SHOWN])}{', ...' if len(keys) > _SHOWN else ''}"
        for what, keys in (("missing", missing), ("unexpected", unexpected), ("of another shape", odd))
        if keys
    ]
    if parts:
        raise CheckpointError(f"The weights do not fit the model: {'; '.join(parts)}.", "Fetch the model again.")


def stored_shapes(layout: Layout) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in the folder, by its public name; nothing is read into memory."""
    return {name: tuple(tensor.shape) for name, tensor in stored_tensors(layout, shapes_only=True)}


def stored_tensors(layout: Layout, *, shapes_only: bool = False) -> Iterator[tuple[str, Tensor]]:
    """Every tensor with its name, file after file, mapped from the disk; with `shapes_only` without its numbers.

    Raises
    ------
    CheckpointError
        A file cannot be read, or does not hold what the index says.
    """
    adapter = None if shapes_only or layout.adapter is None else Adapter(layout.adapter)
    if adapter is not None:
        adapter.check(set(layout.weight_map))
    for path in layout.weight_files:
        promised = {name for name, file in layout.weight_map.items() if file == path}
        read = _safetensors if layout.converted else _public
        seen = set()
        for name, tensor in read(path, shapes_only=shapes_only):
            seen.add(name)
            if not tensor.is_floating_point():
                raise CheckpointError(f"{name} in {path.name} holds {tensor.dtype}.", "Fetch the model again.")
            yield name, tensor if adapter is None else adapter.applied(name, tensor)
        if seen != promised:
            differing = ", ".join(sorted(seen ^ promised)[:_SHOWN])
            raise CheckpointError(f"{path.name} and its index differ in {differing}.", "Fetch the model again.")


def _public(path: Path, *, shapes_only: bool) -> Iterator[tuple[str, Tensor]]:
    try:
        # weights_only: a pickle that would run anything else is refused.
        state = torch.load(path, map_location="meta" if shapes_only else "cpu", mmap=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        # In our own words: torch's recommend to load without weights_only, which would run what a stranger wrote.
        raise CheckpointError(
            f"{path.name} is not a whole file of weights, or holds more than weights.", "Fetch the model again."
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise CheckpointError(f"{path.name} holds something other than tensors.", "Fetch the model again.")
    yield from state.items()


def _safetensors(path: Path, *, shapes_only: bool) -> Iterator[tuple[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                if shapes_only:
                    yield name, torch.empty(file.get_slice(name).get_shape(), device="meta")  # whatever its type
                else:
                    yield name, file.get_tensor(name)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path.name} is not a whole file of weights: {error}", "Fetch the model again."
        ) from error


def _put(network: SeagullNetwork, name: str, tensor: Tensor, device: torch.device, precision: Precision) -> None:
    """Give one parameter its numbers, on its device."""
    module_name, _, leaf = name.rpartition(".")
    kind = number_type(name, device, precision)
    if precision in QUANTISED and is_quantised_weight(name):
        parent_name, _, child = module_name.rpartition(".")
        layer = quantised_linear(tensor.to(kind), precision, device)
        setattr(network.get_submodule(parent_name), child, layer.requires_grad_(requires_grad=False))
        return
    # A copy of its own: a tensor that is only mapped would keep the file open, and read it again and again.
    value = tensor.to(device=device, dtype=kind, copy=True).contiguous()
    setattr(network.get_submodule(module_name), leaf, nn.Parameter(value, requires_grad=False))


def number_type(name: str, device: torch.device, precision: Precision) -> torch.dtype:
    """In what numbers one of our tensors is kept: the image encoder in half precision on a GPU, as in the original."""
    if name.startswith("vision."):
        on_gpu = device.type == "cuda" and precision is not Precision.FP32
        return torch.float16 if on_gpu else torch.float32
    return _TYPES.get(precision, torch.bfloat16)


def _renew_buffers(network: SeagullNetwork, device: torch.device) -> None:
    """Compute what no file holds: the rotary frequencies."""
    model = network.language.model
    with torch.device(device):
        model.rotary_emb = type(model.rotary_emb)(model.config)


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def config_in(layout: Layout) -> SeagullConfig:
    """The sizes of the model in a folder."""
    return config_of(layout.config, stored_shapes(layout))
