"""How well a model's quality map follows the full-reference map, cell by cell.

    python benchmarks/heatmap.py --data FOLDER              # 200 cases of the protocol; 1.5 minutes of one core
    python benchmarks/heatmap.py --data FOLDER --cases 24   # a quick look

The full-reference map is `analytic-1` in windows of 32 x 32 px, one every 8 px, from the pristine and the spoiled
photograph; 100 where no pixel of the window was changed. The model sees the spoiled one only. Cases are the first of
the protocol's of every photograph, always the same; both maps are of the part whose sides are multiples of 8.

confined   SROCC over the cells of one image with a distortion inside one region, mean over images. Many cells of such
           an image are equally clean: their order in the model's map counts as error. So there are also the SROCC
           in the changed cells alone, and how surely a changed cell is lower than a clean one (AUC; 0.5 is chance).
everywhere the same of images spoiled all over: what is left is how the damage depends on the content.
pooled     one SROCC over the cells of all images (clean ones too), every third in both directions.

Intervals are of 95 %, bootstrap over photographs. Goal: 0.75.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from held_out import Figure, followed, mean, opened, options, tell
from scipy.stats import rankdata

from seagull_iqa.data import labels
from seagull_iqa.data.protocol import EVERYWHERE, Case, Protocol, Scene, to_rgb
from seagull_iqa.domain.distortion import SIGNAL_DISTORTIONS, TONE_DISTORTIONS, Distortion
from seagull_iqa.domain.report import QUALITY_MAP
from seagull_iqa.models.interface import QualityModel
from seagull_iqa.training.metrics import NOT_DEFINED, Estimate, Values, estimate, photograph_draws, srocc

GOAL = 0.75
CLEAN = 100.0
CELL, WINDOW = 8, 32
EVERY = 3


@dataclass(frozen=True, eq=False)
class Maps:
    """What a model and what the formula say of every cell of one case's image: float64, shape (h, w), 0..100."""

    case: Case
    predicted: Values
    label: Values

    @property
    def srocc(self) -> float:
        """Over the cells; NaN where the image is clean."""
        return srocc(self.predicted.ravel(), self.label.ravel())

    @property
    def srocc_changed(self) -> float:
        """Over the cells that are not clean."""
        changed = self.label < CLEAN
        return srocc(self.predicted[changed], self.label[changed])

    @property
    def found(self) -> float:
        """Probability that a changed cell is lower than a clean one: area under the ROC curve; NaN without either."""
        changed = (self.label < CLEAN).ravel()
        bad, good = int(changed.sum()), int((~changed).sum())
        if not bad or not good:
            return NOT_DEFINED
        return 1 - (float(rankdata(self.predicted.ravel())[changed].sum()) - bad * (bad + 1) / 2) / (bad * good)

    @property
    def is_confined(self) -> bool:
        """It is spoiled inside one region."""
        return self.case.where != EVERYWHERE

    def only(self, types: Sequence[Distortion]) -> bool:
        """It is spoiled by these types alone."""
        return all(one.distortion in types for one in self.case.distortions)

    @property
    def some(self) -> tuple[Values, Values]:
        """Every third cell in both directions: predicted, label."""
        return self.predicted[1::EVERY, 1::EVERY].ravel(), self.label[1::EVERY, 1::EVERY].ravel()


def full_reference(scene: Scene, case: Case, spoiled: torch.Tensor) -> Values:
    """The label's map of a case: float64, shape (H // 8, W // 8), 0..100."""
    h, w = (side // CELL * CELL for side in scene.pixels.shape[-2:])
    pristine, spoiled = scene.pixels[:, :h, :w], spoiled[:, :h, :w]
    changed = (pristine != spoiled).any(0, keepdim=True).float()
    near = F.max_pool2d(changed, WINDOW, CELL, (WINDOW - CELL) // 2)[0] > 0
    up = any(one.distortion is Distortion.CONTRAST and one.direction > 0 for one in case.distortions)
    maps = labels.LabelMaps.of(pristine, spoiled, image_size=min(scene.pixels.shape[-2:]))
    found: Values = torch.where(near, maps.quality_map(contrast_up=up), CLEAN).double().numpy()
    return found


def measure(protocol: Protocol, model: QualityModel, cases: int | None) -> Iterator[Maps]:
    """Both maps of every case."""
    chosen = protocol.spread(cases)
    for name in followed(list(chosen), "photographs"):
        scene = protocol.scene(name)
        for case in chosen[name]:
            spoiled = scene.render(case)
            label = full_reference(scene, case, spoiled)
            found = model.maps(model.look(to_rgb(spoiled)))[QUALITY_MAP]
            if found.stride != CELL:
                raise SystemExit(f"The map of {model.card.id} has a value every {found.stride:g} px, and not every 8.")
            yield Maps(case, found.values[: label.shape[0], : label.shape[1]].astype(np.float64), label)


def pooled(found: list[Maps], draws: int) -> Estimate:
    """One correlation over the cells of all images."""
    cells = [one.some for one in found]
    predicted, label = (np.concatenate(part) for part in zip(*cells, strict=True))
    photos = np.concatenate([np.full(one[0].size, maps.case.photo) for one, maps in zip(cells, found, strict=True)])
    samples = photograph_draws(photos, min(draws, 100), seed=1)
    return estimate(lambda at: srocc(predicted[at], label[at]), predicted.size, samples)


def figures(found: list[Maps], draws: int) -> list[Figure]:
    """Every line."""
    groups: Mapping[str, list[Maps]] = {
        "confined": [one for one in found if one.is_confined],
        "confined, signal types": [one for one in found if one.is_confined and one.only(SIGNAL_DISTORTIONS)],
        "confined, tone types": [one for one in found if one.is_confined and one.only(TONE_DISTORTIONS)],
        "everywhere": [one for one in found if not one.is_confined],
    }
    means = [
        Figure(f"map SROCC, {name}, mean over images",
               mean((one.srocc for one in some), (one.case.photo for one in some), draws),
               GOAL if name == "confined" else None)
        for name, some in groups.items() if some
    ]  # fmt: skip
    photos = [one.case.photo for one in groups["confined"]]
    means += [
        Figure("map SROCC, confined, in the changed cells",
               mean((one.srocc_changed for one in groups["confined"]), photos, draws)),
        Figure("confined, a changed cell below a clean one (AUC)",
               mean((one.found for one in groups["confined"]), photos, draws)),
    ]  # fmt: skip
    return [*means, Figure("map SROCC, pooled", pooled(found, draws), GOAL, "cells")]


def main() -> None:
    """Measure, print, and write where asked."""
    parser = options(__doc__)
    parser.add_argument("--cases", type=int, default=200)
    given = parser.parse_args()
    protocol, model = opened(given)
    found = list(measure(protocol, model, given.cases))
    about = {"protocol": 1, "label": labels.NAME, "cases": len(found), "cell": f"{CELL} px"}
    tell(model, about, figures(found, given.bootstrap), given.json)


if __name__ == "__main__":
    main()
