"""Regions that overlap, dealt out to pages of labels so that on every page each pixel has one region at most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import LimitError
from seagull_iqa.formats.session_document import Plane, SessionRegion

MAX_BYTES = 4 * 1024**3
"""Most memory that all pages together may take."""

Labels = NDArray[np.unsignedinteger]
"""uint16 or uint32, shape (H, W): 0 outside, else the label of a region."""


def label_pages(regions: Sequence[SessionRegion], shape: tuple[int, int]) -> tuple[list[Labels], list[int]]:
    """Labels 1, 2, ... in the order of the regions, on as few pages as a simple rule finds.

    A page holds regions of one plane of the image only. Each region goes on the first page where it is free.

    Returns
    -------
    pages : list of uint16 (uint32 from 65,536 regions on), shape (H, W)
        At least one.
    homes : list of int
        Index of the page of each region.

    Raises
    ------
    LimitError
        The regions overlap so much that the pages would fill the memory.
    """
    kind = np.uint16 if len(regions) < 2**16 else np.uint32
    pages: list[Labels] = []
    planes: list[Plane] = []
    homes = []
    for label, one in enumerate(regions, 1):
        mask = one.region.mask
        (r0, c0, r1, c1), inside = mask.box, mask.inside
        free = (
            number for number, plane in enumerate(planes)
            if plane == one.plane and not pages[number][r0:r1, c0:c1][inside].any()
        )  # fmt: skip
        home = next(free, len(pages))
        if home == len(pages):
            if (len(pages) + 1) * shape[0] * shape[1] * np.dtype(kind).itemsize > MAX_BYTES:
                raise LimitError("The regions overlap too much for pages of labels.", "Export them as JSON or a table.")
            pages.append(np.zeros(shape, dtype=kind))
            planes.append(one.plane)
        pages[home][r0:r1, c0:c1][inside] = label
        homes.append(home)
    return pages or [np.zeros(shape, dtype=kind)], homes


def labelled_masks(page: NDArray[np.integer]) -> dict[int, RegionMask]:
    """Every value above zero of a page -> its pixels; each pixel is looked at a few times, however many values."""
    values, ranks = np.unique(page, return_inverse=True)
    ranks = ranks.reshape(page.shape)
    shape = (int(page.shape[0]), int(page.shape[1]))
    found = {}
    # Ranks from 1 on, as find_objects wants them.
    for rank, (value, window) in enumerate(zip(values.tolist(), ndimage.find_objects(ranks + 1), strict=True)):
        if value > 0:
            rows, columns = window
            found[int(value)] = RegionMask.from_part(shape, (rows.start, columns.start), ranks[window] == rank)
    return found
