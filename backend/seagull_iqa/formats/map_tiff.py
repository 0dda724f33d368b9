"""Maps as TIFF, a file each: float32 at the size of the image, then as computed, with unit and limits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import LimitError
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.folders import write_folder
from seagull_iqa.formats.label_tiff import DAMAGE
from seagull_iqa.formats.pages import MAX_BYTES
from seagull_iqa.formats.reading import FormatError, json_of
from seagull_iqa.imaging.saving import save_bytes
from seagull_iqa.imaging.score_maps import at_image_size, description


def write_map_tiffs(path: Path, export: Export) -> list[Path]:
    """A folder with NAME.tif for each map."""
    maps = export.some_maps

    def fill(folder: Path) -> None:
        for name, one in maps.items():
            save_bytes(folder / f"{name}.tif", map_bytes(one, export.facts.name))

    write_folder(path, fill)
    return [path / f"{name}.tif" for name in maps]


def map_bytes(score_map: ScoreMap, image_name: str) -> bytes:
    """A TIFF of two pages: float32 at the size of the image, and the values as they were computed.

    Most programs read the first page only, which is what they want.
    """
    import tifffile  # takes a while to load, and is needed for TIFF files only

    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        about = json.dumps(description(score_map, image_name))
        for values, text in ((at_image_size(score_map), about), (score_map.values, "as computed")):
            tiff.write(
                values, description=text, photometric="minisblack", compression="zlib",
                compressionargs={"level": 1}, metadata=None,
            )  # fmt: skip
    return buffer.getvalue()


def read_map_tiff(path: Path) -> ScoreMap:
    """The map that `map_bytes` wrote, as it was computed; `FormatError` where the file is none."""
    import tifffile  # takes a while to load, and is needed for TIFF files only

    try:
        with tifffile.TiffFile(path) as tiff:
            if len(tiff.pages) != 2 or any(page.size * 4 > MAX_BYTES for page in tiff.pages):
                raise LimitError(f"{path.name} is no map of this program, or too large.", "Give a map exported here.")
            about = json_of(tiff.pages.first.tags.valueof("ImageDescription", ""), path.name)
            values = np.asarray(tiff.pages[1].asarray(), dtype=np.float32)
            height, width = tiff.pages.first.shape
    except DAMAGE as error:
        raise FormatError(f"{path.name} cannot be read as a map.", "Give a map that was exported here.") from error
    if not isinstance(about, dict) or values.ndim != 2:
        raise FormatError(f"{path.name} does not say what its values are.", "Give a map that was exported here.")
    try:
        return ScoreMap(
            str(about["map"]), values, (int(height), int(width)), float(about["stride_px"]),
            float(about["window_px"]), str(about["model"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path.name} does not say what its values are.", "Export it again.") from error
