"""A contact sheet of one photograph: every type and variant of the engine, a row each, from clean to extreme."""

from __future__ import annotations

import torch

from seagull_iqa.data.codecs import installed
from seagull_iqa.data.distort import DIRECTED
from seagull_iqa.data.labelled import RGBImage
from seagull_iqa.data.labels import LabelMaps
from seagull_iqa.data.protocol import EVERYWHERE, to_rgb
from seagull_iqa.data.recipes import Ingredient, Recipe, every_ladder
from seagull_iqa.data.render import render
from seagull_iqa.data.sheet import SIDE, Tile, busiest, grid
from seagull_iqa.domain.distortion import Distortion

STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


def ladder_sheet(rgb: RGBImage, *, seed: int = 1, side: int = SIDE) -> RGBImage:
    """Render every ladder over the part of a photograph with the most structure, and show the busiest window of it.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
        A pristine photograph.
    seed : int
        Of the noise.
    side : int
        Of the window shown, px, at its own size.

    Returns
    -------
    uint8, shape (H, W, 3)
        Rows: type, variant, direction; columns: strengths 0 to 5. Q is `analytic-1` of the part that was rendered.
    """
    # Twice the window: enough around it for blur and codecs, and a fifth of the work.
    part = rgb[busiest(rgb, 2 * side)]
    pristine = torch.from_numpy(part.copy()).permute(2, 0, 1).float() / 255  # 3, H, W
    window = busiest(part, side)
    rows, heads = [], []
    for distortion, variant, direction in every_ladder(installed()):
        steps = [Ingredient(distortion, variant, strength, direction, 30.0) for strength in STRENGTHS]
        rows.append([_tile(pristine, one, seed, window) for one in steps])
        way = {1: "up", -1: "down"}[direction] if distortion in DIRECTED else ""
        heads.append("\n".join([distortion.value, variant, way]))
    return grid(rows, heads, lines=1, side=side)


def _tile(pristine: torch.Tensor, one: Ingredient, seed: int, window: tuple[slice, slice]) -> Tile:
    if one.strength == 0:
        return Tile(to_rgb(pristine)[window], ("clean",))
    spoiled = render(pristine, Recipe((one,), EVERYWHERE, seed))
    up = one.distortion is Distortion.CONTRAST and one.direction > 0
    everywhere = torch.ones(1, *pristine.shape[1:], dtype=torch.bool)
    quality = float(LabelMaps.of(pristine, spoiled).quality(everywhere, contrast_up=up))
    return Tile(to_rgb(spoiled)[window], (f"{one.severity.word} {one.value:.3g}   Q {quality:.0f}",))
