"""Write a file whole or not at all: to a temporary neighbour first, then in its place."""

from __future__ import annotations

import errno
import io
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def save_bytes(path: Path, data: bytes) -> None:
    """Write bytes to a file and make missing folders; what stood there stays until everything is written.

    Raises
    ------
    SeagullError
        The folder or the file cannot be written.
    """
    # Short whatever the name of the file is, since a name has at most 255 bytes.
    temporary = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise SeagullError(
            f"{path} cannot be written ({error.strerror or error}).", "Choose a folder that you may write to."
        ) from error


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk too, so that a file that was put in place survives a power cut."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows keeps names without being asked, and opens no folders
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot; the file itself is whole.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def save_text(path: Path, text: str) -> None:
    """Write text in UTF-8; see `save_bytes`."""
    save_bytes(path, text.encode("utf-8"))


def png_bytes(rgb: NDArray[np.uint8]) -> bytes:
    """uint8 (H, W, 3) as a PNG file."""
    from PIL import Image  # commands that only save texts start without it

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()
