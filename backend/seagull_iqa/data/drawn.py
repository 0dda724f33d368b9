"""Pictures drawn by a program: flat fields, gradients, text, line drawings, dots and soft lights.

Photographs alone teach a network that what is flat or sharp-edged is blurred or sharpened. These are clean by
construction, and are spoiled and labelled like photographs.
"""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

SIDE = 512
"""Px of either side."""

RGB = tuple[int, int, int]


def drawn(rng: np.random.Generator) -> NDArray[np.uint8]:
    """One picture of a random kind: uint8, shape (512, 512, 3)."""
    return _KINDS[int(rng.integers(len(_KINDS)))](rng)


def _color(rng: np.random.Generator) -> RGB:
    """Any, with black, white and grays as often as they are in the world."""
    if rng.random() < 0.4:
        level = int(rng.choice([0, 255, int(rng.integers(256))]))
        return level, level, level
    red, green, blue = rng.integers(0, 256, 3)
    return int(red), int(green), int(blue)


def _gradient(rng: np.random.Generator) -> NDArray[np.uint8]:
    """From one colour to another in any direction, as a sky or a studio's background; rounded with a dither."""
    first, second = (np.array(_color(rng), dtype=np.float32) for _ in range(2))
    reach = rng.uniform(0.1, 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE - 0.5
    along = (rows * np.sin(angle) + columns * np.cos(angle) + 0.7) / 1.4
    picture = first + (second - first) * (reach * along)[..., None]
    return np.asarray((picture + rng.uniform(0, 1, picture.shape)).clip(0, 255), dtype=np.uint8)


def _shapes(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Flat shapes with hard, antialiased edges."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), _color(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 25))):
        r, c = (int(v) for v in rng.integers(-200, 2 * SIDE, 2))
        h, w = (int(v) for v in rng.integers(20, 700, 2))
        kind = int(rng.integers(3))
        if kind == 0:
            draw.rectangle((c, r, c + w, r + h), fill=_color(rng))
        elif kind == 1:
            draw.ellipse((c, r, c + w, r + h), fill=_color(rng))
        else:
            draw.line((c, r, c + w, r + h), fill=_color(rng), width=int(rng.integers(2, 24)))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _text(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Lines of letters on a flat ground, as a page or a screen."""
    ground = (255, 255, 255) if rng.random() < 0.6 else _color(rng)
    image = Image.new("RGB", (SIDE, SIDE), ground)
    draw = ImageDraw.Draw(image)
    letters = list(string.ascii_letters + string.digits + "      .,-")
    ink = (0, 0, 0) if sum(ground) > 3 * 128 else (255, 255, 255)
    row = int(rng.integers(0, 30))
    while row < SIDE:
        size = int(rng.choice([11, 13, 16, 22, 34, 60]))
        if rng.random() < 0.85:
            words = "".join(rng.choice(letters, int(rng.integers(5, 900 // size))))
            fill = ink if rng.random() < 0.8 else _color(rng)
            draw.text((int(rng.integers(0, 60)), row), words, fill=fill, font=ImageFont.load_default(size))
        row += round(size * 1.4)
    return np.asarray(image)


def _lights(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Soft spots in the dark or on a bright ground, as out-of-focus lights or stained cells, with a sensor's grain."""
    ground = float(rng.choice([0.02, 0.05, 0.1, 0.9]))
    spots = np.zeros((SIDE, SIDE), dtype=np.float32)
    count = int(rng.integers(10, 120))
    spots[rng.integers(0, SIDE, count), rng.integers(0, SIDE, count)] = rng.uniform(0.2, 1.0, count)
    radius = float(rng.uniform(2, 9))
    soft = gaussian_filter(spots, radius) * 2 * np.pi * radius**2
    disc = np.tanh(3 * soft) if rng.random() < 0.5 else soft
    tint = np.array(_color(rng), dtype=np.float32) / 255 if rng.random() < 0.5 else np.ones(3, dtype=np.float32)
    picture = ground + (1 - 2 * ground) * disc[..., None] * tint
    grain = rng.standard_normal(picture.shape).astype(np.float32) * rng.uniform(0, 0.004)
    return np.asarray(((picture + grain).clip(0, 1) * 255).round(), dtype=np.uint8)


def _hatching(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A drawing of many thin strokes."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), (255, 255, 255) if rng.random() < 0.7 else _color(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(5, 40))):
        r, c = rng.uniform(0, 2 * SIDE, 2)
        angle, gap = rng.uniform(0, np.pi), rng.uniform(5, 30)
        ink, width, length = _color(rng), int(rng.integers(2, 6)), rng.uniform(40, 500)
        dr, dc = np.sin(angle), np.cos(angle)
        for k in range(int(rng.integers(1, 40))):
            r0, c0 = r + k * gap * dc, c - k * gap * dr
            draw.line((c0, r0, c0 + length * dc, r0 + length * dr), fill=ink, width=width)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


_KINDS = (_gradient, _shapes, _text, _lights, _hatching)
