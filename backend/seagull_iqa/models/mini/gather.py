"""From exact masks to what the network's heads need: soft masks on views, sums over tiles, geometry, weight share."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.models.mini.config import DENSE_STRIDE, STRIDES
from seagull_iqa.models.mini.network import DenseSums, dense_sums, geometry_of, map_weight
from seagull_iqa.models.mini.region_tokens import Pooled, join, pool, soft_masks
from seagull_iqa.models.mini.views import MiniLook, View


def pooled_regions(look: MiniLook, masks: list[RegionMask], window: int) -> tuple[Pooled, DenseSums]:
    """Pool each region on its own views, cut to what it covers: small regions cost little, and none meets another."""
    each = []
    for mask in masks:
        views = [cut_to(view, mask.box, window) for view in look.views_for(mask.box, mask.inside)]
        soft = [masks_in(view, [mask]) for view in views]
        parts = [pool(view.levels, m, window) for view, m in zip(views, soft, strict=True)]
        sums = [map_sums(view, m) for view, m in zip(views, soft, strict=True)]
        each.append((join(parts), add(sums)))
    return side_by_side([p for p, _ in each]), beside([s for _, s in each])


def cut_to(view: View, box: Box, window: int) -> View:
    """The part of a view around a box, cut along the grid of native windows, so that every sum stays the same."""
    top, left = (max(box[k], view.box[k]) - view.origin[k] for k in (0, 1))
    bottom, right = (min(box[k + 2], view.box[k + 2]) - view.origin[k] for k in (0, 1))
    r0, c0 = top // window * window, left // window * window
    r1 = min(view.size[0], -(-bottom // window) * window)
    c1 = min(view.size[1], -(-right // window) * window)
    levels = [
        level[..., r0 // s : r1 // s, c0 // s : c1 // s] for s, level in zip(STRIDES, view.levels, strict=True)
    ]
    dense = view.dense[..., r0 // DENSE_STRIDE : r1 // DENSE_STRIDE, c0 // DENSE_STRIDE : c1 // DENSE_STRIDE]
    return View(view.box, (view.origin[0] + r0, view.origin[1] + c0), (r1 - r0, c1 - c0), levels, dense)


def geometry(mask: RegionMask) -> Tensor:
    """Six numbers, exact from the mask's own pixels (the padding of a view does not count)."""
    h, w = mask.shape
    rows, columns = mask.inside.sum(1), mask.inside.sum(0)
    at_row = (mask.box[0] + np.arange(len(rows)) + 0.5) / h
    at_column = (mask.box[1] + np.arange(len(columns)) + 0.5) / w
    area = float(rows.sum())

    def moments(count: NDArray[np.int_], at: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
        return torch.tensor(float((count * at).sum() / area)), torch.tensor(float((count * at * at).sum() / area))

    return geometry_of(torch.tensor(area), h * w, moments(rows, at_row), moments(columns, at_column)).float()


def masks_in(view: View, masks: list[RegionMask]) -> Tensor:
    """float32 (1, R, h, w): the parts of the masks inside a view's own area, on the view's pixels."""
    out = torch.zeros(1, len(masks), *view.size)
    for k, mask in enumerate(masks):
        r0, c0 = max(mask.box[0], view.box[0]), max(mask.box[1], view.box[1])
        r1, c1 = min(mask.box[2], view.box[2]), min(mask.box[3], view.box[3])
        if r1 > r0 and c1 > c0:
            part = mask.inside[r0 - mask.box[0] : r1 - mask.box[0], c0 - mask.box[1] : c1 - mask.box[1]]
            top, left = r0 - view.origin[0], c0 - view.origin[1]
            out[0, k, top : top + r1 - r0, left : left + c1 - c0] = torch.from_numpy(part.astype(np.float32))
    return out.to(view.dense.device)


def map_sums(view: View, masks: Tensor) -> DenseSums:
    """Sum a view's maps inside masks on its pixels: (1, R, h, w) -> `DenseSums`."""
    return dense_sums(view.dense, soft_masks(masks, DENSE_STRIDE))


def share_of_weight(look: MiniLook, masks: list[RegionMask]) -> Tensor:
    """(1, R): share of the image's weight inside each region, on the context pass."""
    weight = map_weight(look.context_dense)[0]
    rows, columns = weight.shape
    shares = []
    for mask in masks:
        cell = DENSE_STRIDE / look.context_scale  # px of the image per cell
        r0, c0 = int(mask.box[0] / cell), int(mask.box[1] / cell)
        r1, c1 = min(rows, int((mask.box[2] - 1) / cell) + 1), min(columns, int((mask.box[3] - 1) / cell) + 1)
        soft = _cell_shares(mask, cell, (r0, c0, max(r1, r0 + 1), max(c1, c0 + 1)))
        shares.append((weight[r0 : r0 + soft.shape[0], c0 : c0 + soft.shape[1]] * soft.to(weight.device)).sum())
    return (torch.stack(shares) / weight.sum().clamp(min=1e-8))[None]


def _cell_shares(mask: RegionMask, cell: float, box: tuple[int, int, int, int]) -> Tensor:
    """Share of each cell of a grid that is inside the mask, by counting pixels: float32 (rows, columns)."""
    row = np.minimum(((mask.box[0] + np.arange(mask.inside.shape[0]) + 0.5) / cell).astype(int), box[2] - 1) - box[0]
    column = np.minimum(((mask.box[1] + np.arange(mask.inside.shape[1]) + 0.5) / cell).astype(int), box[3] - 1) - box[1]
    by_row = np.zeros((box[2] - box[0], mask.inside.shape[1]), dtype=np.float32)
    np.add.at(by_row, row, mask.inside.astype(np.float32))
    cells = np.zeros((box[2] - box[0], box[3] - box[1]), dtype=np.float32)
    np.add.at(cells.T, column, by_row.T)
    return torch.from_numpy(np.minimum(cells / cell**2, 1.0))


def add(parts: list[DenseSums]) -> DenseSums:
    """What several tiles hold of the same regions, together."""
    stacked = [torch.stack(list(values)).sum(0) for values in zip(*(_fields(p) for p in parts), strict=True)]
    return DenseSums(*stacked)


def beside(parts: list[DenseSums]) -> DenseSums:
    """The sums of different regions in one batch."""
    return DenseSums(*(torch.cat(list(values), 1) for values in zip(*(_fields(p) for p in parts), strict=True)))


def _fields(sums: DenseSums) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return sums.weight, sums.quality, sums.severity, sums.area


def side_by_side(parts: list[Pooled]) -> Pooled:
    """Regions with different windows in one batch: windows a region does not have weigh nothing."""
    most = max(p.window_weight.shape[2] for p in parts)
    weight = [F.pad(p.window_weight, (0, most - p.window_weight.shape[2])) for p in parts]
    stats = [F.pad(p.window_stats, (0, 0, 0, most - p.window_stats.shape[2])) for p in parts]
    levels = range(len(parts[0].weight))
    return Pooled(
        [torch.cat([p.weight[k] for p in parts], 1) for k in levels],
        [torch.cat([p.first[k] for p in parts], 1) for k in levels],
        [torch.cat([p.second[k] for p in parts], 1) for k in levels],
        torch.cat(weight, 1),
        torch.cat(stats, 1),
    )
