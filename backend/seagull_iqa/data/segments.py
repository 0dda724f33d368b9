"""Regions of a photograph at object and component level: merged superpixels that come back when the image wavers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter, label

SIDE = 288
"""Longest side in px at which superpixels are found."""

SUPERPIXELS = 300
COMPACTNESS = 8.0
COMPONENTS = (40, 20)
OBJECTS = (10, 6, 3)
"""Segments left after merging, at the two levels."""

LEAST_AREA = 24 * 24
MOST_SHARE = 0.8
LEAST_WIDTH = 5.0
"""Smallest area in px, largest share of the photograph, and radius in px of the disc that must fit inside."""

LEAST_COMPACT = 0.06
"""Area of that disc over the segment's: less is a sliver."""

STABLE = 0.7
"""Least IoU with some segment of the changed image."""

ALIKE = 0.8
"""Of two segments with a larger IoU one is kept."""

MOST = 16

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Segment:
    """One region of a photograph: bool mask (H, W), its id, and its kind: "object", "component" or "box"."""

    id: str
    kind: str
    mask: Mask


class Segmenter(Protocol):
    """What proposes regions of a uint8 RGB image: kind and bool mask of each, in a fixed order, the best first.

    The masks may be smaller than the image, all by the same factor.
    """

    def __call__(self, rgb: NDArray[np.uint8]) -> list[tuple[str, Mask]]:
        """Propose."""
        ...


def segments(rgb: NDArray[np.uint8], propose: Segmenter, *, most: int = MOST) -> list[Segment]:
    """Regions of a photograph, of all sizes, each in one piece, stable and no sliver; the same for the same pixels.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        The pristine photograph.
    propose : Segmenter
        `superpixel_proposals`, or another with the same signature.
    most : int
        At most that many.
    """
    height, width = rgb.shape[:2]
    proposed = [(kind, _tidy(mask)) for kind, mask in propose(rgb)]
    sound = [(kind, mask) for kind, mask in proposed if is_sound(mask, scale=height / mask.shape[0])]
    again = [_tidy(mask) for _kind, mask in propose(wavered(rgb))]
    stable = _overlaps([mask for _kind, mask in sound], again).max(axis=1, initial=0) >= STABLE
    kept = _unlike([one for one, comes_back in zip(sound, stable, strict=True) if comes_back])
    chosen = _of_all_sizes(kept, most) or [("box", _middle((height, width)))]
    enlarged = [(kind, _enlarged(mask, (width, height))) for kind, mask in chosen]
    return [Segment(f"r{index:02d}", kind, mask) for index, (kind, mask) in enumerate(enlarged)]


def superpixel_proposals(rgb: NDArray[np.uint8]) -> list[tuple[str, Mask]]:
    """Superpixels (SLIC), merged step by step with the neighbour most alike; largest segments first."""
    from skimage.color import rgb2lab
    from skimage.segmentation import slic

    height, width = rgb.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    lab = rgb2lab(small).astype(np.float32)
    cells = slic(small, n_segments=SUPERPIXELS, compactness=COMPACTNESS, start_label=0, channel_axis=-1)
    found = []
    for kind, left, of in merged(cells, lab, (*COMPONENTS, *OBJECTS), components=len(COMPONENTS)):
        for value in range(left):
            found.append((kind, of[cells] == value))
    return sorted(found, key=lambda one: (-int(one[1].sum()), one[0]))


def merged(
    cells: NDArray[np.integer], lab: NDArray[np.float32], levels: tuple[int, ...], *, components: int
) -> list[tuple[str, int, NDArray[np.intp]]]:
    """Merge superpixels until so many are left: for each level its kind, how many, and segment by superpixel."""
    count = int(cells.max()) + 1
    sizes = np.bincount(cells.ravel(), minlength=count).astype(float)
    features = _features(cells, lab, sizes)
    near = _adjacency(cells, count)
    owner = np.arange(count)
    alive = sizes > 0
    found = []
    costs = _costs(features, sizes, near, alive)
    for index, level in enumerate(levels):
        while alive.sum() > level and np.isfinite(costs).any():
            first, second = divmod(int(np.argmin(costs)), count)
            total = sizes[first] + sizes[second]
            features[first] = (sizes[first] * features[first] + sizes[second] * features[second]) / total
            sizes[first], alive[second] = total, False
            near[first] |= near[second]
            near[:, first] |= near[:, second]
            near[first, first] = near[second] = near[:, second] = False
            owner[owner == second] = first
            costs[second], costs[:, second] = np.inf, np.inf
            row = _row_costs(first, features, sizes, near, alive)
            costs[first], costs[:, first] = row, row
        _values, dense = np.unique(owner, return_inverse=True)
        found.append(("component" if index < components else "object", len(_values), dense))
    return found


def _features(cells: NDArray[np.integer], lab: NDArray[np.float32], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean colour (Lab) and texture of each superpixel: (count, 4)."""
    light = lab[..., 0]
    texture = np.sqrt(np.maximum(gaussian_filter(light**2, 2) - gaussian_filter(light, 2) ** 2, 0))
    planes = [*np.moveaxis(lab, -1, 0), 2 * texture]
    flat = cells.ravel()
    sums = [np.bincount(flat, plane.ravel(), minlength=len(sizes)) for plane in planes]
    return np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]


def _adjacency(cells: NDArray[np.integer], count: int) -> Mask:
    near = np.zeros((count, count), dtype=bool)
    for a, b in ((cells[1:], cells[:-1]), (cells[:, 1:], cells[:, :-1])):
        near[a.ravel(), b.ravel()] = True
    near |= near.T
    np.fill_diagonal(near, False)
    return near


def _costs(
    features: NDArray[np.float64], sizes: NDArray[np.float64], near: Mask, alive: Mask
) -> NDArray[np.float64]:
    return np.stack([_row_costs(index, features, sizes, near, alive) for index in range(len(sizes))])


def _row_costs(
    index: int, features: NDArray[np.float64], sizes: NDArray[np.float64], near: Mask, alive: Mask
) -> NDArray[np.float64]:
    """What merging one segment with each other costs: Ward's growth of variance, gentler on size."""
    apart = ((features - features[index]) ** 2).sum(1)
    weight = np.sqrt(sizes * sizes[index] / np.maximum(sizes + sizes[index], 1))
    return np.where(near[index] & alive, weight * apart, np.inf) if alive[index] else np.full(len(sizes), np.inf)


def _enlarged(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask at (width, height) of the photograph, its edge smooth, in one piece."""
    if mask.shape == size[::-1]:
        return mask
    soft = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return _tidy(np.asarray(soft) > 0.5)


def wavered(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image after a small change: a touch of blur, noise and brightness. A segment that depends on it is chance."""
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(rgb).data))
    soft = gaussian_filter(rgb.astype(np.float32), (0.8, 0.8, 0))
    changed = soft * 1.04 + 2.0 * rng.standard_normal(rgb.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(changed), 0, 255), dtype=np.uint8)


def _tidy(mask: Mask) -> Mask:
    """The largest piece; specks that fell off at a corner are let go."""
    pieces, count = label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == int(np.argmax(sizes)))


def is_sound(mask: Mask, *, scale: float = 1.0) -> bool:
    """Neither too small nor too large, and no sliver; one px of the mask is `scale` px of the photograph."""
    area = int(mask.sum())
    if area * scale**2 < LEAST_AREA or area > MOST_SHARE * mask.size:
        return False
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    window = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    radius = float(distance_transform_edt(np.pad(window, 1)).max())
    return radius * scale >= LEAST_WIDTH and np.pi * radius**2 >= LEAST_COMPACT * area


def _overlaps(some: list[Mask], others: list[Mask]) -> NDArray[np.float64]:
    """IoU of each with each, on every other row and column: (some, others)."""
    if not some or not others:
        return np.zeros((len(some), len(others)))
    a, b = (np.stack([mask[::2, ::2].ravel() for mask in masks]).astype(np.float32) for masks in (some, others))
    both = (a @ b.T).astype(float)
    return np.asarray(both / np.maximum(a.sum(1)[:, None] + b.sum(1)[None] - both, 1))


def _unlike(found: list[tuple[str, Mask]]) -> list[tuple[str, Mask]]:
    """Of several that are nearly the same, the first."""
    alike = _overlaps([mask for _kind, mask in found], [mask for _kind, mask in found]) > ALIKE
    kept: list[int] = []
    for index in range(len(found)):
        if not alike[index, kept].any():
            kept.append(index)
    return [found[index] for index in kept]


def _of_all_sizes(kept: list[tuple[str, Mask]], most: int) -> list[tuple[str, Mask]]:
    """At most `most`, evenly over the sizes, objects and components in turn where there are both."""
    chosen: list[tuple[str, Mask]] = []
    for kind, room in (("object", most // 2), ("component", most)):
        some = sorted((one for one in kept if one[0] == kind), key=lambda one: -int(one[1].sum()))
        room = min(room, most - len(chosen), len(some))
        at = np.unique(np.linspace(0, len(some) - 1, room).round().astype(int)) if room else np.zeros(0, int)
        chosen += [some[int(index)] for index in at]
    return chosen


def _middle(shape: tuple[int, ...]) -> Mask:
    """A box in the middle, where nothing better is found."""
    mask = np.zeros(shape[:2], dtype=bool)
    rows, columns = shape[0] // 4, shape[1] // 4
    mask[rows : shape[0] - rows, columns : shape[1] - columns] = True
    return mask
