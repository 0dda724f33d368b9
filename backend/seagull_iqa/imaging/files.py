"""Read an image file into pixels that can be scored, with every limit checked before anything is decoded."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from seagull_iqa.errors import ImageError, LimitError
from seagull_iqa.imaging.normalise import MAX_PIXELS, Limits, prepare
from seagull_iqa.imaging.prepared import PreparedImage

MAX_BYTES = 2 * 1024**3
"""Largest image file that is opened, in bytes."""

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
"""Names of the accepted formats, as Pillow has them."""

# What Pillow and tifffile raise on files that are cut off or damaged; tifffile's own error is a ValueError.
DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip

# TIFF and EXIF orientation -> (swap rows and columns, flip rows, flip columns), applied in that order.
_TURNS = {
    2: (False, False, True), 3: (False, True, True), 4: (False, True, False), 5: (True, False, False),
    6: (True, False, True), 7: (True, True, True), 8: (True, True, False),
}  # fmt: skip



def read_image(path: Path) -> PreparedImage:
    """Read a PNG, JPEG, WebP, TIFF or BMP file.

    The camera's orientation is applied; 8-bit values stay as stored; see `prepare` for 16-bit and float files. Of a
    file with several pages the first is read and `pixels.plane` says so.

    Raises
    ------
    ImageError
        No such file, not an image, damaged, or without pixels.
    LimitError
        More than `MAX_BYTES` or `MAX_PIXELS`.
    """
    array, plane, colour = read_array(Path(path))
    return prepare(array, rgb=colour, plane=plane, name=Path(path).name)


def read_plane(
    path: Path,
    plane: tuple[int, ...] = (),
    *,
    channel: int | None = None,
    contrast_limits: Limits | None = None,
    name: str = "",
) -> PreparedImage:
    """One plane of a file, a TIFF of several pages included, with the axes that napari gives it.

    Parameters
    ----------
    path : Path
    plane, channel, contrast_limits, name
        As `prepare` takes them.

    Raises
    ------
    ImageError, LimitError
        As `read_image`; no such plane.
    """
    _check_file(path)
    with _damage_named(path):
        stack = _read_stack(path, plane, channel) if _is_tiff(path) else None
    if stack is not None:
        array, at, left, colour = stack
        made = prepare(array, rgb=colour, channel=left, plane=at, contrast_limits=contrast_limits, name=name)
    else:
        array, first, colour = read_array(path)
        at = plane or first
        made = prepare(array, rgb=colour, channel=channel, plane=at, contrast_limits=contrast_limits, name=name)
    return replace(made, pixels=replace(made.pixels, plane=plane, channel=channel))


def _read_stack(
    path: Path, plane: tuple[int, ...], channel: int | None
) -> tuple[NDArray[Any], tuple[int, ...], int | None, bool] | None:
    """Values, and which plane and channel of them; None where the file has a single page."""
    import tifffile  # takes a while to load, and is needed for TIFF files only

    with tifffile.TiffFile(path) as tiff:
        series, page = tiff.series[0], tiff.pages.first
        leading = tuple(int(length) for length in series.shape[: series.ndim - page.ndim])
        if not leading:
            return None
        if page.size > 4 * MAX_PIXELS:
            raise _too_many_pixels(path)
        colour = "S" in page.axes and page.axes.index("S") == len(page.axes) - 1 and page.shape[-1] in (3, 4)
        at = plane if channel is None or len(plane) == len(leading) else (*plane, channel)
        if len(at) == len(leading) and len(series.pages) == int(np.prod(leading)):
            if any(not 0 <= one < length for one, length in zip(at, leading, strict=True)):
                raise ImageError(f"{path.name} has no plane {at}: its axes are {leading}.", "Check the file.")
            one = series.pages[int(np.ravel_multi_index(at, leading))]
            if one is None:
                raise ImageError(f"Plane {at} is missing in {path.name}.", "Copy or export the file again.")
            return one.asarray(), (), channel if at == plane else None, colour
        if series.nbytes > MAX_BYTES:
            raise LimitError(f"{path.name} is too large to be read whole.", "Export the planes one by one.")
        return series.asarray(), plane, channel, colour


def read_array(path: Path) -> tuple[NDArray[Any], tuple[int, ...], bool]:
    """The values of an image file as stored, the plane to take, and whether the last axis is colour."""
    _check_file(path)
    with _damage_named(path):
        return _read_tiff(path) if _is_tiff(path) else _read_with_pillow(path)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """One sentence for whatever Pillow and tifffile raise."""
    try:
        with warnings.catch_warnings():
            # What Pillow suspects of a file would appear among the results; what matters becomes an error below.
            warnings.simplefilter("ignore")
            yield
    except (ImageError, LimitError):
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels(path) from None
    except UnidentifiedImageError:
        raise ImageError(
            f"{path.name} is not an image of a known format.", f"Give one of {', '.join(FORMATS)}."
        ) from None
    except DAMAGE as damage:
        raise ImageError(
            f"{path.name} is damaged or cut off and cannot be read ({_first_line(damage)}).",
            "Copy or export the file again.",
        ) from damage


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise ImageError(f"There is no file {path}.", "Check the path.")
        if not path.is_file():
            raise ImageError(f"{path} is not a file.", "Give an image file.")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise ImageError(f"{path} cannot be opened ({error.strerror}).", "Check path and permissions.") from error
    if size == 0:
        raise ImageError(f"{path.name} is an empty file.", "Copy or export it again.")
    if size > MAX_BYTES:
        raise LimitError(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read.", "Crop or compress it.")


def _too_many_pixels(path: Path) -> LimitError:
    return LimitError(f"{path.name} has more than {MAX_PIXELS:,} pixels.", "Crop it, or score a part of it.")


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:120] if text else type(error).__name__


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _read_with_pillow(path: Path) -> tuple[NDArray[Any], tuple[int, ...], bool]:
    with Image.open(path, formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise _too_many_pixels(path)
        if opened.width * opened.height == 0:
            raise ImageError(f"{path.name} has no pixel.", "Choose another image.")
        opened.load()
        turned = ImageOps.exif_transpose(opened)
        image = _plain_mode(turned)
        return np.array(image), (), image.mode in ("RGB", "RGBA")


def _plain_mode(image: Image.Image) -> Image.Image:
    """Palettes, CMYK and the like as RGB or RGBA; gray, 16-bit and float as they are."""
    if image.mode in ("1", "L", "I", "F", "RGB", "RGBA") or image.mode.startswith("I;16"):
        # A gray or RGB file may carry one transparent colour beside the pixels; the pixels count.
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _read_tiff(path: Path) -> tuple[NDArray[Any], tuple[int, ...], bool]:
    import tifffile  # takes a while to load, and is needed for TIFF files only

    with tifffile.TiffFile(path) as tiff:
        series, page = tiff.series[0], tiff.pages.first
        if int(np.prod(page.shape[:2])) == 0:
            raise ImageError(f"{path.name} has no pixel.", "Choose another image.")
        # The second bounds what is decoded: a page may have depth, or thousands of samples a pixel.
        if page.imagewidth * page.imagelength > MAX_PIXELS or page.size > 4 * MAX_PIXELS:
            raise _too_many_pixels(path)
        if page.compression == tifffile.COMPRESSION.NONE and page.nbytes > path.stat().st_size:
            raise ImageError(
                f"{path.name} is cut off: it announces {page.nbytes:,} bytes of pixels.", "Copy or export it again."
            )
        if page.photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB):
            return _read_with_pillow(path)
        try:
            array = page.asarray()
        except (ValueError, ImportError):
            # A compression that tifffile knows only with a further package; Pillow has most of them built in.
            return _read_with_pillow(path)
        several = len(tiff.pages) > 1 or series.ndim > page.ndim
        colour = "S" in page.axes
        if colour and page.axes.index("S") == 0:
            array = np.moveaxis(array, 0, -1)
        array = _turned(array, page.tags.valueof("Orientation", 1))
        if colour and array.shape[-1] not in (3, 4):
            # Further samples that are not colour: the first is scored.
            return np.moveaxis(array, -1, 0), (0,), False
        leading = array.ndim - (3 if colour else 2)
        # A file of several pages is read as a stack of one, so that the report says which plane was scored.
        return (array[None], (0,) * (leading + 1), colour) if several else (array, (0,) * leading, colour)


def _turned(array: NDArray[Any], orientation: object) -> NDArray[Any]:
    """Rows and columns (the last two axes, or those before colour) as the camera meant them."""
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is None or array.ndim > 3:
        return array
    swap, flip_rows, flip_columns = turn
    array = np.swapaxes(array, 0, 1) if swap else array
    array = array[::-1] if flip_rows else array
    return array[:, ::-1] if flip_columns else array
