"""How an image is looked at: in one pass where it is small enough, else by tiles of native pixels, when needed."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from seagull_iqa.domain.region import Box
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.models.mini.config import DENSE_STRIDE, STRIDES
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.models.mini.region_tokens import context_places

WHOLE_PIXELS = 1_600_000
"""Up to this many pixels an image is one view."""

CONTEXT_SIDE = 1024
"""Longer side in px of the reduced image in which a large image's weights and context are seen."""

CORE = 448
"""Side in px of a tile's own area."""

HALO = 128
"""Px around a tile's own area that its convolutions see; with the core a multiple of 32."""

TILES_A_REGION = 6
"""A larger region is judged by this many tiles, spread evenly over it: 1.2 million native pixels."""

TILES_KEPT = 48
"""Tiles whose features are kept; the oldest are computed again when needed."""


@dataclass
class View:
    """The network's features and maps of one rectangle of native pixels."""

    box: Box
    """The view's own area in the image, half-open, px."""
    origin: tuple[int, int]
    """Row and column in the image of the features' first pixel (the halo's corner)."""
    size: tuple[int, int]
    """Height and width in px that the features cover; multiples of 32."""
    levels: list[Tensor]
    """Four of (1, C_l, h / stride_l, w / stride_l)."""
    dense: Tensor
    """(1, 9, h / 8, w / 8)."""

    @property
    def nbytes(self) -> int:
        """Memory of the features."""
        return sum(t.nbytes for t in (*self.levels, self.dense))


def to_tensor(image: RGBImage, device: torch.device) -> Tensor:
    """uint8 (H, W, 3) -> float32 (1, 3, H, W) 0..1, padded at the far borders to multiples of 32, at least 64."""
    tensor = torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float() / 255
    h, w = image.shape[:2]
    bottom, right = (max(64, math.ceil(n / STRIDES[-1]) * STRIDES[-1]) - n for n in (h, w))
    return F.pad(tensor, (0, right, 0, bottom), mode="replicate") if bottom or right else tensor


@dataclass
class MiniLook:
    """What seagull-mini keeps of an image."""

    image: RGBImage
    network: MiniNetwork
    context_places: Tensor
    """(1, K, C_3): the image as at most 12 x 12 places."""
    context_dense: Tensor
    """(1, 9, h, w): maps of the context pass, cut to the image."""
    context_scale: float
    """Size of the context pass over the image's; 1 = native."""
    whole: View | None
    """The one view of a small image."""
    tiles: OrderedDict[int, View] = field(default_factory=OrderedDict)
    """Native views of a large image, the newest last."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return (int(self.image.shape[0]), int(self.image.shape[1]))

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        views = [self.whole] if self.whole else list(self.tiles.values())
        return self.image.nbytes + self.context_dense.nbytes + sum(v.nbytes for v in views)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        h, w = self.shape
        return math.ceil(h / CORE), math.ceil(w / CORE)

    def tile_box(self, index: int) -> Box:
        """A tile's own area in the image, half-open, px."""
        row, column = divmod(index, self.grid[1])
        h, w = self.shape
        return row * CORE, column * CORE, min(h, (row + 1) * CORE), min(w, (column + 1) * CORE)

    def tile(self, index: int) -> View:
        """One tile's features, computed when first needed."""
        if index not in self.tiles:
            self.tiles[index] = view_of(self.network, self.image, self.tile_box(index), HALO)
            while len(self.tiles) > TILES_KEPT:
                self.tiles.popitem(last=False)
        self.tiles.move_to_end(index)
        return self.tiles[index]

    def views_for(self, box: Box, inside: NDArray[np.bool_]) -> Iterator[View]:
        """The native views a region is judged by; the same ones whatever else is asked."""
        if self.whole is not None:
            yield self.whole
            return
        for index in self._tiles_for(box, inside):
            yield self.tile(index)

    def _tiles_for(self, box: Box, inside: NDArray[np.bool_]) -> list[int]:
        first, last = (box[0] // CORE, box[1] // CORE), ((box[2] - 1) // CORE, (box[3] - 1) // CORE)
        covered = {}
        for row in range(first[0], last[0] + 1):
            for column in range(first[1], last[1] + 1):
                r0, c0 = max(0, row * CORE - box[0]), max(0, column * CORE - box[1])
                part = inside[r0 : (row + 1) * CORE - box[0], c0 : (column + 1) * CORE - box[1]]
                covered[row * self.grid[1] + column] = int(part.sum())
        most = max(covered.values())
        well = [index for index, area in covered.items() if area >= most / 2]
        if len(well) > TILES_A_REGION:
            step = len(well) / TILES_A_REGION
            return [well[int((k + 0.5) * step)] for k in range(TILES_A_REGION)]
        by_area = sorted(covered, key=lambda index: (-covered[index], index))
        return sorted(index for index in by_area[:TILES_A_REGION] if covered[index] > 0)


def view_of(network: MiniNetwork, image: RGBImage, box: Box, halo: int) -> View:
    """Run the network over a rectangle of the image and `halo` px around it."""
    h, w = image.shape[:2]
    r0, c0 = max(0, box[0] - halo), max(0, box[1] - halo)
    r1, c1 = min(h, box[2] + halo), min(w, box[3] + halo)
    pixels = to_tensor(image[r0:r1, c0:c1], next(network.parameters()).device)
    levels, dense = network.look(pixels)
    return View(box, (r0, c0), (int(pixels.shape[2]), int(pixels.shape[3])), levels, dense)


def look_at(network: MiniNetwork, image: RGBImage) -> MiniLook:
    """Look at an image once: one native pass if it is small, else a reduced pass for context and tiles on demand."""
    h, w = image.shape[:2]
    if h * w <= WHOLE_PIXELS:
        view = view_of(network, image, (0, 0, h, w), 0)
        return MiniLook(image, network, context_places(view.levels[-1]), _cut(view.dense, h, w), 1.0, view)
    scale = CONTEXT_SIDE / max(h, w)
    small = reduced(image, (max(1, round(h * scale)), max(1, round(w * scale))))
    context = view_of(network, small, (0, 0, small.shape[0], small.shape[1]), 0)
    dense = _cut(context.dense, small.shape[0], small.shape[1])
    return MiniLook(image, network, context_places(context.levels[-1]), dense, scale, None)


def _cut(dense: Tensor, h: int, w: int) -> Tensor:
    return dense[..., : math.ceil(h / DENSE_STRIDE), : math.ceil(w / DENSE_STRIDE)]


def reduced(image: RGBImage, size: tuple[int, int]) -> RGBImage:
    """Resize by antialiased bilinear interpolation: uint8 (H, W, 3) -> uint8 (size, 3)."""
    # Pillow widens the filter when it reduces, and works on bytes: 200 megapixels as floats would be 2.4 GB.
    small = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    result: RGBImage = np.array(small)  # a copy: torch warns of arrays that cannot be written
    return result
