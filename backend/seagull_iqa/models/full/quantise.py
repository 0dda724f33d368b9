"""Keep the language model's large matrices in 8 or 4 bits, by bitsandbytes, so that smaller cards can hold them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import BackendMissingError

QUANTISED = (Precision.INT8, Precision.INT4)


def is_quantised_weight(name: str) -> bool:
    """True for the language model's weights that are kept in fewer bits; embeddings and the head stay as they are."""
    return name.startswith("language.model.layers.") and name.endswith("_proj.weight")


def quantised_linear(weight: Tensor, precision: Precision, device: torch.device) -> nn.Module:
    """A Linear without bias that holds `weight`, (out, in), in fewer bits.

    INT8 is LLM.int8() (arXiv 2208.07339), INT4 is NF4 (arXiv 2305.14314).

    Raises
    ------
    BackendMissingError
        bitsandbytes is not installed.
    """
    try:
        from bitsandbytes import nn as bits
    except ImportError as error:
        raise BackendMissingError(
            "8- and 4-bit weights need bitsandbytes.", 'Run: pip install "napari-seagull[full]"'
        ) from error
    out, inner = weight.shape
    layer: nn.Module
    if precision is Precision.INT8:
        layer = bits.Linear8bitLt(inner, out, bias=False, has_fp16_weights=False)
        layer.weight = bits.Int8Params(weight.contiguous(), requires_grad=False, has_fp16_weights=False)
    else:
        layer = bits.Linear4bit(inner, out, bias=False, compute_dtype=weight.dtype, quant_type="nf4")
        layer.weight = bits.Params4bit(weight.contiguous(), requires_grad=False, quant_type="nf4")
    return layer.to(device)
