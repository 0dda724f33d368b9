"""The images of a folder, and what tells that one of them has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from seagull_iqa.errors import ImageError
from seagull_iqa.formats.session_file import SUFFIX

ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"))
"""Of the names of files that are taken for images."""

Stamp = tuple[int, ...]
"""Sizes and times of change of an image's file and of its session's; another one means another image."""


def images_in(folder: Path, *, recursive: bool = False) -> list[Path]:
    """The images of a folder, by name, without hidden ones.

    Raises
    ------
    ImageError
        The folder is not there, cannot be read, or holds no image.
    """
    try:
        entries = sorted(folder.rglob("*") if recursive else folder.iterdir())
        found = [path for path in entries if path.suffix.lower() in ENDINGS and _is_seen(path, folder)]
    except OSError as error:
        why = error.strerror or error
        raise ImageError(f"{folder} cannot be read ({why}).", "Check path and permissions.") from error
    if not found:
        deeper = "" if recursive else " Its folders are looked into with --recursive."
        raise ImageError(f"{folder} holds no image.{deeper}", f"Images end in {', '.join(sorted(ENDINGS))}.")
    return found


def _is_seen(path: Path, folder: Path) -> bool:
    inside = path.relative_to(folder).parts
    return path.is_file() and not any(part.startswith(".") for part in inside) and ".labels." not in path.name


def expanded(paths: Iterable[Path], *, recursive: bool = False) -> list[Path]:
    """Files as they are, folders as the images in them; each once."""
    found: dict[Path, None] = {}
    for path in paths:
        inside: Sequence[Path] = images_in(path, recursive=recursive) if path.is_dir() else (path,)
        found.update(dict.fromkeys(inside))
    return list(found)


def side_car_of(image: Path) -> Path:
    """Where the session of an image lies, if there is one."""
    return image.with_name(image.name + SUFFIX)


def stamp_of(image: Path) -> Stamp:
    """What tells that the image or its session has changed."""
    numbers: list[int] = []
    for path in (image, side_car_of(image)):
        try:
            known = path.stat()
        except OSError:
            numbers += [0, 0]
        else:
            numbers += [known.st_size, known.st_mtime_ns]
    return tuple(numbers)
