"""A network that has seen millions of photographs, as a teacher: seagull-mini learns to say what it sees.

MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) knows what things are, which few photographs cannot teach and
people's scores depend on. Its weights are read for training and never shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.mini.network import MiniNetwork, RegionOutput
from seagull_iqa.training.samples import VERSIONS
from seagull_iqa.training.task import Arrays, Source

STRIDE = 32
"""Px of the image per cell of what it sees."""

CHANNELS = 1280


class Teacher:
    """MobileNetV2 1.0 up to its last convolution, whose mean over an image is what ImageNet's classes are told by."""

    def __init__(self, path: Path) -> None:
        """Load its convolutions, batch norm folded into them (weight and bias of each, in the order of the layers).

        Raises
        ------
        CheckpointError
            The file holds no such network.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            weights = [value.float() for name, value in state.items() if name.endswith("weight")]
            biases = [value.float() for name, value in state.items() if name.endswith("bias")]
            self._model = _filled(weights, biases)
        except (OSError, EOFError, KeyError, AttributeError, ValueError, RuntimeError, UnpicklingError) as error:
            raise CheckpointError(
                f"{path} holds no MobileNetV2 1.0 with its batch norm folded in.", "Train without a teacher."
            ) from error

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (N, 3, S, S), S a multiple of 32 -> float16 (N, 1280, S / 32, S / 32)."""
        features: Tensor = self._model.to(images.device)(images.float() / 127.5 - 1).last_hidden_state
        return features.half()


def _filled(weights: list[Tensor], biases: list[Tensor]) -> nn.Module:
    # Only here: importing it takes every process that makes batches fifteen seconds, with a teacher or without.
    from transformers import MobileNetV2Config, MobileNetV2Model

    model: nn.Module = MobileNetV2Model(MobileNetV2Config(tf_padding=True), add_pooling_layer=False)
    model.train(False)
    convolutions = [one for one in model.modules() if isinstance(one, nn.Conv2d)]
    norms = [one for one in model.modules() if isinstance(one, nn.BatchNorm2d)]
    if len(convolutions) != len(norms) or len(weights) < len(convolutions) or len(biases) < len(convolutions):
        raise ValueError
    with torch.no_grad():
        for conv, norm, weight, bias in zip(convolutions, norms, weights, biases, strict=False):
            if conv.weight.shape != weight.shape:
                raise ValueError
            conv.weight.copy_(weight)
            cast(Tensor, norm.running_mean).zero_()
            cast(Tensor, norm.running_var).fill_(1 - norm.eps)
            norm.bias.copy_(bias)
    return model


@lru_cache(maxsize=1)
def teacher(path: Path) -> Teacher:
    """Once a process."""
    return Teacher(path)


@dataclass(frozen=True)
class TaughtSource:
    """Another's batches, with what the teacher sees in them as one more array.

    Of the versions of a crop only the first is looked at, for a look costs as much as making a sample.
    """

    inner: Source
    path: Path

    def __call__(self, index: int) -> Arrays:
        """The batch of that number."""
        arrays = self.inner(index)
        seen = teacher(self.path)(torch.from_numpy(np.asarray(arrays[0][::VERSIONS])))
        return [*arrays, seen.numpy()]


class Taught(nn.Module):
    """A seagull-mini with what it takes to compare its last level with what the teacher sees."""

    def __init__(self, network: MiniNetwork) -> None:
        super().__init__()
        self.network = network
        self.say = nn.Conv2d(network.config.widths[-1], CHANNELS, 1)
        self.scale = nn.BatchNorm2d(CHANNELS, affine=False)

    def forward(self, image: Tensor, masks: Tensor, seen: Tensor) -> tuple[Tensor, RegionOutput, Tensor]:
        """As the network, with the distance to what the teacher sees in every other image, in units of each channel."""
        levels, dense = self.network.look(image)
        distance = F.smooth_l1_loss(self.say(levels[-1][::VERSIONS]), self.scale(seen))
        return dense, self.network.regions(levels, dense, masks), distance
