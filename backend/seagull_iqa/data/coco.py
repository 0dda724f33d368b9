"""Outlines as COCO writes them: run lengths, plain or packed into letters, and polygons in x, y."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError
from seagull_iqa.imaging import raster

Shape = tuple[int, int]

_FIRST = 48  # the letter "0" stands for zero
_MORE = 0x20  # another letter of the same number follows
_BITS = 0x1F
_SIGN = 0x10


def column_runs(pixels: NDArray[np.bool_]) -> list[int]:
    """bool (H, W) -> COCO's uncompressed counts: column-major run lengths, starting with zeros (may be 0)."""
    flat = pixels.T.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths: list[int] = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def pack(runs: Sequence[int]) -> str:
    """Run lengths -> COCO's compressed string: from the fourth on, each as its difference to the last but one."""
    letters = bytearray()
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            low = value & _BITS
            value >>= 5
            more = value != (-1 if low & _SIGN else 0)
            letters.append((low | _MORE if more else low) + _FIRST)
    return letters.decode("ascii")


def unpack(counts: str) -> list[int]:
    """The inverse of `pack`; `RegionError` where the string is not one."""
    runs: list[int] = []
    value = shift = 0
    for letter in counts:
        code = ord(letter) - _FIRST
        if not 0 <= code < 2 * _MORE:
            raise _not_understood(f"the letter {letter!r} does not occur in one")
        value |= (code & _BITS) << shift
        shift += 5
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise _not_understood("it is cut off")
    return runs


def encode(pixels: NDArray[np.bool_]) -> str:
    """bool (H, W), True inside -> COCO's compressed `counts`."""
    return pack(column_runs(np.asarray(pixels, dtype=bool)))


def decode(size: Sequence[int], counts: str | Sequence[int]) -> NDArray[np.bool_]:
    """COCO run lengths -> bool, shape (H, W), True inside.

    Parameters
    ----------
    size : (int, int)
        Height and width in px, as in COCO.
    counts : str or sequence of int
        Compressed or not.

    Raises
    ------
    RegionError
        Not such a string, or the lengths do not add up to the image.
    """
    height, width = int(size[0]), int(size[1])
    try:
        lengths = np.asarray(unpack(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        raise _not_understood("they are no list of whole numbers") from None
    # Each by itself too: a sum of huge numbers comes round again.
    fits = lengths.ndim == 1 and lengths.size and lengths.min() >= 0 and lengths.max() <= height * width
    if not fits or int(lengths.sum()) != height * width:
        raise _not_understood(f"they do not add up to {height} x {width} pixels")
    flat = np.repeat(np.arange(lengths.size) % 2 == 1, lengths)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def _not_understood(why: str) -> RegionError:
    return RegionError(f"The run lengths of a mask cannot be read: {why}.", "Write the file again.")


def polygons(shape: Shape, outlines: Sequence[Sequence[float]]) -> RegionMask:
    """COCO polygons, each [x0, y0, x1, y1, ...] in px with corners of pixels at whole numbers; their union.

    Raises
    ------
    RegionError
        Not at least three pairs of finite numbers.
    EmptyRegionError
        No pixel of the image is inside any of them.
    """
    pixels = np.zeros(shape, dtype=bool)
    for outline in outlines:
        try:
            points = np.asarray(outline, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            points = np.zeros(0)
        if points.ndim != 1 or points.size < 6 or points.size % 2:
            raise RegionError("A polygon is [x0, y0, x1, y1, x2, y2, ...].", "Give three or more points.")
        try:
            # Whole numbers are centres of pixels here, and corners in COCO.
            pixels |= raster.polygon_mask(shape, points.reshape(-1, 2)[:, ::-1] - 0.5).pixels
        except EmptyRegionError:
            continue
    return RegionMask.from_pixels(pixels)


def mask_of(shape: Shape, segmentation: object) -> RegionMask:
    """A COCO `segmentation` as a mask for an image of that height and width in px.

    Parameters
    ----------
    shape : (int, int)
    segmentation : dict with "counts" (and "size"), or list of polygons
        Compressed or uncompressed run lengths, or polygons.

    Raises
    ------
    RegionError
        Neither of these, or for an image of another size.
    """
    if isinstance(segmentation, dict) and "counts" in segmentation:
        size = segmentation.get("size", shape)
        if not isinstance(size, list | tuple) or tuple(size) != tuple(shape):
            told = " x ".join(map(str, size)) if isinstance(size, list | tuple) else size
            raise RegionError(
                f"The mask is {told} pixels, the image {shape[0]} x {shape[1]}.",
                "Give masks of the image's own size.",
            )
        return RegionMask.from_pixels(decode(shape, segmentation["counts"]))
    if isinstance(segmentation, list) and segmentation and all(isinstance(one, list) for one in segmentation):
        return polygons(shape, segmentation)
    raise RegionError(
        "A segmentation is neither run lengths nor a list of polygons.",
        'Give {"size": [H, W], "counts": ...} or [[x0, y0, x1, y1, ...]].',
    )
