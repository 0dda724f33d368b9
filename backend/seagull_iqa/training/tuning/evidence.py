"""Labels and features side by side, as arrays: what every method learns from and is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.errors import SeagullError
from seagull_iqa.models.mini.features import RegionFeatures

if TYPE_CHECKING:
    from seagull_iqa.formats.label_set import LabelSet

Values = NDArray[np.float64]
Whole = NDArray[np.intp]

LEAST_IN_COMMON = 5
"""So many labels of one annotator are needed to tell how that person uses the scale."""

PRIOR_OFFSET, PRIOR_SLOPE, SPREAD = 10.0, 0.25, 10.0
"""How far people's scales are apart (points), by how much they are stretched, and how labels scatter (points)."""

ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Evidence:
    """N labels of R regions, P comparisons.

    Attributes
    ----------
    ids : tuple of str, R
    image : int, shape (R,)
        Number of each region's image.
    features : RegionFeatures
        Of the R regions, labelled or not.
    region, author : int, shape (N,)
        Of each label of quality.
    score : float64, shape (N,)
        0..100, on the scale of the mean annotator.
    better, worse : int, shape (P,)
        Regions that were compared.
    equal : bool, shape (P,)
    importance : float64, shape (R,)
        Mean label; NaN where there is none.
    found : float64, shape (R, 7)
        Share of the people who named each distortion; NaN where nobody said anything of distortions.
    """

    ids: tuple[str, ...]
    image: Whole
    features: RegionFeatures
    region: Whole
    author: Whole
    score: Values
    better: Whole
    worse: Whole
    equal: NDArray[np.bool_]
    importance: Values
    found: Values

    def on(self, images: Sequence[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which labels, and which comparisons (both regions), lie in these images."""
        inside = np.isin(self.image, list(images))
        return inside[self.region], inside[self.better] & inside[self.worse]

    @property
    def labelled(self) -> Whole:
        """Regions with a label of quality."""
        return np.unique(self.region)

    @property
    def mean_score(self) -> Values:
        """(R,): the mean label of each region; NaN where there is none."""
        total = np.bincount(self.region, self.score, len(self.ids))
        count = np.bincount(self.region, minlength=len(self.ids))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count > 0, total / count, np.nan)


def gathered(labels: LabelSet, features: RegionFeatures) -> Evidence:
    """Put labels beside features; each annotator's scale is brought to that of the mean annotator.

    Parameters
    ----------
    labels : LabelSet
    features : RegionFeatures
        Of `labels.regions`, in that order.

    Raises
    ------
    SeagullError
        A label is no number.
    """
    ids = tuple(labels.regions)
    place = {key: line for line, key in enumerate(ids)}
    names: dict[str, int] = {}
    region, author, score = list[int](), list[int](), list[float]()
    importance, found = np.full(len(ids), np.nan), np.full((len(ids), len(Distortion)), np.nan)
    for key, (number, _one) in labels.regions.items():
        notes = labels.images[number].document.counting(key)
        for note in notes:
            if note.quality is not None:
                region.append(place[key])
                author.append(names.setdefault(note.author, len(names)))
                score.append(note.quality)
        weights = [note.importance for note in notes if note.importance is not None]
        importance[place[key]] = np.mean(weights) if weights else np.nan
        voices = [{one.distortion for one in note.findings} for note in notes if note.findings is not None]
        if voices:
            found[place[key]] = [np.mean([kind in voice for voice in voices]) for kind in Distortion]
    pairs = [one for one in labels.preferences if one.better in place and one.worse in place]
    made = Evidence(
        ids, np.array([number for number, _one in labels.regions.values()], dtype=np.intp), features,
        np.array(region, dtype=np.intp), np.array(author, dtype=np.intp), np.array(score, dtype=float),
        np.array([place[one.better] for one in pairs], dtype=np.intp),
        np.array([place[one.worse] for one in pairs], dtype=np.intp),
        np.array([one.equal for one in pairs], dtype=bool), importance, found,
    )  # fmt: skip
    if not np.isfinite(made.score).all():
        raise SeagullError("A label is no number.", "Take it back, and label the region again.")
    return _on_one_scale(made)


def _on_one_scale(made: Evidence) -> Evidence:
    """Undo each annotator's own offset and slope, as far as regions in common (or the model) tell them.

    Alternating least squares, shrunk to "no difference"; the mean annotator's offset is 0 and slope 1.
    """
    people = np.unique(made.author)
    if len(people) < 2:
        return made
    score, count = made.score.copy(), np.bincount(made.region, minlength=len(made.ids))
    for _round in range(ROUNDS):
        agreed = np.bincount(made.region, score, len(made.ids)) / np.maximum(count, 1)
        lines = {}
        for person in people:
            mine = made.author == person
            shared = mine & (count[made.region] > 1)
            use = shared if shared.sum() >= LEAST_IN_COMMON else mine
            truth = agreed if shared.sum() >= LEAST_IN_COMMON else made.features.quality
            lines[person] = _line(truth[made.region[use]], made.score[use])
        offset = float(np.mean([line[0] for line in lines.values()]))
        slope = float(np.mean([line[1] for line in lines.values()]))
        for person, (mine_offset, mine_slope) in lines.items():
            mine = made.author == person
            score[mine] = 50 + (made.score[mine] - 50 - (mine_offset - offset)) * (1 + slope) / (1 + mine_slope)
    return Evidence(**{**made.__dict__, "score": np.clip(score, 0, 100)})


def _line(truth: Values, said: Values) -> tuple[float, float]:
    """Offset at 50 and slope less 1 of what a person says against what is so, shrunk to (0, 0)."""
    basis = np.stack([np.ones_like(truth), truth - 50], 1)
    prior = np.diag([(SPREAD / PRIOR_OFFSET) ** 2, (SPREAD / PRIOR_SLOPE) ** 2])
    offset, slope = np.linalg.solve(basis.T @ basis + prior, basis.T @ (said - truth))
    return float(offset), float(np.clip(slope, -0.6, 1.5))
