"""Any labelled images, made ready for a model: each is opened and looked at once, and asked about all its regions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seagull_iqa.data.labelled import ImageFile, LabelledImage, LabelledRegion
from seagull_iqa.data.protocol import CLEAN_FINDINGS, CaseLabel, TypeAndSeverity
from seagull_iqa.data.scores import DataFileError
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import ImageError, RegionError
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.answers import UNKNOWN_SEVERITY, CaseResult, Measured
from seagull_iqa.training.asking import Asker, Question, crop
from seagull_iqa.training.datasets import DataSet

_NOT_KNOWN = float("nan")


@dataclass(frozen=True)
class ImageBench:
    """The images of a data set, a unit each.

    Attributes
    ----------
    data : DataSet
    asker : Asker
    cases : int or None
        How many regions at least, from images spread over the set; None for all.
    """

    data: DataSet
    asker: Asker
    cases: int | None = None

    @cached_property
    def images(self) -> Sequence[LabelledImage]:
        """Those that are measured: all, or every n-th so that about `cases` regions are asked about."""
        images = [image for image in self.data.images if image.regions]
        regions = sum(len(image.regions) for image in images)
        if self.cases is None or self.cases >= regions:
            return images
        wanted = max(2, round(len(images) * self.cases / regions))
        return [images[at * len(images) // wanted] for at in range(min(wanted, len(images)))]

    @cached_property
    def units(self) -> Sequence[str]:
        """The images' names."""
        return [image.name for image in self.images]

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for image in self.images:
            starts.append(starts[-1] + len(image.regions))
        return starts

    @property
    def looks(self) -> int:
        """Regions asked about."""
        return self._starts[-1]

    @property
    def key(self) -> Mapping[str, object]:
        """Images, regions and labels, model, rows, how much of it."""
        card = self.asker.model.card
        said = [
            (one.name, _stamp(one), [(region.name, region.place, label_of(region).to_json()) for region in one.regions])
            for one in self.images
        ]
        digest = hashlib.sha256(repr(said).encode()).hexdigest()
        return {
            "data": digest, "label": self.data.label, "model": card.id, "weights": card.sha256,
            "rows": self.asker.can_run,
        }  # fmt: skip

    @property
    def about(self) -> dict[str, object]:
        """What stands over the table."""
        return {
            "data": self.data.name,
            "label": self.data.label,
            "cases": self.looks,
            "photographs": len({_photo(image) for image in self.images}),
            "partial": len(self.images) < sum(1 for image in self.data.images if image.regions),
        }

    def measure(self, unit: int) -> Iterator[Measured]:
        """Every region of one image."""
        image = self.images[unit]
        rgb = np.require(_opened(image), requirements="W")  # torch warns of memory that it might write into
        shape = (int(rgb.shape[0]), int(rgb.shape[1]))
        questions = [
            Question(self._starts[unit] + at, _photo(image), mask, label_of(region))
            for at, (region, mask) in enumerate(zip(image.regions, _masks(image, shape), strict=True))
        ]
        yield from self.asker.ask(rgb, questions)

    def picture(self, result: CaseResult) -> RGBImage:
        """The box of a region: uint8 (h, w, 3)."""
        unit = next(at for at, start in enumerate(self._starts[1:]) if result.number < start)
        image = self.images[unit]
        rgb = image.rgb()
        region = image.regions[result.number - self._starts[unit]]
        return crop(rgb, region.place.mask((int(rgb.shape[0]), int(rgb.shape[1]))))


def _opened(image: LabelledImage) -> RGBImage:
    try:
        return image.rgb()
    except ImageError as error:
        raise ImageError(f"{image.name}: {error.message}", error.hint) from error


def _masks(image: LabelledImage, shape: tuple[int, int]) -> list[RegionMask]:
    try:
        return image.masks(shape)
    except RegionError as error:
        raise DataFileError(f"{image.name}: {error.message}", "Mend its box, or leave its row out.") from error


def _stamp(image: LabelledImage) -> tuple[int, int] | None:
    """Bytes and time of an image's file: other pictures under the same names are other data."""
    if not isinstance(image.rgb, ImageFile):
        return None
    found = image.rgb.path.stat()
    return found.st_size, found.st_mtime_ns


def _photo(image: LabelledImage) -> str:
    return image.group or image.name


def label_of(region: LabelledRegion) -> CaseLabel:
    """What a data set says of a region in the protocol's words; NaN, and no finding, where it says nothing."""
    return CaseLabel(
        _number(region.quality), _number(region.importance), _number(region.more.get("importance_ref")),
        _findings(region),
    )  # fmt: skip


def _number(value: float | None) -> float:
    return _NOT_KNOWN if value is None else float(value)


def _findings(region: LabelledRegion) -> frozenset[TypeAndSeverity]:
    if region.findings is not None:
        return frozenset((str(one.distortion), int(one.severity)) for one in region.findings) or CLEAN_FINDINGS
    if region.types is not None:
        return frozenset((str(one), UNKNOWN_SEVERITY) for one in region.types) or CLEAN_FINDINGS
    return frozenset()
