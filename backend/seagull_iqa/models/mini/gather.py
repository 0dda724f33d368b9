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
    """(1, R): share of the image's weight inside each region, on the context pass; 1 for the whole image."""
    weight = map_weight(look.context_dense)[0]
    rows, columns = (
        _cell_of_each(length, cells, look.context_scale)
        for length, cells in zip(look.shape, weight.shape, strict=True)
    )
    # A cell at the border, or of a thin image, holds fewer pixels of the image than others, and weighs less.
    pixels = np.outer(np.bincount(rows), np.bincount(columns)).astype(np.float32)
    shares = []
    for mask in masks:
        row, column = rows[mask.box[0] : mask.box[2]], columns[mask.box[1] : mask.box[3]]
        part = weight[row[0] : row[-1] + 1, column[0] : column[-1] + 1]
        shares.append((part * _counted(mask.inside, row, column).to(part.device)).sum())
    whole = (weight * torch.from_numpy(pixels).to(weight.device)).sum()
    return (torch.stack(shares) / whole.clamp(min=1e-8))[None]


def _cell_of_each(length: int, cells: int, scale: float) -> NDArray[np.intp]:
    """The cell of the context pass that each pixel along an axis of the image belongs to; rises without a gap."""
    side = DENSE_STRIDE * length / max(1, round(length * scale))  # px of the image; each axis is rounded by itself
    return np.minimum(((np.arange(length) + 0.5) / side).astype(np.intp), cells - 1)


def _counted(inside: NDArray[np.bool_], row: NDArray[np.intp], column: NDArray[np.intp]) -> Tensor:
    """Pixels of a mask in each cell, given the cells of its rows and columns: float32 (rows, columns) of cells."""
    by_row = np.add.reduceat(inside, _starts(row), axis=0, dtype=np.int32)
    return torch.from_numpy(np.add.reduceat(by_row, _starts(column), axis=1).astype(np.float32))


def _starts(cells: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.flatnonzero(np.diff(cells, prepend=-1))


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
