"""Develop a camera's RAW file into linear light, by the optional package rawpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.errors import BackendMissingError, ImageError

RAW_SUFFIXES = {".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw"}


def develop(path: Path) -> NDArray[np.uint16]:
    """Demosaic with the camera's white balance and nothing else.

    Returns
    -------
    uint16, shape (H, W, 3)
        Linear light in the primaries of sRGB, 65535 = the sensor is full.

    Raises
    ------
    BackendMissingError
        rawpy is not installed.
    ImageError
        The file is damaged, or of a camera that is not known.
    """
    try:
        import rawpy
    except ModuleNotFoundError as error:
        raise BackendMissingError(
            f"{path.name} is a RAW file and rawpy is not installed.", "Run pip install 'napari-seagull[raw]'."
        ) from error
    try:
        with rawpy.imread(str(path)) as raw:
            image = raw.postprocess(
                use_camera_wb=True, no_auto_bright=True, output_bps=16, gamma=(1, 1), output_color=rawpy.ColorSpace.sRGB
            )
            return np.asarray(image).astype(np.uint16, copy=False)
    except (rawpy.LibRawError, OSError) as error:
        raise ImageError(
            f"{path.name} cannot be developed ({error}).", "Convert it to TIFF, or leave it out."
        ) from error
