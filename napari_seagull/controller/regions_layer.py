"""Our Shapes layer: how it is made, which region each shape is, and how a score looks on the canvas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_seagull.controller.desk import REGIONS, ROLE_KEY
from napari_seagull.layers.images import aligned, plane_shape
from napari_seagull.session.records import RegionRecord, ShapeSource
from napari_seagull.views.palette import quality_rgb
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

REGIONS_NAME = "SEAGULL regions"
ID_COLUMN = "region"
FACE_ALPHA = 0.22
BRIGHT = 120.0
"""Mean of 8-bit values above which black is easier to read than white."""

MOST_LABELS = 100
"""More numbers than this on the canvas hide the image and make napari slow."""

DEFAULTS: dict[str, object] = {
    ID_COLUMN: "",
    "name": "",
    "quality": float("nan"),
    "importance": float("nan"),
    "findings": "",
    "label": "",
    "ink": "white",
}
"""What a shape that was just drawn has in each column, instead of napari's "as the last one"."""


@dataclass(frozen=True)
class Look:
    """How one region looks on the canvas, and what napari's own feature table says of it."""

    name: str = ""
    quality: float | None = None
    importance: float | None = None
    findings: str = ""
    label: str = ""
    ink: str = "white"


def look_of(record: RegionRecord, image: PreparedImage | None = None) -> Look:
    """How a region looks with what is known of it; its number in black or white, as the image under it wants."""
    report = record.report
    if report is None:
        return Look(record.region.name)
    found = "" if report.findings is None else ", ".join(str(f) for f in report.findings) or "clean"
    label = "" if report.quality is None else f"{report.quality:.0f}"
    return Look(record.region.name, report.quality, report.importance, found, label, _ink(record, image))


def _ink(record: RegionRecord, image: PreparedImage | None) -> str:
    """Black on bright pixels, white on others; a few pixels in the middle of the region are enough to know."""
    mask = record.region.mask
    if image is None or mask.shape != image.shape:
        return "white"
    rgb = image.rgb
    row0, column0, row1, column1 = (math.floor(edge * len(rgb) / image.shape[0]) for edge in mask.box)
    row, column, reach = (row0 + row1) // 2, (column0 + column1) // 2, max(2, min(rgb.shape[:2]) // 40)
    middle = rgb[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
    return "black" if float(middle.mean()) > BRIGHT else "white"


def make_regions_layer(image: Image, records: Sequence[RegionRecord]) -> Shapes:
    """Our layer, exactly over an image, with the shapes that those records remember."""
    from napari.layers import Shapes

    kept = [(record, source) for record in records if (source := drawable(record, image.ndim)) is not None]
    width = max(1.0, min(plane_shape(image)) / 140.0)
    layer = Shapes(
        [np.asarray(source.vertices) for _record, source in kept] or None,
        shape_type=[source.kind for _record, source in kept] or "rectangle",
        ndim=image.ndim,
        name=REGIONS_NAME,
        features=_columns([record.id for record, _source in kept]),
        text={"string": "{label}", "size": 13, "color": {"feature": "ink"}, "anchor": "center"},
        edge_width=width,
        opacity=1.0,
        metadata={ROLE_KEY: {"role": REGIONS}},
        **aligned(image),
    )
    _reset_defaults(layer)
    layer.text.visible = 0 < len(kept) <= MOST_LABELS
    layer.current_edge_width = width
    layer.current_edge_color, layer.current_face_color = _color(None, 1.0), _color(None, FACE_ALPHA)
    return layer


def drawable(record: RegionRecord, ndim: int) -> ShapeSource | None:
    """The shape of a region, where it has one with that many axes."""
    source = record.source
    fits = isinstance(source, ShapeSource) and source.vertices and len(source.vertices[0]) == ndim
    return source if fits and isinstance(source, ShapeSource) else None


def _columns(ids: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns with a type of their own, which an empty list has not."""
    columns: dict[str, NDArray[Any]] = {
        name: np.full(len(ids), default, dtype=_kind(name)) for name, default in DEFAULTS.items()
    }
    return {**columns, ID_COLUMN: np.array(list(ids), dtype=object)}


def _kind(column: str) -> type:
    return object if isinstance(DEFAULTS[column], str) else float


def _reset_defaults(layer: Shapes) -> None:
    """A new shape starts without a score; columns of somebody else keep their defaults."""
    own = {name: layer.feature_defaults[name].iloc[0] for name in layer.features.columns}
    layer.feature_defaults = {**own, **DEFAULTS}


def ids_of(layer: Shapes) -> list[str]:
    """Which region each shape is; "" for one that has not been seen yet."""
    features = layer.features
    if ID_COLUMN not in features:
        return [""] * layer.nshapes
    return [value if isinstance(value, str) else "" for value in features[ID_COLUMN].tolist()]


def write_ids(layer: Shapes, ids: Mapping[int, str]) -> None:
    """Say which region these shapes are; quietly, no listener is told."""
    if ID_COLUMN not in layer.features:
        layer.features = {**layer.features, **_columns([""] * layer.nshapes)}
        _reset_defaults(layer)
    for index, region in ids.items():
        layer.features.loc[index, ID_COLUMN] = region


def write_features(layer: Shapes, looks: Mapping[str, Look]) -> None:
    """Write what is known of each region into the layer's features, and its score onto the canvas.

    In place: setting `layer.features` would make napari compose hundreds of texts again, and would let the next shape
    begin with the scores of the last one.
    """
    ids = ids_of(layer)
    shown = [looks.get(region, Look()) for region in ids]
    columns: dict[str, list[Any]] = {
        ID_COLUMN: ids,
        "name": [look.name for look in shown],
        "quality": [_number(look.quality) for look in shown],
        "importance": [_number(look.importance) for look in shown],
        "findings": [look.findings for look in shown],
        "label": [look.label for look in shown],
        "ink": [look.ink for look in shown],
    }
    for name, values in columns.items():
        layer.features[name] = np.array(values, dtype=_kind(name))
    layer.events.features()


def write_labels(layer: Shapes) -> None:
    """Write the scores onto the canvas, where there are few enough; napari's cost grows with their square."""
    wanted = 0 < layer.nshapes <= MOST_LABELS
    if wanted:
        layer.refresh_text()
    if layer.text.visible != wanted:
        layer.text.visible = wanted


def write_faces(layer: Shapes, looks: Mapping[str, Look]) -> None:
    """Fill each shape with a breath of the colour of its score."""
    if layer.nshapes:
        with layer.block_thumbnail_update():
            layer.face_color = _colors(layer, looks, FACE_ALPHA)


def write_edges(layer: Shapes, looks: Mapping[str, Look]) -> None:
    """Draw the outline of each shape in the colour of its score."""
    if layer.nshapes:
        with layer.block_thumbnail_update():
            layer.edge_color = _colors(layer, looks, 1.0)


def _colors(layer: Shapes, looks: Mapping[str, Look], alpha: float) -> NDArray[np.float32]:
    shown = [looks.get(region, Look()).quality for region in ids_of(layer)]
    return np.stack([_color(None if quality is None else round(quality, 1), alpha) for quality in shown])


@cache
def _color(quality: float | None, alpha: float) -> NDArray[np.float32]:
    red, green, blue = quality_rgb(quality)
    return np.array([red / 255, green / 255, blue / 255, alpha], dtype=np.float32)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
