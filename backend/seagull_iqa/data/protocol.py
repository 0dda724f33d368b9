"""The frozen evaluation protocol: held-out photographs, their regions, and 2,000 cases, rendered and labelled.

A better protocol gets a new number; this one is not changed.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.data.distort import DIRECTED, Applied, distort
from seagull_iqa.data.labels import LabelMaps, importance, weight_map
from seagull_iqa.data.photographs import load, photographs
from seagull_iqa.data.protocol1 import unpacked
from seagull_iqa.domain.distortion import CLEAN, Distortion
from seagull_iqa.errors import SeagullError

NUMBER = 1
"""The protocol's number; stands beside every figure."""

FROZEN = "9c176eeeb7fff3d0dff343ff7dcd91dbd76bba5bfcaf74cfb158dc9f385283c4"
"""SHA-256 of this protocol's cases.jsonl followed by its regions.json."""

EVERYWHERE = "all"
"""`where` of a case whose distortions cover the whole image."""

DIRECTIONS: tuple[tuple[Distortion, int], ...] = tuple(
    (distortion, way) for distortion in Distortion for way in ((1, -1) if distortion in DIRECTED else (0,))
)
"""Every type with its directions, in canonical order: ten ladders."""

LADDER_STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
"""Clean, and the five severities."""

TypeAndSeverity = tuple[str, int]


@dataclass(frozen=True)
class Case:
    """One question of the protocol: a photograph spoiled in a known way, and the region asked about."""

    number: int
    photo: str
    where: str
    ask: str
    seed: int
    distortions: tuple[Applied, ...]


@dataclass(frozen=True)
class CaseLabel:
    """What is true of a case.

    Attributes
    ----------
    quality : float
        `analytic-1`, 0..100; 100 where no distortion touches the region.
    importance : float
        0..100, of the region in the pristine photograph.
    importance_ref : float
        0..100, the paper's: 100 minus the quality of the whole photograph with only this region spoiled.
    findings : frozenset of (str, int)
        (type, severity 1..5), or {("clean", 0)}.
    """

    quality: float
    importance: float
    importance_ref: float
    findings: frozenset[TypeAndSeverity]

    @property
    def types(self) -> frozenset[str]:
        """The types alone."""
        return frozenset(name for name, _severity in self.findings)

    def to_json(self) -> dict[str, object]:
        """As plain JSON values; `from_json` is the inverse."""
        return {**asdict(self), "findings": sorted(self.findings)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> CaseLabel:
        """The inverse of `to_json`."""
        findings = frozenset((str(name), int(severity)) for name, severity in row["findings"])
        return cls(row["quality"], row["importance"], row["importance_ref"], findings)


CLEAN_FINDINGS: frozenset[TypeAndSeverity] = frozenset({(CLEAN, 0)})


def decode_runs(size: Sequence[int], counts: Sequence[int]) -> NDArray[np.bool_]:
    """COCO's uncompressed runs -> bool, shape (H, W): column-major, starting with the length of the zeros."""
    height, width = int(size[0]), int(size[1])
    lengths = np.asarray(counts, dtype=np.int64)
    if lengths.sum() != height * width:
        raise SeagullError(
            f"Run lengths add up to {lengths.sum()} and not to {height} x {width} pixels.",
            "Fetch the protocol's regions.json again.",
        )
    flat = np.repeat(np.arange(lengths.size) % 2 == 1, lengths)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def to_rgb(image: Tensor) -> NDArray[np.uint8]:
    """float32 (3, H, W) 0..1 -> uint8 (H, W, 3)."""
    pixels: NDArray[np.uint8] = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return pixels


@dataclass(frozen=True, eq=False)
class Scene:
    """One held-out photograph, opened: it renders and labels its cases, and climbs its ladders.

    Attributes
    ----------
    name : str
        File name.
    pixels : float32, shape (3, H, W), 0..1
        The pristine photograph.
    masks : dict of str to bool array, shape (H, W)
        Its regions by id.
    """

    name: str
    pixels: Tensor
    masks: dict[str, NDArray[np.bool_]]

    @cached_property
    def importances(self) -> dict[str, float]:
        """Importance 0..100 of every region, by id."""
        stack = torch.from_numpy(np.stack(list(self.masks.values())))
        return dict(zip(self.masks, importance(weight_map(self.pixels), stack).tolist(), strict=True))

    def share(self, region: str) -> float:
        """Area of a region over that of the photograph, 0..1."""
        return float(self.masks[region].mean())

    def render(self, case: Case) -> Tensor:
        """The photograph as the case spoils it: float32, shape (3, H, W), 0..1, 8-bit values."""
        if not case.distortions:
            return self.pixels
        where = None if case.where == EVERYWHERE else torch.from_numpy(self.masks[case.where])
        return distort(self.pixels, case.distortions, seed=case.seed, where=where)

    def label(self, case: Case, spoiled: Tensor) -> CaseLabel:
        """What is true of a case, given its rendering."""
        mask = torch.from_numpy(self.masks[case.ask])
        if not bool((spoiled != self.pixels).any(0)[mask].any()):
            return CaseLabel(100.0, self.importances[case.ask], 0.0, CLEAN_FINDINGS)
        contrast_up = any(one.distortion is Distortion.CONTRAST and one.direction > 0 for one in case.distortions)
        quality = LabelMaps.of(self.pixels, spoiled).quality(mask[None], contrast_up=contrast_up)
        only_here = torch.where(mask, spoiled, self.pixels)
        whole = LabelMaps.of(self.pixels, only_here).quality(torch.ones_like(mask)[None], contrast_up=contrast_up)
        findings = frozenset((str(one.distortion), int(one.severity)) for one in case.distortions)
        return CaseLabel(float(quality), self.importances[case.ask], 100.0 - float(whole), findings)

    def ladder(self, distortion: Distortion, direction: int) -> Iterator[tuple[float, Tensor]]:
        """(strength, whole photograph spoiled that much) for strengths 1 to 5; the clean rung is `pixels` itself."""
        seed = zlib.crc32(f"{self.name} {distortion} {direction}".encode())
        for strength in LADDER_STRENGTHS[1:]:
            yield strength, distort(self.pixels, [Applied(distortion, strength, direction)], seed=seed)


class RegionRow(TypedDict):
    """One region of regions.json."""

    id: str
    counts: list[int]


class RegionRows(TypedDict):
    """The regions of one photograph; `size` is (height, width) in px."""

    size: list[int]
    regions: list[RegionRow]


@dataclass(frozen=True, eq=False)
class Protocol:
    """Photographs, regions and cases, read from the data folder.

    Attributes
    ----------
    photographs : dict of str to Path
        The held-out photographs by file name, in the order of the manifest.
    regions : dict of str to RegionRows
        By photograph.
    cases : tuple of Case
        In the order of the file.
    digest : str
        SHA-256 of its files.
    """

    photographs: dict[str, Path]
    regions: dict[str, RegionRows]
    cases: tuple[Case, ...]
    digest: str = ""

    @property
    def is_frozen(self) -> bool:
        """The files are those of protocol 1, byte for byte."""
        return self.digest == FROZEN

    @classmethod
    def load(cls, data: Path) -> Protocol:
        """Read the protocol for a data folder: its own protocol/ where it has one, else the copy in this package.

        Parameters
        ----------
        data : Path
            Holds photos/manifest.csv and the photographs, or is that folder itself.

        Raises
        ------
        SeagullError
            The photographs are not there, or only one of the protocol's files.
        """
        photos = data if (data / "manifest.csv").is_file() else data / "photos"
        if not (photos / "manifest.csv").is_file():
            raise SeagullError(
                f"There is no photos/manifest.csv in {data}.",
                "Give the folder that holds photos/ with --data; `seagull data fetch photos` gets them.",
            )
        names = {one.path.name: one.path for one in photographs(photos, "heldout")}
        missing = [path for path in names.values() if not path.is_file()]
        if missing:
            raise SeagullError(
                f"{len(missing)} of {len(names)} held-out photographs are missing, {missing[0].name} for one.",
                "Fetch the photographs again; what is there is kept.",
            )
        cases, regions = _frozen_files(data / "protocol")
        rows = tuple(_case(line) for line in cases.decode().splitlines())
        return cls(names, json.loads(regions), rows, hashlib.sha256(cases + regions).hexdigest())

    def scene(self, name: str) -> Scene:
        """Open one photograph with its regions."""
        entry = self.regions[name]
        masks = {row["id"]: decode_runs(entry["size"], row["counts"]) for row in entry["regions"]}
        pixels = torch.from_numpy(load(self.photographs[name]).copy()).permute(2, 0, 1).float() / 255  # 3, H, W
        return Scene(name, pixels, masks)

    def spread(self, cases: int | None = None) -> dict[str, list[Case]]:
        """The cases by photograph: all of them, or that many, spread over the photographs and always the same."""
        per_photo: defaultdict[str, list[Case]] = defaultdict(list)
        for case in self.cases:
            per_photo[case.photo].append(case)
        rounds = (case for row in zip_longest(*per_photo.values()) for case in row if case is not None)
        kept = {case.number for case in islice(rounds, cases)}
        chosen = {name: [case for case in mine if case.number in kept] for name, mine in per_photo.items()}
        return {name: mine for name, mine in chosen.items() if mine}


def _frozen_files(folder: Path) -> tuple[bytes, bytes]:
    names = ("cases.jsonl", "regions.json")
    if not folder.is_dir():
        return unpacked(names[0]), unpacked(names[1])
    for name in names:
        if not (folder / name).is_file():
            raise SeagullError(f"There is no {name} in {folder}.", "Remove the folder: the package has its own copy.")
    return (folder / names[0]).read_bytes(), (folder / names[1]).read_bytes()


def _case(line: str) -> Case:
    row = json.loads(line)
    applied = tuple(
        Applied(Distortion(one["type"]), float(one["strength"]), int(one["direction"])) for one in row["distortions"]
    )
    return Case(row["case"], row["photo"], row["where"], row["ask"], row["seed"], applied)
