"""Fold each batch norm into its convolution, for scoring: the same numbers, a tenth faster on a CPU."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seagull_iqa.models.mini.encoder import Block, Stem
from seagull_iqa.models.mini.network import MiniNetwork


def fused(network: MiniNetwork) -> MiniNetwork:
    """A copy for scoring; it can be neither trained nor saved as weights."""
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, Block):
            module.first, module.first_norm = _fold(module.first, module.first_norm)
            module.second, module.second_norm = _fold(module.second, module.second_norm)
        elif isinstance(module, Stem):
            module.join, module.norm = _fold(module.join, module.norm)
    for down in copied.encoder.downs:
        if isinstance(down, nn.Sequential):
            down[0], down[1] = _fold(down[0], down[1])
    return copied.requires_grad_(False)


def _fold(convolution: nn.Module, norm: nn.Module) -> tuple[nn.Module, nn.Module]:
    if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
        return convolution, norm
    return fuse_conv_bn_eval(convolution, norm), nn.Identity()
