"""What of an image is scored: the values as stored or as shown, one channel, or all layers on screen together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_seagull.session.records import Plane
from seagull_iqa.domain.report import PixelSource
from seagull_iqa.errors import ImageError
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

Floats = NDArray[np.float64]


class Way(StrEnum):
    """How values become the 8-bit pixels that are scored."""

    AUTOMATIC = "automatic"
    STORED = "as stored"
    SHOWN = "as shown"
    COMPOSITE = "composite"


@dataclass(frozen=True)
class PixelChoice:
    """What is scored, chosen once for all regions.

    Attributes
    ----------
    way : Way
        Automatic: 8-bit and colour as stored, everything else as shown. As stored: contrast limits never count; values
        of more than 8 bit are mapped from the layer's whole range. As shown: through the contrast limits, 8-bit gray
        too. Composite: all visible images of this size together, with their colours, as on the canvas.
    channel : int or None
        Of a colour image, only this channel, as gray.
    """

    way: Way = Way.AUTOMATIC
    channel: int | None = None


def limits_for(image: Image, choice: PixelChoice) -> tuple[float, float] | None:
    """The values that become black and white; None where the stored values go in unchanged."""
    dtype = np.dtype((image.data[0] if image.multiscale else image.data).dtype)
    eight = dtype in (np.dtype(np.uint8), np.dtype(bool))
    if image.rgb or (eight and choice.way is not Way.SHOWN):
        return None
    shown = image.contrast_limits_range if choice.way is Way.STORED else image.contrast_limits
    low, high = float(shown[0]), float(shown[1])
    return None if eight and (low, high) in ((0.0, 255.0), (0.0, 1.0)) else (low, high)


@dataclass(frozen=True, eq=False)
class Sheet:
    """One layer of a composite, taken off it, so that another thread can read its plane.

    Attributes
    ----------
    data : array-like
        numpy, dask or zarr; not read yet.
    rgb : bool
    plane : tuple of int
    limits : (float, float)
    gamma, opacity : float
    colormap : napari Colormap
    blending : str
        napari's word.
    name : str
    """

    data: Any
    rgb: bool
    plane: Plane
    limits: tuple[float, float]
    gamma: float
    opacity: float
    colormap: Any
    blending: str
    name: str

    @classmethod
    def of(cls, image: Image, plane: Plane) -> Sheet:
        """Of the plane of a layer."""
        data = image.data[0] if image.multiscale else image.data
        low, high = (0.0, 255.0) if image.rgb else image.contrast_limits
        return cls(
            data, bool(image.rgb), plane, (float(low), float(high)), float(image.gamma), float(image.opacity),
            image.colormap, str(image.blending), str(image.name),
        )  # fmt: skip

    @property
    def key(self) -> tuple[object, ...]:
        """Equal where the sheet looks the same, as long as its values have not changed in place."""
        colors = tuple(map(tuple, np.asarray(self.colormap.colors).round(4).tolist()))
        return (id(self.data), self.plane, self.limits, self.gamma, self.opacity, colors, self.blending)

    def __str__(self) -> str:
        return self.name if self.rgb else f"{self.name} {self.limits[0]:g} to {self.limits[1]:g}"

    def colors(self) -> Floats:
        """float64, shape (H, W, 4), colour and how much it covers, 0..1; `ImageError` where a value is not finite."""
        values = np.asarray(self.data[(*self.plane, ...)]).astype(np.float64)
        if not np.isfinite(values).all():
            raise ImageError(f"{self.name!r} has values that are not finite.", "Replace them, or hide that layer.")
        if self.rgb:
            kind = np.dtype(self.data.dtype)
            values /= float(np.iinfo(kind).max) if kind.kind in "ui" else max(1.0, float(values.max()))
            return values if values.shape[-1] == 4 else _covering(values)
        low, high = self.limits
        share = np.clip((values - low) / max(high - low, 1e-300), 0.0, 1.0) ** self.gamma
        mapped = np.asarray(self.colormap.map(share.ravel()), dtype=np.float64)
        return _covering(mapped.reshape(*share.shape, -1)[..., :3])


def composed(sheets: Sequence[Sheet], plane: Plane) -> PreparedImage:
    """The sheets laid over each other as on the canvas, the first one lowest; on any thread."""
    canvas: Floats | None = None
    for sheet in sheets:
        colors = sheet.colors()
        canvas = np.zeros_like(colors[..., :3]) if canvas is None else canvas
        canvas = _laid_over(canvas, colors[..., :3], colors[..., 3:], sheet)
    if canvas is None:
        raise ImageError("No image is visible.", "Show at least one, or score the layer by itself.")
    pixels = np.rint(np.clip(canvas, 0.0, 1.0) * 255.0).astype(np.uint8)
    if pixels.min() == pixels.max():
        raise ImageError("What is shown has one single value all over.", "Move the contrast limits.")
    source = "composite of " + ", ".join(str(sheet) for sheet in sheets)
    return PreparedImage(pixels, PixelSource(source, None, plane), sheets[-1].name)


def _covering(colors: Floats) -> Floats:
    """The same colours, covering all."""
    return np.concatenate([colors, np.ones((*colors.shape[:-1], 1))], -1)


def _laid_over(canvas: Floats, colors: Floats, cover: Floats, sheet: Sheet) -> Floats:
    if sheet.blending == "additive":
        return canvas + colors * cover * sheet.opacity
    if sheet.blending == "minimum":
        return np.minimum(canvas, colors) if canvas.any() else colors * sheet.opacity
    opacity = cover * (1.0 if sheet.blending == "opaque" else sheet.opacity)
    return canvas * (1.0 - opacity) + colors * opacity


def words_of(pixels: PixelSource, *, rgb: bool) -> str:
    """What was scored, for a person; of a colour image the channel has a name."""
    if not rgb or pixels.channel is None:
        return str(pixels)
    name = ("red", "green", "blue", "alpha")[pixels.channel]
    return f"{replace(pixels, channel=None)}, only {name}"
