"""From whatever array a person has to the 8-bit RGB that is scored, and a note of what was done to it."""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seagull_iqa.domain.report import PixelSource
from seagull_iqa.errors import ImageError, LimitError
from seagull_iqa.imaging.prepared import PreparedImage

MAX_PIXELS = 200_000_000
"""Largest image that is accepted, in px."""

_BLOCK_VALUES = 4_000_000
"""Values that are stretched at a time, so that a large 16-bit image needs no float copy of itself."""

Limits = tuple[float, float]


class _Sliceable(Protocol):
    """What numpy, dask and zarr arrays share: they are read only where they are indexed."""

    @property
    def ndim(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: tuple[object, ...], /) -> ArrayLike: ...


def prepare(
    array: ArrayLike,
    *,
    rgb: bool | None = None,
    channel: int | None = None,
    plane: tuple[int, ...] = (),
    contrast_limits: Limits | None = None,
    name: str = "",
) -> PreparedImage:
    """Make an array ready to be scored; pixels are never resampled.

    8-bit values go in unchanged. Everything else is stretched to 8 bit: through `contrast_limits` where given;
    otherwise integer RGB over the full range of its type, float RGB from 0 to 1 if it fits in, and the rest from its
    smallest to its largest value. Alpha is composited over black, as napari's canvas shows it.

    Parameters
    ----------
    array : array-like, shape (..., H, W), (..., H, W, 3) or (..., H, W, 4)
        bool, integer or float; gray, RGB or RGBA. Only the chosen plane is read.
    rgb : bool or None
        Whether the last axis is colour; None = if it has 3 or 4 entries and there are three axes or more.
    channel : int or None
        Score this channel as gray: an index along the colour axis, or along the one axis left before the rows.
    plane : tuple of int
        Index along each leading axis (time, z, ...).
    contrast_limits : (float, float) or None
        Values that become 0 and 255.
    name : str
        What a person calls the image.

    Raises
    ------
    ImageError
        Not numbers, no pixel, NaN or infinite values, one single value all over, or axes left over.
    LimitError
        More than `MAX_PIXELS` pixels.
    """
    lazy = hasattr(array, "ndim") and hasattr(array, "shape")
    data = cast("_Sliceable", array if lazy else np.asarray(array))
    colour = (data.ndim >= 3 and data.shape[-1] in (3, 4)) if rgb is None else rgb
    values = _choose(data, colour=colour, channel=channel, plane=plane)
    colour = colour and channel is None
    _check_numbers(values, colour=colour)
    limits = _limits_of(values, contrast_limits, colour=colour)
    eight = values if limits is None else _stretched(values, limits, keep_alpha=colour)
    pixels = _as_rgb(eight)
    _check_variety(pixels)
    source = PixelSource("raw" if limits is None else "stretched", channel, tuple(plane), limits)
    return PreparedImage(pixels, source, name)


def _choose(data: _Sliceable, *, colour: bool, channel: int | None, plane: tuple[int, ...]) -> NDArray[Any]:
    """The chosen plane and channel: (H, W), or (H, W, 3 or 4) for colour."""
    leading = data.ndim - (3 if colour else 2)
    if leading < 0 or (colour and data.shape[-1] not in (3, 4)):
        kind = "a colour image has rows, columns and 3 or 4 channels" if colour else "an image has rows and columns"
        raise ImageError(f"An array of shape {tuple(data.shape)} is no image: {kind}.", "Give one image.")
    index: tuple[int, ...] = tuple(plane)
    if channel is not None and not colour:
        index = (*index, channel)
    if len(index) < leading and all(size == 1 for size in data.shape[len(index) : leading]):
        index += (0,) * (leading - len(index))
    if len(index) != leading:
        raise ImageError(
            f"The image has {leading} axes before rows and columns, but {len(index)} of them are chosen.",
            "Choose one index along each of them.",
        )
    last: tuple[object, ...] = (..., channel) if channel is not None and colour else (...,)
    try:
        return np.asarray(data[(*index, *last)])
    except IndexError:
        raise ImageError(
            f"There is no plane {plane} or channel {channel} in an image of shape {tuple(data.shape)}.",
            "Choose an index inside the image.",
        ) from None


def _check_numbers(values: NDArray[Any], *, colour: bool) -> None:
    if values.size == 0:
        raise ImageError(f"The image has no pixel: its shape is {values.shape}.", "Choose another image.")
    if values.shape[0] * values.shape[1] > MAX_PIXELS:
        raise LimitError(
            f"The image has {values.shape[0]} x {values.shape[1]} pixels; at most {MAX_PIXELS:,} are accepted.",
            "Crop it, or score a part of it.",
        )
    if values.dtype.kind not in "buif":
        raise ImageError(f"Values of type {values.dtype} are no pixel values.", "Convert them to integers or floats.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(values.size - np.isfinite(values).sum())
        raise ImageError(
            f"{bad} of the {values.size} values of the image are not finite (NaN or infinity).",
            "Replace them first, for instance with numpy.nan_to_num.",
        )


def _check_variety(pixels: NDArray[np.uint8]) -> None:
    if (pixels == pixels[0, 0]).all():
        raise ImageError(
            "Every pixel of the image has the same value, so there is nothing to judge.",
            "Check the file, the chosen plane and the contrast limits.",
        )


def _limits_of(values: NDArray[Any], asked: Limits | None, *, colour: bool) -> Limits | None:
    """The values that become 0 and 255; None where 8-bit values go in unchanged."""
    if asked is not None:
        low, high = float(asked[0]), float(asked[1])
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ImageError(
                f"Contrast limits {low:g} and {high:g} span no range.", "Give a lower and a higher finite value."
            )
        return None if values.dtype == np.uint8 and (low, high) == (0.0, 255.0) else (low, high)
    if values.dtype == np.uint8:
        return None
    if values.dtype == np.bool_:
        return (0.0, 1.0)
    if colour and values.dtype.kind in "ui":
        info = np.iinfo(values.dtype)
        return (0.0, float(info.max))
    low, high = float(values.min()), float(values.max())
    if colour and low >= 0.0 and high <= 1.0:
        return (0.0, 1.0)
    # A constant plane has no range; any will do, since it is refused for being constant.
    return (low, high) if low < high else (low, low + 1.0)


def _stretched(values: NDArray[Any], limits: Limits, *, keep_alpha: bool) -> NDArray[np.uint8]:
    low, high = limits
    out = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, _BLOCK_VALUES // max(1, values[0].size))
    for start in range(0, values.shape[0], rows):
        block = values[start : start + rows].astype(np.float64)
        # Halved before the difference, so that the widest float range does not overflow.
        scaled = (block / 2 - low / 2) / (high / 2 - low / 2)
        out[start : start + rows] = np.rint(np.clip(scaled, 0.0, 1.0) * 255.0)
    if keep_alpha and values.shape[-1] == 4:
        out[..., 3] = _alpha(values[..., 3])
    return out


def _alpha(alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Alpha is a share whatever the contrast limits are: the full range of its type, or 0 to 1."""
    if alpha.dtype == np.uint8:
        return alpha
    top = float(np.iinfo(alpha.dtype).max) if alpha.dtype.kind in "ui" else 1.0
    return np.rint(np.clip(alpha.astype(np.float64) / top, 0.0, 1.0) * 255.0).astype(np.uint8)


def _as_rgb(eight: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of gray (H, W), RGB or RGBA."""
    if eight.ndim == 2:
        return np.repeat(eight[:, :, None], 3, axis=2)
    rgb = np.ascontiguousarray(eight[..., :3])
    if eight.shape[2] == 3 or (eight[..., 3] == 255).all():
        return rgb
    share = eight[..., 3:].astype(np.uint16)
    # Rounded division by 255; 255 * 255 + 127 still fits in 16 bit.
    return ((rgb * share + 127) // 255).astype(np.uint8)
