"""Pictures with nothing wrong in them, by kind: what a model must not find fault with.

The drawings here are not those that training draws: other programs, other typefaces.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, uniform_filter

from seagull_iqa.data.drawn import drawn
from seagull_iqa.data.photographs import SHIPPED, load
from seagull_iqa.data.protocol import Protocol, to_rgb
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.imaging.files import read_image
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.samples import samples

SIDE = 512
PLACE = 256
FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Oblique.ttf")

Generator = np.random.Generator


@dataclass(frozen=True, eq=False)
class Clean:
    """One picture and what is asked of it: the whole, and regions where it has some."""

    kind: str
    name: str
    rgb: RGBImage
    regions: list[RegionMask] = field(default_factory=list)


def _font(rng: Generator, size: int) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / str(rng.choice(FONTS)), size)


def _words(rng: Generator, count: int) -> str:
    letters = list(string.ascii_lowercase + "eeeaaiioonnttss")
    return " ".join("".join(rng.choice(letters, int(rng.integers(2, 11)))) for _ in range(count))


def _color(rng: Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = rng.integers(low, high, 3)
    return int(red), int(green), int(blue)


def page(rng: Generator) -> RGBImage:
    """Print, in one size and typeface, with a heading; dark on light or light on dark."""
    paper, ink = ((250, 250, 246), (25, 25, 25)) if rng.random() < 0.7 else ((24, 26, 30), (225, 225, 220))
    image = Image.new("RGB", (SIDE, SIDE), paper)
    draw, size = ImageDraw.Draw(image), int(rng.integers(11, 22))
    font = _font(rng, size)
    draw.text((30, 20), _words(rng, 3), fill=ink, font=_font(rng, 28))
    for row in range(70, SIDE - size, round(1.5 * size)):
        if rng.random() < 0.92:
            draw.text((30, row), _words(rng, int(rng.integers(3, 9))), fill=ink, font=font)
    return np.asarray(image)


def screen(rng: Generator) -> RGBImage:
    """A window with a bar, buttons and a list."""
    image = Image.new("RGB", (SIDE, SIDE), _color(rng, 40, 220))
    draw, accent = ImageDraw.Draw(image), _color(rng)
    light = rng.random() < 0.6
    body, ink = ((245, 245, 247), (30, 30, 30)) if light else ((38, 40, 46), (220, 220, 220))
    left, top = (int(v) for v in rng.integers(10, 90, 2))
    draw.rectangle((left, top, SIDE - 30, SIDE - 40), fill=body)
    draw.rectangle((left, top, SIDE - 30, top + 28), fill=accent)
    draw.text((left + 10, top + 6), _words(rng, 2), fill=(255, 255, 255), font=_font(rng, 14))
    for at in range(top + 44, SIDE - 80, 30):
        draw.ellipse((left + 12, at, left + 30, at + 18), fill=_color(rng))
        draw.text((left + 42, at), _words(rng, int(rng.integers(1, 5))), fill=ink, font=_font(rng, 13))
    draw.rectangle((SIDE - 150, SIDE - 75, SIDE - 50, SIDE - 50), outline=ink, fill=accent)
    return np.asarray(image)


def _figure(draw: Callable[[Figure], object]) -> RGBImage:
    figure = Figure(figsize=(5.12, 5.12), dpi=100)
    canvas = FigureCanvasAgg(figure)
    draw(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def chart(rng: Generator) -> RGBImage:
    """Lines, bars or dots with axes and a legend."""

    def fill(figure: Figure) -> None:
        axes = figure.add_subplot()
        kind = int(rng.integers(3))
        if kind == 0:
            for index in range(int(rng.integers(1, 5))):
                axes.plot(rng.normal(size=40).cumsum(), label=f"series {index}")
            axes.legend()
        elif kind == 1:
            axes.bar(range(8), rng.uniform(1, 9, 8), color=np.array(_color(rng)) / 255)
        else:
            axes.scatter(*rng.normal(size=(2, 200)), s=12, c=rng.uniform(size=200))
        axes.set(title=_words(rng, 3), xlabel=_words(rng, 1), ylabel=_words(rng, 1))

    return _figure(fill)


def line_art(rng: Generator) -> RGBImage:
    """Curves of one pen on white."""

    def fill(figure: Figure) -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        at = np.linspace(0, 2 * np.pi, 1500)
        for _ in range(int(rng.integers(2, 7))):
            a, b, c, d = rng.integers(1, 9, 4)
            shift = rng.uniform(0, 3, 2)
            axes.plot(np.sin(a * at) + np.sin(b * at) / 2 + shift[0], np.cos(c * at) + np.cos(d * at) / 2 + shift[1],
                      color="black", linewidth=float(rng.uniform(0.6, 2.5)))  # fmt: skip

    return _figure(fill)


def pixel_art(rng: Generator) -> RGBImage:
    """A small symmetrical picture of six colours, every pixel of it a square."""
    cells = int(rng.choice([16, 32, 64]))
    palette = rng.integers(0, 256, (6, 3), dtype=np.uint8)
    half = rng.integers(0, 6, (cells, cells // 2)) * (rng.random((cells, cells // 2)) < 0.5)
    small = palette[np.concatenate([half, half[:, ::-1]], axis=1)]
    return np.ascontiguousarray(small.repeat(SIDE // cells, axis=0).repeat(SIDE // cells, axis=1))


def flat(rng: Generator) -> RGBImage:
    """One colour, or a soft passage between two, dithered."""
    first, second = np.array(_color(rng), float), np.array(_color(rng), float)
    along = np.linspace(0, 1, SIDE)[:, None, None] * (rng.random() < 0.6)
    blend = np.broadcast_to(first + (second - first) * along, (SIDE, SIDE, 3))
    return np.asarray(np.clip(blend + rng.uniform(0, 1, blend.shape), 0, 255), dtype=np.uint8)


def star_sky(rng: Generator) -> RGBImage:
    """Points of light of every brightness in the dark, without a sensor's noise."""
    light = np.zeros((SIDE, SIDE, 3))
    count = int(rng.integers(80, 700))
    at = rng.integers(0, SIDE, (2, count))
    light[at[0], at[1]] = rng.pareto(1.5, count)[:, None] * rng.uniform(0.7, 1.0, (count, 3))
    glow = gaussian_filter(rng.uniform(0, 1, (SIDE, SIDE)), 60)[..., None]
    sky = gaussian_filter(light, (0.7, 0.7, 0)) * 2 + 0.03 + 0.5 * (glow - glow.min())
    return np.asarray(np.clip(sky * 255 + rng.uniform(0, 1, sky.shape), 0, 255), dtype=np.uint8)


DRAWINGS: dict[str, Callable[[Generator], RGBImage]] = {
    "drawn, as in training": drawn, "pages of text": page, "screens": screen, "charts": chart, "line art": line_art,
    "pixel art": pixel_art, "flat and gradients": flat, "star skies": star_sky,
}  # fmt: skip


def drawings(each: int) -> Iterator[Clean]:
    """That many of every kind, always the same; of those that training draws (five kinds) three times as many."""
    for number, (kind, make) in enumerate(DRAWINGS.items()):
        rng = np.random.default_rng([2026, number])
        for index in range(3 * each if make is drawn else each):
            yield Clean(kind, f"{kind} {index}", make(rng))


def held_out(protocol: Protocol, photos: int | None) -> Iterator[Clean]:
    """The protocol's photographs with their regions."""
    for name in list(protocol.photographs)[:photos]:
        scene = protocol.scene(name)
        masks = [RegionMask.from_pixels(mask) for mask in scene.masks.values()]
        yield Clean("photographs", name, to_rgb(scene.pixels), masks)


def places(protocol: Protocol, photos: int | None, each: int) -> Iterator[Clean]:
    """The darkest, lightest and flattest squares of 256 px of the held-out photographs, at most one of each a photo."""
    found: dict[str, list[tuple[float, str, RGBImage]]] = {"dark places": [], "light places": [], "flat places": []}
    for name, path in list(protocol.photographs.items())[:photos]:
        rgb = load(path)
        if min(rgb.shape[:2]) < PLACE:
            continue
        light = rgb.mean(2)
        mean, square = (uniform_filter(x, PLACE) for x in (light, light * light))
        inside = (slice(PLACE // 2, rgb.shape[0] - PLACE // 2 + 1), slice(PLACE // 2, rgb.shape[1] - PLACE // 2 + 1))
        for (_kind, some), score in zip(found.items(), (mean, -mean, square - mean * mean), strict=True):
            score = score[inside]
            row, column = np.unravel_index(int(score.argmin()), score.shape)
            some.append((float(score.min()), name, rgb[row : row + PLACE, column : column + PLACE].copy()))
    for kind, some in found.items():
        for _score, name, rgb in sorted(some, key=lambda one: one[:2])[: 2 * each]:
            yield Clean(kind, name, rgb)


def posters(protocol: Protocol, each: int) -> Iterator[Clean]:
    """Held-out photographs in twelve flat colours, as a print."""
    for name, path in list(protocol.photographs.items())[:: max(1, len(protocol.photographs) // each)][:each]:
        few = Image.fromarray(load(path)).quantize(12, dither=Image.Dither.NONE).convert("RGB")
        yield Clean("posters", name, np.asarray(few))


def kept_samples(photos: Path) -> Iterator[Clean]:
    """The package's samples that were left as they were, and the originals of the spoiled ones: never trained on."""
    for sample in samples():
        if not sample.spoiled:
            yield Clean("samples", sample.name, sample.read().rgb, [region.mask for region in sample.regions()])
    for name in SHIPPED:
        path = photos / f"gb82_{name}-lossless.webp"
        if path.is_file():
            yield Clean("samples' originals", name, read_image(path).rgb)


def microscopy(folder: Path) -> Iterator[Clean]:
    """Fluorescence fields in focus, as the package prepares them for its models."""
    for path in sorted([*folder.glob("BBBC006*.png"), *folder.glob("cell_image.png")]):
        yield Clean("microscopy", path.name, read_image(path).rgb)


def all_clean(data: Path, protocol: Protocol, photos: int | None, each: int) -> Iterator[Clean]:
    """Every picture of every kind."""
    folder = data if (data / "manifest.csv").is_file() else data / "photos"
    yield from held_out(protocol, photos)
    yield from places(protocol, photos, each)
    yield from posters(protocol, each)
    yield from drawings(each)
    yield from microscopy(data / "microscopy")
    yield from kept_samples(folder)
