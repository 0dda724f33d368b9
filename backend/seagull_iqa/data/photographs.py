"""Near-pristine photographs to make training samples from, and random crops of them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from seagull_iqa.errors import ImageError

SUFFIXES = {".webp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}

SHIPPED = ("bulb", "girl", "guitar", "haze", "house", "night", "pixel", "rain", "sunset")
"""gb82 photographs that may ship as samples: never trained on, so that the samples are honest."""


@dataclass(frozen=True)
class Photograph:
    """One file and what its manifest says of it."""

    path: Path
    split: str = "train"


def photographs(folder: Path, split: str = "train") -> list[Photograph]:
    """The photographs of one split, sorted by name.

    With a `manifest.csv` (columns file, split) beside the files the split is read from it, and shippable samples are
    left out of "train"; without one every image in the folder is "train".

    Raises
    ------
    ImageError
        There is no photograph.
    """
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        rows = [Photograph(folder / row["file"], row["split"]) for row in manifest_rows(manifest)]
    else:
        rows = [Photograph(path) for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES]
    found = [p for p in rows if p.split == split and not (split == "train" and _is_shipped(p.path))]
    if not found:
        raise ImageError(f"No photograph of split '{split}' in {folder}.", "Give a folder with photographs.")
    return sorted(found, key=lambda p: p.path.name)


def manifest_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a manifest, each with a file below its folder and a split; `ImageError` where it is another list."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImageError(f"{path} cannot be read as a list ({error}).", "Mend it, or take it away.") from error
    for line, row in enumerate(rows, 2):
        name = PureWindowsPath(row.get("file") or "/")  # which knows the slashes of every system
        if name.root or name.drive or ".." in name.parts or row.get("split") is None:
            raise ImageError(
                f"{path}, row {line}: it names no file below this folder, or no split.",
                "It has the columns file and split; take it away to use every photograph.",
            )
    return rows


def _is_shipped(path: Path) -> bool:
    return path.name in {f"gb82_{name}-lossless.webp" for name in SHIPPED}


def load(path: Path) -> NDArray[np.uint8]:
    """uint8 RGB, shape (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def load_all(paths: Iterable[Path]) -> list[NDArray[np.uint8]]:
    """Every photograph in memory, at its size and at half its size (where that leaves 300 px), antialiased."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # decoding lets other threads run
        return [image for sizes in pool.map(_in_sizes, paths) for image in sizes]


def _in_sizes(path: Path) -> list[NDArray[np.uint8]]:
    full = load(path)
    images = [full]
    h, w = full.shape[:2]
    for scale in (0.7, 0.5):
        if min(h, w) * scale >= 300:
            size = (round(w * scale), round(h * scale))
            images.append(np.asarray(Image.fromarray(full).resize(size, Image.Resampling.LANCZOS)))
    return images


def random_crop(images: list[NDArray[np.uint8]], size: int, rng: np.random.Generator) -> tuple[Tensor, int]:
    """A random square of a random photograph, with a random flip and now and then another tone.

    Returns
    -------
    image : float32, shape (3, size, size), 0..1
    image_size : int
        Short side in px of the photograph.
    """
    image = images[int(rng.integers(len(images)))]
    while min(image.shape[:2]) < size:
        image = images[int(rng.integers(len(images)))]
    row = int(rng.integers(image.shape[0] - size + 1))
    column = int(rng.integers(image.shape[1] - size + 1))
    crop = torch.from_numpy(image[row : row + size, column : column + size].astype(np.float32)).permute(2, 0, 1) / 255
    if rng.random() < 0.5:
        crop = crop.flip(2)
    if rng.random() < 0.15:
        crop = crop.flip(1)
    if rng.random() < 0.3:  # another camera, another light: widens what counts as well exposed and neutral
        gamma = float(rng.uniform(0.85, 1.18))
        balance = torch.from_numpy(rng.uniform(0.93, 1.07, 3).astype(np.float32))[:, None, None]
        crop = (crop.clamp(min=0) ** gamma * balance).clamp(0, 1)
    return crop.contiguous(), min(image.shape[:2])
