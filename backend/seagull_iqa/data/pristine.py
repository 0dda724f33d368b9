"""Photographs as the engine takes them: found in a folder, read (RAW too), brought to size, with who they are."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seagull_iqa.data.photographs import SUFFIXES, manifest_rows, photographs
from seagull_iqa.data.raw import RAW_SUFFIXES, develop
from seagull_iqa.errors import ImageError
from seagull_iqa.imaging.files import read_image

SMALLEST_SIDE = 160
"""Px; a smaller photograph is left out: the label's metrics and eight regions want some room."""


@dataclass(frozen=True)
class Source:
    """One photograph of the folder: name relative to it with forward slashes, bytes, and the licence if known."""

    name: str
    size: int
    licence: str = ""


@dataclass(frozen=True, eq=False)
class Pristine:
    """A photograph, read.

    Attributes
    ----------
    rgb : uint8, shape (H, W, 3)
        sRGB, its longest side at most what was asked for.
    linear : uint16, shape (H, W, 3), optional
        The same in linear light, of a RAW file.
    sha256 : str
        Of the file.
    scale : float
        Side of `rgb` over that of the file's image; at most 1.
    """

    rgb: NDArray[np.uint8]
    linear: NDArray[np.uint16] | None
    sha256: str
    scale: float


def find_sources(folder: Path, leave_out: Path | None = None) -> list[Source]:
    """Every photograph below a folder, sorted by name; with a `manifest.csv` there, those of its train split.

    What is hidden (a name that begins with a dot) or lies below `leave_out` is no photograph.

    Raises
    ------
    ImageError
        No such folder, or no photograph in it.
    """
    if not folder.is_dir():
        raise ImageError(f"There is no folder {folder}.", "Check the path.")
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        licences = {row["file"]: row.get("licence") or "" for row in manifest_rows(manifest)}
        paths = [one.path for one in photographs(folder, "train") if one.path.is_file()]
    else:
        licences = {}
        paths = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES | RAW_SUFFIXES]
        paths = [path for path in paths if not _is_left_out(path.relative_to(folder), folder, leave_out)]
    names = sorted(path.relative_to(folder).as_posix() for path in paths if path.is_file())
    if not names:
        raise ImageError(f"There is no photograph in {folder}.", "Give a folder with image or RAW files.")
    return [Source(name, (folder / name).stat().st_size, licences.get(name, "")) for name in names]


def _is_left_out(path: Path, folder: Path, leave_out: Path | None) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or (leave_out is not None and (folder / path).resolve().is_relative_to(leave_out.resolve()))


def read_pristine(path: Path, longest: int) -> Pristine:
    """Read a photograph and scale it down where its longest side has more than `longest` px.

    Raises
    ------
    SeagullError
        It cannot be read, or is smaller than `SMALLEST_SIDE`.
    """
    if path.suffix.lower() in RAW_SUFFIXES:
        rgb, linear, scale = _scaled_raw(develop(path), longest)
    else:
        whole = read_image(path).rgb
        scale = min(1.0, longest / max(whole.shape[:2]))
        rgb, linear = _scaled(whole, scale), None
    if min(rgb.shape[:2]) < SMALLEST_SIDE:
        raise ImageError(
            f"{path.name} has {rgb.shape[1]} x {rgb.shape[0]} px, at least {SMALLEST_SIDE} are needed.", "Leave it out."
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Pristine(rgb, linear, digest, scale)


def _scaled(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def _scaled_raw(
    linear: NDArray[np.uint16], longest: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], float]:
    """Linear light is averaged as light is, then takes the sRGB curve."""
    scale = min(1.0, longest / max(linear.shape[:2]))
    size = (max(1, round(linear.shape[1] * scale)), max(1, round(linear.shape[0] * scale)))
    planes = [
        np.asarray(Image.fromarray(linear[..., k].astype(np.float32)).resize(size, Image.Resampling.BOX))
        for k in range(3)
    ]
    small = np.clip(np.stack(planes, axis=-1), 0, 65535)
    light = small / 65535
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved).astype(np.uint8), np.rint(small).astype(np.uint16), scale


def lossless(rgb: NDArray[np.uint8]) -> bytes:
    """uint8 (H, W, 3) as a lossless WebP file, the quickest kind."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "WEBP", lossless=True, quality=0, method=0, exact=True)
    return buffer.getvalue()
