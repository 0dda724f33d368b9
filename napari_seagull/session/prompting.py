"""The prompts for one region while they are being made: each step can be taken back; every noun is immutable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from napari_seagull.session.records import Plane
from seagull_iqa.domain.prompts import FloatBox, Point, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask


@dataclass(frozen=True)
class Step:
    """The prompts after one gesture; negative strokes are kept for the eye, the engine hears of their points."""

    prompts: Prompts = field(default_factory=Prompts)
    away: tuple[tuple[Point, ...], ...] = ()


@dataclass(frozen=True)
class Sketch:
    """Prompts for one region of one plane, with the way back.

    Attributes
    ----------
    plane : tuple of int
        The plane that was pointed at.
    steps : tuple of Step
        The first is empty.
    at : int
        Which of them counts now; those behind it can be done again.
    """

    plane: Plane = ()
    steps: tuple[Step, ...] = (Step(),)
    at: int = 0

    @property
    def now(self) -> Step:
        """The step that counts."""
        return self.steps[self.at]

    @property
    def prompts(self) -> Prompts:
        """In px of the plane; whole numbers are centres of pixels."""
        return self.now.prompts

    @property
    def is_empty(self) -> bool:
        """Nothing has been pointed at."""
        return self.now == Step()

    @property
    def can_redo(self) -> bool:
        """A step was taken back that can be done again."""
        return self.at < len(self.steps) - 1

    def undone(self) -> Sketch:
        """One step back; the same where there is none."""
        return replace(self, at=max(0, self.at - 1))

    def redone(self) -> Sketch:
        """One step forth; the same where there is none."""
        return replace(self, at=min(len(self.steps) - 1, self.at + 1))

    def pointed(self, point: Point, *, inside: bool) -> Sketch:
        """A click more: this is inside the region, or this is not."""
        old = self.prompts
        if inside:
            return self._with(replace(self.now, prompts=replace(old, positive=(*old.positive, point))))
        return self._with(replace(self.now, prompts=replace(old, negative=(*old.negative, point))))

    def boxed(self, box: FloatBox) -> Sketch:
        """The region lies in this box; an earlier box is forgotten."""
        return self._with(replace(self.now, prompts=replace(self.prompts, box=box)))

    def scribbled(self, stroke: tuple[Point, ...], *, inside: bool) -> Sketch:
        """A stroke more: along this is the region, or is not."""
        old = self.prompts
        if inside:
            return self._with(replace(self.now, prompts=replace(old, strokes=(*old.strokes, stroke))))
        marks = (*old.negative, *thinned(stroke, MOST_AWAY))
        return self._with(Step(replace(old, negative=marks), (*self.now.away, stroke)))

    def _with(self, step: Step) -> Sketch:
        return replace(self, steps=(*self.steps[: self.at + 1], step), at=self.at + 1)


MOST_AWAY = 12
"""So many points stand for a stroke along what is not the region: engines take points for that, and no strokes."""


def thinned(stroke: tuple[Point, ...], most: int) -> tuple[Point, ...]:
    """At most so many points of a stroke, evenly spread, both ends among them."""
    if len(stroke) <= most:
        return stroke
    return tuple(stroke[round(index * (len(stroke) - 1) / (most - 1))] for index in range(most))


@dataclass(frozen=True, eq=False)
class Shown:
    """What is proposed for the prompts, and which of the candidates is looked at.

    Attributes
    ----------
    masks : tuple of RegionMask
        One to three of the whole plane, small to large.
    scores : tuple of float
        0..1, what the engine thinks of each.
    index : int
        Of the one that is looked at.
    """

    masks: tuple[RegionMask, ...]
    scores: tuple[float, ...]
    index: int

    @classmethod
    def of(cls, proposal: Proposal, masks: tuple[RegionMask, ...]) -> Shown:
        """A proposal with its masks put in place; the one the engine ranks first is looked at."""
        return cls(masks, tuple(one.score for one in proposal.candidates), proposal.best)

    @property
    def mask(self) -> RegionMask:
        """The one that is looked at."""
        return self.masks[self.index]

    @property
    def score(self) -> float:
        """What the engine thinks of it, 0..1."""
        return self.scores[self.index]

    def cycled(self) -> Shown:
        """The next larger one, or the smallest after the largest."""
        return replace(self, index=(self.index + 1) % len(self.masks))
