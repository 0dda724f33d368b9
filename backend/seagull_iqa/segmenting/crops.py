"""Large images: prompted on a part of them at native resolution, so that small things are seen as they are.

The parts lie on a grid, so that a second click beside the first finds the same look. A part grows with what is marked,
and once more where the best mask reaches its border. An image of up to 1,500 px is always seen whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from seagull_iqa.domain.progress import ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, EverythingSpec, FloatBox, Point, Prompts, Proposal
from seagull_iqa.domain.region import Box
from seagull_iqa.errors import RegionError
from seagull_iqa.segmenting.interface import SegmentEngine, SegmentLook
from seagull_iqa.segmenting.views import View

WHOLE_UP_TO = 1500
"""Longest side, in px, of an image that is seen whole at its own size, and of what an engine is ever shown."""

CROP_SIDE = 1024
"""Of the smallest part, in px; the next ones have `GROWTH` times that, up to the whole image."""

GROWTH = 3
"""Each further part costs a look."""

_STEPS_PER_CROP = 4
_MARGINS_PER_CROP = 8

Shape = tuple[int, int]
Known = Callable[[View], bool]


class Views(Protocol):
    """The looks at the parts of one image."""

    @property
    def shape(self) -> Shape:
        """Height and width of the image in px."""

    def known(self, view: View) -> bool:
        """Whether there is a look at it already."""

    def look(self, view: View) -> SegmentLook:
        """The look at it; taken now where there is none."""


def propose(engine: SegmentEngine, prompts: Prompts, views: Views) -> Proposal:
    """The masks that the prompts mean, in px of the image.

    Of a part, candidates other than the best one that reach its border are left out, since they are cut off there.

    Raises
    ------
    RegionError
        The prompts mean no region.
    """
    if prompts.is_empty:
        raise RegionError("Nothing says where the region is.", "Click inside it, or draw a box or a stroke.")
    for view in views_for(views.shape, prompts, views.known):
        found = engine.mask(views.look(view), view.inward(prompts))
        # The last view is the whole image, which cuts nothing.
        if not view.cuts(found.candidates[found.best].mask):
            break
    kept = [index for index, candidate in enumerate(found.candidates) if not view.cuts(candidate.mask)]
    return Proposal(tuple(view.outward(found.candidates[index]) for index in kept), kept.index(found.best))


def everything(
    engine: SegmentEngine, spec: EverythingSpec, views: Views, *, progress: ProgressCallback = ignore_progress
) -> list[Candidate]:
    """All regions, best first, in px of the image; a large image is seen whole, at `WHOLE_UP_TO` px."""
    view = whole_view(views.shape)
    share = view.scale[0] * view.scale[1]
    seen = replace(spec, least_area=max(1, round(spec.least_area * share)))
    found = [view.outward(one) for one in engine.everything(views.look(view), seen, progress=progress)]
    return [one for one in found if one.mask.area >= spec.least_area][: spec.most]


def first_view(shape: Shape, near: Point | None = None, known: Known = lambda view: False) -> View:
    """What a click at that point, or else at the centre, is answered on."""
    point = near or ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    return next(views_for(shape, Prompts(positive=(point,)), known))


def whole_view(shape: Shape) -> View:
    """The whole image, reduced where it is large."""
    return _view(shape, (0, 0, *shape))


def views_for(shape: Shape, prompts: Prompts, known: Known = lambda view: False) -> Iterator[View]:
    """Views that hold all that is marked as inside, small to large; the last one is the whole image."""
    marked, side = _marked(shape, prompts), CROP_SIDE
    while max(shape) > WHOLE_UP_TO and side < max(shape):
        boxes = _boxes(shape, marked, side)
        views = [_view(shape, box) for box in sorted(boxes, key=lambda box: _away(box, marked))]
        if views:
            yield next((view for view in views if known(view)), views[0])
        side *= GROWTH
    yield whole_view(shape)


def _view(shape: Shape, box: Box) -> View:
    extent = (box[2] - box[0], box[3] - box[1])
    scale = min(1.0, WHOLE_UP_TO / max(extent))
    return View(shape, box, (max(1, round(extent[0] * scale)), max(1, round(extent[1] * scale))))


def _marked(shape: Shape, prompts: Prompts) -> FloatBox:
    """Half-open box round all that is marked as inside, within the image."""
    boxes: list[Sequence[float]] = [(row, col, row + 1, col + 1) for row, col in prompts.positive]
    boxes += [(row, col, row + 1, col + 1) for stroke in prompts.strokes for row, col in stroke]
    boxes += [] if prompts.box is None else [prompts.box]
    boxes += [] if prompts.mask is None else [prompts.mask.box]
    low = [min(max(min(box[axis] for box in boxes), 0.0), shape[axis] - 1.0) for axis in (0, 1)]
    high = [min(max(max(box[axis + 2] for box in boxes), low[axis] + 1), float(shape[axis])) for axis in (0, 1)]
    return (low[0], low[1], high[0], high[1])


def _boxes(shape: Shape, marked: FloatBox, side: int) -> list[Box]:
    """The parts of that size on the grid that hold what is marked, with a margin."""
    rows, cols = (_starts(shape[axis], marked[axis], marked[axis + 2], side) for axis in (0, 1))
    return [(row, col, min(shape[0], row + side), min(shape[1], col + side)) for row in rows for col in cols]


def _starts(size: int, low: float, high: float, side: int) -> list[int]:
    """Where a part may start along one axis."""
    if side >= size:
        return [0]
    margin, step = side // _MARGINS_PER_CROP, side // _STEPS_PER_CROP
    first, last = max(0.0, low - margin), min(float(size), high + margin)
    grid = [*range(0, size - side, step), size - side]
    return [start for start in grid if start <= first and last <= start + side]


def _away(box: Box, marked: FloatBox) -> float:
    """How far the middle of a part is from the middle of what is marked, in px."""
    return sum(abs(box[axis] + box[axis + 2] - marked[axis] - marked[axis + 2]) / 2 for axis in (0, 1))
