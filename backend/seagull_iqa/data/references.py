"""The pristine photographs of a data set with their regions, made once and kept beside the shards."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from seagull_iqa.data.pristine import Source, lossless, read_pristine
from seagull_iqa.data.region_labels import RegionLabels
from seagull_iqa.data.segments import Segmenter, segments
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.coco import decode, encode
from seagull_iqa.imaging.saving import save_bytes, save_text


def reference_path(folder: Path, number: int) -> Path:
    """The pristine image of that photograph, lossless; its regions stand beside it as .json."""
    return folder / "references" / f"{number:05d}.webp"


def make_reference(folder: Path, number: int, photos: Path, source: Source, size: int, propose: Segmenter) -> None:
    """Read a photograph, find its regions, and write both; a photograph that cannot be read is noted as skipped."""
    path = reference_path(folder, number)
    try:
        pristine = read_pristine(photos / source.name, size)
    except SeagullError as error:
        _write(path, {"photograph": source.name, "skipped": str(error)})
        return
    save_bytes(path, lossless(pristine.rgb))
    if pristine.linear is not None:
        buffer = io.BytesIO()
        np.save(buffer, pristine.linear)
        save_bytes(path.with_suffix(".linear.npy"), buffer.getvalue())
    found = segments(pristine.rgb, propose)
    _write(path, {
        "photograph": source.name, "licence": source.licence, "sha256": pristine.sha256,
        "size": list(pristine.rgb.shape[:2]), "scale": round(pristine.scale, 6),
        "raw": pristine.linear is not None,
        "regions": [
            {"id": one.id, "kind": one.kind, "area": int(one.mask.sum()), "box": box(one.mask),
             "counts": encode(one.mask)}
            for one in found
        ],
    })  # fmt: skip


def _write(path: Path, about: dict[str, Any]) -> None:
    # Last of all, so that what stands here is whole.
    save_text(path.with_suffix(".json"), json.dumps(about, ensure_ascii=False, separators=(",", ":")))


def read_about(folder: Path, number: int) -> dict[str, Any] | None:
    """What is known of a photograph, or None where it has not been looked at."""
    path = reference_path(folder, number).with_suffix(".json")
    if not path.is_file():
        return None
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return about


def box(mask: NDArray[np.bool_]) -> list[int]:
    """The half-open box [row0, column0, row1, column1] around a mask, px."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return [int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1]


@dataclass(frozen=True, eq=False)
class Reference:
    """A pristine photograph with its regions, ready for work on a device."""

    number: int
    about: dict[str, Any]
    image: Tensor
    """float32 (3, H, W), 0..1."""
    linear: Tensor | None
    """float32 (3, H, W), 0..1, linear light; of RAW files only."""
    masks: Tensor
    """bool (R, H, W)."""

    @classmethod
    def load(cls, folder: Path, number: int, device: str) -> Reference:
        """Read what `make_reference` wrote."""
        about = read_about(folder, number)
        path = reference_path(folder, number)
        if about is None:
            raise SeagullError(f"{path.with_suffix('.json')} is missing.", "Build the data set again.")
        with Image.open(path) as opened:
            rgb = np.array(opened.convert("RGB"))
        image = torch.from_numpy(rgb).to(device).permute(2, 0, 1).float() / 255
        masks = np.stack([decode(about["size"], one["counts"]) for one in about["regions"]])
        linear = None
        if about["raw"]:
            values = np.load(path.with_suffix(".linear.npy")).astype(np.float32) / 65535
            linear = torch.from_numpy(values).to(device).permute(2, 0, 1)
        return cls(number, about, image.contiguous(), linear, torch.from_numpy(masks).to(device))

    @cached_property
    def labels(self) -> RegionLabels:
        """What labels spoiled versions of it."""
        return RegionLabels(self.image, self.masks)

    @property
    def ids(self) -> list[str]:
        """Of its regions."""
        return [one["id"] for one in self.about["regions"]]
