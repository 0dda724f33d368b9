"""What the accuracy of clicks is made of: people's segments, clicks at the centre of the largest error, overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from seagull_iqa.errors import SeagullError
from seagull_iqa.segmenting.interface import RGBImage

LEAST, MOST = 0.01, 0.5
"""Segments of that share of the photograph are asked for."""

CLICKS = 5

Mask = NDArray[np.bool_]
"""bool, shape (H, W), True inside."""


@dataclass(frozen=True)
class Click:
    """A pixel, and whether it is inside what is meant."""

    row: int
    column: int
    inside: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """What is answered to clicks.

    Attributes
    ----------
    masks : sequence of masks
        One or more.
    first : int or None
        Index of the one that is ranked first; None where nothing is ranked and the truth chooses.
    """

    masks: Sequence[Mask]
    first: int | None


Answering = Callable[[Sequence[Click], Mask | None], Answer]
"""Masks after all clicks so far, the last one being new, and the mask that it corrects."""


class Clicked(Protocol):
    """A method that answers to clicks."""

    name: str
    note: str
    choosy: bool
    """Whether it ranks several masks, so that to take the best one is something else than to take the first."""

    def look(self, rgb: RGBImage) -> Answering:
        """Look at a photograph once."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph and the segments that people drew in it.

    Attributes
    ----------
    name : str
    path : Path
    annotations : tuple of Path
        One image of labels for each person.
    """

    name: str
    path: Path
    annotations: tuple[Path, ...]

    def rgb(self) -> RGBImage:
        """uint8, shape (H, W, 3)."""
        with Image.open(self.path) as image:
            return np.asarray(image.convert("RGB"))

    def segments(self) -> list[Mask]:
        """Every person's segments of 1 to 50 % of the photograph, each label as annotated."""
        found = []
        for path in self.annotations:
            with Image.open(path) as image:
                labels = np.asarray(image)
            shares = np.bincount(labels.ravel()) / labels.size
            found += [labels == label for label in np.flatnonzero((shares >= LEAST) & (shares <= MOST))]
        return found


def photographs(folder: Path, half: str, images: int | None, annotators: int | None) -> list[Photograph]:
    """Those of a half: "tune" is the first by name, "report" the rest; or the first so many of these, and of people.

    Raises
    ------
    SeagullError
        The folder has no images/ and segmentations/ that belong together.
    """
    paths = sorted((folder / "images").glob("*.jpg"))
    if len(paths) < 2:
        raise SeagullError(f"{folder} holds no photographs in images/.", "Name the folder of BSDS with --data.")
    middle = len(paths) // 2
    chosen = paths[:middle] if half == "tune" else paths[middle:]
    found = []
    for path in chosen[:images]:
        drawn = sorted((folder / "segmentations").glob(f"{path.stem}_*.png"))
        if not drawn:
            raise SeagullError(f"Nobody has drawn segments of {path.name}.", "Look for them in segmentations/.")
        found.append(Photograph(path.stem, path, tuple(drawn[:annotators])))
    return found


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max(int((one | other).sum()), 1))


def deepest(mask: Mask) -> tuple[int, int]:
    """The pixel farthest from the border of a mask; the frame of the image is border too."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    depth = ndimage.distance_transform_edt(part)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return top + int(row) - 1, left + int(column) - 1


def next_click(mask: Mask, truth: Mask) -> Click | None:
    """At the centre of the largest connected error; None where there is none."""
    errors = [(truth & ~mask, True), (mask & ~truth, False)]
    largest: tuple[int, Mask, bool] | None = None
    for error, inside in errors:
        labels, count = ndimage.label(error)
        if count:
            sizes = np.bincount(labels.ravel())
            sizes[0] = 0
            label = int(sizes.argmax())
            if largest is None or sizes[label] > largest[0]:
                largest = (int(sizes[label]), labels == label, inside)
    return None if largest is None else Click(*deepest(largest[1]), largest[2])


def clicked(answering: Answering, truth: Mask, *, best: bool, start: Click | None = None) -> list[float]:
    """IoU after each of five clicks.

    Parameters
    ----------
    best : bool
        Go on with the best of the masks that are answered, instead of the one ranked first.
    start : Click, optional
        The first click, where it is not to be at the deepest pixel.
    """
    clicks = [start or Click(*deepest(truth), inside=True)]
    before: Mask | None = None
    found: list[float] = []
    while True:
        answer = answering(clicks, before)
        scores = [iou(mask, truth) for mask in answer.masks]
        index = int(np.argmax(scores)) if best or answer.first is None else answer.first
        before = answer.masks[index]
        found.append(scores[index])
        click = None if len(found) == CLICKS else next_click(before, truth)
        if click is None:
            return found + [found[-1]] * (CLICKS - len(found))
        clicks.append(click)
