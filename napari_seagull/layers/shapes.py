"""A shape drawn in napari as the pixels of an image.

Rectangles, ellipses and polygons (free-hand ones too) mean the pixels whose centre is inside. A path that returns to
its start means the area it encloses; an open path and a line mean the stroke itself, as wide as it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_seagull.layers.geometry import FloatArray, matrix_between, one_plane, onto_image
from napari_seagull.layers.images import plane_shape
from napari_seagull.session.records import Plane, ShapeSource, Source
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import UnknownRegionError
from seagull_iqa.imaging.raster import ellipse_mask, polygon_mask, stroke_mask

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

CLOSED_SHARE = 0.1
"""A path whose ends are nearer to each other than this share of its length has returned to its start."""


@dataclass(frozen=True, eq=False)
class DrawnRegion:
    """What a shape or a label means: its pixels, the plane they lie on, and where it lives."""

    mask: RegionMask
    plane: Plane
    source: Source


def shape_region(shapes: Shapes, index: int, image: Image, *, plane: Plane = ()) -> DrawnRegion:
    """The pixels of an image that a shape means.

    Parameters
    ----------
    shapes : napari Shapes layer
    index : int
        Which shape; negative counts from the end.
    image : napari Image layer
        May have any scale, translation, rotation, shear and affine, as may the Shapes layer.
    plane : tuple of int
        The plane on screen; used where the Shapes layer has fewer axes than the image.

    Raises
    ------
    EmptyRegionError
        No pixel of the image is inside.
    RegionError
        It spans several planes, or has corners that are not numbers.
    UnknownRegionError
        There is no such shape.
    """
    kind, vertices = _shape(shapes, index)
    points = onto_image(shapes, image, vertices, plane)
    source = ShapeSource(shapes.name, kind, tuple(tuple(float(x) for x in vertex) for vertex in vertices))
    return DrawnRegion(_mask(shapes, index, image, points[:, -2:]), one_plane(points), source)


def _shape(shapes: Shapes, index: int) -> tuple[str, FloatArray]:
    try:
        return str(shapes.shape_type[index]), np.asarray(shapes.data[index], dtype=np.float64)
    except IndexError:
        raise UnknownRegionError(
            f"The layer {shapes.name!r} has no shape {index}.", "It may have been deleted; choose another."
        ) from None


def _mask(shapes: Shapes, index: int, image: Image, points: FloatArray) -> RegionMask:
    shape, kind = plane_shape(image), str(shapes.shape_type[index])
    if kind == "ellipse":
        return ellipse_mask(shape, points)
    if kind == "line" or (kind == "path" and not _is_closed(points)):
        return stroke_mask(shape, points, float(shapes.edge_width[index]) * _magnification(shapes, image))
    return polygon_mask(shape, points)


def _is_closed(points: FloatArray) -> bool:
    if len(points) < 4:
        return False
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    return float(np.linalg.norm(points[-1] - points[0])) <= CLOSED_SHARE * length


def _magnification(shapes: Shapes, image: Image) -> float:
    """Image px per unit of the Shapes layer's data, the mean over directions."""
    linear = matrix_between(shapes, image)[-3:-1, -3:-1]
    return float(np.sqrt(abs(np.linalg.det(linear))))
