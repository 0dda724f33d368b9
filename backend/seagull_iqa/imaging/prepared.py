"""An image ready to be scored: 8-bit RGB, what it was made from, and its content hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.report import PixelSource
from seagull_iqa.errors import ImageError


def content_hash(rgb: NDArray[np.uint8]) -> str:
    """SHA-256 in hex over height, width (two little-endian uint32) and the row-major RGB bytes."""
    digest = hashlib.sha256(np.asarray(rgb.shape[:2], dtype="<u4").tobytes())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image ready to be scored.

    Attributes
    ----------
    rgb : uint8, shape (H, W, 3)
        0..255, C-contiguous.
    pixels : PixelSource
        What of the original these pixels are.
    name : str
        What a person calls it; a file's name, a layer's name.
    sha256 : str
        `content_hash` of `rgb`; computed.
    """

    rgb: NDArray[np.uint8]
    pixels: PixelSource = field(default_factory=PixelSource)
    name: str = ""
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8 or self.rgb.size == 0:
            raise ImageError(
                f"Expected 8-bit RGB of shape (H, W, 3), got {self.rgb.dtype} of shape {self.rgb.shape}.",
                "Prepare the array with `seagull_iqa.imaging.normalise.prepare` first.",
            )
        rgb = np.ascontiguousarray(self.rgb)
        object.__setattr__(self, "rgb", rgb)
        object.__setattr__(self, "sha256", content_hash(rgb))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return (int(self.rgb.shape[0]), int(self.rgb.shape[1]))
