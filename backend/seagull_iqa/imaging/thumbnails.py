"""Small pictures of image files, quickly: a JPEG is decoded at an eighth of its size where that is enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.files import DAMAGE, read_image
from seagull_iqa.imaging.normalise import MAX_PIXELS

PLAIN = ("L", "RGB", "RGBA", "P")


def thumbnail(path: Path, side: int) -> NDArray[np.uint8] | None:
    """A picture of a file.

    Parameters
    ----------
    path : Path
    side : int
        Its longer side in px, at most.

    Returns
    -------
    uint8, shape (h, w, 3), or None
        None where the file cannot be read.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            if image.mode in PLAIN:
                image.draft("RGB", (side, side))
                turned = ImageOps.exif_transpose(image).convert("RGB")
                turned.thumbnail((side, side), reducing_gap=2.0)
                return np.ascontiguousarray(turned)
        small = Image.fromarray(read_image(path).rgb)  # 16 bits, float: as they are scored
        small.thumbnail((side, side), reducing_gap=2.0)
        return np.ascontiguousarray(small)
    except (*DAMAGE, Image.DecompressionBombError, SeagullError):
        return None
