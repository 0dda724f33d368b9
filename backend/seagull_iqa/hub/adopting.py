"""Take up weights that a person already has, as checkpoints of SAM often lie about: linked or copied, never moved."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.errors import CheckpointError, ModelError, UnknownModelError
from seagull_iqa.hub.manifest import FileEntry, Manifest, read_manifest, sha256_of
from seagull_iqa.hub.segmenter_sources import SEGMENTERS, Segmenter
from seagull_iqa.hub.segmenters import engine_folder, state_at

_BY_HAND = "added by hand"


def adopt(path: Path, name: str = "", progress: ProgressCallback = ignore_progress) -> str:
    """Have an engine's weights found by name without a download; the engine's name.

    Parameters
    ----------
    path : Path
        One of SAM's original checkpoints, under whatever name, or a folder with config.json and model.safetensors.
    name : str
        Of the engine; a checkpoint's is told by its SHA-256.

    Raises
    ------
    UnknownModelError
        Nothing is there, or no engine has that name.
    CheckpointError
        These are not the files that were published under that name.
    ModelError
        The engine is here already, or the folder for models cannot be written.
    """
    if name and name not in SEGMENTERS:
        raise UnknownModelError(f"There is no engine '{name}'.", f"Use one of {', '.join(SEGMENTERS)}.")
    if not path.exists():
        raise UnknownModelError(f"There is nothing at {path}.", "Give a file `.pth` or a folder.")
    files = _files(path, name)
    hashes = _hashes(files, progress)
    name = name or _told_by(next(iter(hashes.values())), path)
    one, folder = SEGMENTERS[name], engine_folder(name)
    _check(one, hashes, path)
    if state_at(name, folder) is OfferState.READY:
        raise ModelError(f"{name} is here already, in {folder}.", f"`seagull models remove {name}` makes room.")
    try:
        _take(files, one, folder)
        entries = {_name_of(one, file): FileEntry(file.stat().st_size, hashes[file]) for file in files}
        date = datetime.now(UTC).isoformat(timespec="seconds")
        Manifest(name, one.source.repo or one.source.site, _revision(path), date, entries).write(folder)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written ({error.strerror or error}).", "Name another folder by SEAGULL_MODELS."
        ) from error
    return name


def _files(path: Path, name: str) -> list[Path]:
    if path.is_file():
        return [path]
    if not name:
        raise CheckpointError("A folder does not say which engine it holds.", "Say --as NAME.")
    source = SEGMENTERS[name].source
    lacking = [file for file in source.needed if not (path / file).is_file()]
    if lacking:
        raise CheckpointError(f"{path} lacks {', '.join(lacking)}.", f"They are at {source.page}.")
    return [path / file for file in (*source.needed, *source.welcome) if (path / file).is_file()]


def _hashes(files: list[Path], progress: ProgressCallback) -> dict[Path, str]:
    total, done = sum(file.stat().st_size for file in files), 0
    found = {}
    for file in files:

        def tick(nbytes: int, file: Path = file) -> None:
            nonlocal done
            done += nbytes
            progress(Progress(done, total, f"checking {file.name}"))

        found[file] = sha256_of(file, tick)
    return found


def _told_by(sha256: str, path: Path) -> str:
    for name, one in SEGMENTERS.items():
        if sha256 in one.source.pinned.values():
            return name
    raise CheckpointError(
        f"{path.name} is none of the checkpoints that were published (SHA-256 {sha256[:12]}…).",
        "A fine-tuned one is an engine by its path: `seagull segment IMAGE --engine PATH`.",
    )


def _check(one: Segmenter, hashes: dict[Path, str], path: Path) -> None:
    if path.is_file() and not one.source.site:
        raise CheckpointError(f"{one.title} is a folder, not a file.", f"See {one.source.page}.")
    for file, sha256 in hashes.items():
        pinned = one.source.pinned.get(_name_of(one, file))
        if pinned and pinned != sha256:
            raise CheckpointError(
                f"{file.name} is not the published {one.title} (SHA-256 {sha256[:12]}…).", f"See {one.source.page}."
            )


def _name_of(one: Segmenter, file: Path) -> str:
    return one.weights if one.source.site else file.name


def _take(files: list[Path], one: Segmenter, folder: Path) -> None:
    """Links cost no room; another disk gets a copy."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        target = folder / _name_of(one, file)
        target.unlink(missing_ok=True)
        with suppress(OSError):
            os.link(file.resolve(), target)
            continue
        part = target.with_name(target.name + ".part")
        shutil.copyfile(file, part)
        part.replace(target)


def _revision(path: Path) -> str:
    manifest = read_manifest(path) if path.is_dir() else None
    return manifest.revision if manifest else _BY_HAND
