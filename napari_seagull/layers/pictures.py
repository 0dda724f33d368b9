"""Pictures that lie exactly over a part of one plane of an image: previews of masks, outlines, and what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_seagull.layers.geometry import plane_matrix
from napari_seagull.layers.images import transform_keywords
from napari_seagull.session.records import Plane
from seagull_iqa.domain.region import Box, RegionMask

if TYPE_CHECKING:
    from napari.layers import Image

RGBA = NDArray[np.uint8]
"""uint8, shape (H, W, 4), not premultiplied."""

Colour = tuple[int, int, int]
"""0..255 each."""

MOST_CELLS = 16_000_000
"""A picture has at most so many cells; that of a larger part is coarser than its image."""


@dataclass(frozen=True)
class Frame:
    """Which part of a plane a picture shows, and how many px each of its cells is wide.

    Attributes
    ----------
    box : (row0, col0, row1, col1)
        Half-open, in px of the plane.
    step : int
        Px per cell, both ways.
    """

    box: Box
    step: int = 1

    @classmethod
    def over(cls, shape: tuple[int, int], boxes: Sequence[Box], *, most: int = MOST_CELLS) -> Frame:
        """A frame for what lies in those boxes: the whole plane where that is small enough, else their hull."""
        if shape[0] * shape[1] <= most:
            return cls((0, 0, *shape))
        corners = np.array(boxes if boxes else [(0, 0, 1, 1)])
        low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
        step = int(np.ceil(np.sqrt(float(np.prod((high - low).astype(np.float64))) / most)))
        return cls((int(low[0]), int(low[1]), int(high[0]), int(high[1])), max(1, step))

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        r0, c0, r1, c1 = self.box
        return (-(-(r1 - r0) // self.step), -(-(c1 - c0) // self.step))

    def part(self, mask: RegionMask) -> tuple[slice, slice, NDArray[np.bool_]]:
        """Where a mask of the plane lies in the picture, and which of these cells it covers; may be of no size."""
        r0, c0 = max(self.box[0], mask.box[0]), max(self.box[1], mask.box[1])
        r1, c1 = min(self.box[2], mask.box[2]), min(self.box[3], mask.box[3])
        # The cell of the picture whose first px is at or behind the edge of the mask.
        row, column = -(-(r0 - self.box[0]) // self.step), -(-(c0 - self.box[1]) // self.step)
        top, left = self.box[0] + row * self.step - mask.box[0], self.box[1] + column * self.step - mask.box[1]
        bottom, right = max(top, r1 - mask.box[0]), max(left, c1 - mask.box[1])
        inside = mask.inside[top : bottom : self.step, left : right : self.step]
        return slice(row, row + inside.shape[0]), slice(column, column + inside.shape[1]), inside


def placed(frame: Frame, image: Image, plane: Plane) -> dict[str, Any]:
    """Keywords that lay a layer of two axes with the cells of a frame exactly over its part of the plane."""
    middle = (frame.step - 1) / 2.0
    to_plane = np.diag([float(frame.step), float(frame.step), 1.0])
    to_plane[:2, 2] = frame.box[0] + middle, frame.box[1] + middle
    keywords = {"scale": (1.0, 1.0), "translate": (0.0, 0.0), "affine": np.eye(3)}
    keywords |= transform_keywords(plane_matrix(image, plane) @ to_plane)
    return {**keywords, "units": image.units[-2:], "axis_labels": image.axis_labels[-2:]}


@dataclass(frozen=True)
class Ink:
    """How a mask is drawn: its colour, the opacity of its face, 0..255, and the width of its outline in cells."""

    colour: Colour
    face: int
    width: int = 1


def drawn_mask(mask: RegionMask, ink: Ink, *, margin: int = 1) -> tuple[Frame, RGBA]:
    """One mask with its outline, in the smallest frame that holds it and a margin of px around it."""
    step = Frame.over(mask.shape, [mask.box]).step if mask.inside.size > MOST_CELLS else 1
    frame = Frame((mask.box[0] - margin, mask.box[1] - margin, mask.box[2] + margin, mask.box[3] + margin), step)
    picture = np.zeros((*frame.cells, 4), dtype=np.uint8)
    draw_into(picture, frame, mask, ink)
    return frame, picture


def _edge(inside: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """The cells of a mask that lie within so many cells of its border."""
    kept = ndimage.binary_erosion(np.pad(inside, 1), iterations=max(1, width))[1:-1, 1:-1]
    edge: NDArray[np.bool_] = inside & ~kept
    return edge


def draw_into(picture: RGBA, frame: Frame, mask: RegionMask, ink: Ink) -> None:
    """Draw a mask into a picture, over what is there already."""
    rows, columns, inside = frame.part(mask)
    if not inside.size:
        return
    there = picture[rows, columns]
    if ink.face:
        there[inside] = (*ink.colour, ink.face)
    there[_edge(inside, ink.width)] = (*ink.colour, 255)


def composed(masks: Sequence[tuple[int, RegionMask]], frame: Frame, width: int) -> NDArray[np.int32]:
    """Labels of many masks in one picture: where several lie, the smallest is on top, so that none is hidden.

    Parameters
    ----------
    masks : sequence of (int, RegionMask)
        The number of each, from 1, and its pixels.
    frame : Frame
    width : int
        Of the outlines, in cells.

    Returns
    -------
    int32, shape `frame.cells`
        0 where no mask is, twice its number inside a mask, and one more on its outline.
    """
    labels = np.zeros(frame.cells, dtype=np.int32)
    for label, mask in sorted(masks, key=lambda entry: -entry[1].area):
        rows, columns, inside = frame.part(mask)
        if inside.size:
            there = labels[rows, columns]
            there[inside] = 2 * label
            there[_edge(inside, width)] = 2 * label + 1
    return labels
