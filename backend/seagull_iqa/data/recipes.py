"""What is done to a photograph: types in their variants, at 20 strengths, singly and in mixtures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from seagull_iqa.data.distort import DIRECTED, LADDERS, Applied
from seagull_iqa.data.protocol import EVERYWHERE
from seagull_iqa.domain.distortion import Distortion, Severity

STRENGTHS = tuple(0.25 * step for step in range(1, 21))
"""20 strengths: 0.25 (hardly anything) to 5 (extreme)."""

COUNT_SHARES = (0.06, 0.60, 0.25, 0.09)
"""Share of images with no, one, two and three distortions."""

CONFINED_SHARE = 0.4
"""Share of the spoiled images whose distortions are confined to one region."""

Rungs = tuple[float, float, float, float, float, float]

VARIANTS: dict[Distortion, tuple[str, ...]] = {
    Distortion.BLUR: ("gaussian", "defocus", "motion"),
    Distortion.NOISE: ("gaussian", "sensor"),
    Distortion.COMPRESSION: ("jpeg", "webp", "avif", "heic"),
    Distortion.EXPOSURE: ("gain",),
    Distortion.CONTRAST: ("luma", "scene"),
    Distortion.COLORFULNESS: ("chroma", "linear"),
    Distortion.SHARPNESS: ("unsharp", "halo"),
}
"""The variants of each type; the first is the protocol's, with the protocol's ladder."""

FURTHER: dict[tuple[Distortion, str, int], Rungs] = {
    (Distortion.BLUR, "defocus", 0): (0.0, 0.975, 2.08, 3.35, 5.34, 8.32),
    (Distortion.BLUR, "motion", 0): (0.0, 2.34, 5.21, 9.07, 15.5, 31.2),
    (Distortion.NOISE, "sensor", 0): (0.0, 0.000763, 0.00361, 0.0122, 0.0265, 0.0494),
    (Distortion.COMPRESSION, "webp", 0): (95.0, 64.0, 38.0, 16.0, 3.0, 0.0),
    (Distortion.COMPRESSION, "avif", 0): (95.0, 54.0, 45.0, 32.0, 18.0, 0.0),
    (Distortion.COMPRESSION, "heic", 0): (95.0, 37.0, 29.0, 19.0, 9.0, 0.0),
    (Distortion.CONTRAST, "scene", -1): (1.0, 0.764, 0.572, 0.401, 0.266, 0.164),
    (Distortion.CONTRAST, "scene", 1): (1.0, 1.62, 1.99, 2.72, 3.65, 4.89),
    (Distortion.COLORFULNESS, "linear", -1): (1.0, 0.817, 0.553, 0.328, 0.129, 0.0),
    (Distortion.COLORFULNESS, "linear", 1): (1.0, 1.23, 1.61, 2.24, 2.95, 3.69),
    (Distortion.SHARPNESS, "halo", 0): (0.0, 0.343, 0.692, 1.17, 1.83, 2.69),
}
"""Parameters of the variants that the protocol does not have, at strengths 0 to 5. Defocus: radius of the disc, px.
Motion: length, px. Sensor: gain (full scale is 1 / gain electrons). WebP, AVIF, HEIC: quality. Scene: exponent about
the mean in linear light. Linear: chroma factor in linear light. Halo: unsharp amount at 2.5 px. Calibrated by
`python scripts/calibrate_variants.py PHOTOS` on eight photographs: within 2.1 points of the protocol's variant, codecs
within 6.4 (WebP at quality 0 is no worse than that)."""

UNITS: dict[tuple[Distortion, str], str] = {
    (Distortion.BLUR, "gaussian"): "sigma_px",
    (Distortion.BLUR, "defocus"): "radius_px",
    (Distortion.BLUR, "motion"): "length_px",
    (Distortion.NOISE, "gaussian"): "sigma",
    (Distortion.NOISE, "sensor"): "gain",
    (Distortion.EXPOSURE, "gain"): "ev",
    (Distortion.CONTRAST, "luma"): "factor",
    (Distortion.CONTRAST, "scene"): "exponent",
    (Distortion.COLORFULNESS, "chroma"): "factor",
    (Distortion.COLORFULNESS, "linear"): "factor",
    (Distortion.SHARPNESS, "unsharp"): "amount",
    (Distortion.SHARPNESS, "halo"): "amount",
}
"""What the parameter of a variant is called; that of every codec is "quality"."""


@dataclass(frozen=True)
class Ingredient:
    """One distortion of a recipe: type, variant, strength 0..5 and, of the tone types, direction 1 (up) or -1 (down).

    `angle` in degrees, anticlockwise from the columns' axis, is that of a motion.
    """

    distortion: Distortion
    variant: str
    strength: float
    direction: int = 0
    angle: float = 0.0

    @property
    def applied(self) -> Applied:
        """As the protocol has it: without the variant."""
        return Applied(self.distortion, self.strength, self.direction)

    @property
    def severity(self) -> Severity:
        """The nearest whole strength, 1..5."""
        return self.applied.severity

    @property
    def value(self) -> float:
        """The physical parameter, by linear interpolation between the rungs."""
        return float(np.interp(self.strength, range(6), rungs(self.distortion, self.variant, self.direction)))

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        unit = UNITS.get((self.distortion, self.variant), "quality")
        values = {unit: round(self.value, 6)}
        if self.variant == "motion":
            values["angle_degrees"] = self.angle
        return {
            "type": self.distortion.value, "variant": self.variant, "strength": self.strength,
            "severity": self.severity.word, "level": int(self.severity), "direction": self.direction,
            "parameters": values,
        }  # fmt: skip


def rungs(distortion: Distortion, variant: str, direction: int) -> Rungs:
    """Parameter at strengths 0 to 5: the protocol's for its own variant, the calibrated ones for the others."""
    way = (1 if direction >= 0 else -1) if distortion in DIRECTED else 0
    if variant == VARIANTS[distortion][0]:
        return LADDERS[(distortion, way)]
    return FURTHER[(distortion, variant, way)]


def every_ladder(codecs: Sequence[str]) -> list[tuple[Distortion, str, int]]:
    """Type, variant and direction of every ladder that can be climbed here, in canonical order."""
    return [
        (distortion, variant, way)
        for distortion in Distortion
        for variant, way in product(variants(distortion, codecs), (1, -1) if distortion in DIRECTED else (0,))
    ]


def variants(distortion: Distortion, codecs: Sequence[str]) -> tuple[str, ...]:
    """The variants of a type; of compression those whose codec is given."""
    found = VARIANTS[distortion]
    return tuple(v for v in found if v in codecs) if distortion is Distortion.COMPRESSION else found


@dataclass(frozen=True)
class Recipe:
    """What one image of the set undergoes: ingredients (none = clean), where, and the seed of its noise."""

    ingredients: tuple[Ingredient, ...]
    where: str
    seed: int


def random_recipe(rng: np.random.Generator, regions: Sequence[str], codecs: Sequence[str]) -> Recipe:
    """Draw a recipe: types, variants, directions and strengths evenly; confined to one of `regions` now and then.

    Parameters
    ----------
    rng : Generator
        The image's own.
    regions : sequence of str
        Ids of the regions that it may be confined to.
    codecs : sequence of str
        Compressions that can be rendered here, of `VARIANTS`.
    """
    count = int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES))
    types = rng.choice(len(Distortion), size=count, replace=False)
    ingredients = tuple(_ingredient(list(Distortion)[int(index)], rng, codecs) for index in types)
    confined = bool(ingredients) and len(regions) > 0 and rng.random() < CONFINED_SHARE
    where = regions[int(rng.integers(len(regions)))] if confined else EVERYWHERE
    return Recipe(ingredients, where, int(rng.integers(2**31)))


def _ingredient(distortion: Distortion, rng: np.random.Generator, codecs: Sequence[str]) -> Ingredient:
    known = variants(distortion, codecs)
    variant = known[int(rng.integers(len(known)))]
    direction = int(rng.choice([-1, 1])) if distortion in DIRECTED else 0
    angle = float(math.floor(rng.uniform(0, 180))) if variant == "motion" else 0.0
    return Ingredient(distortion, variant, STRENGTHS[int(rng.integers(len(STRENGTHS)))], direction, angle)
