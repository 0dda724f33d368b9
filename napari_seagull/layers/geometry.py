"""From one layer's data coordinates to another's, through the world and through every transform a layer can have.

A pixel's centre has integer data coordinates, as everywhere in napari. Layers with fewer axes meet the others at the
last axes. Only public methods of the layers are used.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seagull_iqa.errors import RegionError

FloatArray = NDArray[np.float64]

PLANE_TOLERANCE = 1e-3
"""In px: by how much the leading coordinates of one region may differ from each other."""


class Placed(Protocol):
    """A layer, as far as geometry goes."""

    @property
    def ndim(self) -> int:
        """Number of axes, colour not counted."""

    def data_to_world(self, position: ArrayLike, /) -> ArrayLike:
        """Where a data coordinate lies in the world."""


def world_matrix(layer: Placed, ndim: int) -> FloatArray:
    """The homogeneous matrix from data to world, shape (ndim + 1, ndim + 1); axes the layer lacks map to themselves.

    Parameters
    ----------
    layer : napari layer
    ndim : int
        At least the layer's own number of axes.
    """
    own = layer.ndim
    origin = np.asarray(layer.data_to_world(np.zeros(own)), dtype=np.float64)
    columns = [np.asarray(layer.data_to_world(unit), dtype=np.float64) - origin for unit in np.eye(own)]
    matrix = np.eye(ndim + 1)
    lead = ndim - own
    matrix[lead:ndim, lead:ndim] = np.stack(columns, axis=1)
    matrix[lead:ndim, ndim] = origin
    return matrix


def matrix_between(source: Placed, target: Placed) -> FloatArray:
    """The homogeneous matrix from the data of one layer to the data of another, over the larger number of axes."""
    ndim = max(source.ndim, target.ndim)
    matrix = np.linalg.solve(world_matrix(target, ndim), world_matrix(source, ndim))
    return np.asarray(matrix, dtype=np.float64)


def moved(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Points, shape (N, D), through a homogeneous matrix of shape (D + 1, D + 1)."""
    result: FloatArray = points @ matrix[:-1, :-1].T + matrix[:-1, -1]
    return result


def onto_image(source: Placed, image: Placed, points: FloatArray, plane: tuple[int, ...]) -> FloatArray:
    """Data coordinates of a layer as data coordinates of an image.

    Parameters
    ----------
    source, image : napari layers
    points : float64, shape (N, source.ndim)
    plane : tuple of int, length image.ndim - 2
        The plane on screen; used for the leading axes that the source lacks.

    Returns
    -------
    float64, shape (N, image.ndim)
        px; integers are pixel centres.
    """
    ndim = max(source.ndim, image.ndim)
    missing = ndim - source.ndim
    if missing:
        here = np.zeros(ndim)
        here[ndim - image.ndim : ndim - 2] = plane
        lead = moved(world_matrix(image, ndim), here[None, :])[0, :missing]
        points = np.hstack([np.broadcast_to(lead, (len(points), missing)), points])
    return moved(matrix_between(source, image), points)[:, ndim - image.ndim :]


def plane_matrix(image: Placed, plane: tuple[int, ...]) -> FloatArray:
    """From px of one plane of an image to the last two axes of the world; homogeneous, shape (3, 3).

    Parameters
    ----------
    image : napari Image layer
    plane : tuple of int, length image.ndim - 2
        Index along each leading axis.
    """
    whole = world_matrix(image, image.ndim)
    flat = np.eye(3)
    flat[:2, :2] = whole[-3:-1, -3:-1]
    flat[:2, 2] = whole[-3:-1, :-3] @ np.asarray(plane, dtype=np.float64) + whole[-3:-1, -1]
    return flat


def pointed_at(image: Placed, plane: tuple[int, ...], position: ArrayLike) -> tuple[float, float]:
    """(row, column) in px of a plane on screen that lies under a place of the world; whole numbers are centres.

    Parameters
    ----------
    image : napari Image layer
    plane : tuple of int
        The plane on screen, its last two axes displayed.
    position : floats, at least 2
        World coordinates, as a mouse event gives them; only the last two, which are displayed, count.
    """
    place = np.append(np.asarray(position, dtype=np.float64)[-2:], 1.0)
    row, column, _one = np.linalg.solve(plane_matrix(image, plane), place)
    return (float(row), float(column))


def magnification(image: Placed, plane: tuple[int, ...]) -> float:
    """World units per px of a plane, the mean over directions."""
    return float(np.sqrt(abs(np.linalg.det(plane_matrix(image, plane)[:2, :2]))))


def one_plane(points: FloatArray) -> tuple[int, ...]:
    """The index along each leading axis that all points, shape (N, 2 + leading), share.

    Raises
    ------
    RegionError
        The points spread over several planes.
    """
    lead = points[:, :-2]
    if lead.size and np.ptp(lead, axis=0).max() > PLANE_TOLERANCE:
        raise RegionError(
            "The region spans several planes of the image.", "Draw it on one plane, with the last two axes on screen."
        )
    return tuple(int(value) for value in np.floor(lead[0] + 0.5))
