"""What the full model is taught of a person's labels: pictures, regions in them, and what is known of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.models.mini.features import RegionFeatures
from seagull_iqa.samples import samples
from seagull_iqa.training.seagull_words import Known
from seagull_iqa.training.tuning.evidence import Evidence, Values, Whole
from seagull_iqa.training.tuning.fitting import Basis, Settings, fitted, predicted

if TYPE_CHECKING:
    from seagull_iqa.formats.label_set import LabelSet

GRID = 3
"""Regions of a replayed picture: so many rows and columns of boxes."""

FOUND = 10.0
"""Logit of a distortion that words name; its negative where they do not."""

EACH = Settings(amplitude=25.0, noise=6.0)
"""Every region has a score of its own, within so many points of the base's; a label is so many points off."""


@dataclass(frozen=True)
class Said:
    """What a model says of a region, as far as it is kept on the disk.

    Attributes
    ----------
    quality, importance : float
        0..100.
    severities : tuple of int, or None
        1..5 for each type in the canonical order, 0 where it is not there; None where its words were not understood.
    """

    quality: float
    importance: float
    severities: tuple[int, ...] | None

    @classmethod
    def of(cls, report: QualityReport) -> Said:
        """What a report says; what was not asked counts as the middle of the scale."""
        found = None
        if report.findings is not None:
            there = {one.distortion: int(one.severity) for one in report.findings}
            found = tuple(there.get(kind, 0) for kind in Distortion)
        quality, importance = (50.0 if value is None else value for value in (report.quality, report.importance))
        return cls(float(quality), float(importance), found)

    @property
    def known(self) -> Known:
        """As something to be taught."""
        return Known(self.quality, self.importance, self.severities)


def write_said(path: Path, said: Mapping[str, Said]) -> None:
    """Keep what was said of regions, whole or not at all."""
    values = {key: [one.quality, one.importance, one.severities] for key, one in said.items()}
    save_text(path, json.dumps(values, ensure_ascii=False))


def read_said(path: Path) -> dict[str, Said] | None:
    """What was kept; None where nothing was, or a crash has left a file that is torn."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {
            key: Said(float(quality), float(importance), None if found is None else tuple(int(one) for one in found))
            for key, (quality, importance, found) in values.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, eq=False)
class Picture:
    """An image and regions in it.

    Attributes
    ----------
    path : Path
        File with its pixels.
    regions : tuple of Region
    known : tuple of Known
        What is taught of each; () where they are only asked about.
    """

    path: Path
    regions: tuple[Region, ...]
    known: tuple[Known, ...] = ()


def replayed() -> tuple[Picture, ...]:
    """The samples, cut by a grid: what the model says of them stays as it is, so that what was known is not lost."""
    made = []
    for sample in samples():
        height, width = pixels_of(sample.path).shape[:2]
        rows, columns = (np.linspace(0, length, GRID + 1).astype(int) for length in (height, width))
        boxes = [
            (int(rows[r]), int(columns[c]), int(rows[r + 1]), int(columns[c + 1]))
            for r in range(GRID) for c in range(GRID)
        ]  # fmt: skip
        regions = [
            Region(RegionMask.from_box((height, width), box), id=f"{sample.name} {k}") for k, box in enumerate(boxes)
        ]
        made.append(Picture(sample.path, tuple(regions)))
    return tuple(made)


def features_of(labels: LabelSet, said: Mapping[str, Said]) -> RegionFeatures:
    """The base's answers in the place of what mini sees, so that the same figures are taken of both kinds of model."""
    rows = [said[key] for key in labels.regions]
    there = [one.severities or (0,) * len(Distortion) for one in rows]
    severity = np.array([[[FOUND if level >= least else -FOUND for least in range(1, 6)] for level in one]
                         for one in there]).reshape(len(rows), len(Distortion), 5)  # fmt: skip
    return RegionFeatures(
        np.zeros((len(rows), 1)), np.array([one.quality for one in rows]), np.zeros(len(rows)),
        np.array([one.importance for one in rows]), severity,
    )  # fmt: skip


def targets(made: Evidence, images: Whole) -> Values:
    """Score that every region should have, by the labels and comparisons of these images alone.

    Each labelled region has a score of its own on top of a line through the base's; comparisons move the two regions
    apart (Thurstone's model), and people's labels of one region are averaged.

    Returns
    -------
    float64 (R,)
        0..100; NaN for regions without a label or a comparison there.
    """
    labels, pairs = made.on(images.tolist())
    known = np.unique(np.concatenate([made.region[labels], made.better[pairs], made.worse[pairs]]))
    quality = made.features.quality
    own = np.zeros((len(quality), len(known)))
    own[known, np.arange(len(known))] = 1
    rows = np.concatenate([np.ones((len(quality), 1)), ((quality - 50) / 50)[:, None], own], 1)
    basis = Basis(rows, None, np.ones(len(quality)))
    values = predicted(made, fitted(made, EACH, basis, labels, pairs), basis)
    found = np.full(len(quality), np.nan)
    found[known] = values[known]
    return found


def taught(labels: LabelSet, made: Evidence, said: Mapping[str, Said], images: Whole) -> tuple[Picture, ...]:
    """What there is to learn in these images: people's words, and the base's own where people said nothing."""
    wanted, place = targets(made, images), {key: line for line, key in enumerate(made.ids)}
    regions: dict[int, list[Region]] = {int(one): [] for one in images}
    known: dict[int, list[Known]] = {int(one): [] for one in images}
    for key, (number, region) in labels.regions.items():
        line = place[key]
        heard = not np.isnan(wanted[line]) or not np.isnan(made.importance[line]) or not np.isnan(made.found[line, 0])
        if number not in regions or not heard:
            continue
        regions[number].append(region.region)
        known[number].append(_known(labels, made, said[key], line, float(wanted[line])))
    return tuple(
        Picture(labels.images[number].pixels, tuple(found), tuple(known[number]))
        for number, found in regions.items() if found
    )  # fmt: skip


def _known(labels: LabelSet, made: Evidence, base: Said, line: int, target: float) -> Known:
    importance = float(made.importance[line])
    quality = base.quality if np.isnan(target) else target
    severities = base.severities if np.isnan(made.found[line, 0]) else _severities(labels, made.ids[line])
    return Known(quality, base.importance if np.isnan(importance) else importance, severities)


def _severities(labels: LabelSet, region: str) -> tuple[int, ...]:
    """The mean level of each type over the people who said something, rounded."""
    number, _region = labels.regions[region]
    voices = [
        {one.distortion: int(one.severity) for one in note.findings}
        for note in labels.images[number].document.counting(region) if note.findings is not None
    ]  # fmt: skip
    return tuple(round(float(np.mean([voice.get(kind, 0) for voice in voices]))) for kind in Distortion)


def found_in(said: Sequence[Said]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which distortions were named: bool (R, 7)."""
    return np.array([[level > 0 for level in one.severities or (0,) * len(Distortion)] for one in said], dtype=bool)


def pixels_of(path: Path) -> RGBImage:
    """An image of the set: uint8 (H, W, 3)."""
    from seagull_iqa.imaging.files import read_image

    return read_image(path).rgb
