"""How prompts look on the canvas: a plus inside, a minus outside, dots along strokes and boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_seagull.session.prompting import Step
from napari_seagull.views.palette import INSIDE, OUTSIDE, PROPOSED, RGB
from seagull_iqa.domain.prompts import FloatBox, Point

PLUS, MINUS, DISC = "cross", "hbar", "disc"

PLUS_PX, MINUS_PX, STROKE_PX, BOX_PX = 15.0, 20.0, 5.0, 3.5
"""Of the signs and of the dots of strokes and boxes, in px of the screen."""

BORDER = 0.12
"""Width of the border of a sign, as a share of its size."""

GAP_PX = 7.0
"""From one dot of a box to the next, in px of the screen."""

MOST_DOTS = 400
"""Of one stroke or one side of a box."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Points as napari wants them.

    Attributes
    ----------
    places : float64, shape (N, 2)
        (row, column) in px of the plane.
    sizes : float64, shape (N,)
        In px of the plane.
    symbols : list of str
    colours, borders : float32, shape (N, 4)
        RGBA, 0..1.
    widths : float64, shape (N,)
        Of the borders, as a share of the size: signs stand out on any image, dots are what they are.
    """

    places: NDArray[np.float64]
    sizes: NDArray[np.float64]
    symbols: list[str]
    colours: NDArray[np.float32]
    borders: NDArray[np.float32]
    widths: NDArray[np.float64]


Dot = tuple[Point, float, str, RGB]


def marks_of(step: Step, screen_px: float) -> Marks:
    """The marks of some prompts, as large on the screen at every zoom.

    Parameters
    ----------
    step : Step
    screen_px : float
        Px of the plane in one px of the screen.
    """
    dots: list[Dot] = []
    prompts = step.prompts
    if prompts.box is not None:
        dots += [(point, BOX_PX, DISC, PROPOSED) for point in _round_box(prompts.box, GAP_PX * screen_px)]
    for strokes, colour in ((prompts.strokes, INSIDE), (step.away, OUTSIDE)):
        for stroke in strokes:
            dots += [(point, STROKE_PX, DISC, colour) for point in _along(stroke, 0.5 * STROKE_PX * screen_px)]
    told = {point for stroke in step.away for point in stroke}  # the points that stand for a stroke are not shown
    dots += [(point, MINUS_PX, MINUS, OUTSIDE) for point in prompts.negative if point not in told]
    dots += [(point, PLUS_PX, PLUS, INSIDE) for point in prompts.positive]
    rgba = [(*colour, 255) for *_rest, colour in dots]
    colours = np.array(rgba, dtype=np.float32).reshape(-1, 4) / np.float32(255)
    borders = np.tile(np.array([0, 0, 0, 0.85], dtype=np.float32), (len(dots), 1))
    return Marks(
        np.array([place for place, *_rest in dots], dtype=np.float64).reshape(-1, 2),
        np.array([size * screen_px for _place, size, *_rest in dots], dtype=np.float64),
        [symbol for _place, _size, symbol, _colour in dots],
        colours,
        borders,
        np.array([0.0 if symbol == DISC else BORDER for _place, _size, symbol, _colour in dots], dtype=np.float64),
    )


def _round_box(box: FloatBox, gap: float) -> list[Point]:
    row0, column0, row1, column1 = (value - 0.5 for value in box)
    corners = ((row0, column0), (row0, column1), (row1, column1), (row1, column0), (row0, column0))
    return _along(corners, gap)


def _along(line: tuple[Point, ...], gap: float) -> list[Point]:
    """Points on a line, one every `gap` px at most, and its corners."""
    points = np.asarray(line, dtype=np.float64)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    count = min(MOST_DOTS, int(lengths[-1] / max(gap, 1e-9)) + 2)
    at = np.linspace(0.0, lengths[-1], count)
    rows, columns = (np.interp(at, lengths, points[:, axis]) for axis in (0, 1))
    return [(float(row), float(column)) for row, column in zip(rows, columns, strict=True)]
