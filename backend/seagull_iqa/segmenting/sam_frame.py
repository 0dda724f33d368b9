"""Where the pixels of an image lie in the square that a SAM sees: the only place where (row, col) becomes (x, y).

SAM 1 scales the longer side to the square and pads at the bottom and on the right; SAM 2 and its kin scale both sides
on their own. Images are resized as the original does it, by Pillow's bilinear filter on uint8, for every engine alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seagull_iqa.domain.prompts import FloatBox, Point
from seagull_iqa.domain.region import RegionMask

Floats = NDArray[np.float32]

_SURE = 0.001
"""Probability of a pixel that is surely not inside an earlier mask; 1 - that, inside. Logits of about -7 and 7."""


@dataclass(frozen=True)
class SquareKind:
    """What a family of networks sees.

    Attributes
    ----------
    side : int
        Of the square in px: 1024, SAM 3: 1008.
    low : int
        Side of the masks that it writes, and of those that it is prompted with: 256, SAM 3: 288.
    padded : bool
        The aspect is kept and the rest padded, as SAM 1 does.
    mean, std : tuple of float
        Of the colours, on the scale 0..255.
    """

    side: int
    low: int
    padded: bool
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class SamFrame:
    """One image in the square.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the image in px.
    kind : SquareKind
    """

    shape: tuple[int, int]
    kind: SquareKind

    @property
    def scaled(self) -> tuple[int, int]:
        """Height and width that the image takes of the square, in px of the square, rounded as the original does."""
        side = self.kind.side
        if not self.kind.padded:
            return side, side
        scale = side / max(self.shape)
        return max(1, int(self.shape[0] * scale + 0.5)), max(1, int(self.shape[1] * scale + 0.5))

    def pixels(self, image: NDArray[np.uint8]) -> Floats:
        """float32, shape (3, side, side): the image, resized, normalised, then padded by 0.

        Parameters
        ----------
        image : uint8, shape (H, W, 3), RGB
        """
        height, width = self.scaled
        resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        mean, std = np.array(self.kind.mean, np.float32), np.array(self.kind.std, np.float32)
        square = np.zeros((3, self.kind.side, self.kind.side), np.float32)
        square[:, :height, :width] = ((np.asarray(resized, np.float32) - mean) / std).transpose(2, 0, 1)
        return square

    def points(self, points: Sequence[Point]) -> Floats:
        """float32, shape (N, 2): (x, y) in px of the square; points beyond the image are its nearest pixels.

        As in the original, a pixel's whole number is scaled and the network adds the half that makes it a centre.
        """
        places = np.asarray(points, np.float64).reshape(-1, 2)
        inside = np.clip(places, 0, np.subtract(self.shape, 1))
        return (inside * self._scale)[:, ::-1].astype(np.float32)

    def box(self, box: FloatBox) -> Floats:
        """float32, shape (4,): (x0, y0, x1, y1) in px of the square.

        SAM's corners are pixels that belong to the box, so the half-open (r0, c0, r1, c1) gives the pixels (r0, c0) and
        (r1 - 1, c1 - 1).
        """
        last = (max(box[0], box[2] - 1), max(box[1], box[3] - 1))
        return self.points([(box[0], box[1]), last]).reshape(4)

    @property
    def _scale(self) -> NDArray[np.float64]:
        return np.divide(self.scaled, self.shape)

    def mask_logits(self, mask: RegionMask) -> Floats:
        """float32, shape (1, low, low): an earlier mask as the network's own answers look; the padding is outside.

        A cell's probability is the share of it that the mask covers.
        """
        rows, columns = (
            _overlaps(self.kind.low, size, self.kind.side / scale)
            for size, scale in zip(self.shape, self._scale, strict=True)
        )
        inside = np.clip(rows @ mask.pixels.astype(np.float32) @ columns.T, _SURE, 1 - _SURE)
        logits: Floats = np.log(inside / (1 - inside))[None]
        return logits

    @property
    def low_used(self) -> tuple[int, int]:
        """Height and width of the part of a low mask that shows the image, in px of the low mask, rounded up."""
        height, width = self.scaled
        low, side = self.kind.low, self.kind.side
        return -(-height * low // side), -(-width * low // side)


def _overlaps(cells: int, pixels: int, length: float) -> Floats:
    """float32, shape (cells, pixels): the share of each of the equal cells of a length that lies on each pixel."""
    edges = np.linspace(0.0, length, cells + 1)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(pixels)[None]
    both = np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None)
    shares: Floats = (both / (high - low)).astype(np.float32)
    return shares


def along_strokes(strokes: Sequence[Sequence[Point]], most: int = 12) -> list[Point]:
    """Points (row, col) evenly along scribbles: a share of `most` for each, by its length, and one at least.

    SAM knows no strokes; it was trained with a handful of points.
    """
    lines = [np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes if len(stroke)]
    lengths = [float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum()) for line in lines]
    whole = sum(lengths)
    found: list[Point] = []
    for line, length in zip(lines, lengths, strict=True):
        count = max(1, min(round(most * length / whole), int(length) + 1)) if whole else 1
        found += _evenly(line, count)
    return found


def _evenly(line: NDArray[np.float64], count: int) -> list[Point]:
    """That many points on a polyline, in the middles of equal parts of it."""
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = (np.arange(count) + 0.5) / count * steps[-1]
    rows, columns = (np.interp(at, steps, line[:, axis]) for axis in (0, 1))
    return [(float(row), float(column)) for row, column in zip(rows, columns, strict=True)]
