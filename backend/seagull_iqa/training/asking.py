"""Ask a model about a region in every way that a table has a row for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seagull_iqa.data.protocol import CaseLabel
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.training.answers import Answer, CaseResult
from seagull_iqa.training.baselines import CROP, WHOLE
from seagull_iqa.training.outsiders import Outsider, outsiders


@dataclass(frozen=True)
class Question:
    """One region of an image, what is true of it, and where it stands in its data set."""

    number: int
    photo: str
    mask: RegionMask
    label: CaseLabel

    @property
    def share(self) -> float:
        """Area over that of the image, 0..1."""
        return self.mask.area / (self.mask.shape[0] * self.mask.shape[1])

    @property
    def is_whole(self) -> bool:
        """It is the whole image: asked about that, the rows `whole` and `crop` would be the same question again."""
        return self.mask.area == self.mask.shape[0] * self.mask.shape[1]


@dataclass(frozen=True)
class Asker:
    """A model and the rows that are asked for.

    Attributes
    ----------
    model : QualityModel
    rows : tuple of str
        From `baselines.ALL_ROWS`, and names of pyiqa's as `outsiders` has them.
    """

    model: QualityModel
    rows: tuple[str, ...]

    @cached_property
    def others(self) -> list[Outsider]:
        """The methods of others that can be run here."""
        return [one for one in outsiders(self.rows) if not one.missing]

    @property
    def can_run(self) -> list[str]:
        """The rows less those of methods that are not installed: what answers will be there."""
        missing = {one.name for one in outsiders(self.rows) if one.missing}
        return [name for name in self.rows if name not in missing]

    def whole(self, rgb: RGBImage) -> Answer:
        """What the model says of a whole image: uint8 (H, W, 3)."""
        shape = (int(rgb.shape[0]), int(rgb.shape[1]))
        return Answer.of(self.model.assess(self.model.look(rgb), [Region(RegionMask.whole(shape))])[0])

    def ask(self, rgb: RGBImage, questions: Sequence[Question]) -> list[CaseResult]:
        """Every row's answers to the questions about one image, which is looked at once: uint8 (H, W, 3)."""
        wants_whole = WHOLE in self.rows
        regions = [Region(question.mask) for question in questions]
        if wants_whole:
            regions.append(Region(RegionMask.whole(questions[0].mask.shape)))
        answers = [Answer.of(report) for report in self.model.assess(self.model.look(rgb), regions)]
        whole = answers[-1] if wants_whole else None
        return [
            self._result(rgb, question, (answer, whole)) for question, answer in zip(questions, answers, strict=False)
        ]

    def _result(self, rgb: RGBImage, question: Question, said: tuple[Answer, Answer | None]) -> CaseResult:
        ours, whole = said
        box = crop(rgb, question.mask)
        fed = (ours if question.is_whole else self.whole(box)) if CROP in self.rows else None
        return CaseResult(
            question.number, question.photo, question.share, question.label, ours, whole, fed,
            {one.name: one.score(box) for one in self.others}, question.mask.box,
        )  # fmt: skip


def crop(rgb: RGBImage, mask: RegionMask) -> RGBImage:
    """The region's box as an image of its own: uint8 (h, w, 3)."""
    row0, col0, row1, col1 = mask.box
    return np.ascontiguousarray(rgb[row0:row1, col0:col1])
