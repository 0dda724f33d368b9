"""The photographs that ship with the package, each with five regions worth asking about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from seagull_iqa.domain.region import Region
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.imaging.region_files import read_regions

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """A photograph in the public domain, with regions, and with what was done to it on purpose.

    Attributes
    ----------
    name : str
        Short name, "guitar".
    title : str
        One line for a menu.
    source, licence : str
        Where the photograph is from; SPDX name of its licence.
    path : Path
        The image file, lossless WebP.
    spoiled : dict
        What the package's makers did to the photograph: "distortion", "severity" (word), "strength" (1-5) and "where"
        (name of a region, or "whole image"); empty for a photograph as it was found.
    """

    name: str
    title: str
    source: str
    licence: str
    path: Path
    spoiled: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def regions_path(self) -> Path:
        """The file of its regions, in the format that `seagull score --regions` reads."""
        return self.path.with_suffix(".json")

    def read(self) -> PreparedImage:
        """The photograph, ready to be scored."""
        return read_image(self.path)

    def regions(self) -> list[Region]:
        """Its five regions; their ids are the same in every session."""
        with_size = json.loads(self.regions_path.read_text(encoding="utf-8"))["image"]
        return read_regions(self.regions_path, (with_size["height"], with_size["width"]))


@cache
def _manifest() -> tuple[Sample, ...]:
    entries = json.loads((_FOLDER / "samples.json").read_text(encoding="utf-8"))["samples"]
    return tuple(
        Sample(
            entry["name"],
            entry["title"],
            entry["source"],
            entry["licence"],
            _FOLDER / entry["file"],
            dict(entry["spoiled"]),
        )
        for entry in entries
    )


def samples() -> list[Sample]:
    """Every sample, the one of the demonstration first."""
    return list(_manifest())
