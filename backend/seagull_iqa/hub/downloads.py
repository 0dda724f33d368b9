"""Download a model: pinned, checked file by file, cancelled and resumed at will; and remove it again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.errors import CheckpointError, ModelError
from seagull_iqa.hub.amounts import folder_bytes, gigabytes
from seagull_iqa.hub.catalogue import model_home
from seagull_iqa.hub.manifest import FileEntry, Manifest, read_manifest, sizes_match
from seagull_iqa.hub.segmenter_sources import SEGMENTERS
from seagull_iqa.hub.segmenters import any_offer
from seagull_iqa.hub.sources import SOURCES, Source

if TYPE_CHECKING:
    from seagull_iqa.hub.routes import HubFile

OFFLINE_VARIABLES = ("SEAGULL_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_SPARE_BYTES = 256 * 10**6
_LOCK = ".download.lock"


def is_offline() -> bool:
    """True where one of `OFFLINE_VARIABLES` is set to something other than 0, no, off or false."""
    return any(os.environ.get(name, "").lower() not in ("", "0", "no", "off", "false") for name in OFFLINE_VARIABLES)


def download(name: str, *, folder: Path | None = None, progress: ProgressCallback = ignore_progress) -> Path:
    """Have a model on this disk; what is here already is not fetched again.

    Parameters
    ----------
    name : str
        "seagull-7b", "sam-vit-b" ...
    folder : Path, optional
        Where its files go; by default the model's own folder in `model_home()`, where it is then found by name.
    progress : callable
        Counts bytes. Cancels by raising `JobCancelledError`: what has come stays, and the next call goes on from there.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UnknownModelError
    ModelError
        Offline mode, no room on the disk, a hub that cannot be reached, another download into the same folder.
    CheckpointError
        The pinned revision is not there any more, or a file is not what was promised; it is set aside.
    """
    source = source_of(name)
    if source is None:
        raise ModelError(f"{name} is part of this package; there is nothing to download.")
    return fetch(name, source, (folder or model_home() / name).expanduser(), progress)


def source_of(name: str) -> Source | None:
    """Where a model or an engine that finds regions comes from; None where it ships. `UnknownModelError` for others."""
    known = any_offer(name).name
    return SOURCES.get(known) or (SEGMENTERS[known].source if known in SEGMENTERS else None)


def fetch(name: str, source: Source, folder: Path, progress: ProgressCallback = ignore_progress) -> Path:
    """As `download`, from any source into any folder."""
    manifest = read_manifest(folder)
    if manifest and manifest.revision.startswith(source.revision) and sizes_match(folder, manifest):
        return folder
    if is_offline():
        raise ModelError(
            f"{name} is not on this machine, and offline mode is on, so nothing is downloaded.",
            f"Unset {', '.join(v for v in OFFLINE_VARIABLES if v in os.environ)}, or copy the files into {folder}.",
        )
    try:
        with _alone_in(folder):
            _fetch_all(name, source, folder, progress)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written ({error.strerror or error}).",
            "Free some room or name another folder, by SEAGULL_MODELS or --folder; what has come stays.",
        ) from error
    return folder


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise ModelError(f"Another program is downloading into {folder} right now.", "Wait for it.") from error


def _fetch_all(name: str, source: Source, folder: Path, progress: ProgressCallback) -> None:
    from seagull_iqa.hub.plain_site import origin_of
    from seagull_iqa.hub.transfer import Transfer

    progress(Progress(0, source.nbytes, "asking the model hub"))
    hub = origin_of(source)
    try:
        revision = hub.revision(source.revision)
        wanted = _wanted(source, hub.files(revision))
        total = sum(file.size for file in wanted)
        _check_room(folder, total)
        entries: dict[str, FileEntry] = {}
        done = 0
        for file in wanted:

            def tick(here: int, doing: str, before: int = done) -> None:
                progress(Progress(before + here, total, doing))

            entries[file.name] = Transfer(hub, revision, file, folder).run(tick)
            done += file.size
        progress(Progress(total, total, "complete"))
    finally:
        hub.close()
    date = datetime.now(UTC).isoformat(timespec="seconds")
    Manifest(name, source.repo or source.site, revision, date, entries).write(folder)


def _wanted(source: Source, offered: dict[str, HubFile]) -> list[HubFile]:
    """The files to fetch, small ones first.

    Raises
    ------
    CheckpointError
        One is missing, or the hub promises other weights than those that are pinned.
    """
    missing = [name for name in source.needed if name not in offered]
    if missing:
        raise CheckpointError(f"What is offered at {source.page} lacks {', '.join(missing)}.")
    for name, sha256 in source.pinned.items():
        if offered[name].sha256 != sha256:
            raise CheckpointError(
                f"The hub promises another {name} than the one that is pinned (SHA-256 {sha256[:12]}…).",
                "Do not use it; ask the developers of napari-seagull.",
            )
    names = [name for name in (*source.welcome, *source.needed) if name in offered]
    return sorted((offered[name] for name in names), key=lambda file: file.size)


def _check_room(folder: Path, total: int) -> None:
    missing = total - folder_bytes(folder) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise ModelError(
            f"The disk of {folder} has {gigabytes(free)} free, and {gigabytes(missing)} more are needed.",
            "Free some room or name another folder, by SEAGULL_MODELS or --folder.",
        )


def remove(name: str) -> int:
    """Delete a downloaded model, or the part of it that has come, from `model_home()`; the bytes freed.

    Raises
    ------
    UnknownModelError
    ModelError
        It is part of the package, is being downloaded, or the folder is a link to elsewhere.
    """
    if source_of(name) is None:
        raise ModelError(f"{name} is part of this package and cannot be removed.")
    folder = model_home() / name
    if folder.is_symlink():
        raise ModelError(f"{folder} is a link to elsewhere.", "Remove the link and what it leads to yourself.")
    if not folder.is_dir():
        return 0
    freed = folder_bytes(folder)
    try:
        with _alone_in(folder):
            _empty(folder)
        shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be removed ({error.strerror or error}).", "A program may still be using it."
        ) from error
    return freed


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
