"""What a model takes on its device, what is free there, and at which precision it fits: told before it is loaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seagull_iqa.domain.model_offer import MemoryNeed
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import CheckpointError, ModelError, OutOfMemoryError
from seagull_iqa.hub.amounts import gigabytes

# NF4 keeps 4 bits a weight, and one float32 scale for every 64 of them.
_BYTES = {
    Precision.FP32: 4.0,
    Precision.BF16: 2.0,
    Precision.FP16: 2.0,
    Precision.INT8: 1.0,
    Precision.INT4: 4.5 / 8,
}
_QUANTISED = (Precision.INT8, Precision.INT4)
_HALF_BYTES = 2
_VISION = 196_227_264
"""Parameters of the ConvNeXt-L trunk."""
_VISION_WIDTH = 768
_PREFIX_TOKENS = 1109
"""System text, image and overview: kept for every image looked at."""
_WORKSPACE_TOKENS = 3072
"""Of questions about regions in one pass."""
_CONTEXT_BYTES = 500 * 10**6
"""Of CUDA's kernels, or of the libraries."""
_ACTIVATION_BYTES = 170_000
"""Of what is held between layers, per number of hidden width; 0.7 GB at 4,096."""
_PUBLIC_HIDDEN = 4096


@dataclass(frozen=True)
class ModelSize:
    """The sizes that memory is counted from.

    Attributes
    ----------
    linears : int
        Parameters of the language model's Linear layers, the only ones that 8 and 4 bits touch.
    others : int
        All other parameters in use.
    hidden, layers, cached : int
        Width and depth of the language model, and numbers its cache holds of a token.
    """

    linears: int
    others: int
    hidden: int
    layers: int
    cached: int


def size_of(config: Mapping[str, Any], stored: int | None = None) -> ModelSize:
    """The sizes by a config.json.

    Parameters
    ----------
    config : mapping
        hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, vocab_size.
    stored : int, optional
        Parameters in the files, where that is known: vision and region extractor are taken to be the public ones
        unless there is less.

    Raises
    ------
    CheckpointError
        A size is missing or no number.
    """
    try:
        hidden, inner, layers, heads, vocabulary = (
            int(config[key])
            for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
        )
        kept = hidden // heads * int(config.get("num_key_value_heads") or heads)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(f"config.json does not say the model's sizes ({error}).", "Fetch it again.") from error
    linears = layers * (2 * hidden * hidden + 2 * hidden * kept + 3 * hidden * inner)
    norms = (2 * layers + 1) * hidden
    projector = _VISION_WIDTH * hidden + hidden * hidden + 2 * hidden
    others = 2 * vocabulary * hidden + norms + projector + _extractor(hidden) + _VISION
    if stored is not None:
        others = min(others, max(0, stored - linears))
    return ModelSize(linears, others, hidden, layers, 2 * layers * kept)


def _extractor(hidden: int) -> int:
    """Parameters of the region extractor that are used; those of its `mask_linear` are not."""
    to_hidden = 2 * (1024 + 1) * hidden + (2 * hidden + 1) * hidden + (512 + 1) * hidden
    levels = sum((channels + 1) * 1024 for channels in (192, 384, 768, 1536))
    planes = sum((cells + 1) * 1024 for cells in (16384, 4096, 1024, 256))
    attention = 8 * (1024 + 1) * 1024 + 3 * (1024 + 1) * 512 + (512 + 1) * 1024 + 4 * 1024
    small = (1024 + 1) * 512 + (512 + 1) * 512 + (1024 + 1) * 2048 + (2048 + 1) * 1024 + 20 + 6
    return to_hidden + levels + planes + attention + small


def needs(size: ModelSize) -> tuple[MemoryNeed, ...]:
    """Bytes on the device with one image looked at, by precision, largest first; estimated, never measured."""
    return tuple(MemoryNeed(precision, _need(size, precision)) for precision in _BYTES)


def _need(size: ModelSize, precision: Precision) -> int:
    each = _BYTES[precision]
    rest = _HALF_BYTES if precision in _QUANTISED else each
    weights = size.linears * each + size.others * rest
    cache = (_PREFIX_TOKENS + _WORKSPACE_TOKENS) * size.cached * rest
    return int(weights + cache + _CONTEXT_BYTES + _ACTIVATION_BYTES * size.hidden)


PUBLIC_CONFIG: Mapping[str, int] = {
    "hidden_size": _PUBLIC_HIDDEN,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32002,
}
"""What the published config.json says of sizes."""


def free_bytes(device: str) -> int:
    """Memory that is free on "cpu", "cuda", "cuda:1" or "mps", in bytes; 0 where nobody knows."""
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(torch.device(device))
        return int(free)
    if importlib.util.find_spec("psutil") is None:
        return 0
    import psutil

    return min(int(psutil.virtual_memory().available), _free_in_container())


_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 2**62


def _free_in_container() -> int:
    """What a container's or a batch job's limit leaves on Linux; the kernel ends who takes more, without a word."""
    try:
        limit = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        taken = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0, limit - taken + int(stat["inactive_file"]))
    except (OSError, ValueError, KeyError):
        return _UNLIMITED


def candidates(device: str) -> tuple[Precision, ...]:
    """What AUTO tries on a device, in that order.

    On CUDA bf16, or fp16 where the card knows no bf16, then 8 and 4 bits. On the CPU fp32 first, since few processors
    are any faster in bf16, and then the rest. On Apple's GPU bf16 only.
    """
    few_bits = _QUANTISED if quantising_is_there() else ()
    if device.startswith("cuda"):
        import torch

        half = Precision.BF16 if torch.cuda.is_bf16_supported(including_emulation=False) else Precision.FP16
        return (half, *few_bits)
    return (Precision.BF16,) if device.startswith("mps") else (Precision.FP32, Precision.BF16, *few_bits)


def possible(device: str) -> tuple[Precision, ...]:
    """What may be asked for on a device, largest first."""
    plain = (Precision.FP32, Precision.BF16, Precision.FP16)
    return plain if device.startswith("mps") or not quantising_is_there() else (*plain, *_QUANTISED)


def quantising_is_there() -> bool:
    """True where bitsandbytes is installed."""
    return importlib.util.find_spec("bitsandbytes") is not None


def choose_precision(
    device: str, wants: Sequence[MemoryNeed], free: int, wanted: Precision = Precision.AUTO, *, name: str = "The model"
) -> Precision:
    """The precision to load at.

    Parameters
    ----------
    device : str
        "cpu", "cuda:0", "mps".
    wants : sequence of MemoryNeed
    free : int
        In bytes; 0 means not known, then nothing is refused.
    wanted : Precision
        AUTO takes the first of `candidates` that fits.

    Raises
    ------
    OutOfMemoryError
        It does not fit; says what would.
    ModelError
        The device cannot compute so.
    """
    if wanted is not Precision.AUTO and wanted not in possible(device):
        raise ModelError(
            f"{name} cannot be loaded in {wanted} on {device}: 8 and 4 bits want bitsandbytes, on CUDA or a CPU.",
            f"Use one of auto, {', '.join(possible(device))}.",
        )
    by_precision = {one.precision: one.nbytes for one in wants}
    order = candidates(device) if wanted is Precision.AUTO else (wanted,)
    for precision in order:
        if not free or by_precision[precision] <= free:
            return precision
    raise OutOfMemoryError(
        f"{name} needs about {gigabytes(by_precision[order[-1]])} in {order[-1]} on {device}, "
        f"of which {gigabytes(free)} are free.",
        _what_would_fit(device, by_precision, free),
    )


def _what_would_fit(device: str, by_precision: Mapping[Precision, int], free: int) -> str:
    fits = [precision for precision in possible(device) if by_precision[precision] <= free]
    if fits:
        return f"What fits: --precision {fits[0]}, about {gigabytes(by_precision[fits[0]])}."
    elsewhere = [other for other in _other_devices(device) if _fits_on(other, by_precision)]
    if elsewhere:
        return f"What fits: --device {elsewhere[0]}, or seagull-mini."
    return "What fits: seagull-mini; or close other programs."


def _other_devices(device: str) -> list[str]:
    import torch

    cards = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    here = "cuda:0" if device == "cuda" else device
    return [other for other in (*cards, "cpu") if other != here]


def _fits_on(device: str, by_precision: Mapping[Precision, int]) -> bool:
    free = free_bytes(device)
    return any(by_precision[precision] <= free for precision in candidates(device))
