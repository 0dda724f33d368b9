"""Batches for the full model: spoiled pictures, regions in them, and what is asked and answered about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.training.samples import Chunk
from seagull_iqa.training.seagull_words import Asked, Known, judged, plain
from seagull_iqa.training.task import Arrays, Source


@dataclass(frozen=True)
class Lesson:
    """One picture, regions in it, and texts about them.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    masks : tuple of RegionMask
    about : tuple of int
        For each text, the index of its region.
    texts : tuple of Asked
    """

    rgb: NDArray[np.uint8]
    masks: tuple[RegionMask, ...]
    about: tuple[int, ...]
    texts: tuple[Asked, ...]

    def mirrored(self) -> Lesson:
        """Left and right exchanged."""
        masks = tuple(RegionMask.from_pixels(mask.pixels[:, ::-1]) for mask in self.masks)
        return Lesson(np.ascontiguousarray(self.rgb[:, ::-1]), masks, self.about, self.texts)


@dataclass(frozen=True)
class SeagullSource:
    """Makes lessons by number, out of the same labelled pictures as seagull-mini learns from.

    Attributes
    ----------
    pictures : Source
        Gives the fields of a `Chunk`.
    seed : int
    regions : int
        Of each picture at most; which of them is drawn for each batch.
    questions : int
        About each region.
    judged : float, 0..1
        Share of the questions that ask whether something is so.
    drawn : bool
        See `seagull_words.plain`.
    """

    pictures: Source
    seed: int
    regions: int = 8
    questions: int = 2
    judged: float = 0.5
    drawn: bool = False

    def __call__(self, index: int) -> Arrays:
        """The batch of that number: pictures, masks, their texts, and of which picture and region each text is."""
        chunk = Chunk.from_arrays(self.pictures(index))
        rng = np.random.default_rng([self.seed, 2, index])
        masks: list[NDArray[np.uint8]] = []
        places: list[tuple[int, int]] = []
        texts: list[tuple[str, str]] = []
        all_masks = chunk.unpacked_masks().numpy() > 0
        for number, known in enumerate(known_regions(chunk)):
            order = rng.permutation(len(known))
            chosen = [k for k in order if known[k].aspects and all_masks[number, k].any()][: self.regions]
            for k in chosen:
                asked = [self._asked(known[k], rng) for _ in range(self.questions)]
                places += [(number, len(masks))] * len(asked)
                texts += [(one.question, one.answer) for one in asked]
                masks.append(np.packbits(all_masks[number, k], axis=-1))
        pictures = chunk.image.permute(0, 2, 3, 1).numpy()
        return [pictures, np.stack(masks), np.array(places, dtype=np.int64), np.array(texts)]

    def _asked(self, known: Known, rng: np.random.Generator) -> Asked:
        aspect = known.aspects[int(rng.integers(len(known.aspects)))]
        if rng.random() < self.judged:
            return judged(known, aspect, rng, true=bool(rng.random() < 0.5))
        return plain(known, aspect, rng, drawn=self.drawn)


def known_regions(chunk: Chunk) -> list[list[Known]]:
    """What is known of every region of every picture."""
    return [
        [
            Known(_number(quality), _number(importance), None if min(levels) < 0 else tuple(levels))
            for quality, importance, levels in zip(*rows, strict=True)
        ]
        for rows in zip(chunk.quality.tolist(), chunk.importance.tolist(), chunk.severity.tolist(), strict=True)
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def lessons(arrays: Arrays) -> list[Lesson]:
    """What a batch holds, picture by picture."""
    pictures, packed, places, texts = arrays
    return [_lesson(np.asarray(picture, np.uint8), packed, texts, list(_rows(places, number)))
            for number, picture in enumerate(pictures) if (places[:, 0] == number).any()]


def _rows(places: NDArray[np.generic], number: int) -> Iterator[tuple[int, int]]:
    for row, (picture, mask) in enumerate(places):
        if picture == number:
            yield row, int(mask)


def _lesson(
    rgb: NDArray[np.uint8], packed: NDArray[np.generic], texts: NDArray[np.generic], rows: Sequence[tuple[int, int]]
) -> Lesson:
    numbers = sorted({mask for _, mask in rows})
    width = rgb.shape[1]
    masks = tuple(
        RegionMask.from_pixels(np.unpackbits(np.asarray(packed[n], np.uint8), axis=-1)[:, :width].astype(bool))
        for n in numbers
    )
    asked = tuple(Asked(str(texts[row][0]), str(texts[row][1])) for row, _ in rows)
    return Lesson(rgb, masks, tuple(numbers.index(mask) for _, mask in rows), asked)
