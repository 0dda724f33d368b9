"""A part of an image as an engine sees it: its pixels, prompts on their way in, masks on their way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from seagull_iqa.domain.prompts import Candidate, FloatBox, Point, Prompts
from seagull_iqa.domain.region import Box, RegionMask
from seagull_iqa.errors import EmptyRegionError
from seagull_iqa.segmenting.interface import RGBImage

_HALF = 0.5


@dataclass(frozen=True)
class View:
    """A part of an image, at its own size or reduced.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the image in px.
    box : (row0, col0, row1, col1)
        The part, half-open, in px of the image.
    size : (int, int)
        Height and width at which the engine sees it; at most those of the box.
    """

    shape: tuple[int, int]
    box: Box
    size: tuple[int, int]

    @property
    def key(self) -> str:
        """Tells it from every other view of the same image."""
        return f"{'-'.join(map(str, self.box))}@{self.size[0]}x{self.size[1]}"

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of the part in px of the image."""
        return (self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def scale(self) -> tuple[float, float]:
        """Size over extent, of rows and of columns; 0..1."""
        return (self.size[0] / self.extent[0], self.size[1] / self.extent[1])

    @property
    def is_reduced(self) -> bool:
        """True where the engine sees fewer pixels than there are."""
        return self.size != self.extent

    def cut(self, rgb: RGBImage) -> RGBImage:
        """The pixels of the part: uint8, shape (*size, 3)."""
        r0, c0, r1, c1 = self.box
        part = np.ascontiguousarray(rgb[r0:r1, c0:c1])
        if not self.is_reduced:
            return part
        resized = Image.fromarray(part).resize((self.size[1], self.size[0]), Image.Resampling.BOX)
        return np.asarray(resized)

    def inward(self, prompts: Prompts) -> Prompts:
        """The prompts in px of what the engine sees; negative points beyond the part are left out."""
        return Prompts(
            positive=tuple(self._point_in(point) for point in prompts.positive),
            negative=tuple(self._point_in(point) for point in prompts.negative if self._holds(point)),
            box=None if prompts.box is None else self._box_in(prompts.box),
            strokes=tuple(tuple(self._point_in(point) for point in stroke) for stroke in prompts.strokes),
            mask=None if prompts.mask is None else self._mask_in(prompts.mask),
        )

    def outward(self, candidate: Candidate) -> Candidate:
        """The candidate in px of the image."""
        return replace(candidate, mask=self._mask_out(candidate.mask))

    def cuts(self, mask: RegionMask) -> bool:
        """True where a mask, in px of what the engine sees, reaches a border of the part that is none of the image."""
        seen, image = (0, 0, *self.size), (0, 0, *self.shape)
        return any(mask.box[side] == seen[side] and self.box[side] != image[side] for side in range(4))

    def _holds(self, point: Point) -> bool:
        # Beyond the image, a point means its nearest pixel.
        row, col = (min(max(value, 0.0), size - 1.0) for value, size in zip(point, self.shape, strict=True))
        return self.box[0] <= row <= self.box[2] - 1 and self.box[1] <= col <= self.box[3] - 1

    def _point_in(self, point: Point) -> Point:
        """Centres of pixels are whole numbers before and after."""
        row, col = (
            (min(max(value - start, 0.0), extent - 1.0) + _HALF) * scale - _HALF
            for value, start, extent, scale in zip(point, self.box[:2], self.extent, self.scale, strict=True)
        )
        return (row, col)

    def _box_in(self, box: FloatBox) -> FloatBox:
        """Edges between pixels are whole numbers before and after; cut at the part, never empty."""
        edges = []
        for axis in (0, 1):
            extent, scale = float(self.extent[axis]), self.scale[axis]
            low = min(max(box[axis] - self.box[axis], 0.0), extent - 1.0)
            high = min(max(box[axis + 2] - self.box[axis], low + _HALF), extent)
            edges.append((low * scale, high * scale))
        return (edges[0][0], edges[1][0], edges[0][1], edges[1][1])

    def _mask_in(self, mask: RegionMask) -> RegionMask | None:
        """None where nothing of it lies in the part."""
        origin = (mask.box[0] - self.box[0], mask.box[1] - self.box[1])
        try:
            part = RegionMask.from_part(self.extent, origin, mask.inside)
        except EmptyRegionError:
            return None
        if not self.is_reduced:
            return part
        gray = Image.fromarray(part.pixels.astype(np.uint8) * 255)
        shares = np.asarray(gray.resize((self.size[1], self.size[0]), Image.Resampling.BOX))
        inside = shares >= 128
        return RegionMask.from_pixels(inside if inside.any() else shares >= max(1, int(shares.max())))

    def _mask_out(self, mask: RegionMask) -> RegionMask:
        start = (self.box[0], self.box[1])
        if not self.is_reduced:
            return RegionMask.from_part(self.shape, (start[0] + mask.box[0], start[1] + mask.box[1]), mask.inside)
        (top, bottom), (left, right) = (self._reach(axis, mask.box[axis], mask.box[axis + 2]) for axis in (0, 1))
        # At the border of the part, what is beyond it is as what is at it.
        gray = Image.fromarray(mask.pixels.astype(np.uint8) * 255)
        rows, cols = self.scale
        seen = (left * cols, top * rows, right * cols, bottom * rows)
        shares = np.asarray(gray.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=seen))
        inside = shares >= 128
        if not inside.any():
            inside = shares >= shares.max()
        return RegionMask.from_part(self.shape, (start[0] + top, start[1] + left), inside)

    def _reach(self, axis: int, low: int, high: int) -> tuple[int, int]:
        """The half-open range of px of the part that a mask over [low, high) can reach."""
        scale, extent = self.scale[axis], self.extent[axis]
        first = max(0, int(np.floor((low - _HALF) / scale)))
        return first, min(extent, max(first + 1, int(np.ceil((high + _HALF) / scale))))
