"""An Image layer as an image ready to be scored, and a score map as a layer exactly over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_seagull.layers.choice import PixelChoice, Sheet, Way, composed, limits_for
from napari_seagull.layers.geometry import FloatArray, world_matrix
from napari_seagull.layers.large import Reader, is_sent_in_parts, overviewed, reader_of
from napari_seagull.session.records import Plane
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import ImageError, LimitError
from seagull_iqa.imaging.normalise import MAX_PIXELS, prepare
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

MapLayer = tuple[NDArray[np.float32], dict[str, Any], str]
"""What `viewer.add_layer(Layer.create(*...))` and napari's LayerDataTuple take: data, keywords, "image"."""


class LazyArray(Protocol):
    """What numpy, dask and zarr arrays share: they are read only where they are indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""


class Dims(Protocol):
    """`viewer.dims`, as far as we look at it."""

    @property
    def ndim(self) -> int:
        """Number of axes of the world."""

    @property
    def displayed(self) -> tuple[int, ...]:
        """Axes on screen, in their order."""

    @property
    def point(self) -> tuple[float, ...]:
        """Where the sliders stand, in world coordinates."""


def full_data(image: Image) -> LazyArray:
    """The array of a layer, of its finest level if it has several; dask and zarr arrays are not read."""
    data: LazyArray = image.data[0] if image.multiscale else image.data
    return data


def data_shape(image: Image) -> tuple[int, ...]:
    """Lengths of the axes of a layer without colour, in px."""
    shape = tuple(int(length) for length in full_data(image).shape)
    return shape[:-1] if image.rgb else shape


def plane_shape(image: Image) -> tuple[int, int]:
    """Height and width of one plane of a layer, in px."""
    height, width = data_shape(image)[-2:]
    return (height, width)


def displayed_plane(image: Image, dims: Dims) -> Plane:
    """The index along each leading axis of the layer of the plane on screen; () for a plain image.

    Raises
    ------
    ImageError
        Another plane than that of the last two axes is on screen, or the layer has nothing where the sliders stand.
    """
    if tuple(dims.displayed) != (dims.ndim - 2, dims.ndim - 1):
        raise ImageError(
            "Only the plane of the last two axes can be scored, in 2D.",
            "Switch the viewer to 2D and put its axes back in order.",
        )
    lead = np.asarray(image.world_to_data(dims.point), dtype=np.float64)[:-2]
    plane = tuple(int(value) for value in np.floor(lead + 0.5))
    if any(not 0 <= index < length for index, length in zip(plane, data_shape(image), strict=False)):
        raise ImageError(f"The layer {image.name!r} shows nothing at this position.", "Move the sliders onto it.")
    return plane


@dataclass(frozen=True, eq=False)
class PixelRequest:
    """What `prepare_layer` needs of a layer, taken off it, so that another thread can do the rest.

    Attributes
    ----------
    data : array-like
        numpy, dask or zarr; not read yet.
    rgb : bool
        Whether the last axis is colour.
    plane : tuple of int
        Index along each leading axis.
    channel : int or None
        Score this channel of an RGB layer as gray.
    contrast_limits : (float, float) or None
        Shown as black and white; None where the values are scored as stored.
    name : str
        Of the layer.
    sheets : tuple of Sheet
        Of a composite, the layers it is made of; else empty.
    reader : Reader or None
        Of an image that is too large to be read whole.
    """

    data: LazyArray
    rgb: bool
    plane: Plane
    channel: int | None
    contrast_limits: tuple[float, float] | None
    name: str
    sheets: tuple[Sheet, ...] = ()
    reader: Reader | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for what gives the same pixels, as long as the values have not changed in place."""
        return (self.plane, self.channel, self.contrast_limits, *(sheet.key for sheet in self.sheets))

    def elsewhere(self, plane: Plane) -> PixelRequest:
        """The same for another plane."""
        return replace(
            self,
            plane=plane,
            sheets=tuple(replace(sheet, plane=plane) for sheet in self.sheets),
            reader=None if self.reader is None else replace(self.reader, plane=plane),
        )

    def prepare(self) -> PreparedImage:
        """Read the plane and make it ready; on any thread. `ImageError` where it cannot be scored."""
        if self.sheets:
            return composed(self.sheets, self.plane)
        if self.reader is not None:
            return overviewed(self.reader)
        return prepare(
            cast("ArrayLike", self.data),
            rgb=self.rgb,
            channel=self.channel,
            plane=self.plane,
            contrast_limits=self.contrast_limits,
            name=self.name,
        )


def pixel_request(
    image: Image,
    *,
    plane: Plane = (),
    channel: int | None = None,
    choice: PixelChoice | None = None,
    others: Sequence[Image] = (),
) -> PixelRequest:
    """Take off a layer what `prepare_layer` needs; see there for plane and channel.

    Parameters
    ----------
    choice : PixelChoice or None
        What is scored; None for the automatic choice.
    others : sequence of napari Image layers
        Everything a composite is made of, the lowest first; those that do not lie exactly over the image are left out.

    Raises
    ------
    LimitError
        Too large for a composite.
    """
    wanted = choice or PixelChoice(channel=channel)
    if wanted.way is Way.COMPOSITE:
        _check_size(image)
        sheets = tuple(Sheet.of(one, plane) for one in others if _lies_over(one, image))
        return PixelRequest(full_data(image), bool(image.rgb), plane, None, None, str(image.name), sheets)
    reader = reader_of(image, plane, wanted) if is_sent_in_parts(image) else None
    chosen = wanted.channel if image.rgb or channel is not None else None
    limits = limits_for(image, wanted)
    return PixelRequest(full_data(image), bool(image.rgb), plane, chosen, limits, str(image.name), reader=reader)


def _lies_over(other: Image, image: Image) -> bool:
    """Whether a layer shows the same pixels' worth of the world."""
    same = other.ndim == image.ndim and data_shape(other) == data_shape(image)
    return same and bool(np.allclose(world_matrix(other, other.ndim), world_matrix(image, image.ndim)))


def prepare_layer(image: Image, *, plane: Plane = (), channel: int | None = None) -> PreparedImage:
    """Make one plane of a layer ready to be scored; only that plane is read.

    8-bit and RGB values are scored as stored. 16-bit and float gray is scored as it is shown: through the layer's
    contrast limits. Colormap, gamma and opacity never count.

    Parameters
    ----------
    image : napari Image layer
        Gray, RGB or RGBA; numpy, dask or zarr; single- or multiscale (the finest level is scored).
    plane : tuple of int
        Index along each leading axis, as `displayed_plane` gives it.
    channel : int or None
        Score this channel of an RGB layer as gray.

    Raises
    ------
    ImageError
        Not finite numbers, constant, no pixel, or no such plane.
    LimitError
        More pixels than are accepted; nothing has been read then.
    """
    return pixel_request(image, plane=plane, channel=channel).prepare()


def _check_size(image: Image) -> None:
    height, width = plane_shape(image)
    if height * width > MAX_PIXELS:
        raise LimitError(
            f"One plane of {image.name!r} has {height:,} x {width:,} px; a composite has at most {MAX_PIXELS:,} px.",
            "Crop the layer, or open a coarser level of it as a layer of its own.",
        )


def aligned(image: Image) -> dict[str, Any]:
    """Keywords that lay a new layer of as many axes exactly over an image: its whole transform and its units."""
    names = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
    return {name: getattr(image, name) for name in names}


def map_layer(score_map: ScoreMap, image: Image, *, plane: Plane = ()) -> MapLayer:
    """A score map as a layer that lies exactly over its image.

    Each value covers the stride x stride px that it is about. The limits are fixed (`ScoreMap.limits`), so that colours
    mean the same in every image.

    Parameters
    ----------
    score_map : ScoreMap
    image : napari Image layer
        The one the map was made of.
    plane : tuple of int
        The plane it was made of.

    Returns
    -------
    data : float32, shape (1, ..., 1, rows, cols)
        As many axes as the image.
    keywords : dict
        name, transform and contrast limits.
    kind : str
        "image".
    """
    data = score_map.values.reshape((1,) * len(plane) + score_map.values.shape)
    matrix = world_matrix(image, image.ndim) @ _cells_to_pixels(score_map.stride, plane)
    keywords: dict[str, Any] = {
        "name": f"{image.name} {score_map.name}",
        "contrast_limits": score_map.limits,
        "units": image.units,
        "axis_labels": image.axis_labels,
        "metadata": {"seagull": {"map": score_map.name, "model": score_map.model}},
    }
    return data, {**keywords, **transform_keywords(matrix)}, "image"


def _cells_to_pixels(stride: float, plane: Plane) -> FloatArray:
    """Homogeneous; the centre of cell (i, j) lies at pixel coordinate ((i + .5) stride - .5, (j + .5) stride - .5)."""
    matrix = np.diag([1.0] * len(plane) + [stride, stride, 1.0])
    matrix[:-1, -1] = [*plane, (stride - 1.0) / 2.0, (stride - 1.0) / 2.0]
    return matrix


def transform_keywords(matrix: FloatArray) -> dict[str, Any]:
    """A homogeneous matrix as a layer's keywords: scale and translate where they say it all, as people expect to read
    them; the affine matrix otherwise."""
    linear = matrix[:-1, :-1]
    scale = np.diag(linear)
    if np.allclose(linear, np.diag(scale), rtol=0.0, atol=1e-12 * np.abs(linear).max()) and (scale > 0).all():
        return {"scale": scale, "translate": matrix[:-1, -1]}
    return {"affine": matrix}
