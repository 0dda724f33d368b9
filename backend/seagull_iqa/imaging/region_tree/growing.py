"""An image becomes its tree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.imaging.region_tree.channels import channels_of
from seagull_iqa.imaging.region_tree.edges import boundary_strength
from seagull_iqa.imaging.region_tree.full_size import at_full_size
from seagull_iqa.imaging.region_tree.leaves import borders_of, leaves_of
from seagull_iqa.imaging.region_tree.merging import Merging
from seagull_iqa.imaging.region_tree.tree import RegionTree, Touching

WORKING = 512
"""Long side in px of the image that is looked at; larger ones are made smaller."""

STEPS = ("channels", "edges", "leaves", "merges", "full size")


def grow(rgb: NDArray[np.uint8], progress: ProgressCallback = ignore_progress) -> RegionTree:
    """The tree of an image, uint8 (H, W, 3)."""

    def tell(step: int) -> None:
        progress(Progress(step, len(STEPS), STEPS[step]))

    tell(0)
    small = working_image(rgb)
    channels = channels_of(small)
    tell(1)
    strength = boundary_strength(channels.soft)
    tell(2)
    leaves = leaves_of(strength)
    borders = borders_of(leaves, strength)
    tell(3)
    merging = Merging(leaves, channels, borders)
    unlike = merging.unlike(borders)
    merges = merging.run()
    tell(4)
    touching = Touching(borders, unlike)
    return RegionTree.of(at_full_size(rgb, small, leaves), leaves, merges, touching)


def working_image(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image at the working size; itself where it is not larger."""
    height, width = rgb.shape[:2]
    scale = WORKING / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
