"""How much disk a data set wants, said before the work begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from seagull_iqa.data.pristine import Source, find_sources
from seagull_iqa.data.spec import BuildSpec
from seagull_iqa.errors import SeagullError

BYTES_PER_PIXEL = 1.6
"""Of an image, lossless and spoiled, with its part of everything else: measured, rounded up."""

_LOOK_AT = 200


@dataclass(frozen=True)
class Need:
    """Bytes that a set will take in all, those that it takes already, and those that are free on its disk."""

    total: int
    there: int
    free: int

    @property
    def is_met(self) -> bool:
        """Whether the rest fits."""
        return self.total - self.there <= self.free

    def __str__(self) -> str:
        there = f", {_told(self.there)} are there" if self.there else ""
        return f"The data set wants about {_told(self.total)}{there}; {_told(self.free)} are free."


def _told(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def disk_need(spec: BuildSpec, sources: Sequence[Source] | None = None) -> Need:
    """Judged by the sizes of some photographs; `ImageError` where there are none."""
    sources = find_sources(spec.photos, spec.out) if sources is None else sources
    some = sources[:: max(1, len(sources) // _LOOK_AT)]
    pixels = sum(_pixels(spec.photos / one.name, spec.size) for one in some) / len(some)
    photographs = min(len(sources), spec.images_expected)
    total = round(BYTES_PER_PIXEL * pixels * (spec.images_expected + photographs))
    there = sum(path.stat().st_size for path in spec.out.rglob("*") if path.is_file()) if spec.out.is_dir() else 0
    return Need(total, there, shutil.disk_usage(_nearest(spec.out)).free)


def check_room(spec: BuildSpec, sources: Sequence[Source]) -> None:
    """`SeagullError` where the disk is too small."""
    need = disk_need(spec, sources)
    if not need.is_met:
        raise SeagullError(str(need), "Ask for fewer regions or a smaller size, or choose a folder on another disk.")


def _pixels(path: Path, longest: int) -> float:
    try:
        with Image.open(path) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return longest * longest * 2 / 3  # RAW, or not to be read: as a camera's
    scale = min(1.0, longest / max(width, height, 1))
    return width * height * scale**2


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that exists."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
