"""Receive an image piece by piece, bounded before anything is allocated, and trust it only by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.errors import ImageError, LimitError
from seagull_iqa.service.failures import QueueFullError


class UploadBudget:
    """Bytes of images that may be on their way at one time. Safe between threads."""

    def __init__(self, limits: wire.Limits) -> None:
        self._limits = limits
        self._lock = Lock()
        self._promised = 0

    @contextmanager
    def promised(self, shape: tuple[int, int]) -> Iterator[int]:
        """Hold room for an image of that height and width; gives its number of bytes, `LimitError` if too large."""
        pixels = shape[0] * shape[1]
        if pixels > self._limits.pixels:
            raise LimitError(
                f"The image has {pixels / 1e6:.1f} million pixels, this server takes {self._limits.pixels / 1e6:.1f}.",
                "Score a part of it, or a smaller copy.",
            )
        nbytes = 3 * pixels
        with self._lock:
            if self._promised and self._promised + nbytes > self._limits.image_cache_bytes:
                raise QueueFullError("images on their way")
            self._promised += nbytes
        try:
            yield nbytes
        finally:
            with self._lock:
                self._promised -= nbytes


async def received(
    pieces: AsyncIterator[bytes], sha256: str, shape: tuple[int, int], nbytes: int
) -> NDArray[np.uint8]:
    """Put the pieces together.

    Returns
    -------
    uint8, shape (H, W, 3)

    Raises
    ------
    LimitError
        More bytes come than height and width allow; the rest is not read.
    ImageError
        Fewer bytes came, or other ones than the hash says.
    """
    digest = hashlib.sha256(np.asarray(shape, dtype="<u4").tobytes())
    body = bytearray()
    async for piece in pieces:
        if len(body) + len(piece) > nbytes:
            raise _too_long(nbytes)
        digest.update(piece)
        body += piece
    if len(body) != nbytes:
        raise ImageError(
            f"The image came incomplete: {len(body)} of {nbytes} bytes.", "Send height x width x 3 bytes of RGB."
        )
    if digest.hexdigest() != sha256:
        raise ImageError("The image does not have the hash it was sent under.", "Send it again.")
    return np.frombuffer(body, dtype=np.uint8).reshape(*shape, 3)


def check_declared(length: str | None, nbytes: int) -> None:
    """Refuse a Content-Length that does not fit before a byte is read; None says nothing."""
    if length is None:
        return
    declared = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else -1
    if declared > nbytes:
        raise _too_long(nbytes)
    if declared != nbytes:
        raise ImageError(
            f"The image announces {length[:20]} bytes, height x width x 3 are {nbytes}.", "Send all of its RGB bytes."
        )


def _too_long(nbytes: int) -> LimitError:
    return LimitError(f"The image is longer than the {nbytes} bytes of its height x width x 3.", "Send RGB, 8 bit.")
