"""Outlines as COCO writes them: run lengths, plain or packed into letters, and polygons in x, y."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError
from seagull_iqa.imaging.pixel_polygons import filled

Shape = tuple[int, int]

_FIRST = 48  # the letter "0" stands for zero
_MORE = 0x20  # another letter of the same number follows
_BITS = 0x1F
_SIGN = 0x10
_LONGEST = 12
"""Most letters of one number: 60 bits."""


def column_runs(pixels: NDArray[np.bool_]) -> list[int]:
    """bool (H, W) -> COCO's uncompressed counts: column-major run lengths, starting with zeros (may be 0)."""
    flat = pixels.T.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths: list[int] = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def mask_runs(mask: RegionMask) -> list[int]:
    """The same of a mask, at the cost of its box instead of its image."""
    r0, c0, _, _ = mask.box
    height, width = mask.shape
    padded = np.zeros((mask.inside.shape[1], mask.inside.shape[0] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask.inside.T
    steps = np.diff(padded, axis=1)
    at = np.arange(len(steps), dtype=np.int64)[:, None] + c0
    flat = at * height + r0 + np.arange(steps.shape[1])
    starts, ends = flat[steps == 1], flat[steps == -1]
    # A run down to the last row goes on at the top of the next column.
    joined = np.flatnonzero(ends[:-1] == starts[1:])
    starts, ends = np.delete(starts, joined + 1), np.delete(ends, joined)
    bounds = np.concatenate([[0], np.stack([starts, ends], axis=1).ravel(), [height * width]])
    lengths: list[int] = np.diff(bounds).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def pack(runs: Sequence[int]) -> str:
    """Run lengths -> COCO's compressed string: from the fourth on, each as its difference to the last but one."""
    values = np.array(runs, dtype=np.int64)
    values[3:] -= np.asarray(runs, dtype=np.int64)[1:-2]
    letters = np.zeros((len(values), _LONGEST), dtype=np.uint8)
    waiting = np.arange(len(values))
    for place in range(_LONGEST):
        low = values & _BITS
        values >>= 5
        more = values != np.where(low & _SIGN, -1, 0)
        letters[waiting, place] = np.where(more, low | _MORE, low) + _FIRST
        waiting, values = waiting[more], values[more]
        if not waiting.size:
            break
    return letters[letters > 0].tobytes().decode("ascii")


def unpack(counts: str) -> list[int]:
    """The inverse of `pack`; `RegionError` where the string is not one."""
    codes = np.frombuffer(counts.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64) - _FIRST
    if not codes.size:
        return []
    if codes.min() < 0 or codes.max() >= 2 * _MORE:
        letter = next(letter for letter in counts if not 0 <= ord(letter) - _FIRST < 2 * _MORE)
        raise _not_understood(f"the letter {letter!r} does not occur in one")
    last = codes & _MORE == 0
    if not last[-1]:
        raise _not_understood("it is cut off")
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(codes.size) - np.repeat(starts, ends - starts + 1)
    if place.max() >= _LONGEST:
        raise _not_understood("a number in it is too long")
    values = np.add.reduceat((codes & _BITS) << (5 * place), starts)
    values -= np.where(codes[ends] & _SIGN, np.int64(1) << (5 * (ends - starts + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    runs: list[int] = values.tolist()
    return runs


def encode(pixels: NDArray[np.bool_]) -> str:
    """bool (H, W), True inside -> COCO's compressed `counts`."""
    return pack(column_runs(np.asarray(pixels, dtype=bool)))


def encode_mask(mask: RegionMask) -> str:
    """A mask -> COCO's compressed `counts` of its whole image."""
    return pack(mask_runs(mask))


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
    lengths = _lengths((height, width), counts)
    flat = np.repeat(np.arange(lengths.size) % 2 == 1, lengths)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def decode_mask(shape: Shape, counts: str | Sequence[int]) -> RegionMask:
    """The same as a mask, at the cost of the columns that it touches; `EmptyRegionError` where it holds no pixel."""
    height, _width = shape
    bounds = np.cumsum(_lengths(shape, counts))
    starts, ends = bounds[0:-1:2], bounds[1::2]
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    if not starts.size:
        raise EmptyRegionError("The mask holds no pixel.", "Leave it out.")
    ends -= 1  # the last pixels themselves
    first, last = int(starts[0]) // height, int(ends[-1]) // height
    top, bottom = 0, height
    if (starts // height == ends // height).all():
        # No run goes on in the next column, so the rows can be bounded too.
        top, bottom = int((starts % height).min()), int((ends % height).max()) + 1
    high = bottom - top
    steps = np.zeros((last - first + 1) * high + 1, dtype=np.int8)
    steps[(starts // height - first) * high + starts % height - top] = 1
    steps[(ends // height - first) * high + ends % height - top + 1] -= 1
    columns = np.cumsum(steps[:-1], dtype=np.int8).reshape(-1, high)
    return RegionMask.from_part(shape, (top, first), columns.T)


def _lengths(shape: Shape, counts: str | Sequence[int]) -> NDArray[np.int64]:
    """Run lengths that add up to an image of that height and width (px); `RegionError` where they do not."""
    area = shape[0] * shape[1]
    try:
        lengths = np.asarray(unpack(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        raise _not_understood("they are no list of whole numbers") from None
    # Each by itself too: a sum of huge numbers comes round again.
    fits = lengths.ndim == 1 and lengths.size and lengths.min() >= 0 and lengths.max() <= area
    if not fits or int(lengths.sum()) != area:
        raise _not_understood(f"they do not add up to {shape[0]} x {shape[1]} pixels")
    return lengths


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
    rings = []
    for outline in outlines:
        try:
            points = np.asarray(outline, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            points = np.zeros(0)
        if points.ndim != 1 or points.size < 6 or points.size % 2:
            raise RegionError("A polygon is [x0, y0, x1, y1, x2, y2, ...].", "Give three or more points.")
        rings.append([points.reshape(-1, 2)[:, ::-1]])
    return filled(shape, rings)


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
        return decode_mask(shape, segmentation["counts"])
    if isinstance(segmentation, list) and segmentation and all(isinstance(one, list) for one in segmentation):
        return polygons(shape, segmentation)
    raise RegionError(
        "A segmentation is neither run lengths nor a list of polygons.",
        'Give {"size": [H, W], "counts": ...} or [[x0, y0, x1, y1, ...]].',
    )
