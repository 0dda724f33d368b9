"""A score map at the size of its image, and in a file that other programs read."""

from __future__ import annotations

import io
import json

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.report import QUALITY_MAP, WEIGHT_MAP, ScoreMap

UNITS = {
    QUALITY_MAP: "quality, 0 bad to 100 excellent",
    WEIGHT_MAP: "share of the importance per px, relative to its mean over the image",
    "": "severity, 0 none to 5 extreme",
}
"""What the values of a map are; "" stands for the map of any distortion."""

_BLOCK_PIXELS = 4_000_000
"""Pixels that are interpolated at a time: their coordinates take four times the room of the values."""


def at_image_size(score_map: ScoreMap) -> NDArray[np.float32]:
    """Bilinear values at the centre of every pixel: float32 (H, W); NaN near values that were not asked."""
    height, width = score_map.shape
    rows = np.clip((np.arange(height) + 0.5) / score_map.stride - 0.5, 0, score_map.values.shape[0] - 1)
    columns = np.clip((np.arange(width) + 0.5) / score_map.stride - 0.5, 0, score_map.values.shape[1] - 1)
    out = np.empty((height, width), dtype=np.float32)
    step = max(1, _BLOCK_PIXELS // width)
    for start in range(0, height, step):
        at = np.meshgrid(rows[start : start + step], columns, indexing="ij")
        ndimage.map_coordinates(score_map.values, at, out[start : start + step], order=1, mode="nearest")
    return out


def unit(name: str) -> str:
    """What the values of the map of that name are."""
    return UNITS.get(name, UNITS[""])


def description(score_map: ScoreMap, image_name: str) -> dict[str, object]:
    """What a file says of a map."""
    low, high = score_map.limits
    return {
        "software": "napari-seagull",
        "map": score_map.name,
        "image": image_name,
        "model": score_map.model,
        "unit": unit(score_map.name),
        "lowest": low,
        "highest": high,
        "stride_px": score_map.stride,
        "window_px": score_map.window,
        "computed_rows": score_map.values.shape[0],
        "computed_columns": score_map.values.shape[1],
        "resampled": "bilinear, to one value a pixel of the image",
    }


def tiff_bytes(score_map: ScoreMap, *, image_name: str) -> bytes:
    """The map as a TIFF of float32 at the size of the image; its description (JSON) says what the values are."""
    import tifffile  # takes a while to load, and is needed for writing files only

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        at_image_size(score_map),
        photometric="minisblack",
        compression="zlib",
        description=json.dumps(description(score_map, image_name)),
        metadata=None,
    )
    return buffer.getvalue()
