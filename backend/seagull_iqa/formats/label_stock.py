"""What there is to learn from: counts, spread, what contradicts, and what is missing, in words; no model is asked."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import CLEAN, Distortion
from seagull_iqa.domain.fine_tuning import LabelStock
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.formats.label_set import LabelSet
from seagull_iqa.formats.session_document import SessionRegion
from seagull_iqa.formats.values import mean_label

LEAST = 8
"""Labels of quality, or comparisons, with which learning begins."""

WISHED, WISHED_IMAGES = 30, 5
APART = 40.0
"""Points between two labels that cannot both be right."""

SAME = 0.9
"""Intersection over union from which two regions are the same."""

MOST_CONTRADICTIONS = 50


def stock_of(labels: LabelSet) -> LabelStock:
    """What there is, and what would help."""
    said = {key: labels.images[number].document.counting(key) for key, (number, _one) in labels.regions.items()}
    said = {key: notes for key, notes in said.items() if any(not note.says_nothing for note in notes)}
    quality = {key: value for key, notes in said.items() if (value := mean_label(notes, "quality")) is not None}
    images = {labels.regions[key][0] for key in said}
    bins = Counter(min(9, int(value / 10)) for value in quality.values())
    types: Counter[str] = Counter()
    for notes in said.values():
        for note in notes:
            if note.findings is not None:
                types.update([one.distortion.value for one in note.findings] or [CLEAN])
    twins = list(_twins(labels, quality))
    people = Counter(note.author for notes in said.values() for note in notes if not note.says_nothing)
    contradictions = [*_twins_apart(twins, quality), *_people_apart(said), *_pairs_against(labels, quality)]
    return LabelStock(
        regions=len(said),
        images=len(images),
        pairs=len(labels.preferences),
        annotators=tuple(people.most_common()),
        quality=tuple(bins[number] for number in range(10)),
        types=dict(types),
        duplicates=len(twins),
        contradictions=tuple(contradictions[:MOST_CONTRADICTIONS]),
        agreement=_agreement(said),
        missing=tuple(_missing(quality, images, types, len(labels.preferences))),
        can_show_improvement=len({labels.regions[key][0] for key in quality}) > 1 and len(quality) >= LEAST,
    )


def _twins(labels: LabelSet, quality: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Labelled regions of one image that are nearly the same."""
    by_image: defaultdict[int, list[SessionRegion]] = defaultdict(list)
    for key in quality:
        number, one = labels.regions[key]
        by_image[number].append(one)
    for ones in by_image.values():
        for one, other in itertools.combinations(ones, 2):
            if _iou(one.region.mask, other.region.mask) > SAME:
                yield one.id, other.id


def _iou(one: RegionMask, other: RegionMask) -> float:
    if min(one.area, other.area) < SAME * max(one.area, other.area):
        return 0.0
    r0, c0 = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    r1, c1 = min(one.box[2], other.box[2]), min(one.box[3], other.box[3])
    if r1 <= r0 or c1 <= c0:
        return 0.0

    def cut(mask: RegionMask) -> NDArray[np.bool_]:
        return mask.inside[r0 - mask.box[0] : r1 - mask.box[0], c0 - mask.box[1] : c1 - mask.box[1]]

    both = int((cut(one) & cut(other)).sum())
    return both / (one.area + other.area - both)


def _twins_apart(twins: Sequence[tuple[str, str]], quality: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    for one, other in twins:
        if abs(quality[one] - quality[other]) > APART:
            words = f"Nearly the same region has {quality[one]:.0f} and {quality[other]:.0f}."
            yield one, other, words


def _people_apart(said: Mapping[str, Sequence[Annotation]]) -> Iterator[tuple[str, str, str]]:
    for key, notes in said.items():
        scores = sorted((note.quality, note.author) for note in notes if note.quality is not None)
        if len(scores) > 1 and scores[-1][0] - scores[0][0] > APART:
            (low, low_by), (high, high_by) = scores[0], scores[-1]
            yield key, "", f"{low_by or 'Somebody'} says {low:.0f}, {high_by or 'somebody else'} {high:.0f}."


def _pairs_against(labels: LabelSet, quality: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    for one in labels.preferences:
        if one.better in quality and one.worse in quality and not one.equal:
            better, worse = quality[one.better], quality[one.worse]
            if worse - better > APART / 2:
                yield one.better, one.worse, f"The better one of a comparison has {better:.0f}, the other {worse:.0f}."


def _agreement(said: Mapping[str, Sequence[Annotation]]) -> float | None:
    """Spearman correlation of every two annotators on what both labelled, weighed by the regions; None below three."""
    from scipy.stats import spearmanr

    scores: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for key, notes in said.items():
        for note in notes:
            if note.quality is not None:
                scores[note.author][key] = note.quality
    total, weight = 0.0, 0
    for one, other in itertools.combinations(scores.values(), 2):
        both = sorted(one.keys() & other.keys())
        if len(both) >= 3:
            found = float(spearmanr([one[key] for key in both], [other[key] for key in both])[0])
            if math.isfinite(found):
                total, weight = total + found * len(both), weight + len(both)
    return total / weight if weight else None


def _missing(
    quality: Mapping[str, float], images: set[int], types: Mapping[str, int], pairs: int
) -> Iterator[str]:
    """Most helpful first."""
    if len(quality) + pairs < LEAST:
        yield f"Label {LEAST - len(quality) - pairs} more regions: with fewer than {LEAST} there is nothing to learn."
    if len(images) < 2:
        yield "Label regions of a second image: with one image nobody can say whether a model has become better."
    elif len(images) < WISHED_IMAGES:
        yield f"Label regions of more images: {len(images)} say little about the next one."
    if len(quality) < WISHED:
        yield f"Label some {WISHED} regions: now there are {len(quality)}."
    elif len(quality) and max(quality.values()) - min(quality.values()) < 30:
        yield "All labels are alike: rate regions that you find clearly better or worse, too."
    if types and len(types) < 3:
        unseen = [one.value for one in Distortion if one.value not in types][:3]
        yield f"No label names {', '.join(unseen)}: findings of those stay as they are."
