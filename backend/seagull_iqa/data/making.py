"""Make one image of a data set: draw a recipe, render it, label its regions, and write down what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seagull_iqa.data import labels
from seagull_iqa.data.distort import feathered
from seagull_iqa.data.pristine import lossless
from seagull_iqa.data.protocol import EVERYWHERE
from seagull_iqa.data.recipes import Recipe, random_recipe
from seagull_iqa.data.references import Reference
from seagull_iqa.data.render import FEATHER, render
from seagull_iqa.data.topiq import NAME as TOPIQ
from seagull_iqa.data.topiq import Topiq
from seagull_iqa.domain.distortion import CLEAN, Distortion


@dataclass(frozen=True, eq=False)
class Made:
    """An image of the set: its pixels (uint8 (H, W, 3)), what is known of it, and its rows of the table."""

    key: str
    rgb: NDArray[np.uint8]
    about: dict[str, Any]
    rows: list[list[object]]

    @property
    def packed(self) -> bytes:
        """The pixels as a lossless WebP file."""
        return lossless(self.rgb)


def recipe_of(reference: Reference, seed: int, index: int, codecs: Sequence[str]) -> Recipe:
    """The recipe of the image with that index; it depends on the seed, the index and the photograph's regions."""
    return random_recipe(np.random.default_rng([seed, 2, index]), reference.ids, codecs)


@torch.inference_mode()
def make(reference: Reference, recipe: Recipe, key: str, topiq: Topiq | None = None) -> Made:
    """Render a recipe on a photograph and label every region, by TOPIQ-FR too where it is given."""
    where = None if recipe.where == EVERYWHERE else reference.masks[reference.ids.index(recipe.where)]
    spoiled = reference.image
    if recipe.ingredients:
        spoiled = render(reference.image, recipe, where=where, linear=reference.linear)
    up = any(one.distortion is Distortion.CONTRAST and one.direction > 0 for one in recipe.ingredients)
    found = reference.labels.label(spoiled, contrast_up=up)
    changed = (spoiled != reference.image).any(0)
    touched = _touched(reference, recipe, where)
    regions = []
    for index, (known, label) in enumerate(zip(reference.about["regions"], found, strict=True)):
        is_spoiled = bool((changed & reference.masks[index]).any())
        regions.append({
            "id": known["id"], "kind": known["kind"], "area": known["area"], "box": known["box"],
            "touched": touched[index] if is_spoiled else 0.0,
            "types": _types(recipe) if is_spoiled else [],
            "labels": {labels.NAME: {
                "quality": round(label.quality, 3), "importance": round(label.importance, 3),
                "importance_ref": round(label.importance_ref, 3),
            }},
            "counts": known["counts"],
        })  # fmt: skip
    if topiq is not None:
        _add_topiq(topiq, reference, spoiled, regions)
    about = _about(reference, recipe, key, regions)
    return Made(key, _to_rgb(spoiled), about, [_row(about, one) for one in regions])


def _add_topiq(topiq: Topiq, reference: Reference, spoiled: Tensor, regions: list[dict[str, Any]]) -> None:
    for mask, region in zip(reference.masks, regions, strict=True):
        quality, importance_ref = 100.0, 0.0
        if region["types"]:
            quality, importance_ref = topiq.label(reference.image, spoiled, mask, region["box"])
        region["labels"][TOPIQ] = {"quality": round(quality, 3), "importance_ref": round(importance_ref, 3)}


def _about(reference: Reference, recipe: Recipe, key: str, regions: list[dict[str, Any]]) -> dict[str, Any]:
    known = reference.about
    return {
        "key": key, "photograph": known["photograph"], "sha256": known["sha256"],
        "reference": f"references/{reference.number:05d}.webp", "size": known["size"], "scale": known["scale"],
        "seed": recipe.seed, "where": recipe.where,
        "distortions": [one.to_json() for one in recipe.ingredients],
        "regions": regions,
    }  # fmt: skip


def _touched(reference: Reference, recipe: Recipe, where: Tensor | None) -> list[float]:
    """Mean of the feathered effect over each region, 0..1."""
    if not recipe.ingredients or where is None:
        return [1.0 if recipe.ingredients else 0.0] * len(reference.masks)
    alpha = feathered(where, FEATHER)
    return [round(float(alpha[mask].mean()), 4) for mask in reference.masks]


def _types(recipe: Recipe) -> list[dict[str, object]]:
    return [
        {"type": one.distortion.value, "severity": one.severity.word, "level": int(one.severity)}
        for one in recipe.ingredients
    ]


def _row(about: dict[str, Any], region: dict[str, Any]) -> list[object]:
    label = region["labels"][labels.NAME]
    types = "+".join(f"{one['type']}:{one['level']}" for one in region["types"]) or CLEAN
    second = region["labels"].get(TOPIQ, {})
    return [
        about["key"], about["photograph"], region["id"], region["kind"], about["where"], region["area"],
        *region["box"], region["touched"], types, label["quality"], label["importance"], label["importance_ref"],
        *(second[name] for name in ("quality", "importance_ref") if name in second),
    ]  # fmt: skip


def _to_rgb(image: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
