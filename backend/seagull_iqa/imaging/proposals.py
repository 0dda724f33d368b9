"""All regions that an engine has found, and which of them are kept: quick enough to follow a slider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.prompts import Candidate, EverythingFilter
from seagull_iqa.imaging.masks import shared_area

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that was found in an image, with what the filters want to know, computed once.

    Attributes
    ----------
    candidates : tuple of Candidate
    shape : (int, int)
        Height and width of the image in px.
    areas : float64, shape (N,)
        Of each, as a share of the image, 0..1.
    scores, stabilities : float64, shape (N,)
        0..1.
    shared : float64, shape (N, N)
        Pixels that two have in common; the area in px on the diagonal.
    """

    candidates: tuple[Candidate, ...]
    shape: tuple[int, int]
    areas: FloatArray
    scores: FloatArray
    stabilities: FloatArray
    shared: FloatArray

    @classmethod
    def of(cls, candidates: Sequence[Candidate], shape: tuple[int, int]) -> Findings:
        """Measure candidates of an image of that height and width; once, for it compares all with all."""
        count = len(candidates)
        shared = np.zeros((count, count))
        for row in range(count):
            for column in range(row, count):
                common = shared_area(candidates[row].mask, candidates[column].mask)
                shared[row, column] = shared[column, row] = common
        return cls(
            tuple(candidates),
            shape,
            shared.diagonal() / (shape[0] * shape[1]),
            np.array([one.score for one in candidates], dtype=np.float64),
            np.array([one.stability for one in candidates], dtype=np.float64),
            shared,
        )

    def kept(self, wish: EverythingFilter) -> list[int]:
        """Indices of the candidates that the filters let through, best first.

        Of two that overlap more than `most_overlap` the one with the better score stays; so does it of two of which
        one lies with more than 1 - (1 - most_overlap) / 2 of its pixels inside the other. At 1 nothing is dropped.
        """
        fits = (
            (self.areas >= wish.least_share)
            & (self.areas <= wish.most_share)
            & (self.stabilities >= wish.least_stability)
        )
        order = np.argsort(-self.scores, kind="stable")
        return self._apart(order[fits[order]], wish.most_overlap)

    def _apart(self, order: NDArray[np.intp], most_overlap: float) -> list[int]:
        """Those of the indices, best first, that no better one covers."""
        if most_overlap >= 1.0:
            return [int(index) for index in order]
        sizes = self.shared.diagonal()
        most_inside = 1.0 - (1.0 - most_overlap) / 2.0
        open_ = np.ones(len(sizes), dtype=bool)
        kept = []
        for index in order:
            if not open_[index]:
                continue
            kept.append(int(index))
            common = self.shared[index]
            ious = common / (sizes[index] + sizes - common)
            open_ &= (ious <= most_overlap) & (common / sizes <= most_inside)
        return kept
