"""Compress and decompress as a camera or a web page would: JPEG, WebP, and AVIF and HEIC where they are installed."""

from __future__ import annotations

import io
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seagull_iqa.errors import SeagullError

CODECS = ("jpeg", "webp", "avif", "heic")
"""Every codec that may be there; "jpeg" always is."""


@cache
def installed() -> tuple[str, ...]:
    """The codecs that work here, in the order of `CODECS`."""
    there = {"jpeg": True, "webp": _can_save("WEBP"), "avif": _can_save("AVIF"), "heic": _has_heic()}
    return tuple(codec for codec in CODECS if there[codec])


def _can_save(name: str) -> bool:
    Image.init()
    return name in Image.SAVE


def _has_heic() -> bool:
    if find_spec("pillow_heif") is None:
        return False
    import pillow_heif

    return bool(pillow_heif.libheif_info().get("encoders"))


def through(rgb: NDArray[np.uint8], codec: str, quality: int) -> NDArray[np.uint8]:
    """Compress and decompress with 4:2:0 chroma: uint8 (H, W, 3) -> the same; quality 0..100 on the codec's own scale.

    Raises
    ------
    SeagullError
        The codec is not installed.
    """
    if codec not in installed():
        raise SeagullError(f"The codec {codec} is not installed.", "HEIC wants pillow-heif, AVIF Pillow 11.3.")
    packed = _heic(rgb, quality) if codec == "heic" else _pillow(rgb, codec, quality)
    if codec == "heic":
        import pillow_heif

        return np.array(pillow_heif.open_heif(io.BytesIO(packed), convert_hdr_to_8bit=True))[..., :3]
    with Image.open(io.BytesIO(packed)) as image:
        return np.array(image.convert("RGB"))


def _pillow(rgb: NDArray[np.uint8], codec: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(rgb)
    if codec == "jpeg":
        image.save(buffer, "JPEG", quality=quality, subsampling=2)  # 2 = 4:2:0
    elif codec == "webp":
        image.save(buffer, "WEBP", quality=quality, method=2)
    else:
        # One thread and no tiles: the bytes must not depend on the machine's cores.
        image.save(buffer, "AVIF", quality=quality, speed=9, subsampling="4:2:0", max_threads=1, autotiling=False)
    return buffer.getvalue()


def _heic(rgb: NDArray[np.uint8], quality: int) -> bytes:
    import pillow_heif

    buffer = io.BytesIO()
    height, width = rgb.shape[:2]
    file = pillow_heif.from_bytes("RGB", (width, height), rgb.tobytes())
    # x265 shares its work among threads by wavefronts, and its bits stay the same.
    file.save(buffer, quality=quality, chroma=420, enc_params={"preset": "ultrafast"})
    return buffer.getvalue()
