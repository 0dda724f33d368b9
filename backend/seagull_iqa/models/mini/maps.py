"""The maps of seagull-mini: the dense head's output as it stands, from the same pass that scores regions."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.domain.report import MAP_NAMES, ScoreMap
from seagull_iqa.models.mini.config import DENSE_STRIDE
from seagull_iqa.models.mini.views import CORE, MiniLook

WINDOW = 64.0
"""Side in px of what one value of a map mostly sees."""


def score_maps(look: MiniLook, model: str, progress: ProgressCallback) -> dict[str, ScoreMap]:
    """Every map by name. Large images go tile by tile; `progress` is called between tiles and may cancel."""
    h, w = look.shape
    if look.whole is not None:
        dense = look.whole.dense[0, :, : -(-h // DENSE_STRIDE), : -(-w // DENSE_STRIDE)]
        progress(Progress(1, 1, "quality map"))
    else:
        dense = _tiled(look, progress)
    values = _values(dense)
    return {
        name: ScoreMap(name, plane, (h, w), float(DENSE_STRIDE), WINDOW, model)
        for name, plane in zip(MAP_NAMES, values, strict=True)
    }


def _values(dense: Tensor) -> NDArray[np.float32]:
    """(9, h, w) raw -> quality 0..100, weight with mean 1, severities 0..5."""
    weight = dense[1].clamp(-8, 8).exp()
    planes = torch.cat(
        [100 * torch.sigmoid(dense[:1]), (weight / weight.mean())[None], dense[2:].clamp(0, 5)]
    )
    result: NDArray[np.float32] = planes.float().cpu().numpy()
    return result


def _tiled(look: MiniLook, progress: ProgressCallback) -> Tensor:
    h, w = look.shape
    out = torch.zeros(len(MAP_NAMES), -(-h // DENSE_STRIDE), -(-w // DENSE_STRIDE))
    rows, columns = look.grid
    step = CORE // DENSE_STRIDE
    for index in range(rows * columns):
        progress(Progress(index, rows * columns, "quality map"))
        view = look.tile(index)
        row, column = divmod(index, columns)
        top = (view.box[0] - view.origin[0]) // DENSE_STRIDE
        left = (view.box[1] - view.origin[1]) // DENSE_STRIDE
        height = -(-(view.box[2] - view.box[0]) // DENSE_STRIDE)
        width = -(-(view.box[3] - view.box[1]) // DENSE_STRIDE)
        out[:, row * step : row * step + height, column * step : column * step + width] = view.dense[
            0, :, top : top + height, left : left + width
        ].cpu()
    progress(Progress(rows * columns, rows * columns, "quality map"))
    return out
