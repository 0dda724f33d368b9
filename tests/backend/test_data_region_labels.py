"""Labels of many regions at once: the same as one at a time over the whole photograph."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seagull_iqa.data.distort import Applied, distort
from seagull_iqa.data.labels import LabelMaps, importance, weight_map
from seagull_iqa.data.region_labels import RegionLabels
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.samples import samples


def photograph(height: int, width: int) -> torch.Tensor:
    rgb = next(one for one in samples() if one.name == "guitar").read().rgb[:height, :width]
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255


def some_regions(height: int, width: int) -> torch.Tensor:
    masks = np.zeros((5, height, width), dtype=bool)
    masks[0, 40:90, 31:77] = True
    masks[1, :33, :45] = True  # at a corner
    masks[2, height - 37 :, width - 51 :] = True  # at the other
    rows, columns = np.mgrid[:height, :width]
    masks[3] = np.hypot(rows - height / 2, columns - width / 2) < 55
    masks[4, height // 2 :] = True
    return torch.from_numpy(masks)


@pytest.mark.parametrize(
    ("height", "width", "distortion"),
    [(192, 256, Distortion.BLUR), (191, 256, Distortion.CONTRAST), (193, 231, Distortion.NOISE),
     (400, 386, Distortion.BLUR)],
)  # fmt: skip
def test_labels_are_those_of_the_plain_formula(height, width, distortion):
    reference, masks = photograph(height, width), some_regions(height, width)
    spoiled = distort(reference, [Applied(distortion, 3.0, 1)], seed=5)
    up = distortion is Distortion.CONTRAST
    found = RegionLabels(reference, masks).label(spoiled, contrast_up=up)
    quality = LabelMaps.of(reference, spoiled).quality(masks, contrast_up=up)
    everything = torch.ones(1, height, width)
    for index, mask in enumerate(masks):
        only_here = torch.where(mask, spoiled, reference)
        whole = float(LabelMaps.of(reference, only_here).quality(everything, contrast_up=up))
        if not (spoiled != reference).any(0)[mask].any():
            assert (found[index].quality, found[index].importance_ref) == (100.0, 0.0)
            continue
        assert found[index].quality == pytest.approx(float(quality[index]), abs=0.01)
        assert found[index].importance_ref == pytest.approx(100 - whole, abs=0.02)
    expected = importance(weight_map(reference), masks)
    assert [one.importance for one in found] == pytest.approx(expected.tolist())


def test_a_region_that_nothing_touches_is_clean():
    reference, masks = photograph(192, 256), some_regions(192, 256)
    spoiled = distort(reference, [Applied(Distortion.BLUR, 4.0)], seed=5, where=masks[0])
    corner = RegionLabels(reference, masks).label(spoiled, contrast_up=False)[1]
    assert (corner.quality, corner.importance_ref) == (100.0, 0.0)
