"""Who answers to clicks: our engines, and what scikit-image and OpenCV have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from segmentation_clicks import Answer, Answering, Click, Clicked, Mask
from skimage.color import rgb2lab
from skimage.segmentation import felzenszwalb, flood, random_walker

from seagull_iqa.domain.prompts import Prompts
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.segmenting.interface import RGBImage, SegmentEngine, SegmentLook

LEVELS = (25, 50, 100, 200, 400, 800, 1600)
"""Scales of Felzenszwalb and Huttenlocher's segmentation."""

TOLERANCES = (8.0, 14.0, 24.0)
"""Distances in CIELAB from the colour of the clicked pixel."""

WALKED = 160
"""Long side in px at which the random walker walks: at full size one answer takes seconds."""

CUT = 240
"""Long side in px at which GrabCut cuts."""

Labels = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Engine:
    """One of our engines; it is told the earlier mask too, unless `remembered` is off."""

    engine: SegmentEngine
    remembered: bool = True
    note: str = "three candidates"
    choosy: bool = True

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name

    def look(self, rgb: RGBImage) -> Answering:
        """The engine's."""
        return partial(self.answer, self.engine.look(rgb))

    def answer(self, look: SegmentLook, clicks: Sequence[Click], before: Mask | None) -> Answer:
        """Its candidates."""
        points = {sign: tuple((float(one.row), float(one.column)) for one in clicks if one.inside is sign)
                  for sign in (True, False)}  # fmt: skip
        told = self.remembered and before is not None and before.any()
        mask = RegionMask.from_pixels(before) if told and before is not None else None
        proposal = self.engine.mask(look, Prompts(points[True], points[False], mask=mask))
        return Answer([one.mask.pixels for one in proposal.candidates], proposal.best)


class Felzenszwalb:
    """The segment round a click, of the level that fits best; further clicks add or take one likewise."""

    name = "Felzenszwalb, best level"
    note = f"the truth chooses among scales {', '.join(map(str, LEVELS))} at every click"
    choosy = False

    def look(self, rgb: RGBImage) -> Answering:
        """Segments of each level."""
        levels = [np.asarray(felzenszwalb(rgb, scale=scale, sigma=0.8, min_size=50)) for scale in LEVELS]
        return partial(self.answer, levels)

    def answer(self, look: list[Labels], clicks: Sequence[Click], before: Mask | None) -> Answer:
        """A mask for each level."""
        last = clicks[-1]
        parts = [labels == labels[last.row, last.column] for labels in look]
        return Answer([_changed(before, part, last) for part in parts], None)


class Flood:
    """Pixels joined to the click that have nearly its colour; further clicks add or take such."""

    name = "flood"
    note = f"tolerances {', '.join(f'{one:g}' for one in TOLERANCES)} of CIELAB, the middle one is ranked first"
    choosy = True

    def look(self, rgb: RGBImage) -> Answering:
        """CIELAB."""
        return partial(self.answer, np.asarray(rgb2lab(rgb)))

    def answer(self, look: NDArray[np.float64], clicks: Sequence[Click], before: Mask | None) -> Answer:
        """A mask for each tolerance."""
        last = clicks[-1]
        seed = (last.row, last.column)
        away = np.linalg.norm(look - look[seed], axis=2)
        parts = [np.asarray(flood(away, seed, tolerance=tolerance)) for tolerance in TOLERANCES]
        return Answer([_changed(before, part, last) for part in parts], len(TOLERANCES) // 2)


def _changed(before: Mask | None, part: Mask, click: Click) -> Mask:
    if before is None:
        return part
    return before | part if click.inside else before & ~part


@dataclass(frozen=True, eq=False)
class Small:
    """A photograph made smaller."""

    rgb: RGBImage
    shape: tuple[int, int]

    @classmethod
    def of(cls, rgb: RGBImage, side: int) -> Small:
        """With that long side, or as it is."""
        height, width = rgb.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return cls(np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX)), (height, width))

    def place(self, click: Click) -> tuple[int, int]:
        """The pixel at that of a click."""
        height, width = self.rgb.shape[:2]
        return click.row * height // self.shape[0], click.column * width // self.shape[1]

    def enlarged(self, values: NDArray[np.float32], threshold: float) -> Mask:
        """A mask of the photograph from values of this one."""
        size = (self.shape[1], self.shape[0])
        return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)) > threshold


class Walker:
    """Pixels that a random walk leads to positive clicks rather than to negative ones or the frame."""

    name = "random_walker"
    note = f"at {WALKED} px, beta 130; the frame of the image is a negative mark"
    choosy = False

    def look(self, rgb: RGBImage) -> Answering:
        """The photograph, smaller."""
        return partial(self.answer, Small.of(rgb, WALKED))

    def answer(self, look: Small, clicks: Sequence[Click], before: Mask | None) -> Answer:
        """One mask, from all clicks."""
        marks = np.zeros(look.rgb.shape[:2], np.int32)
        marks[[0, -1]] = marks[:, [0, -1]] = 2
        for click in clicks:
            marks[look.place(click)] = 1 if click.inside else 2
        shares = random_walker(look.rgb / 255.0, marks, beta=130, mode="bf", return_full_prob=True, channel_axis=2)
        return Answer([look.enlarged(np.asarray(shares[0], np.float32), 0.5)], 0)


class GrabCut:
    """Colour models of inside and outside, cut along edges, from discs round the clicks."""

    name = "GrabCut"
    note = f"at {CUT} px, three rounds from discs of 3 px; the frame of the image is a negative mark"
    choosy = False

    def look(self, rgb: RGBImage) -> Answering:
        """The photograph, smaller."""
        return partial(self.answer, Small.of(rgb, CUT))

    def answer(self, look: Small, clicks: Sequence[Click], before: Mask | None) -> Answer:
        """One mask, from all clicks and the mask before."""
        import cv2

        height, width = look.rgb.shape[:2]
        marks = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
        if before is None:
            marks[self._near(look, clicks[0], max(height, width) // 10)] = cv2.GC_PR_FGD
        else:
            small = np.asarray(Image.fromarray(before).resize((width, height), Image.Resampling.NEAREST))
            marks[small] = cv2.GC_PR_FGD
        marks[[0, -1]] = marks[:, [0, -1]] = cv2.GC_BGD
        for click in clicks:
            marks[self._near(look, click, 3)] = cv2.GC_FGD if click.inside else cv2.GC_BGD
        cv2.setRNGSeed(0)
        cv2.setNumThreads(1)
        cv2.grabCut(look.rgb, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
        inside = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
        return Answer([look.enlarged(inside.astype(np.float32), 0.5)], 0)

    @staticmethod
    def _near(look: Small, click: Click, radius: int) -> Mask:
        row, column = look.place(click)
        rows, columns = np.ogrid[: look.rgb.shape[0], : look.rgb.shape[1]]
        return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)


@dataclass(frozen=True)
class Rival:
    """A method by name, or why it is not here."""

    name: str
    make: Callable[[], Clicked]
    packages: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> str:
        """What to install; "" where nothing is missing."""
        lacking = [name for name in self.packages if find_spec(name) is None]
        return f"not run: wants {', '.join(lacking)} (pip install opencv-python-headless)" if lacking else ""


RIVALS = {
    "felzenszwalb": Rival(Felzenszwalb.name, Felzenszwalb),
    "flood": Rival(Flood.name, Flood),
    "random-walker": Rival(Walker.name, Walker),
    "grabcut": Rival(GrabCut.name, GrabCut, ("cv2",)),
}
"""By the name that --rival takes."""
