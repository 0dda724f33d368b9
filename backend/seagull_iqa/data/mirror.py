"""A place that has our files: a folder of this machine, or an address that is asked over HTTP and resumed."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import httpx2
from PIL import Image

from seagull_iqa.data.catalogue import CatalogueFile
from seagull_iqa.data.scores import DataFileError
from seagull_iqa.errors import BackendUnreachableError, ImageError, LimitError
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.saving import save_bytes

PART = ".part"
_TRIES = 5
_PAUSE_S = 0.5
_TIMEOUT_S = 30.0

Tick = Callable[[int], None]
"""Called with how many bytes of the file are here; may raise to cancel."""


class NotThereError(DataFileError):
    """The place does not have the file, or has another one under its name."""


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(path: Path, wanted: CatalogueFile) -> bool:
    """The file is here and is the one that is wanted, by its hash or, for an image, by its pixels."""
    if not path.is_file():
        return False
    if path.stat().st_size == wanted.nbytes and sha256_of(path) == wanted.sha256:
        return True
    return has_pixels(path, wanted)


def has_pixels(path: Path, wanted: CatalogueFile) -> bool:
    """The file is an image, and it is pixel for pixel the one that is wanted."""
    try:
        return bool(wanted.pixels) and read_image(path).sha256 == wanted.pixels
    except (ImageError, LimitError):
        return False


class FolderMirror:
    """A folder: a copy of ours, or the makers' own images in any lossless format.

    An image is looked for by its path, then anywhere below by its name with or without our prefix and in any format;
    it counts when its hash or its pixels agree.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_stem: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            self._by_stem.setdefault(path.stem.lower(), []).append(path)

    def fetch(self, wanted: CatalogueFile, target: Path, tick: Tick) -> None:
        """Have a file at `target`; `NotThereError` where the folder has no such image."""
        for path in self._candidates(wanted):
            if not path.is_file():
                continue
            if path.stat().st_size == wanted.nbytes and sha256_of(path) == wanted.sha256:
                save_bytes(target, path.read_bytes())
            elif has_pixels(path, wanted):
                save_bytes(target, _lossless_webp(path))
            else:
                continue
            tick(wanted.nbytes)
            return
        raise NotThereError(f"{self._folder} has no {Path(wanted.path).name}, or not with these pixels.")

    def close(self) -> None:
        """Nothing to close."""

    def _candidates(self, wanted: CatalogueFile) -> Iterator[Path]:
        stem = Path(wanted.path).stem.lower()
        yield self._folder / wanted.path
        for name in (stem, stem.partition("_")[2]):
            yield from self._by_stem.get(name, [])


class WebMirror:
    """An address below which our files lie under their paths."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._http = httpx2.Client(
            headers={"User-Agent": "napari-seagull", "Accept-Encoding": "identity"},
            timeout=_TIMEOUT_S,
            follow_redirects=True,
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def fetch(self, wanted: CatalogueFile, target: Path, tick: Tick) -> None:
        """Have a file at `target`, going on from what is there of it.

        Raises
        ------
        NotThereError
            The server does not have it, or has another one.
        BackendUnreachableError
            The server cannot be reached, even after several tries; what has come stays.
        """
        part = target.with_name(target.name + PART)
        resumed = part.is_file()
        self._fetch_patiently(wanted, part, tick)
        if resumed and not _is_right(part, wanted):
            part.unlink()  # what was there may have been of another version
            self._fetch_patiently(wanted, part, tick)
        if not _is_right(part, wanted):
            part.unlink()
            raise NotThereError(f"{self._base} gives another {wanted.path} than the catalogue describes.")
        part.replace(target)

    def _fetch_patiently(self, wanted: CatalogueFile, part: Path, tick: Tick) -> None:
        tries = 0
        while not part.is_file() or _size(part) < wanted.nbytes:
            before = _size(part)
            try:
                self._go_on(wanted, part, tick)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                tries = 1 if _size(part) > before else tries + 1
                if tries >= _TRIES or isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
                    raise _unreachable(self._base, error) from error
                time.sleep(_PAUSE_S * tries)

    def _go_on(self, wanted: CatalogueFile, part: Path, tick: Tick) -> None:
        here = _size(part)
        headers = {"Range": f"bytes={here}-"} if here else {}
        with self._http.stream("GET", f"{self._base}/{quote(wanted.path)}", headers=headers) as reply:
            if reply.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN):
                raise NotThereError(f"{self._base} has no {wanted.path} ({reply.status_code}).")
            reply.raise_for_status()
            if here and reply.status_code != HTTPStatus.PARTIAL_CONTENT:
                here = 0  # this server knows no ranges: all comes again
            with part.open("ab" if here else "wb") as file:
                for chunk in reply.iter_raw():  # as it comes: chunks of a given size would be lost when the line breaks
                    file.write(chunk)
                    here += len(chunk)
                    tick(min(here, wanted.nbytes))
                    if here > wanted.nbytes:
                        return
        if here < wanted.nbytes:
            raise httpx2.RemoteProtocolError("the server hung up early")


def _lossless_webp(path: Path) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(read_image(path).rgb).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _is_right(path: Path, wanted: CatalogueFile) -> bool:
    return _size(path) == wanted.nbytes and sha256_of(path) == wanted.sha256


def _unreachable(base: str, error: Exception) -> BackendUnreachableError:
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BackendUnreachableError(
        f"{base} cannot be reached ({why}).", "Check the address and the network; what has come is kept."
    )


def is_address(text: str) -> bool:
    """It begins like a web address rather than a path."""
    return text.lower().startswith(("http://", "https://"))

