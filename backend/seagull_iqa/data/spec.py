"""What to build: the wishes of a person, and which of them decide the bytes of the data set."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seagull_iqa.data import labels
from seagull_iqa.data.codecs import installed
from seagull_iqa.data.pristine import Source
from seagull_iqa.data.sam import check_sam
from seagull_iqa.data.shards import digest
from seagull_iqa.data.topiq import NAME as TOPIQ
from seagull_iqa.data.topiq import check_topiq
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text

FORMAT = "seagull-data"
VERSION = 1

SPEC_FILE = "spec.json"
CARD_FILE = "seagull-data.json"

REGIONS_EXPECTED = 14
"""Of a photograph, before they are known."""


@dataclass(frozen=True)
class BuildSpec:
    """A data set to be built.

    Attributes
    ----------
    photos, out : Path
        Folder of photographs; folder of the data set.
    regions : int
        Labelled regions, at least; the last image's are all kept.
    images : int, optional
        That many images instead, however many regions they have.
    seed : int
        Of everything random.
    size : int
        Longest side of the images in px; larger photographs are scaled down.
    processes : int
        1 works in this very process.
    device : str
        Where distortions and labels are computed: "cpu", "cuda".
    sam_weights : Path, optional
        Of segment_anything; without them regions are merged superpixels.
    topiq : bool
        A column of TOPIQ-FR too, by pyiqa.
    shard_images : int
        Images in a shard.
    codecs : tuple of str
        Compressions that may be drawn.
    """

    photos: Path
    out: Path
    regions: int = 20_000
    images: int | None = None
    seed: int = 1
    size: int = 1024
    processes: int = 1
    device: str = "cpu"
    sam_weights: Path | None = None
    topiq: bool = False
    shard_images: int = 100
    codecs: tuple[str, ...] = ()

    @property
    def known_codecs(self) -> tuple[str, ...]:
        """The codecs that were asked for, or all that are installed."""
        return self.codecs or installed()

    @property
    def images_expected(self) -> int:
        """About so many images, before the regions are known."""
        return self.images or max(1, math.ceil(self.regions / REGIONS_EXPECTED))

    @property
    def labelers(self) -> tuple[str, ...]:
        """Names of the labels, the first is always there."""
        return (labels.NAME, TOPIQ) if self.topiq else (labels.NAME,)

    def identity(self, sources: Sequence[Source]) -> dict[str, Any]:
        """What decides the bytes; equal values on the same machine and packages give the same data set."""
        listed = json.dumps([[one.name, one.size] for one in sources])
        return {
            "format": FORMAT, "version": VERSION, "seed": self.seed,
            "regions": None if self.images else self.regions, "images": self.images, "size": self.size,
            "shard_images": self.shard_images, "codecs": list(self.known_codecs), "labelers": list(self.labelers),
            "segments": "superpixels" if self.sam_weights is None else f"sam {digest(self.sam_weights)[:16]}",
            "device": self.device.partition(":")[0],
            "photographs": len(sources), "photographs_digest": hashlib.sha256(listed.encode()).hexdigest(),
        }  # fmt: skip


def check_wishes(spec: BuildSpec) -> None:
    """`SeagullError` where something that was asked for is not there."""
    missing = [codec for codec in spec.known_codecs if codec not in installed()]
    if missing:
        raise SeagullError(
            f"The codec {missing[0]} is not installed.",
            f"Here are {', '.join(installed())}; HEIC wants pillow-heif, AVIF Pillow 11.3.",
        )
    if spec.topiq:
        check_topiq()
    if spec.sam_weights is not None and not spec.sam_weights.is_file():
        raise SeagullError(f"There is no file {spec.sam_weights}.", "Check the path of the weights.")
    if spec.sam_weights is not None:
        check_sam()


_WORDS = {
    "seed": "seed", "regions": "number of regions", "images": "number of images", "size": "size",
    "shard_images": "images in a shard", "codecs": "codecs", "labelers": "labels", "segments": "kind of regions",
    "device": "device", "photographs": "number of photographs", "photographs_digest": "photographs",
}  # fmt: skip


def claim_folder(out: Path, identity: dict[str, Any]) -> bool:
    """Take a folder for a data set; True where an unfinished or whole build of the same set is already there.

    Raises
    ------
    SeagullError
        Another data set or other things are there, or it cannot be written.
    """
    path = out / SPEC_FILE
    if path.is_file():
        _compare(out, json.loads(path.read_text(encoding="utf-8")), identity)
        return True
    if out.exists() and (not out.is_dir() or any(one.name != ".lock" for one in out.iterdir())):
        raise SeagullError(f"{out} is not empty and holds no data set of ours.", "Choose a new or empty folder.")
    save_text(path, json.dumps(identity, indent=2) + "\n")
    return False


def _compare(out: Path, there: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key, value in wanted.items():
        if there.get(key) != value:
            what = _WORDS.get(key, key)
            told = "" if key.endswith("digest") else f" ({_told(there.get(key))} there, {_told(value)} asked for)"
            raise SeagullError(
                f"{out} holds a data set with another {what}{told}.",
                "Repeat its command line to go on with it, or choose another folder.",
            )


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
